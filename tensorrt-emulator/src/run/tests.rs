use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tensorrt_sys::{
    ActivationType, CumulativeOperation, DataType, ElementWiseOperation, Family, FillOperation, UnaryOperation, Version,
};

use super::schedule::Schedule;
use super::shapes::{InputShape, Shapes};
use super::{Engine, EngineOptions, LayerProfiler, MemoryAccount};
use crate::build::{BuildConfig, Quiet, build_engine};
use crate::graph::{Fill, LayerKind, Permutation, Shuffle, TensorId};
use crate::memory::Storage;
use crate::network::Network;
use crate::plan::{Identity, Profile};
use crate::tensor::{Dims, Tensor};
use crate::{Error, Result};

fn dims(extents: &[i64]) -> Dims {
    Dims::of(extents).unwrap()
}

fn config(profiles: Vec<Profile>) -> BuildConfig {
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    config.profiles = profiles;
    config
}

fn profile(name: &str, three: [&[i64]; 3]) -> Profile {
    let mut profile = Profile::default();
    profile.dims.insert(name.to_owned(), three.map(dims));
    profile
}

fn engine(network: &Network, profiles: Vec<Profile>) -> Arc<Engine> {
    build_engine(network, &config(profiles), &mut Quiet).unwrap()
}

fn bytes(values: &[f32]) -> Storage {
    Storage::copy_of(bytemuck::cast_slice(values))
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.view().as_slice::<f32>().unwrap().to_vec()
}

fn sum() -> LayerKind {
    LayerKind::ElementWise { op: ElementWiseOperation::Sum }
}

fn reshape(extents: Option<&[i64]>) -> LayerKind {
    LayerKind::Shuffle(Shuffle {
        first: Permutation::IDENTITY,
        reshape: extents.map(dims),
        second: Permutation::IDENTITY,
        zero_is_placeholder: true,
    })
}

fn fill(to: DataType) -> LayerKind {
    LayerKind::Fill(Fill {
        op: FillOperation::Linspace,
        dims: Dims::scalar(),
        alpha: 0.0,
        beta: 1.0,
        alpha_int64: 0,
        beta_int64: 1,
        to,
    })
}

/// x of [-1, 2], and what `make` makes of it, all outputs.
fn of_x(make: impl FnOnce(&mut Network, TensorId) -> Vec<TensorId>) -> Network {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, dims(&[-1, 2])).unwrap();
    for id in make(&mut network, x) {
        network.mark_output(id);
    }
    network
}

fn doubled() -> Network {
    of_x(|network, x| vec![network.add_one(sum(), vec![Some(x), Some(x)]).unwrap()])
}

const RANGE: [&[i64]; 3] = [&[1, 2], &[2, 2], &[20, 2]];

#[test]
fn shapes_change_between_runs_and_schedules_are_kept() {
    let engine = engine(&doubled(), vec![profile("x", RANGE)]);
    let mut context = engine.create_context(None).unwrap();
    assert_eq!(context.tensor_shape(1).unwrap(), dims(&[-1, 2]));
    assert_eq!(context.missing_inputs(), [0]);
    for round in 0..2 {
        for rows in 1..=20 {
            context.set_input_shape(0, dims(&[rows, 2])).unwrap();
            assert_eq!(context.tensor_shape(1).unwrap(), dims(&[rows, 2]));
            let values: Vec<f32> = (0..rows * 2).map(|i| (i + round) as f32).collect();
            let input = bytes(&values);
            let mut output = Storage::zeroed(input.len());
            context.run(&[&input], &mut [output.make_mut()], None).unwrap();
            let expected: Vec<f32> = values.iter().map(|v| v * 2.0).collect();
            assert_eq!(bytemuck::cast_slice::<u8, f32>(&output), expected);
        }
    }
}

#[test]
fn refusals_say_what_and_why() {
    let engine = engine(&doubled(), vec![profile("x", RANGE), profile("x", [&[30, 2], &[30, 2], &[40, 2]])]);
    let mut context = engine.create_context(None).unwrap();
    let says = |result: Result<()>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let input = bytes(&[1.0; 4]);
    says(context.run(&[&input], &mut [], None), "shape of the input \"x\" must be set");
    says(
        context.set_input_shape(0, dims(&[21, 2])),
        "dimension 0 of the input \"x\" is 21, but profile 0 allows 1 to 20",
    );
    says(context.set_input_shape(0, dims(&[2, 3])), "dimension 1 of the input \"x\" is 2 in the engine, not 3");
    says(context.set_input_shape(0, dims(&[2])), "has 2 dimensions, not 1");
    says(context.set_input_shape(1, dims(&[2, 2])), "is not an input");
    says(context.set_input_shape(2, dims(&[2, 2])), "no tensor 2");
    says(context.set_input_values(0, &[1]), "no shape depends");
    says(context.set_profile(2), "profile 2 does not exist");
    context.set_input_shape(0, dims(&[2, 2])).unwrap();
    let mut output = Storage::zeroed(32);
    says(context.run(&[], &mut [output.make_mut()], None), "0 inputs are given");
    says(context.run(&[&input[..12]], &mut [output.make_mut()], None), "has 12 bytes");
    says(context.run(&[&input], &mut [], None), "0 outputs are given");
    says(context.run(&[&input], &mut [&mut output.make_mut()[..8]], None), "16 are needed");
    says(context.run(&[&input], &mut [&mut output.make_mut()[4..20]], None), "multiple of 8 bytes");
    context.run(&[&input], &mut [output.make_mut()], None).unwrap();
    context.set_profile(1).unwrap();
    assert_eq!(context.input_shape(0), None);
    context.set_input_shape(0, dims(&[30, 2])).unwrap();
}

#[test]
fn outputs_that_are_views_of_one_another_are_all_written() {
    let network = of_x(|network, x| {
        let relu = LayerKind::Activation { op: ActivationType::Relu, alpha: 0.0, beta: 0.0 };
        let y = network.add_one(relu, vec![Some(x)]).unwrap();
        let flat = network.add_one(reshape(Some(&[-1])), vec![Some(y)]).unwrap();
        let same = network.add_one(LayerKind::Identity, vec![Some(x)]).unwrap();
        let table = Tensor::from_slice(dims(&[2]), &[7.0f32, 8.0]).unwrap();
        let constant = network.add_constant("table", &table).unwrap();
        let shape = network.add_one(LayerKind::Shape, vec![Some(x)]).unwrap();
        vec![flat, y, same, constant, shape]
    });
    let engine = engine(&network, vec![profile("x", RANGE)]);
    let mut context = engine.create_context(None).unwrap();
    context.set_input_shape(0, dims(&[2, 2])).unwrap();
    let outputs = context.run_dynamic(&[&bytes(&[-1.0, 2.0, -3.0, 4.0])]).unwrap();
    assert_eq!(floats(&outputs[0]), [0.0, 2.0, 0.0, 4.0]);
    assert_eq!((floats(&outputs[1]), outputs[1].dims()), (floats(&outputs[0]), &dims(&[2, 2])));
    assert_eq!(floats(&outputs[2]), [-1.0, 2.0, -3.0, 4.0]);
    assert_eq!(floats(&outputs[3]), [7.0, 8.0]);
    assert_eq!(outputs[4].view().to_i64().unwrap(), [2, 2]);
    assert_eq!(context.memory_size().unwrap(), 0, "relu writes to the user's buffer, the rest is copied");
}

#[test]
fn a_shape_that_inference_does_not_follow_is_computed_before_the_run() {
    // The running sum of [rows, 2] is [rows, rows + 2].
    let network = of_x(|network, x| {
        let shape = network.add_one(LayerKind::Shape, vec![Some(x)]).unwrap();
        let axis = network.add_constant("axis", &Tensor::from_slice(Dims::scalar(), &[0i64]).unwrap()).unwrap();
        let cumulative = LayerKind::Cumulative { op: CumulativeOperation::Sum, exclusive: false, reverse: false };
        let sums = network.add_one(cumulative, vec![Some(shape), Some(axis)]).unwrap();
        let slice = LayerKind::Slice(crate::graph::Slice {
            start: Some(dims(&[1])),
            size: Some(dims(&[1])),
            stride: Some(dims(&[1])),
            mode: tensorrt_sys::SampleMode::StrictBounds,
            axes: None,
        });
        let last = network.add_one(slice, vec![Some(sums)]).unwrap();
        vec![network.add_one(fill(DataType::Float), vec![Some(last)]).unwrap()]
    });
    let engine = engine(&network, vec![profile("x", RANGE)]);
    let mut context = engine.create_context(None).unwrap();
    context.set_input_shape(0, dims(&[3, 2])).unwrap();
    assert_eq!(context.tensor_shape(1).unwrap(), dims(&[5]));
    assert!(!context.is_data_dependent().unwrap());
    let outputs = context.run_dynamic(&[&bytes(&[0.0; 6])]).unwrap();
    assert_eq!(floats(&outputs[0]), [0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn values_of_shape_inputs_are_read_at_each_run() {
    let mut network = Network::new();
    let size = network.add_input("size", DataType::Int64, dims(&[1])).unwrap();
    let filled = network.add_one(fill(DataType::Int64), vec![Some(size)]).unwrap();
    network.mark_output(filled);
    let mut profile = Profile::default();
    let error = build_engine(&network, &config(vec![profile.clone()]), &mut Quiet).unwrap_err();
    assert!(error.message().contains("\"size\""), "{error}");
    profile.values.insert("size".to_owned(), [vec![1], vec![4], vec![9]]);
    let engine = engine(&network, vec![profile]);
    assert!(engine.io_tensors()[0].is_shape && !engine.io_tensors()[1].is_shape);
    let mut context = engine.create_context(None).unwrap();
    assert_eq!(context.missing_inputs(), [0]);
    context.set_input_values(0, &[2]).unwrap();
    assert_eq!(context.tensor_shape(1).unwrap(), dims(&[2]));
    for size in [1i64, 5, 9, 5] {
        let outputs = context.run_dynamic(&[&Storage::copy_of(&size.to_le_bytes())]).unwrap();
        assert_eq!(outputs[0].view().to_i64().unwrap(), (0..size).collect::<Vec<_>>());
    }
    let error = context.run_dynamic(&[&Storage::copy_of(&10i64.to_le_bytes())]).unwrap_err();
    assert!(error.message().contains("allows 1 to 9"), "{error}");
}

#[test]
fn shapes_may_depend_on_data() {
    // A vector as long as the ceiling of x's only element.
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, dims(&[1])).unwrap();
    let up = network.add_one(LayerKind::Unary { op: UnaryOperation::Ceil }, vec![Some(x)]).unwrap();
    let size = network.add_one(LayerKind::Cast { to: DataType::Int64 }, vec![Some(up)]).unwrap();
    let filled = network.add_one(fill(DataType::Float), vec![Some(size)]).unwrap();
    let y = network.add_one(sum(), vec![Some(filled), Some(x)]).unwrap();
    let flat = network.add_one(reshape(Some(&[1, -1])), vec![Some(y)]).unwrap();
    network.mark_output(flat);
    let shape = network.add_one(LayerKind::Shape, vec![Some(filled)]).unwrap();
    let again = network.add_one(reshape(None), vec![Some(flat), Some(shape)]).unwrap();
    network.mark_output(again);
    let engine = engine(&network, vec![profile("x", [&[1], &[1], &[1]])]);
    let mut context = engine.create_context(None).unwrap();
    for (x, expected) in [(2.5f32, vec![2.5, 3.5, 4.5]), (0.5, vec![0.5])] {
        let outputs = context.run_dynamic(&[&bytes(&[x])]).unwrap();
        assert_eq!(floats(&outputs[0]), expected);
        assert_eq!((floats(&outputs[1]), outputs[1].dims().rank()), (expected, 1));
        assert!(context.is_data_dependent().unwrap());
    }
    let mut output = Storage::zeroed(64);
    let (a, b) = output.make_mut().split_at_mut(32);
    let error = context.run(&[&bytes(&[1.0])], &mut [a, b], None).unwrap_err();
    assert!(error.message().contains("depend on data"), "{error}");
}

#[derive(Debug)]
struct Limit {
    limit: usize,
    used: AtomicUsize,
}

impl MemoryAccount for Limit {
    fn charge(&self, bytes: usize) -> Result<()> {
        if self.used.load(Ordering::Relaxed) + bytes > self.limit {
            return Err(Error::new(tensorrt_sys::ErrorCode::FailedAllocation, "no memory"));
        }
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
    fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Several sums in a row, so that there are activations.
fn chain(length: usize) -> Network {
    of_x(|network, x| {
        let mut y = x;
        for _ in 0..length {
            y = network.add_one(sum(), vec![Some(y), Some(x)]).unwrap();
        }
        vec![y]
    })
}

#[test]
fn memory_is_accounted_for_and_may_be_the_users() {
    let engine = engine(&chain(6), vec![profile("x", RANGE)]);
    let size = engine.device_memory_size(0).unwrap();
    assert_eq!(size, 2 * 192, "two buffers of 160 bytes");
    let account = |limit| Arc::new(Limit { limit, used: AtomicUsize::new(0) });
    let (small, enough) = (account(size - 1), account(size));
    assert!(engine.create_context(Some(small)).is_err());
    let mut context = engine.create_context(Some(enough.clone())).unwrap();
    assert_eq!(enough.used.load(Ordering::Relaxed), size);
    context.set_input_shape(0, dims(&[1, 2])).unwrap();
    let input = bytes(&[1.0, 2.0]);
    let (mut output, mut memory) = (Storage::zeroed(8), Storage::zeroed(128));
    let error = context.run(&[&input], &mut [output.make_mut()], Some(&mut memory.make_mut()[..64])).unwrap_err();
    assert!(error.message().contains("128 bytes"), "{error}");
    context.run(&[&input], &mut [output.make_mut()], Some(memory.make_mut())).unwrap();
    assert_eq!(bytemuck::cast_slice::<u8, f32>(&output), [7.0, 14.0]);
    drop(context);
    assert_eq!(enough.used.load(Ordering::Relaxed), 0);
}

#[derive(Debug)]
struct Names(Arc<Mutex<Vec<String>>>);

impl LayerProfiler for Names {
    fn report(&mut self, layer: &str, milliseconds: f32) {
        assert!(milliseconds >= 0.0);
        self.0.lock().unwrap().push(layer.to_owned());
    }
}

#[test]
fn every_layer_that_runs_is_reported() {
    let engine = engine(&chain(3), vec![profile("x", RANGE)]);
    let mut context = engine.create_context(None).unwrap();
    let names = Arc::new(Mutex::new(Vec::new()));
    context.set_profiler(Some(Box::new(Names(names.clone()))));
    context.set_input_shape(0, dims(&[1, 2])).unwrap();
    context.run_dynamic(&[&bytes(&[1.0, 2.0])]).unwrap();
    let expected: Vec<String> = (0..3).map(|i| format!("(Unnamed Layer* {i}) [ElementWise]")).collect();
    assert_eq!(*names.lock().unwrap(), expected);
}

#[test]
fn contexts_run_on_many_threads_at_once() {
    let network = chain(5);
    let mut config = config(vec![profile("x", RANGE)]);
    config.threads = Some(2);
    let plan = crate::build::build(&network, &config, &mut Quiet).unwrap();
    let engine = Engine::from_plan(plan, EngineOptions { threads: Some(2) }).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let mut context = engine.create_context(None).unwrap();
            scope.spawn(move || {
                for rows in 1..=20u8 {
                    context.set_input_shape(0, dims(&[rows.into(), 2])).unwrap();
                    let values = vec![f32::from(thread * 20 + rows); usize::from(rows) * 2];
                    let outputs = context.run_dynamic(&[&bytes(&values)]).unwrap();
                    assert!(floats(&outputs[0]).iter().all(|&v| v == values[0] * 6.0));
                }
            });
        }
    });
}

#[test]
fn the_arena_is_close_to_the_largest_live_set() {
    // Branches of several lives: every third tensor is read again at the end.
    let network = of_x(|network, x| {
        let (mut y, mut kept) = (x, Vec::new());
        for i in 0..30 {
            y = network.add_one(sum(), vec![Some(y), Some(x)]).unwrap();
            if i % 3 == 0 {
                kept.push(y);
            }
        }
        for id in kept {
            y = network.add_one(sum(), vec![Some(y), Some(id)]).unwrap();
        }
        vec![y]
    });
    let engine = engine(&network, vec![profile("x", RANGE)]);
    let shapes = Shapes::infer(&engine, &[InputShape { dims: dims(&[20, 2]), values: None }]).unwrap();
    let schedule = Schedule::new(&engine, &shapes).unwrap();
    assert!(schedule.arena_bytes() * 10 <= schedule.live_bytes() * 11, "{schedule:?}");
}
