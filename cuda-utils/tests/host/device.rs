//! Devices: what they say about themselves, and what is said where there is none.

use cuda_utils::{Device, DeviceBuffer, DeviceMemory, ErrorKind, Event, HostOptions, PinnedBuffer, Stream};

use crate::{Gate, device};

#[test]
fn an_emulated_device_says_so() {
    let device = Device::host_with(HostOptions::new().with_name("test").with_memory_limit(1 << 20));
    assert!(device.is_host());
    assert_eq!(device.name(), "test");
    assert_eq!(device.ordinal(), 0);
    assert_eq!(device.compute_capability(), None);
    assert_eq!(device.driver_version(), None);
    device.make_current().unwrap();
    device.synchronize().unwrap();
    assert_eq!(Device::host(), Device::host());
    assert_ne!(Device::host(), device);
}

#[test]
fn memory_is_limited_and_comes_back() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1000));
    let first = DeviceBuffer::<u8>::alloc(&device, 600).unwrap();
    assert_eq!(device.memory_info().unwrap().free, 400);
    assert_eq!(device.memory_info().unwrap().total, 1000);
    let error = DeviceBuffer::<u8>::alloc(&device, 401).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("401 bytes"), "{error}");
    PinnedBuffer::<u8>::alloc(&device, 5000).unwrap();
    drop(first);
    DeviceBuffer::<u8>::alloc(&device, 1000).unwrap();
    assert_eq!(device.memory_info().unwrap().free, 1000);
}

#[test]
fn memory_dropped_in_flight_is_waited_for_when_it_is_needed() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1000));
    let stream = Stream::new(&device).unwrap();
    let buffer = DeviceBuffer::<u8>::alloc(&device, 1000).unwrap();
    let gate = Gate::on(&stream);
    let mut output = PinnedBuffer::alloc(&device, 1000).unwrap();
    stream.copy_to_host(&buffer, &mut output).unwrap();
    drop(buffer);
    assert_eq!(device.memory_info().unwrap().free, 0, "a stream still uses it");
    let opener = gate.open_later();
    DeviceBuffer::<u8>::alloc(&device, 1000).unwrap();
    opener.join().unwrap();
}

#[test]
fn without_a_limit_the_hosts_memory_counts() {
    match device().memory_info() {
        Ok(info) => assert!(info.total > 0 && info.free <= info.total),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }
}

#[test]
fn absurd_sizes_are_errors() {
    let device = device();
    for len in [usize::MAX, usize::MAX / 4, usize::MAX / 2] {
        assert_eq!(DeviceBuffer::<f32>::alloc(&device, len).unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(PinnedBuffer::<f64>::alloc(&device, len).unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(DeviceMemory::alloc(&device, len).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
}

#[test]
fn objects_of_two_devices_do_not_mix() {
    let (one, two) = (device(), device());
    let (stream, event) = (Stream::new(&one).unwrap(), Event::new(&two).unwrap());
    assert_eq!(event.record(&stream).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let input = PinnedBuffer::<u8>::alloc(&one, 4).unwrap();
    let mut buffer = DeviceBuffer::<u8>::alloc(&two, 4).unwrap();
    assert_eq!(stream.copy_to_device(&input, &mut buffer).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(stream.fill_zero(&mut buffer).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(buffer.memory().begin_use(&stream).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_device_waits_for_all_its_streams() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), device.default_stream());
    let (first, second) = (Gate::on(&one), Gate::on(&two));
    let openers = [first.open_later(), second.open_later()];
    device.synchronize().unwrap();
    assert!(one.is_idle().unwrap() && two.is_idle().unwrap());
    openers.into_iter().for_each(|opener| opener.join().unwrap());
}

#[test]
fn the_default_stream_is_one_stream_even_if_its_handles_are_dropped() {
    let device = device();
    let mut output = PinnedBuffer::<u8>::alloc(&device, 4).unwrap();
    let gate = Gate::on(&device.default_stream());
    let values = DeviceBuffer::from_slice(&device.default_stream(), &[1, 2, 3, 4]).unwrap();
    device.default_stream().copy_to_host(&values, &mut output).unwrap();
    assert_eq!(device.default_stream(), device.default_stream());
    assert!(!device.default_stream().is_idle().unwrap());
    gate.open();
    assert_eq!(output.as_slice().unwrap(), [1, 2, 3, 4]);
}

/// On a machine with a GPU this cannot be tested, and says so.
#[test]
fn without_a_driver_there_is_an_error_that_names_the_emulated_device() {
    match Device::cuda(0) {
        Ok(device) => println!("skipped: there is a GPU, {}", device.name()),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::NoDriver | ErrorKind::NoDevice), "{error}");
            assert!(error.to_string().contains("Device::host()"), "{error}");
            let again = Device::cuda(7).unwrap_err();
            assert!(again.to_string().contains("Device::host()"), "{again}");
        }
    }
    if let Err(error) = Device::count() {
        assert!(matches!(error.kind(), ErrorKind::NoDriver | ErrorKind::NoDevice), "{error}");
    }
}
