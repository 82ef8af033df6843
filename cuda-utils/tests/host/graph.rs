//! Graphs: what is captured, replayed, and refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cuda_utils::host::{Faults, HostEventRef, HostStreamRef, Operation};
use cuda_utils::{DeviceBuffer, ErrorKind, Event, Graph, PinnedBuffer, Result, Stream};

use crate::{Gate, device};

/// Counts its runs and notes their order.
struct Step {
    runs: AtomicUsize,
    log: Arc<std::sync::Mutex<Vec<u32>>>,
    name: u32,
}

impl Operation for Step {
    fn run(&self) -> Result<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.log.lock().unwrap().push(self.name);
        Ok(())
    }
}

struct Setup {
    stream: Stream,
    log: Arc<std::sync::Mutex<Vec<u32>>>,
}

impl Setup {
    fn new() -> Self {
        Setup { stream: Stream::new(&device()).unwrap(), log: Arc::default() }
    }

    fn enqueue(&self, name: u32) -> Result<()> {
        let step = Step { runs: AtomicUsize::new(0), log: self.log.clone(), name };
        HostStreamRef::of(&self.stream).unwrap().enqueue_shared(Arc::new(step))
    }

    fn capture(&self) -> Result<Graph> {
        self.stream.capture(|| {
            self.enqueue(1)?;
            self.enqueue(2)
        })
    }

    fn log(&self) -> Vec<u32> {
        self.log.lock().unwrap().clone()
    }
}

#[test]
fn captured_work_runs_when_the_graph_is_launched_and_as_often() {
    let it = Setup::new();
    let mut graph = it.capture().unwrap();
    assert_eq!(graph.nodes(), 2);
    it.stream.synchronize().unwrap();
    assert!(it.log().is_empty());
    it.enqueue(0).unwrap();
    for _ in 0..2 {
        // SAFETY: the steps use no memory.
        unsafe { graph.launch(&it.stream) }.unwrap();
    }
    let other = Stream::new(it.stream.device()).unwrap();
    it.stream.synchronize().unwrap();
    // SAFETY: the steps use no memory.
    unsafe { graph.launch(&other) }.unwrap();
    drop(graph);
    other.synchronize().unwrap();
    assert_eq!(it.log(), [0, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn nothing_else_is_done_with_a_capturing_stream() {
    let it = Setup::new();
    let device = it.stream.device().clone();
    let input = PinnedBuffer::from_slice(&device, &[1_u8]).unwrap();
    let mut buffer = DeviceBuffer::alloc(&device, 1).unwrap();
    let event = Event::new(&device).unwrap();
    let result: Result<Graph> = it.stream.capture(|| {
        let refused = [
            it.stream.synchronize().unwrap_err(),
            it.stream.is_idle().unwrap_err(),
            it.stream.wait(&event).and_then(|()| event.record(&it.stream)).unwrap_err(),
            it.stream.launch_host(|| {}).unwrap_err(),
            it.stream.completion().map(drop).unwrap_err(),
            it.stream.copy_to_device(&input, &mut buffer).unwrap_err(),
            it.capture().map(drop).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::NotPermitted, "{error}");
        }
        it.enqueue(1)
    });
    assert_eq!(result.unwrap().nodes(), 1);
    it.stream.copy_to_device(&input, &mut buffer).unwrap();
    assert_eq!(buffer.to_vec(&it.stream).unwrap(), [1]);
}

#[test]
fn what_cannot_be_replayed_fails_the_capture_and_leaves_the_stream_as_it_was() {
    let it = Setup::new();
    let stream = HostStreamRef::of(&it.stream).unwrap();
    let error = it.stream.capture(|| stream.enqueue(|| Ok(()))).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotCapturable);
    // Hidden by the library, the refusal still fails the capture.
    let error = it
        .stream
        .capture(|| {
            let _ = stream.enqueue(|| Ok(()));
            it.enqueue(1)
        })
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotCapturable);
    let event = Event::new(it.stream.device()).unwrap();
    // SAFETY: the event lives to the end of the test.
    let raw = unsafe { HostEventRef::from_raw(event.as_raw()) }.unwrap();
    let error = it.stream.capture(|| raw.record(&stream)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotCapturable);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: Result<Graph> = it.stream.capture(|| panic!("in a capture"));
    }));
    assert!(panicked.is_err());
    it.enqueue(7).unwrap();
    it.stream.synchronize().unwrap();
    assert_eq!(it.log(), [7]);
}

#[test]
fn a_graph_may_be_dropped_while_it_waits_to_run() {
    let it = Setup::new();
    let mut graph = it.capture().unwrap();
    let gate = Gate::on(&it.stream);
    // SAFETY: the steps use no memory.
    unsafe { graph.launch(&it.stream) }.unwrap();
    drop(graph);
    gate.open();
    it.stream.synchronize().unwrap();
    assert_eq!(it.log(), [1, 2]);
}

#[test]
fn failures_reach_replays_too() {
    let it = Setup::new();
    let mut graph = it.capture().unwrap();
    let other = Stream::new(&device()).unwrap();
    // SAFETY: the steps use no memory.
    let error = unsafe { graph.launch(&other) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    Faults::of(it.stream.device()).unwrap().fail_operation(2);
    // SAFETY: the steps use no memory.
    unsafe { graph.launch(&it.stream) }.unwrap();
    assert_eq!(it.stream.synchronize().unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(it.log(), [1]);
}
