// A buffer holds only numbers for which any bytes are a value.
use cuda_utils::{Device, DeviceBuffer, PinnedBuffer};

fn main() {
    let device = Device::host();
    let _ = DeviceBuffer::<bool>::alloc(&device, 1);
    let _ = PinnedBuffer::<&'static str>::alloc(&device, 1);
    let _ = DeviceBuffer::<Box<u8>>::alloc(&device, 1);
}
