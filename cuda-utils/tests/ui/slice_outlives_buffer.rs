// A slice does not outlive its buffer.
use cuda_utils::{Device, PinnedBuffer};

fn main() {
    let slice = {
        let buffer = PinnedBuffer::<u8>::alloc(&Device::host(), 4).unwrap();
        buffer.as_slice().unwrap()
    };
    println!("{slice:?}");
}
