// Elements are not written, by the host or by a copy, while a slice of them is alive.
use cuda_utils::{DeviceBuffer, PinnedBuffer, Stream};

fn write(buffer: &mut PinnedBuffer<f32>) {
    let read = buffer.as_slice().unwrap();
    buffer.as_mut_slice().unwrap()[0] = 1.0;
    println!("{read:?}");
}

fn copy(stream: &Stream, from: &DeviceBuffer<f32>, to: &mut PinnedBuffer<f32>) {
    let read = to.as_slice().unwrap();
    stream.copy_to_host(from, to).unwrap();
    println!("{read:?}");
}

fn main() {}
