//! Failures on request, and what is left of the device after each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cuda_utils::host::{Faults, HostStreamRef, Operation};
use cuda_utils::{Device, DeviceBuffer, ErrorKind, PinnedBuffer, Result, Stream};

use crate::{Gate, device};

/// Counts how often it ran.
struct Counted(AtomicUsize, u64);

impl Operation for Counted {
    fn run(&self) -> Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn items(&self) -> u64 {
        self.1
    }
}

struct Setup {
    device: Device,
    faults: Faults,
    stream: Stream,
    work: Arc<Counted>,
}

impl Setup {
    fn new() -> Self {
        let device = device();
        let faults = Faults::of(&device).unwrap();
        let stream = Stream::new(&device).unwrap();
        Setup { device, faults, stream, work: Arc::new(Counted(AtomicUsize::new(0), 3)) }
    }

    fn enqueue(&self) -> Result<()> {
        HostStreamRef::of(&self.stream).unwrap().enqueue_shared(self.work.clone())
    }

    fn runs(&self) -> usize {
        self.work.0.load(Ordering::SeqCst)
    }
}

#[test]
fn the_nth_allocation_fails_even_where_memory_waits_to_be_freed() {
    let it = Setup::new();
    let gate = Gate::on(&it.stream);
    let mut in_use = DeviceBuffer::<u8>::alloc(&it.device, 8).unwrap();
    it.stream.fill_zero(&mut in_use).unwrap();
    drop(in_use);
    it.faults.fail_allocation(2);
    assert!(PinnedBuffer::<u8>::alloc(&it.device, 8).is_ok());
    let error = DeviceBuffer::<u8>::alloc(&it.device, 8).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(!error.is_sticky());
    assert!(DeviceBuffer::<u8>::alloc(&it.device, 8).is_ok());
    gate.open();
    it.stream.synchronize().unwrap();
}

#[test]
fn a_failed_copy_poisons_its_stream_alone() {
    let it = Setup::new();
    let input = PinnedBuffer::from_slice(&it.device, &[1_u8, 2]).unwrap();
    let mut buffer = DeviceBuffer::zeroed(&it.stream, 2).unwrap();
    it.stream.synchronize().unwrap();
    it.faults.fail_copy(1);
    it.stream.copy_to_device(&input, &mut buffer).unwrap();
    assert_eq!(it.stream.synchronize().unwrap_err().kind(), ErrorKind::OperationFailed);
    assert!(it.enqueue().is_err());
    let other = Stream::new(&it.device).unwrap();
    let fresh = PinnedBuffer::from_slice(&it.device, &[3_u8, 4]).unwrap();
    let mut buffer = DeviceBuffer::alloc(&it.device, 2).unwrap();
    other.copy_to_device(&fresh, &mut buffer).unwrap();
    assert_eq!(buffer.to_vec(&other).unwrap(), [3, 4]);
}

#[test]
fn a_refused_enqueue_leaves_the_stream_as_it_was() {
    let it = Setup::new();
    it.faults.refuse_enqueue(2);
    it.enqueue().unwrap();
    assert_eq!(it.enqueue().unwrap_err().kind(), ErrorKind::OutOfResources);
    it.enqueue().unwrap();
    it.stream.synchronize().unwrap();
    assert_eq!(it.runs(), 2);
}

#[test]
fn a_failed_operation_poisons_the_stream_and_what_follows_does_not_run() {
    let it = Setup::new();
    it.faults.fail_operation(2);
    let gate = Gate::on(&it.stream);
    for _ in 0..3 {
        it.enqueue().unwrap();
    }
    gate.open();
    assert_eq!(it.stream.synchronize().unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_lost_device_refuses_everything_and_frees_its_memory() {
    let it = Setup::new();
    let gate = Gate::on(&it.stream);
    let mut buffer = DeviceBuffer::<u8>::alloc(&it.device, 8).unwrap();
    it.stream.fill_zero(&mut buffer).unwrap();
    let completion = it.stream.completion().unwrap();
    it.faults.lose_device();
    assert!(!completion.is_complete().unwrap(), "work that runs is finished first");
    drop(buffer);
    gate.open();
    assert_eq!(completion.wait().unwrap_err().kind(), ErrorKind::DeviceLost);
    let errors = [
        it.stream.synchronize().unwrap_err(),
        it.enqueue().unwrap_err(),
        it.device.synchronize().unwrap_err(),
        it.device.memory_info().unwrap_err(),
        Stream::new(&it.device).unwrap_err(),
        DeviceBuffer::<u8>::alloc(&it.device, 8).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::DeviceLost);
        assert!(error.is_sticky());
    }
    it.faults.clear();
    assert!(it.stream.synchronize().is_err(), "it stays lost");
    let another = Setup::new();
    another.enqueue().unwrap();
    another.stream.synchronize().unwrap();
}

#[test]
fn hanging_work_goes_on_when_released() {
    let it = Setup::new();
    it.faults.hang_operation(1, None);
    it.enqueue().unwrap();
    let completion = it.stream.completion().unwrap();
    std::thread::sleep(Duration::from_millis(10));
    assert!(!completion.is_complete().unwrap());
    it.faults.release();
    completion.wait().unwrap();
    assert_eq!(it.runs(), 1);
}

#[test]
fn the_watchdog_loses_the_device_of_hanging_work() {
    let it = Setup::new();
    it.faults.hang_operation(1, Some(Duration::from_millis(10)));
    it.enqueue().unwrap();
    let error = it.stream.synchronize().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeviceLost);
    assert!(error.to_string().contains("watchdog"), "{error}");
    assert_eq!(it.runs(), 0);
    assert_eq!(DeviceBuffer::<u8>::alloc(&it.device, 8).unwrap_err().kind(), ErrorKind::DeviceLost);
}

#[test]
fn what_hangs_goes_with_the_device() {
    let it = Setup::new();
    it.faults.hang_operation(1, None);
    it.enqueue().unwrap();
    let first = it.stream.completion().unwrap();
    std::thread::sleep(Duration::from_millis(10));
    it.faults.hang_operation(1, Some(Duration::from_millis(10)));
    let other = Stream::new(&it.device).unwrap();
    let raw = HostStreamRef::of(&other).unwrap();
    raw.enqueue(|| Ok(())).unwrap();
    assert_eq!(other.synchronize().unwrap_err().kind(), ErrorKind::DeviceLost);
    assert_eq!(first.wait().unwrap_err().kind(), ErrorKind::DeviceLost);
}

#[test]
fn latency_is_a_base_and_a_time_for_each_item() {
    let it = Setup::new();
    it.faults.set_latency(Duration::from_millis(2), Duration::from_millis(4));
    let started = Instant::now();
    it.enqueue().unwrap();
    it.stream.synchronize().unwrap();
    // Three items; how much longer it takes is up to the machine.
    assert!(started.elapsed() >= Duration::from_millis(14));
    it.faults.clear();
    it.enqueue().unwrap();
    it.stream.synchronize().unwrap();
    assert_eq!(it.runs(), 2);
}
