// Elements are not copied while the host may write them.
use cuda_utils::{DeviceBuffer, PinnedBuffer, Stream};

fn copy(stream: &Stream, from: &mut PinnedBuffer<f32>, to: &mut DeviceBuffer<f32>) {
    let write = from.as_mut_slice().unwrap();
    stream.copy_to_device(from, to).unwrap();
    write[0] = 1.0;
}

fn main() {}
