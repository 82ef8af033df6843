//! Streams: order, asynchrony, copies, and failures.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cuda_utils::host::HostStreamRef;
use cuda_utils::{DeviceBuffer, Error, ErrorKind, Event, PinnedBuffer, Stream};

use crate::{Gate, device};

#[test]
fn copies_happen_later_and_a_read_waits_for_them() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let input = PinnedBuffer::from_slice(&device, &[1.0_f32, 2.0, 3.0]).unwrap();
    let mut middle = DeviceBuffer::alloc(&device, 3).unwrap();
    let mut output = PinnedBuffer::<f32>::alloc(&device, 3).unwrap();
    let gate = Gate::on(&stream);
    stream.copy_to_device(&input, &mut middle).unwrap();
    stream.copy_to_host(&middle, &mut output).unwrap();
    assert!(!output.is_idle().unwrap());
    assert!(!middle.memory().is_idle().unwrap());
    assert!(!stream.is_idle().unwrap());
    let opener = gate.open_later();
    assert_eq!(output.as_slice().unwrap(), [1.0, 2.0, 3.0]);
    opener.join().unwrap();
    assert!(output.is_idle().unwrap());
    stream.synchronize().unwrap();
    assert!(stream.is_idle().unwrap());
}

#[test]
fn a_write_waits_for_the_copy_that_reads() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let mut input = PinnedBuffer::from_slice(&device, &[1_u32, 2]).unwrap();
    let mut buffer = DeviceBuffer::alloc(&device, 2).unwrap();
    let gate = Gate::on(&stream);
    stream.copy_to_device(&input, &mut buffer).unwrap();
    let opener = gate.open_later();
    input.as_mut_slice().unwrap().fill(9);
    opener.join().unwrap();
    assert_eq!(buffer.to_vec(&stream).unwrap(), [1, 2]);
}

#[test]
fn another_stream_is_ordered_behind_the_last_use_by_itself() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let input = PinnedBuffer::from_slice(&device, &[7_i32; 100]).unwrap();
    let mut buffer = DeviceBuffer::zeroed(&two, 100).unwrap();
    two.synchronize().unwrap();
    let gate = Gate::on(&one);
    one.copy_to_device(&input, &mut buffer).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 100).unwrap();
    two.copy_to_host(&buffer, &mut output).unwrap();
    let opener = gate.open_later();
    assert_eq!(output.as_slice().unwrap(), [7; 100]);
    opener.join().unwrap();
}

#[test]
fn ranges_are_copied_and_checked() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let input = PinnedBuffer::from_slice(&device, &[1_u16, 2, 3, 4]).unwrap();
    let mut one = DeviceBuffer::zeroed(&stream, 6).unwrap();
    stream.copy_range_to_device(&input, 1..3, &mut one, 4).unwrap();
    let mut two = DeviceBuffer::zeroed(&stream, 3).unwrap();
    stream.copy_range_device(&one, 3..6, &mut two, 0).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 2).unwrap();
    stream.copy_range_to_host(&two, 1..3, &mut output, 0).unwrap();
    assert_eq!(one.to_vec(&stream).unwrap(), [0, 0, 0, 0, 2, 3]);
    assert_eq!(output.as_slice().unwrap(), [2, 3]);
    stream.copy_range_to_device(&input, 4..4, &mut one, 6).unwrap();

    let wrong = |outcome: cuda_utils::Result<()>| assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidArgument);
    wrong(stream.copy_range_to_device(&input, 0..5, &mut one, 0));
    wrong(stream.copy_range_to_device(&input, 0..4, &mut one, 3));
    wrong(stream.copy_range_to_device(&input, 0..4, &mut one, usize::MAX));
    #[expect(clippy::reversed_empty_ranges, reason = "what is tested")]
    wrong(stream.copy_range_to_host(&two, 3..1, &mut output, 0));
    wrong(stream.copy_range_device(&one, 0..usize::MAX, &mut two, 0));
    let error = stream.copy_to_device(&input, &mut one).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LengthMismatch);
    assert_eq!(error.to_string(), "copy to the device: 4 elements to a buffer of 6");
}

#[test]
fn empty_buffers_are_fine() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let buffer = DeviceBuffer::<f64>::from_slice(&stream, &[]).unwrap();
    assert!(buffer.is_empty() && !buffer.as_device_ptr().is_null());
    assert!(buffer.to_vec(&stream).unwrap().is_empty());
}

#[test]
fn memory_is_aligned() {
    let device = device();
    for len in [1, 3, 100] {
        assert_eq!(DeviceBuffer::<u8>::alloc(&device, len).unwrap().as_device_ptr().addr() % 256, 0);
        let pinned = PinnedBuffer::<u8>::alloc(&device, len).unwrap();
        assert_eq!(pinned.as_slice().unwrap().as_ptr().addr() % 64, 0);
    }
}

#[test]
fn host_functions_run_in_order_on_another_thread() {
    let device = device();
    let stream = Stream::with_priority(&device, -1).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for number in 0..100 {
        let seen = Arc::clone(&seen);
        let here = std::thread::current().id();
        stream
            .launch_host(move || {
                assert_ne!(std::thread::current().id(), here);
                seen.lock().unwrap().push(number);
            })
            .unwrap();
    }
    stream.synchronize().unwrap();
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
}

#[test]
fn cuda_must_not_be_called_from_a_host_function() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let (again, event, buffer) =
        (stream.clone(), Event::new(&device).unwrap(), PinnedBuffer::<u8>::alloc(&device, 1).unwrap());
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    stream
        .launch_host(move || {
            let outcomes = [
                again.synchronize(),
                again.launch_host(|| ()),
                again.is_idle().map(drop),
                again.completion().map(drop),
                again.wait(&event),
                event.record(&again),
                event.synchronize(),
                again.device().synchronize(),
                PinnedBuffer::<u8>::alloc(again.device(), 1).map(drop),
            ];
            assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().kind() == ErrorKind::NotPermitted));
            count.store(outcomes.len(), Ordering::Relaxed);
            drop((buffer, event, again));
        })
        .unwrap();
    stream.synchronize().unwrap();
    assert_eq!(refused.load(Ordering::Relaxed), 9);
}

#[test]
fn work_goes_on_when_the_last_handle_is_dropped() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let gate = Gate::on(&stream);
    let values = DeviceBuffer::from_slice(&stream, &[5_u8; 10]).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 10).unwrap();
    stream.copy_to_host(&values, &mut output).unwrap();
    drop((stream, values, device));
    gate.open();
    assert_eq!(output.as_slice().unwrap(), [5; 10]);
}

#[test]
fn a_failure_sticks_to_its_stream_and_spreads_to_those_that_wait_for_it() {
    let device = device();
    let (bad, waits, good) =
        (Stream::new(&device).unwrap(), Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let gate = Gate::on(&bad);
    HostStreamRef::of(&bad).unwrap().enqueue(|| Err(Error::operation("add: out of luck"))).unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    bad.launch_host(move || flag.store(true, Ordering::Relaxed)).unwrap();
    let event = Event::new(&device).unwrap();
    event.record(&bad).unwrap();
    waits.wait(&event).unwrap();
    let completion = bad.completion().unwrap();
    gate.open();
    for _ in 0..2 {
        let error = bad.synchronize().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::OperationFailed, "add: out of luck"));
    }
    assert_eq!(waits.synchronize().unwrap_err().to_string(), "add: out of luck");
    assert!(event.synchronize().is_err() && event.is_complete().is_err() && completion.wait().is_err());
    assert!(bad.launch_host(|| ()).is_err() && bad.completion().is_err() && bad.is_idle().is_err());
    assert!(!ran.load(Ordering::Relaxed), "work behind a failure does not run");
    good.launch_host(|| ()).unwrap();
    good.synchronize().unwrap();
    assert!(device.synchronize().is_err());
}

#[test]
fn a_failed_copy_is_reported_to_the_reader_once() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let values = DeviceBuffer::from_slice(&stream, &[1_u8; 4]).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 4).unwrap();
    let gate = Gate::on(&stream);
    HostStreamRef::of(&stream).unwrap().enqueue(|| Err(Error::operation("broken"))).unwrap();
    stream.copy_to_host(&values, &mut output).unwrap();
    gate.open();
    assert_eq!(output.as_slice().unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(output.as_slice().unwrap(), [0; 4]);
}

#[test]
fn panics_are_contained() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    stream.launch_host(|| panic!("of a test, expected")).unwrap();
    let error = stream.synchronize().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("of a test, expected"), "{error}");
    Stream::new(&device).unwrap().synchronize().unwrap();
}

#[test]
fn eight_threads_share_streams_and_buffers() {
    let device = device();
    let streams: Vec<_> = (0..3).map(|_| Stream::new(&device).unwrap()).collect();
    let shared = DeviceBuffer::from_slice(&streams[0], &[42_u64; 512]).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (device, streams, shared) = (&device, &streams, &shared);
            scope.spawn(move || {
                let mut output = PinnedBuffer::alloc(device, 512).unwrap();
                let mut own = DeviceBuffer::alloc(device, 512).unwrap();
                for round in 0..50 {
                    let stream = &streams[usize::try_from(thread + round).unwrap() % 3];
                    stream.copy_to_host(shared, &mut output).unwrap();
                    assert_eq!(output.as_slice().unwrap(), [42; 512]);
                    output.as_mut_slice().unwrap().fill(thread * 1000 + round);
                    stream.copy_to_device(&output, &mut own).unwrap();
                    let mut copy = DeviceBuffer::alloc(device, 512).unwrap();
                    streams[usize::try_from(round).unwrap() % 3].copy_device(&own, &mut copy).unwrap();
                    assert_eq!(copy.to_vec(stream).unwrap(), [thread * 1000 + round; 512]);
                }
            });
        }
    });
    device.synchronize().unwrap();
}
