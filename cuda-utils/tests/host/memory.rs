//! Buffers that are dropped, moved and forgotten while a stream uses them.

use cuda_utils::{Device, ErrorKind};
use cuda_utils::{DeviceBuffer, HostOptions, PinnedBuffer, Stream};
use half::{bf16, f16};

use crate::{Gate, device};

#[test]
fn buffers_dropped_in_flight_stay_until_the_copies_are_over() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1 << 20));
    let stream = Stream::new(&device).unwrap();
    let mut last = DeviceBuffer::<u32>::zeroed(&stream, 1000).unwrap();
    let gate = Gate::on(&stream);
    for value in 0..20 {
        let input = PinnedBuffer::from_slice(&device, &[value; 1000]).unwrap();
        let mut middle = DeviceBuffer::alloc(&device, 1000).unwrap();
        stream.copy_to_device(&input, &mut middle).unwrap();
        stream.copy_device(&middle, &mut last).unwrap();
    }
    gate.open();
    assert_eq!(last.to_vec(&stream).unwrap(), [19; 1000]);
    device.synchronize().unwrap();
    assert_eq!(device.memory_info().unwrap().free, (1 << 20) - 4000, "all but one are freed");
}

#[test]
fn buffers_may_be_dropped_by_a_host_function() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1000));
    let stream = Stream::new(&device).unwrap();
    let buffer = DeviceBuffer::<u8>::zeroed(&stream, 1000).unwrap();
    let gate = Gate::on(&stream);
    let mut output = PinnedBuffer::alloc(&device, 1000).unwrap();
    stream.copy_to_host(&buffer, &mut output).unwrap();
    stream.launch_host(move || drop(buffer)).unwrap();
    gate.open();
    stream.synchronize().unwrap();
    DeviceBuffer::<u8>::alloc(&device, 1000).unwrap();
}

#[test]
#[expect(clippy::mem_forget, reason = "what is tested")]
fn forgotten_buffers_leak_and_nothing_else() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1000));
    let stream = Stream::new(&device).unwrap();
    let gate = Gate::on(&stream);
    let input = PinnedBuffer::from_slice(&device, &[1_u8; 600]).unwrap();
    let mut buffer = DeviceBuffer::alloc(&device, 600).unwrap();
    stream.copy_to_device(&input, &mut buffer).unwrap();
    std::mem::forget(input);
    std::mem::forget(buffer);
    gate.open();
    stream.synchronize().unwrap();
    assert_eq!(DeviceBuffer::<u8>::alloc(&device, 600).unwrap_err().kind(), ErrorKind::OutOfMemory);
    drop(stream);
}

#[test]
fn buffers_move_between_threads_in_flight() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let gate = Gate::on(&stream);
    let values = DeviceBuffer::from_slice(&stream, &[f16::from_f32(1.5); 77]).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 77).unwrap();
    stream.copy_to_host(&values, &mut output).unwrap();
    let reader = std::thread::spawn(move || output.as_slice().unwrap().to_vec());
    drop((values, stream));
    gate.open();
    assert_eq!(reader.join().unwrap(), [f16::from_f32(1.5); 77]);
}

#[test]
fn all_element_types_make_the_round_trip() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    macro_rules! round_trip {
        ($($value:expr),* $(,)?) => {$(
            let values = [$value; 5];
            assert_eq!(DeviceBuffer::from_slice(&stream, &values).unwrap().to_vec(&stream).unwrap(), values);
        )*};
    }
    round_trip![
        1_u8,
        -1_i8,
        2_u16,
        -2_i16,
        3_u32,
        -3_i32,
        4_u64,
        -4_i64,
        0.5_f32,
        -0.5_f64,
        f16::MAX,
        bf16::MIN,
        [1_u8, 2]
    ];
}

#[test]
fn what_is_sent_and_shared() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Device: Clone, Send, Sync);
    assert_impl_all!(Stream: Clone, Send, Sync);
    assert_impl_all!(cuda_utils::Event: Clone, Send, Sync);
    assert_impl_all!(DeviceBuffer<f32>: Send, Sync);
    assert_impl_all!(PinnedBuffer<f32>: Send, Sync);
    assert_impl_all!(cuda_utils::SharedUse: Send, Sync);
    assert_impl_all!(cuda_utils::Completion: Send, Sync, Unpin);
    assert_impl_all!(cuda_utils::Error: std::error::Error, Clone, Send, Sync);
    assert_not_impl_any!(DeviceBuffer<f32>: Clone);
    assert_not_impl_any!(PinnedBuffer<f32>: Clone);
    assert_not_impl_any!(cuda_utils::UseGuard<'static>: Send);
}
