//! Models that are deep: subgraphs in subgraphs, functions that call functions.

use prost::Message as _;
use tensorrt_emulator::build::{Quiet, build};
use tensorrt_emulator::graph::{LayerId, LayerKind};
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::Model;
use tensorrt_emulator::onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};

use tensorrt_emulator::tensor::{Dims, Tensor};
use tensorrt_sys::{DataType, ElementWiseOperation, LoopOutput, TripLimit};

use super::harness::{Stage, config, onnx};
use super::seeds::value_info;

fn model(graph: GraphProto, functions: Vec<FunctionProto>) -> ModelProto {
    let import = |domain: &str| OperatorSetIdProto { domain: domain.to_owned(), version: 17 };
    ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![import(""), import("own")],
        functions,
        ..ModelProto::default()
    }
}

fn node(domain: &str, op: &str, input: &str, output: &str) -> NodeProto {
    NodeProto {
        domain: domain.to_owned(),
        op_type: op.to_owned(),
        input: vec![input.to_owned()],
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// The bytes of a model whose conditionals are `depth` deep, made from the inside, since no message can hold them.
fn deep(depth: usize) -> Vec<u8> {
    let field = |bytes: &mut Vec<u8>, tag: u8, content: &[u8]| {
        bytes.push(tag);
        prost::encoding::encode_varint(content.len() as u64, bytes);
        bytes.extend_from_slice(content);
    };
    let output = ValueInfoProto { name: "y".to_owned(), ..ValueInfoProto::default() }.encode_to_vec();
    let mut graph = GraphProto { node: vec![node("", "Identity", "x", "y")], ..GraphProto::default() }.encode_to_vec();
    field(&mut graph, 0x62, &output);
    for _ in 0..depth {
        let mut attribute =
            AttributeProto { name: "then_branch".to_owned(), r#type: 5, ..AttributeProto::default() }.encode_to_vec();
        field(&mut attribute, 0x32, &graph);
        let mut inner = node("", "If", "c", "y").encode_to_vec();
        field(&mut inner, 0x2A, &attribute);
        graph.clear();
        field(&mut graph, 0x0A, &inner);
        field(&mut graph, 0x62, &output);
    }
    field(&mut graph, 0x5A, &value_info("c", 9, &[]).encode_to_vec());
    field(&mut graph, 0x5A, &value_info("x", 1, &[2]).encode_to_vec());
    let mut bytes = model(GraphProto::default(), Vec::new());
    bytes.graph = None;
    let mut bytes = bytes.encode_to_vec();
    field(&mut bytes, 0x3A, &graph);
    bytes
}

#[test]
fn nested_conditionals_do_not_overflow_the_stack() {
    for depth in [1, 10, 30, 32, 33, 34, 50, 100, 10_000] {
        // A stack of the size that threads have.
        let bytes = deep(depth);
        let refused = Model::from_bytes(bytes.clone(), None).is_err();
        assert_eq!(refused, depth > 32, "{depth}");
        std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || onnx(&bytes, None).run())
            .unwrap()
            .join()
            .unwrap();
    }
}

/// A network of conditionals within one another, made layer by layer.
pub(crate) fn conditionals(depth: usize) -> tensorrt_emulator::Result<Network> {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, Dims::new(&[2])?)?;
    let condition = network.add_input("c", DataType::Bool, Dims::scalar())?;
    let mut value = network.add_one(LayerKind::Identity, vec![Some(x)])?;
    for _ in 0..depth {
        let conditional = network.add_conditional();
        network.set_condition(conditional, condition)?;
        value = network.add_one(LayerKind::ConditionalOutput { conditional }, vec![Some(value), Some(x)])?;
    }
    network.graph_mut().tensor_mut(value).name = "y".to_owned();
    network.mark_output(value);
    Ok(network)
}

/// A network of a loop that adds its input three times.
pub(crate) fn looped() -> tensorrt_emulator::Result<Network> {
    let mut network = Network::new();
    let x = network.add_input("x", DataType::Float, Dims::new(&[2])?)?;
    let count = network.add_constant("count", &Tensor::from_slice(Dims::scalar(), &[3_i32])?)?;
    let loop_id = network.add_loop();
    network.add(LayerKind::TripLimit { loop_id, limit: TripLimit::Count }, vec![Some(count)])?;
    let sum = network.add_one(LayerKind::Recurrence { loop_id }, vec![Some(x)])?;
    let op = ElementWiseOperation::Sum;
    let next = network.add_one(LayerKind::ElementWise { op }, vec![Some(sum), Some(x)])?;
    let producer = network.graph().tensor(sum).producer;
    network.set_input(producer.map_or(LayerId(0), |(layer, _)| layer), 1, next)?;
    let last = LayerKind::LoopOutput { loop_id, output: LoopOutput::LastValue, axis: 0 };
    let y = network.add_one(last, vec![Some(sum)])?;
    network.graph_mut().tensor_mut(y).name = "y".to_owned();
    network.mark_output(y);
    Ok(network)
}

#[test]
fn conditionals_added_by_hand_do_not_overflow_the_stack() {
    for depth in [1, 8, 10_000] {
        let build = move || {
            let network = conditionals(depth).unwrap();
            build(&network, &config(&network), &mut Quiet).is_ok()
        };
        let built = std::thread::Builder::new().stack_size(2 << 20).spawn(build).unwrap().join().unwrap();
        assert_eq!(built, depth <= 8, "{depth}");
    }
}

/// A model that calls the first of `functions`, each with the domain `own`.
fn calling(functions: Vec<FunctionProto>) -> Vec<u8> {
    let graph = GraphProto {
        name: "g".to_owned(),
        input: vec![value_info("x", 1, &[2])],
        output: vec![value_info("y", 1, &[2])],
        node: vec![node("own", &functions[0].name.clone(), "x", "y")],
        ..GraphProto::default()
    };
    model(graph, functions).encode_to_vec()
}

fn function(name: &str, nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        domain: "own".to_owned(),
        name: name.to_owned(),
        input: vec!["a".to_owned()],
        output: vec!["z".to_owned()],
        node: nodes,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..FunctionProto::default()
    }
}

#[test]
fn recursive_functions_are_refused() {
    let own = calling(vec![function("f", vec![node("own", "f", "a", "z")])]);
    let two =
        calling(vec![function("f", vec![node("own", "g", "a", "z")]), function("g", vec![node("own", "f", "a", "z")])]);
    let twice = calling(vec![function("f", vec![node("own", "f", "a", "b"), node("own", "f", "b", "z")])]);
    for bytes in [own, two, twice] {
        assert_eq!(onnx(&bytes, None).run(), Stage::Decoded);
    }
}

#[test]
fn chains_of_functions_are_inlined_or_refused() {
    for (depth, expected) in [(1, Stage::Ran), (60, Stage::Ran), (70, Stage::Decoded), (10_000, Stage::Decoded)] {
        let mut functions: Vec<FunctionProto> = (0..depth)
            .map(|i| function(&format!("f{i}"), vec![node("own", &format!("f{}", i + 1), "a", "z")]))
            .collect();
        functions.push(function(&format!("f{depth}"), vec![node("", "Relu", "a", "z")]));
        assert_eq!(onnx(&calling(functions), None).run(), expected, "{depth}");
    }
}

#[test]
fn doubling_functions_are_refused_in_time() {
    // 2^40 nodes.
    let mut functions: Vec<FunctionProto> = (0..40)
        .map(|i| {
            let next = format!("f{}", i + 1);
            function(&format!("f{i}"), vec![node("own", &next, "a", "b"), node("own", &next, "b", "z")])
        })
        .collect();
    functions.push(function("f40", vec![node("", "Relu", "a", "z")]));
    assert_eq!(onnx(&calling(functions), None).run(), Stage::Decoded);
}
