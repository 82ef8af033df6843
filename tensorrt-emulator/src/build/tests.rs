use tensorrt_sys::{DataType, ElementWiseOperation, Family, FillOperation, Version};

use super::{BuildConfig, Progress, Quiet, build};
use crate::graph::{Fill, LayerKind, Permutation, Shuffle, TensorId};
use crate::memory::Storage;
use crate::network::Network;
use crate::plan::{Identity, Plan, Profile};
use crate::tensor::{Dims, Tensor};

fn dims(extents: &[i64]) -> Dims {
    Dims::of(extents).unwrap()
}

fn config(profiles: &[Profile]) -> BuildConfig {
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    config.profiles = profiles.to_vec();
    config
}

fn profile(inputs: &[(&str, [&[i64]; 3])]) -> Profile {
    let mut profile = Profile::default();
    for (name, three) in inputs {
        profile.dims.insert((*name).to_owned(), three.map(dims));
    }
    profile
}

fn sum(network: &mut Network, a: TensorId, b: TensorId) -> TensorId {
    network.add_one(LayerKind::ElementWise { op: ElementWiseOperation::Sum }, vec![Some(a), Some(b)]).unwrap()
}

fn constant(network: &mut Network, values: &[f32]) -> TensorId {
    let extent = i64::try_from(values.len()).unwrap();
    network.add_constant("", &Tensor::from_slice(dims(&[extent]), values).unwrap()).unwrap()
}

/// a + b, both of one dynamic dimension.
fn two_inputs() -> Network {
    let mut network = Network::new();
    let a = network.add_input("a", DataType::Float, dims(&[-1])).unwrap();
    let b = network.add_input("b", DataType::Float, dims(&[-1])).unwrap();
    let y = sum(&mut network, a, b);
    network.mark_output(y);
    network
}

fn error(network: &Network, profiles: &[Profile]) -> String {
    build(network, &config(profiles), &mut Quiet).unwrap_err().to_string()
}

#[test]
fn a_network_needs_outputs_and_its_inputs_profiles() {
    assert!(error(&Network::new(), &[]).contains("no outputs"));
    let network = two_inputs();
    assert!(error(&network, &[]).contains("no optimization profile"));
    let good = [&[1][..], &[2], &[4]];
    for (inputs, expected) in [
        (vec![("a", good)], "profile 0: dynamic input \"b\""),
        (vec![("a", good), ("b", [&[3], &[2], &[4]])], "min <= opt <= max"),
        (vec![("a", good), ("b", [&[1, 1], &[2], &[4]])], "rank"),
        (vec![("a", good), ("b", [&[-1], &[2], &[4]])], "contradicts"),
        (vec![("a", good), ("b", good), ("c", good)], "no input \"c\""),
    ] {
        let found = error(&network, &[profile(&inputs)]);
        assert!(found.contains(expected), "{found}");
    }
    build(&network, &config(&[profile(&[("a", good), ("b", good)])]), &mut Quiet).unwrap();
}

#[test]
fn a_refusal_names_profile_and_layer() {
    let found = error(
        &two_inputs(),
        &[
            profile(&[("a", [&[1], &[2], &[4]]), ("b", [&[1], &[2], &[4]])]),
            profile(&[("a", [&[1], &[2], &[4]]), ("b", [&[1], &[2], &[5]])]),
        ],
    );
    assert!(found.starts_with("profile 1, maximum: (Unnamed Layer* 0) [ElementWise]"), "{found}");
    assert!(found.contains("extents 4 and 5"), "{found}");
}

#[test]
fn equal_names_of_dimensions_are_bound() {
    let mut network = two_inputs();
    for index in [0, 1] {
        let id = network.graph().inputs[index];
        network.graph_mut().tensor_mut(id).dim_names = vec!["batch".to_owned()];
    }
    let found = error(&network, &[profile(&[("a", [&[1], &[2], &[4]]), ("b", [&[1], &[1], &[4]])])]);
    assert!(found.contains("dimension \"batch\""), "{found}");
}

fn layers(plan: &Plan) -> Vec<&'static str> {
    plan.graph.layers.iter().map(|layer| layer.kind.layer_type().name()).collect()
}

#[test]
fn constants_are_folded_and_what_is_not_needed_is_left_out() {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, dims(&[2])).unwrap();
    let (a, b) = (constant(&mut network, &[1.0, 2.0]), constant(&mut network, &[3.0, 4.0]));
    let folded = sum(&mut network, a, b);
    let y = sum(&mut network, x, folded);
    let unused = constant(&mut network, &[9.0, 9.0]);
    let _ = sum(&mut network, y, unused);
    network.mark_output(y);
    let plan = build(&network, &config(&[]), &mut Quiet).unwrap();
    assert_eq!(layers(&plan), ["kCONSTANT", "kELEMENTWISE"]);
    assert_eq!(plan.graph.weights.len(), 1);
    assert_eq!(bytemuck::cast_slice::<u8, f32>(&plan.graph.weights[0].storage), [4.0, 6.0]);
    assert_eq!(plan.profiles.len(), 1);
}

#[test]
fn a_cast_to_uint8_stays_a_layer_for_there_are_no_such_constants() {
    let mut network = Network::new();
    let x = constant(&mut network, &[1.0, 200.0]);
    let x = network.add_one(LayerKind::Cast { to: DataType::Int32 }, vec![Some(x)]).unwrap();
    let y = network.add_one(LayerKind::Cast { to: DataType::Uint8 }, vec![Some(x)]).unwrap();
    network.mark_output(y);
    let plan = build(&network, &config(&[]), &mut Quiet).unwrap();
    assert_eq!(layers(&plan), ["kCONSTANT", "kCAST"]);
    assert_eq!(plan.graph.tensor(plan.graph.outputs[0]).dtype, DataType::Uint8);
}

#[test]
fn shapes_of_known_tensors_are_folded() {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, dims(&[2, 3])).unwrap();
    let shape = network.add_one(LayerKind::Shape, vec![Some(x)]).unwrap();
    let op = tensorrt_sys::ReduceOperation::Prod;
    let volume = network.add_one(LayerKind::Reduce { op, axes: 1, keep_dims: true }, vec![Some(shape)]).unwrap();
    let shuffle = LayerKind::Shuffle(Shuffle {
        first: Permutation::IDENTITY,
        reshape: None,
        second: Permutation::IDENTITY,
        zero_is_placeholder: false,
    });
    let y = network.add_one(shuffle, vec![Some(x), Some(volume)]).unwrap();
    network.mark_output(y);
    let plan = build(&network, &config(&[]), &mut Quiet).unwrap();
    assert_eq!(layers(&plan), ["kCONSTANT", "kSHUFFLE"]);
}

#[test]
fn a_large_fill_stays_a_layer() {
    let mut network = Network::new();
    let fill = |extent: i64| {
        LayerKind::Fill(Fill {
            op: FillOperation::Linspace,
            dims: dims(&[extent]),
            alpha: 0.0,
            beta: 1.0,
            alpha_int64: 0,
            beta_int64: 1,
            to: DataType::Float,
        })
    };
    for extent in [1000, 10_000_000] {
        let id = network.add_one(fill(extent), Vec::new()).unwrap();
        network.mark_output(id);
    }
    let plan = build(&network, &config(&[]), &mut Quiet).unwrap();
    assert_eq!(layers(&plan), ["kCONSTANT", "kFILL"]);
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<String>,
    cancel_at: Option<usize>,
}

impl Progress for Log {
    fn phase_start(&mut self, phase: &str, parent: Option<&str>, _steps: usize) {
        self.events.push(format!("start {phase} in {parent:?}"));
    }
    fn step_complete(&mut self, phase: &str, step: usize) -> bool {
        self.events.push(format!("step {phase} {step}"));
        self.cancel_at != Some(self.events.len())
    }
    fn phase_finish(&mut self, phase: &str) {
        self.events.push(format!("finish {phase}"));
    }
}

#[test]
fn progress_is_reported_and_can_cancel_at_every_step() {
    let network = two_inputs();
    let profiles = [profile(&[("a", [&[1], &[2], &[4]]), ("b", [&[1], &[2], &[4]])])];
    let mut log = Log::default();
    build(&network, &config(&profiles), &mut log).unwrap();
    let count = |events: &[String], what: &str| events.iter().filter(|event| event.starts_with(what)).count();
    assert_eq!(count(&log.events, "start"), count(&log.events, "finish"));
    let steps: Vec<usize> = (1..=log.events.len()).filter(|&i| log.events[i - 1].starts_with("step")).collect();
    assert!(steps.len() >= 5, "{:?}", log.events);
    for at in steps {
        let mut log = Log { cancel_at: Some(at), ..Log::default() };
        let error = build(&network, &config(&profiles), &mut log).unwrap_err();
        assert!(error.message().contains("cancelled"), "{error}");
        assert_eq!(count(&log.events, "start"), count(&log.events, "finish"));
    }
}

/// An integer that follows from weights changes with them.
#[test]
fn what_follows_from_refittable_weights_stays_a_layer() {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Int32, dims(&[1])).unwrap();
    let w = network.add_constant("w", &Tensor::from_slice(dims(&[1]), &[3f32]).unwrap()).unwrap();
    let cast = network.add_one(LayerKind::Cast { to: DataType::Int32 }, vec![Some(w)]).unwrap();
    let y = sum(&mut network, x, cast);
    network.mark_output(y);
    let mut config = config(&[]);
    config.settings.refittable = true;
    let engine = super::build_engine(&network, &config, &mut Quiet).unwrap();
    let weights = &engine.plan().graph.weights;
    let index = weights.iter().position(|weights| weights.name == "w").unwrap();
    let engine = engine.refitted(&[(index, Storage::copy_of(bytemuck::cast_slice(&[10f32])))].into()).unwrap();
    let x = Storage::copy_of(bytemuck::cast_slice(&[100i32]));
    let outputs = engine.create_context(None).unwrap().run_dynamic(&[&x]).unwrap();
    assert_eq!(outputs[0].view().as_slice::<i32>().unwrap(), [110]);
}
