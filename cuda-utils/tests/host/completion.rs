//! Completions as futures, and what happens to those that nobody waits for.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use cuda_utils::{DeviceBuffer, PinnedBuffer, Stream};
use pollster::block_on;

use crate::{Gate, device};

#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_future_is_woken_by_the_stream() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let input = DeviceBuffer::from_slice(&stream, &[3_u8; 8]).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 8).unwrap();
    let opener = Gate::on(&stream).open_later();
    stream.copy_to_host(&input, &mut output).unwrap();
    let completion = stream.completion().unwrap();
    assert!(!completion.is_complete().unwrap());
    assert_eq!(completion.stream(), &stream);
    block_on(completion).unwrap();
    assert!(output.is_idle().unwrap());
    assert_eq!(output.as_slice().unwrap(), [3; 8]);
    opener.join().unwrap();
}

#[test]
fn a_completion_means_the_work_at_the_time_of_the_call() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let first = Gate::on(&stream);
    let completion = stream.completion().unwrap();
    let second = Gate::on(&stream);
    let opener = first.open_later();
    block_on(completion).unwrap();
    assert!(!stream.is_idle().unwrap());
    second.open();
    opener.join().unwrap();
}

#[test]
fn it_is_ready_at_once_when_the_work_is_done() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let counts = Arc::new(Counts::default());
    let waker = Waker::from(Arc::clone(&counts));
    let completion = pin!(stream.completion().unwrap());
    assert!(matches!(completion.poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(()))));
    assert_eq!(counts.0.load(Ordering::SeqCst), 0);
    stream.completion().unwrap().wait().unwrap();
}

#[test]
fn only_the_newest_waker_is_woken_and_once() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let (old, new) = (Arc::new(Counts::default()), Arc::new(Counts::default()));
    let gate = Gate::on(&stream);
    let mut completion = pin!(stream.completion().unwrap());
    for counts in [&old, &new] {
        let waker = Waker::from(Arc::clone(counts));
        assert!(completion.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    gate.open();
    stream.synchronize().unwrap();
    while new.0.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let waker = Waker::from(Arc::clone(&new));
    assert!(completion.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 1));
}

#[test]
#[expect(clippy::mem_forget, reason = "what is tested")]
fn dropped_and_forgotten_futures_change_nothing() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let gate = Gate::on(&stream);
    let input = DeviceBuffer::from_slice(&stream, &[9_u8; 64]).unwrap();
    let mut output = PinnedBuffer::alloc(&device, 64).unwrap();
    stream.copy_to_host(&input, &mut output).unwrap();
    let waker = Waker::from(Arc::new(Counts::default()));
    for forget in [true, false] {
        let mut completion = Box::pin(stream.completion().unwrap());
        assert!(completion.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        if forget {
            std::mem::forget(completion);
        }
    }
    drop(input);
    gate.open();
    assert_eq!(output.as_slice().unwrap(), [9; 64]);
}

#[test]
fn many_futures_on_many_threads() {
    let device = device();
    let streams: Vec<_> = (0..2).map(|_| Stream::new(&device).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let stream = &streams[thread % 2];
            scope.spawn(move || {
                for _ in 0..200 {
                    stream.launch_host(|| ()).unwrap();
                    block_on(stream.completion().unwrap()).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_panicking_waker_is_contained() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("of a test, expected");
        }
    }
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let gate = Gate::on(&stream);
    let mut completion = pin!(stream.completion().unwrap());
    let waker = Waker::from(Arc::new(Panics));
    assert!(completion.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    gate.open();
    stream.launch_host(|| ()).unwrap();
    stream.synchronize().unwrap();
}
