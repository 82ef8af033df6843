//! One record for the use of many memories.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cuda_utils::host::HostStreamRef;
use cuda_utils::{Device, DeviceBuffer, DeviceMemory, ErrorKind, HostOptions, PinnedBuffer, SharedUse, Stream};

use crate::{Gate, device};

/// Stands in for an execution context: adds one to each element of a buffer that it has bound.
struct Adds {
    uses: SharedUse,
    memory: Arc<DeviceMemory>,
}

/// An address that goes to a stream's thread.
struct Address(*mut AtomicU32);

// SAFETY: the address of device memory may be used from any thread.
unsafe impl Send for Address {}

impl Adds {
    fn to(device: &Device, buffer: &DeviceBuffer<u32>) -> Adds {
        let mut uses = SharedUse::new(device).unwrap();
        uses.attach(buffer.memory()).unwrap();
        Adds { uses, memory: Arc::clone(buffer.memory()) }
    }

    fn enqueue(&mut self, stream: &Stream) {
        let run = self.uses.begin(stream).unwrap();
        let (address, len) = (Address(self.memory.as_device_ptr().cast()), self.memory.bytes() / 4);
        HostStreamRef::of(stream)
            .unwrap()
            .enqueue(move || {
                let Address(first) = { address };
                for index in 0..len {
                    // SAFETY: the index is within the `len` numbers that the memory holds.
                    let number = unsafe { first.add(index) };
                    // SAFETY: the shared use keeps the memory alive until this is done.
                    let number = unsafe { &*number };
                    // Torn on purpose: two of these at a time would lose some.
                    let value = number.load(Ordering::Relaxed);
                    std::hint::black_box(());
                    number.store(value + 1, Ordering::Relaxed);
                }
                Ok(())
            })
            .unwrap();
        run.finish().unwrap();
    }
}

#[test]
fn copies_and_runs_on_several_streams_stay_in_order() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let input = PinnedBuffer::from_slice(&device, &[10_u32; 64]).unwrap();
    let mut buffer = DeviceBuffer::zeroed(&one, 64).unwrap();
    let mut adds = Adds::to(&device, &buffer);
    let gate = Gate::on(&one);
    one.copy_to_device(&input, &mut buffer).unwrap();
    adds.enqueue(&two);
    adds.enqueue(&two);
    adds.enqueue(&one);
    let mut output = PinnedBuffer::alloc(&device, 64).unwrap();
    two.copy_to_host(&buffer, &mut output).unwrap();
    one.copy_to_device(&input, &mut buffer).unwrap();
    assert!(!adds.uses.is_complete().unwrap());
    let opener = gate.open_later();
    assert_eq!(output.as_slice().unwrap(), [13; 64]);
    adds.uses.synchronize().unwrap();
    assert_eq!(buffer.to_vec(&two).unwrap(), [10; 64]);
    opener.join().unwrap();
}

#[test]
fn two_uses_of_one_memory_take_turns() {
    let device = device();
    let buffer = DeviceBuffer::<u32>::zeroed(&device.default_stream(), 16).unwrap();
    device.synchronize().unwrap();
    let rounds = 200;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let stream = Stream::new(&device).unwrap();
                let mut adds = Adds::to(&device, &buffer);
                for _ in 0..rounds {
                    adds.enqueue(&stream);
                }
            });
        }
        scope.spawn(|| {
            let stream = Stream::new(&device).unwrap();
            for _ in 0..rounds {
                buffer.to_vec(&stream).unwrap();
            }
        });
    });
    assert_eq!(buffer.to_vec(&device.default_stream()).unwrap(), [4 * rounds; 16]);
}

#[test]
fn attached_memory_outlives_its_buffer_and_dropping_the_use_is_safe_in_flight() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(4000));
    let stream = Stream::new(&device).unwrap();
    let buffer = DeviceBuffer::<u32>::zeroed(&stream, 1000).unwrap();
    let mut adds = Adds::to(&device, &buffer);
    drop(buffer);
    let gate = Gate::on(&stream);
    adds.enqueue(&stream);
    drop(adds);
    assert_eq!(device.memory_info().unwrap().free, 0, "the run still uses it");
    gate.open();
    stream.synchronize().unwrap();
    assert_eq!(device.memory_info().unwrap().free, 4000);
}

#[test]
fn detaching_leaves_the_run_in_flight_on_record() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let buffer = DeviceBuffer::<u32>::zeroed(&one, 8).unwrap();
    let mut adds = Adds::to(&device, &buffer);
    adds.uses.attach(buffer.memory()).unwrap();
    assert_eq!(adds.uses.memories().len(), 2);
    let gate = Gate::on(&one);
    adds.enqueue(&one);
    let memory = Arc::clone(buffer.memory());
    adds.uses.detach(&memory);
    assert_eq!(adds.uses.memories().len(), 1);
    adds.uses.detach(&memory);
    adds.uses.detach(&memory);
    assert!(adds.uses.memories().is_empty() && !memory.is_idle().unwrap());
    adds.uses.begin(&two).unwrap().finish().unwrap();
    let mut output = PinnedBuffer::alloc(&device, 8).unwrap();
    two.copy_to_host(&buffer, &mut output).unwrap();
    gate.open();
    assert_eq!(output.as_slice().unwrap(), [1; 8]);
}

#[test]
fn using_the_memory_within_a_run_is_refused_rather_than_waited_for() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let mut buffer = DeviceBuffer::<u32>::zeroed(&stream, 8).unwrap();
    let mut uses = SharedUse::new(&device).unwrap();
    uses.attach(buffer.memory()).unwrap();
    let run = uses.begin(&stream).unwrap();
    assert_eq!(stream.fill_zero(&mut buffer).unwrap_err().kind(), ErrorKind::NotPermitted);
    run.finish().unwrap();
    stream.fill_zero(&mut buffer).unwrap();
}

#[test]
#[expect(clippy::mem_forget, reason = "what is tested")]
fn memory_of_a_forgotten_guard_leaks() {
    let device = Device::host_with(HostOptions::new().with_memory_limit(1000));
    let stream = Stream::new(&device).unwrap();
    let memory = DeviceMemory::alloc(&device, 300).unwrap();
    let mut uses = SharedUse::new(&device).unwrap();
    uses.attach(&memory).unwrap();
    std::mem::forget(uses.begin(&stream).unwrap());
    drop((uses, memory));
    assert_eq!(device.memory_info().unwrap().free, 700);
    let memory = DeviceMemory::alloc(&device, 300).unwrap();
    std::mem::forget(memory.begin_use(&stream).unwrap());
    drop(memory);
    assert_eq!(device.memory_info().unwrap().free, 400);
}

#[test]
fn a_single_use_orders_streams_too() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let memory = DeviceMemory::alloc(&device, 64).unwrap();
    let gate = Gate::on(&one);
    memory.begin_use(&one).unwrap().finish().unwrap();
    drop(memory.begin_use(&two).unwrap());
    assert!(!two.is_idle().unwrap() && !memory.is_idle().unwrap());
    gate.open();
    two.synchronize().unwrap();
    assert!(memory.is_idle().unwrap());
}

/// Gives work that ought to wait the time to run.
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(5));
}

#[test]
fn a_copy_waits_for_a_run_on_another_stream() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let buffer = DeviceBuffer::<u32>::zeroed(&one, 8).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 8).unwrap();
    let mut adds = Adds::to(&device, &buffer);
    adds.enqueue(&two);
    let gate = Gate::on(&two);
    adds.enqueue(&two);
    one.copy_to_host(&buffer, &mut output).unwrap();
    pause();
    assert!(!output.is_idle().unwrap());
    gate.open();
    assert_eq!(output.as_slice().unwrap(), [2; 8]);
}

#[test]
fn a_run_waits_for_a_copy_on_another_stream() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let mut buffer = DeviceBuffer::<u32>::zeroed(&two, 8).unwrap();
    let input = PinnedBuffer::from_slice(&device, &[10; 8]).unwrap();
    let mut adds = Adds::to(&device, &buffer);
    adds.enqueue(&two);
    two.synchronize().unwrap();
    let gate = Gate::on(&one);
    one.copy_to_device(&input, &mut buffer).unwrap();
    adds.enqueue(&two);
    pause();
    assert!(!adds.uses.is_complete().unwrap());
    gate.open();
    assert_eq!(buffer.to_vec(&two).unwrap(), [11; 8]);
}

#[test]
fn a_run_waits_for_the_one_before_it_on_another_stream() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let buffer = DeviceBuffer::<u32>::zeroed(&one, 8).unwrap();
    for mut adds in [
        Adds::to(&device, &buffer),
        Adds { uses: SharedUse::new(&device).unwrap(), memory: Arc::clone(buffer.memory()) },
    ] {
        let gate = Gate::on(&one);
        adds.enqueue(&one);
        adds.enqueue(&two);
        pause();
        assert!(!adds.uses.is_complete().unwrap() && !two.is_idle().unwrap());
        gate.open();
        adds.uses.synchronize().unwrap();
    }
    assert_eq!(buffer.to_vec(&two).unwrap(), [4; 8]);
}

#[test]
fn two_uses_of_one_memory_wait_for_each_other_each_time() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let buffer = DeviceBuffer::<u32>::zeroed(&one, 8).unwrap();
    let (mut first, mut second) = (Adds::to(&device, &buffer), Adds::to(&device, &buffer));
    for _ in 0..3 {
        let gate = Gate::on(&one);
        first.enqueue(&one);
        second.enqueue(&two);
        pause();
        assert!(!second.uses.is_complete().unwrap());
        gate.open();
        let gate = Gate::on(&two);
        second.enqueue(&two);
        first.enqueue(&one);
        pause();
        assert!(!first.uses.is_complete().unwrap());
        gate.open();
    }
    device.synchronize().unwrap();
    assert_eq!(buffer.to_vec(&one).unwrap(), [12; 8]);
}
