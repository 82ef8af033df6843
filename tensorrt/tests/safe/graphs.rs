//! Inferences replayed from graphs: never with stale shapes or addresses.

use cuda_utils::host::Faults;
use cuda_utils::{HostOptions, PinnedBuffer};
use tensorrt::{Device, DeviceBuffer, ErrorKind, ExecutionContext, GraphLaunch, Runtime, Stream};

use crate::support::{doubled, library};

struct Setup {
    stream: Stream,
    context: ExecutionContext,
    x: DeviceBuffer<f32>,
    y: DeviceBuffer<f32>,
}

impl Setup {
    /// On an emulated device of its own, whose faults are nobody else's.
    fn new() -> Self {
        let device = Device::host_with(HostOptions::new());
        let runtime = Runtime::with_device(&library(), &device).unwrap();
        let engine = runtime.deserialize(&doubled(&[]).unwrap()).unwrap();
        let stream = Stream::new(engine.device()).unwrap();
        let mut context = engine.create_execution_context().unwrap();
        let x = DeviceBuffer::from_slice(&stream, &(0u8..12).map(f32::from).collect::<Vec<_>>()).unwrap();
        let y = DeviceBuffer::zeroed(&stream, 12).unwrap();
        context.set_input_shape("x", [2, 3]).unwrap();
        context.set_tensor("x", &x).unwrap();
        context.set_tensor("y", &y).unwrap();
        Setup { stream, context, x, y }
    }

    fn launch(&mut self) -> GraphLaunch {
        self.context.launch_graph(&self.stream).unwrap()
    }

    fn answer(&self) -> Vec<f32> {
        self.y.to_vec(&self.stream).unwrap()
    }
}

const CYCLE: [GraphLaunch; 3] = [GraphLaunch::WarmUp, GraphLaunch::Captured, GraphLaunch::Replayed];

#[test]
fn a_replay_reads_the_inputs_of_its_time() {
    let mut it = Setup::new();
    for (round, expected) in CYCLE.into_iter().enumerate() {
        let input = vec![round as f32 + 1.0; 12];
        let staging = PinnedBuffer::from_slice(it.stream.device(), &input).unwrap();
        it.stream.copy_to_device(&staging, &mut it.x).unwrap();
        assert_eq!(it.launch(), expected);
        assert_eq!(it.answer()[..6], [2.0 * (round as f32 + 1.0); 6]);
    }
}

#[test]
fn changes_drop_the_graph() {
    let mut it = Setup::new();
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
    it.context.set_input_shape("x", [2, 3]).unwrap();
    it.context.set_tensor("y", &it.y).unwrap();
    assert_eq!(it.launch(), GraphLaunch::Replayed, "what is set again as it was changes nothing");

    it.context.set_input_shape("x", [4, 3]).unwrap();
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
    assert_eq!(it.answer(), (0u8..12).map(|v| 2.0 * f32::from(v)).collect::<Vec<_>>());

    let elsewhere = DeviceBuffer::<f32>::zeroed(&it.stream, 12).unwrap();
    it.context.set_tensor("y", &elsewhere).unwrap();
    let before = DeviceBuffer::<f32>::zeroed(&it.stream, 12).unwrap();
    let old = std::mem::replace(&mut it.y, before);
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
    drop(old);
    assert_eq!(elsewhere.to_vec(&it.stream).unwrap()[11], 22.0);

    // A change that an ordinary launch has taken in counts as well.
    it.context.set_input_shape("x", [1, 3]).unwrap();
    it.context.launch(&it.stream).unwrap();
    assert_eq!(it.launch(), GraphLaunch::WarmUp);
    it.context.set_optimization_profile(0, &it.stream).unwrap();
    it.context.set_input_shape("x", [1, 3]).unwrap();
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
}

#[test]
fn what_cannot_be_captured_is_enqueued_and_says_why() {
    let mut it = Setup::new();
    it.context.set_profiler(|_: &str, _: f32| {}).unwrap();
    assert_eq!(it.launch(), GraphLaunch::WarmUp);
    assert_eq!(it.context.graph_refusal(), None);
    assert_eq!(it.launch(), GraphLaunch::Enqueued);
    assert_eq!(it.launch(), GraphLaunch::Enqueued);
    assert!(it.context.graph_refusal().unwrap().contains("profiler"));
    it.context.clear_profiler().unwrap();
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
    assert_eq!(it.answer()[5], 10.0);
}

#[test]
fn a_refused_capture_falls_back_and_a_failed_replay_is_an_error() {
    let mut it = Setup::new();
    let faults = Faults::of(it.stream.device()).unwrap();
    assert_eq!(it.launch(), GraphLaunch::WarmUp);
    faults.refuse_enqueue(1);
    assert_eq!(it.launch(), GraphLaunch::Enqueued);
    assert!(it.context.graph_refusal().unwrap().contains("refused on request"));
    it.context.set_input_shape("x", [1, 3]).unwrap();
    assert_eq!(CYCLE.map(|_| it.launch()), CYCLE);
    faults.refuse_enqueue(1);
    assert_eq!(it.context.launch_graph(&it.stream).unwrap_err().kind(), ErrorKind::Cuda);
    assert_eq!(it.launch(), GraphLaunch::Replayed);
}
