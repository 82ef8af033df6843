// A copy does not change the type of the elements.
use cuda_utils::{DeviceBuffer, PinnedBuffer, Stream};

fn copy(stream: &Stream, from: &PinnedBuffer<f32>, to: &mut DeviceBuffer<u32>) {
    stream.copy_to_device(from, to).unwrap();
}

fn main() {}
