//! Events, within a stream and across streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cuda_utils::{ErrorKind, Event, Stream};

use crate::{Gate, device};

#[test]
fn a_stream_waits_for_another() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let (event, done) = (Event::new(&device).unwrap(), Arc::new(AtomicBool::new(false)));
    let gate = Gate::on(&one);
    let (first, second) = (Arc::clone(&done), Arc::clone(&done));
    one.launch_host(move || first.store(true, Ordering::SeqCst)).unwrap();
    event.record(&one).unwrap();
    two.wait(&event).unwrap();
    two.launch_host(move || assert!(second.load(Ordering::SeqCst))).unwrap();
    assert!(!event.is_complete().unwrap());
    std::thread::sleep(Duration::from_millis(5));
    assert!(!two.is_idle().unwrap(), "it waits");
    gate.open();
    two.synchronize().unwrap();
    event.synchronize().unwrap();
    assert!(event.is_complete().unwrap() && done.load(Ordering::SeqCst));
}

#[test]
fn an_event_never_recorded_is_not_waited_for() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let event = Event::new(&device).unwrap();
    stream.wait(&event).unwrap();
    stream.launch_host(|| ()).unwrap();
    stream.synchronize().unwrap();
    event.synchronize().unwrap();
    assert!(event.is_complete().unwrap());
}

#[test]
fn a_wait_means_the_record_at_the_time_of_the_call() {
    let device = device();
    let (slow, fast, waits) =
        (Stream::new(&device).unwrap(), Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let event = Event::new(&device).unwrap();
    let first = Gate::on(&slow);
    event.record(&slow).unwrap();
    waits.wait(&event).unwrap();
    // Recorded again on a stream that is done at once: the wait above still means the first record.
    event.record(&fast).unwrap();
    event.synchronize().unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert!(!waits.is_idle().unwrap());
    // Recorded again behind a gate: the wait above does not come to mean that.
    let second = Gate::on(&slow);
    event.record(&slow).unwrap();
    first.open();
    waits.synchronize().unwrap();
    assert!(!event.is_complete().unwrap());
    second.open();
    event.synchronize().unwrap();
}

#[test]
fn streams_that_wait_for_each_other_do_not_lock_up() {
    let device = device();
    let (one, two) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let (first, second) = (Event::new(&device).unwrap(), Event::new(&device).unwrap());
    for _ in 0..200 {
        one.wait(&second).unwrap();
        first.record(&one).unwrap();
        two.wait(&first).unwrap();
        second.record(&two).unwrap();
    }
    device.synchronize().unwrap();
}

#[test]
fn events_outlive_their_stream() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let event = Event::new(&device).unwrap();
    let gate = Gate::on(&stream);
    event.record(&stream).unwrap();
    drop(stream);
    assert!(!event.clone().is_complete().unwrap());
    gate.open();
    event.synchronize().unwrap();
}

#[test]
fn time_is_measured_on_the_stream() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let (start, end) = (Event::with_timing(&device).unwrap(), Event::with_timing(&device).unwrap());
    assert_eq!(Event::elapsed_ms(&start, &end).unwrap_err().kind(), ErrorKind::InvalidArgument);
    start.record(&stream).unwrap();
    stream.launch_host(|| std::thread::sleep(Duration::from_millis(10))).unwrap();
    end.record(&stream).unwrap();
    end.synchronize().unwrap();
    let elapsed = Event::elapsed_ms(&start, &end).unwrap();
    assert!((10.0..10_000.0).contains(&elapsed), "{elapsed}");
    assert!(Event::elapsed_ms(&end, &start).unwrap() <= -10.0);
    let plain = Event::new(&device).unwrap();
    plain.record(&stream).unwrap();
    assert_eq!(Event::elapsed_ms(&start, &plain).unwrap_err().kind(), ErrorKind::InvalidArgument);
}
