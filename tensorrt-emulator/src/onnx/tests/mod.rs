//! Tests over small models built in code: what each becomes, what is refused and why, and that no bytes make the importer panic.

mod attention;
mod control;
mod errors;
mod inspection;
mod recurrent;
mod robustness;
mod semantics;
mod spectrum;
mod versions;

use prost::Message;
use tensorrt_sys::{DataType, Family, LayerType, Version};

use super::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, attribute_type as at, dimension, type_proto,
};
use super::{Importer, Model, ParserError};
use crate::network::Network;
use crate::plan::{Identity, Plan, Profile, Settings};
use crate::run::{Engine, EngineOptions};
use crate::tensor::{Dims, Tensor};

/// A model under construction.
#[derive(Clone)]
struct Build(ModelProto);

fn model(opset: i64) -> Build {
    Build(ModelProto {
        ir_version: Some(8),
        producer_name: "tests".to_owned(),
        graph: Some(GraphProto { name: "g".to_owned(), ..GraphProto::default() }),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        ..ModelProto::default()
    })
}

fn info(name: &str, elem_type: i32, dims: &[&str]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|text| match text.parse() {
            Ok(extent) => Dimension { value: Some(dimension::Value::DimValue(extent)) },
            Err(_) => Dimension { value: Some(dimension::Value::DimParam((*text).to_owned())) },
        })
        .collect();
    let tensor = type_proto::Tensor { elem_type, shape: Some(TensorShapeProto { dim }) };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { value }) }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 1,
        raw_data: Some(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()),
        ..TensorProto::default()
    }
}

fn int64s(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: vec![i64::try_from(values.len()).unwrap()],
        data_type: 7,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn uint8s(name: &str, dims: &[i64], values: &[u8]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 2,
        raw_data: Some(values.to_vec().into()),
        ..TensorProto::default()
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: at::INT, i: Some(i), ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: at::INTS, ints: ints.to_vec(), ..AttributeProto::default() }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: at::FLOAT, f: Some(f), ..AttributeProto::default() }
}

fn text(name: &str, s: &str) -> AttributeProto {
    let s = Some(s.to_owned().into_bytes().into());
    AttributeProto { name: name.to_owned(), r#type: at::STRING, s, ..AttributeProto::default() }
}

fn graph(name: &str, build: Build) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: at::GRAPH, g: build.0.graph, ..AttributeProto::default() }
}

impl Build {
    fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    fn input(mut self, name: &str, elem_type: i32, dims: &[&str]) -> Self {
        self.graph().input.push(info(name, elem_type, dims));
        self
    }

    fn output(mut self, name: &str) -> Self {
        self.graph().output.push(info(name, 1, &[]));
        self
    }

    fn weights(mut self, tensor: TensorProto) -> Self {
        self.graph().initializer.push(tensor);
        self
    }

    fn node(mut self, op: &str, inputs: &[&str], outputs: &[&str], attribute: &[AttributeProto]) -> Self {
        self.graph().node.push(NodeProto {
            op_type: op.to_owned(),
            name: format!("the {op}"),
            input: inputs.iter().map(|&s| s.to_owned()).collect(),
            output: outputs.iter().map(|&s| s.to_owned()).collect(),
            attribute: attribute.to_vec(),
            ..NodeProto::default()
        });
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    fn load(&self) -> Model {
        Model::from_bytes(self.bytes(), None).unwrap()
    }

    fn import(&self) -> Result<Network, Vec<ParserError>> {
        let mut network = Network::new();
        Importer::new().import(&self.load(), &mut network).map(|_| network)
    }

    fn messages(&self) -> Vec<String> {
        self.import().expect_err("the model is imported").iter().map(ToString::to_string).collect()
    }
}

/// One node over `x`, with the other inputs as weights, and its output `y`.
fn single(opset: i64, op: &str, x: &[&str], weights: &[TensorProto], attributes: &[AttributeProto]) -> Build {
    let mut build = model(opset).input("x", 1, x);
    let mut inputs = vec!["x"];
    for tensor in weights {
        inputs.push(&tensor.name);
        build = build.weights(tensor.clone());
    }
    build.node(op, &inputs, &["y"], attributes).output("y")
}

/// The kinds of the layers, constants left out.
fn kinds(network: &Network) -> Vec<LayerType> {
    let layers = network.graph().layers.iter();
    layers.map(|layer| layer.kind.layer_type()).filter(|kind| *kind != LayerType::Constant).collect()
}

/// The dimensions and the type of the first output.
fn result(network: &Network) -> (Vec<i64>, DataType) {
    let value = network.value(network.graph().outputs[0]);
    (value.dims.to_vec(), value.dtype)
}

/// The dimensions of `y`, or the errors.
fn dims(build: &Build) -> Vec<i64> {
    result(&build.import().unwrap_or_else(|errors| panic!("{errors:?}"))).0
}

/// Runs a network over inputs, for the profile of exactly their dimensions; its outputs.
fn try_run(network: &Network, inputs: &[Tensor]) -> crate::Result<Vec<Tensor>> {
    let mut profile = Profile::default();
    for (&id, tensor) in network.graph().inputs.iter().zip(inputs) {
        profile.dims.insert(network.graph().tensor(id).name.clone(), [*tensor.dims(); 3]);
    }
    let identity = Identity::new(Family::Trt11, Version::new(11, 4, 0));
    let (graph, profiles, settings) = (network.graph().clone(), vec![profile], Settings::default());
    let engine = Engine::from_plan(Plan { identity, graph, profiles, settings }, EngineOptions::default())?;
    let mut context = engine.create_context(None)?;
    let mut bytes: Vec<&[u8]> = Vec::new();
    for (index, tensor) in inputs.iter().enumerate() {
        context.set_input_shape(index, *tensor.dims())?;
        bytes.push(tensor.storage());
    }
    context.run_dynamic(&bytes)
}

/// As [`try_run`], of what runs.
fn run(network: &Network, inputs: &[Tensor]) -> Vec<Tensor> {
    try_run(network, inputs).unwrap()
}

fn vector(values: &[f32]) -> Tensor {
    tensor(&[i64::try_from(values.len()).unwrap()], values)
}

fn tensor(extents: &[i64], values: &[f32]) -> Tensor {
    Tensor::from_slice(Dims::new(extents).unwrap(), values).unwrap()
}

/// The elements of a tensor of float.
fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.storage().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}
