// A shared use has one run at a time, and nothing is attached or detached meanwhile.
use std::sync::Arc;

use cuda_utils::{DeviceMemory, SharedUse, Stream};

fn twice(uses: &mut SharedUse, stream: &Stream) {
    let first = uses.begin(stream).unwrap();
    let second = uses.begin(stream).unwrap();
    first.finish().unwrap();
    second.finish().unwrap();
}

fn detach(uses: &mut SharedUse, stream: &Stream, memory: &Arc<DeviceMemory>) {
    let run = uses.begin(stream).unwrap();
    uses.detach(memory);
    run.finish().unwrap();
}

fn main() {}
