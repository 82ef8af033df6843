//! Raw handles, as a library that works on the emulated device is passed them.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cuda_utils::host::{HostEventRef, HostStreamRef, Operation};
use cuda_utils::{Error, Event, Result, Stream};

use crate::{Gate, device};

#[test]
fn handles_turn_back_and_foreign_ones_do_not() {
    let device = device();
    let (stream, event) = (Stream::new(&device).unwrap(), Event::new(&device).unwrap());
    // SAFETY: the stream lives until the end of this test.
    let back = unsafe { HostStreamRef::from_raw(stream.as_raw()) }.unwrap();
    assert_eq!(back.to_stream().unwrap(), stream);
    assert_eq!(back.device().unwrap(), device);
    // SAFETY: as above; it is not an event.
    assert!(unsafe { HostEventRef::from_raw(stream.as_raw()) }.is_none());
    // SAFETY: the event lives until the end of this test.
    assert!(unsafe { HostEventRef::from_raw(event.as_raw()) }.is_some());
    // SAFETY: as above; it is not a stream.
    assert!(unsafe { HostStreamRef::from_raw(event.as_raw()) }.is_none());
    let other = [0_u64; 4];
    for raw in [ptr::null(), ptr::without_provenance(1), ptr::without_provenance(2), other.as_ptr()] {
        // SAFETY: null, CUDA's special handles, and readable bytes.
        assert!(unsafe { HostStreamRef::from_raw(raw.cast::<c_void>().cast_mut()) }.is_none());
    }
    let default = device.default_stream();
    // SAFETY: the default stream lives until the end of this test.
    assert_eq!(unsafe { HostStreamRef::from_raw(default.as_raw()) }.unwrap().to_stream().unwrap(), default);
}

#[test]
fn shared_operations_run_each_time_and_fail_the_stream() {
    struct Counts(AtomicUsize);
    impl Operation for Counts {
        fn run(&self) -> Result<()> {
            if self.0.fetch_add(1, Ordering::Relaxed) == 9 {
                Err(Error::operation("count: ten is too much"))
            } else {
                Ok(())
            }
        }
    }
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let raw = HostStreamRef::of(&stream).unwrap();
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    for _ in 0..9 {
        raw.enqueue_shared(counts.clone()).unwrap();
    }
    stream.synchronize().unwrap();
    assert_eq!(counts.0.load(Ordering::Relaxed), 9);
    raw.check().unwrap();
    raw.enqueue_shared(counts.clone()).unwrap();
    assert_eq!(stream.synchronize().unwrap_err().to_string(), "count: ten is too much");
    assert!(raw.enqueue_shared(counts).is_err() && raw.enqueue(|| Ok(())).is_err() && raw.check().is_err());
}

#[test]
fn raw_events_order_raw_streams() {
    let device = device();
    let (one, two, event) =
        (Stream::new(&device).unwrap(), Stream::new(&device).unwrap(), Event::new(&device).unwrap());
    // SAFETY: the event lives until the end of this test.
    let raw = unsafe { HostEventRef::from_raw(event.as_raw()) }.unwrap();
    let gate = Gate::on(&one);
    raw.record(&HostStreamRef::of(&one).unwrap()).unwrap();
    raw.make_wait(&HostStreamRef::of(&two).unwrap()).unwrap();
    assert!(!two.is_idle().unwrap() && !event.is_complete().unwrap());
    gate.open();
    two.synchronize().unwrap();
    assert!(event.is_complete().unwrap());
}
