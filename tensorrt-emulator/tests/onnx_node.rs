//! ONNX's own node tests, those that NVIDIA's parser accepts: each model is imported, made into an engine and run on its inputs, and every
//! output is compared with the expected one.
//!
//! `TENSORRT_TEST_ONNX_NODE` names the folder of the tests (`backend/test/data/node` of the onnx package); without it nothing runs.
//! `onnx_node.tsv` lists every test as `name <tab> pass`, or with the reason why it does not pass. A listed failure that passes fails, too.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use prost::Message as _;
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::proto::{ModelProto, TensorProto, ValueInfoProto, type_proto};
use tensorrt_emulator::onnx::{Importer, Model};
use tensorrt_emulator::plan::{Identity, Plan, Profile, Settings};
use tensorrt_emulator::run::{Engine, EngineOptions};
use tensorrt_emulator::tensor::{Dims, Tensor};
use tensorrt_sys::{DataType, Family, Version};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The folder of the tests.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TENSORRT_TEST_ONNX_NODE").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: TENSORRT_TEST_ONNX_NODE does not name the folder of ONNX's node tests");
    }
    folder
}

/// What a table says of each test: `name <tab> reason`.
fn listed(table: &'static str) -> BTreeMap<&'static str, &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect()
}

/// How a test is run and its outputs compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct How {
    /// Whether every input after the first is an initializer.
    initializers: bool,
    outputs: Outputs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outputs {
    /// Element by element.
    Exact,
    /// Rows in any order.
    Rows,
    /// Types and dimensions only.
    Shapes,
}

impl How {
    fn new(expected: &str) -> Option<Self> {
        let outputs = match expected {
            "pass" => Outputs::Exact,
            _ if expected.starts_with("pass as rows") => Outputs::Rows,
            _ if expected.starts_with("pass as shapes") => Outputs::Shapes,
            _ => return None,
        };
        Some(Self { initializers: false, outputs })
    }
}

#[test]
fn node_tests_give_the_expected_outputs() {
    let Some(folder) = folder() else { return };
    let mut wrong = String::new();
    let mut passed = 0;
    let tests = listed(include_str!("onnx_node.tsv"));
    for (name, expected) in &tests {
        let how = How::new(expected);
        let exact = How { initializers: false, outputs: Outputs::Exact };
        match (check(&folder.join(name), how.unwrap_or(exact)), how) {
            (Ok(()), Some(_)) => passed += 1,
            (Ok(()), None) => _ = writeln!(wrong, "{name}\tpasses, but is listed with: {expected}"),
            (Err(error), Some(_)) => _ = writeln!(wrong, "{name}\t{error}"),
            (Err(_), None) => {}
        }
    }
    println!("{passed} of {} node tests pass", tests.len());
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Every node test, also those that NVIDIA's parser refuses, as it is and with every input after the first an initializer: whatever the
/// importer accepts gives the expected outputs.
#[test]
fn what_is_imported_gives_the_expected_outputs() {
    let Some(folder) = folder() else { return };
    let (plain, varied) = (listed(include_str!("onnx_node.tsv")), listed(include_str!("onnx_node_imported.tsv")));
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("test_"))
        .collect();
    names.sort();
    let mut wrong = String::new();
    let (mut passed, mut refused) = (0, 0);
    for name in &names {
        for initializers in [false, true] {
            let Some(known) = plain.get(name.as_str()).map_or(How::new("pass"), |expected| How::new(expected)) else {
                continue;
            };
            let key = if initializers { format!("{name} (initializers)") } else { name.clone() };
            let listed = varied.get(key.as_str());
            match (check(&folder.join(name), How { initializers, ..known }), listed) {
                (Ok(()), None) => passed += 1,
                (Ok(()), Some(reason)) => _ = writeln!(wrong, "{key}\tpasses, but is listed with: {reason}"),
                (Err(Failure::Refused(_)), None) => refused += 1,
                (Err(Failure::Refused(_)), Some(reason)) => {
                    _ = writeln!(wrong, "{key}\tis refused, but is listed with: {reason}");
                }
                (Err(failure), None) => _ = writeln!(wrong, "{key}\t{failure}"),
                (Err(_), Some(_)) => {}
            }
        }
    }
    println!("{passed} of {} runs give the expected outputs, {refused} are refused", names.len() * 2);
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Why a test does not pass.
#[derive(Debug)]
enum Failure {
    /// The importer refuses the model.
    Refused(String),
    /// The model cannot be run, or its outputs are others.
    Wrong(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Refused(why) | Self::Wrong(why)) = self;
        f.write_str(&why.replace('\n', " "))
    }
}

impl From<Box<dyn std::error::Error>> for Failure {
    fn from(error: Box<dyn std::error::Error>) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// Runs one node test.
fn check(folder: &Path, how: How) -> Result<(), Failure> {
    let file = std::fs::read(folder.join("model.onnx")).map_err(|error| Failure::Wrong(error.to_string()))?;
    let mut proto = ModelProto::decode(&file[..]).map_err(|error| Failure::Wrong(error.to_string()))?;
    let graph = proto.graph.get_or_insert_default();
    let names: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
    let kept = if how.initializers { 1 } else { names.len() };
    let is_tensor = |input: &ValueInfoProto| {
        matches!(input.r#type.as_ref().and_then(|t| t.value.as_ref()), Some(type_proto::Value::TensorType(_)))
    };
    if !graph.input.iter().skip(kept).all(is_tensor) {
        return Err(Failure::Refused("an input that is no tensor cannot be an initializer".to_owned()));
    }
    graph.input.truncate(kept);
    for (index, name) in names.iter().enumerate().skip(kept) {
        let path = folder.join(format!("test_data_set_0/input_{index}.pb"));
        let bytes = std::fs::read(&path).map_err(|error| Failure::Wrong(error.to_string()))?;
        let mut tensor = TensorProto::decode(&bytes[..]).map_err(|error| Failure::Wrong(error.to_string()))?;
        tensor.name.clone_from(name);
        graph.initializer.push(tensor);
    }
    let mut network = Network::new();
    let model = Model::from_bytes(proto.encode_to_vec(), Some(folder));
    let model = model.map_err(|error| Failure::Refused(error.to_string()))?;
    Importer::new().import(&model, &mut network).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Refused(errors.join("; "))
    })?;
    let mut sets = 0;
    while let data = folder.join(format!("test_data_set_{sets}"))
        && data.exists()
        && (sets == 0 || !how.initializers)
    {
        let mut inputs = BTreeMap::new();
        for (index, name) in names.iter().enumerate().take(kept) {
            let file = data.join(format!("input_{index}.pb"));
            if file.exists() {
                inputs.insert(name.as_str(), read(&file)?.tensor()?);
            }
        }
        for (index, output) in run(&network, &inputs)?.iter().enumerate() {
            let expected = read(&data.join(format!("output_{index}.pb")))?;
            let close = compare(output, &expected, how.outputs);
            close.map_err(|error| Failure::Wrong(format!("output {index}: {error}")))?;
        }
        sets += 1;
    }
    if sets == 0 { Err(Failure::Wrong(format!("no data in {}", folder.display()))) } else { Ok(()) }
}

/// Runs a network whose only profile is the inputs' dimensions and values.
fn run(network: &Network, inputs: &BTreeMap<&str, Tensor>) -> Result<Vec<Tensor>> {
    let mut profile = Profile::default();
    for (&name, tensor) in inputs {
        profile.dims.insert(name.to_owned(), [*tensor.dims(); 3]);
        if matches!(tensor.dtype(), DataType::Int32 | DataType::Int64 | DataType::Bool) {
            let values = tensor.view().to_i64()?;
            profile.values.insert(name.to_owned(), [values.clone(), values.clone(), values]);
        }
    }
    let plan = Plan {
        identity: Identity::new(Family::Trt11, Version::new(11, 4, 0)),
        graph: network.graph().clone(),
        profiles: vec![profile],
        settings: Settings::default(),
    };
    let engine = Engine::from_plan(plan, EngineOptions::default())?;
    let mut context = engine.create_context(None)?;
    let mut bytes: Vec<&[u8]> = Vec::new();
    for (index, tensor) in engine.io_tensors().iter().enumerate().take(engine.num_inputs()) {
        let given = inputs.get(tensor.name.as_str()).ok_or_else(|| format!("no data for input {}", tensor.name))?;
        if given.dtype() != tensor.dtype {
            return Err(format!("input {} is {:?}, not {:?}", tensor.name, tensor.dtype, given.dtype()).into());
        }
        context.set_input_shape(index, *given.dims())?;
        bytes.push(given.storage());
    }
    Ok(context.run_dynamic(&bytes)?)
}

/// A tensor of the test data: its type in the network, its dimensions, and its elements both as numbers and as bytes. Doubles, which
/// TensorRT lacks, become floats.
struct Data {
    dtype: DataType,
    dims: Vec<i64>,
    numbers: Vec<f64>,
    bytes: Vec<u8>,
}

impl Data {
    fn tensor(&self) -> Result<Tensor> {
        let mut tensor = Tensor::zeroed(self.dtype, Dims::new(&self.dims)?)?;
        let mut view = tensor.view_mut();
        let bytes = view.bytes_mut();
        if bytes.len() != self.bytes.len() {
            return Err(format!("{} bytes of data for {:?}", self.bytes.len(), self.dims).into());
        }
        bytes.copy_from_slice(&self.bytes);
        Ok(tensor)
    }
}

fn read(path: &Path) -> Result<Data> {
    let proto = TensorProto::decode(&std::fs::read(path)?[..])?;
    let raw = proto.raw_data.as_deref();
    let small = |bits: fn(i32) -> Vec<u8>| match raw {
        Some(raw) => raw.to_vec(),
        None => proto.int32_data.iter().flat_map(|&v| bits(v)).collect(),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the field holds the low bits of narrower types"
    )]
    let (dtype, bytes): (DataType, Vec<u8>) = match proto.data_type {
        1 => (DataType::Float, raw.map_or_else(|| bytemuck::cast_slice(&proto.float_data).to_vec(), <[u8]>::to_vec)),
        2 => (DataType::Uint8, small(|v| vec![v as u8])),
        3 => (DataType::Int8, small(|v| vec![v as u8])),
        6 => (DataType::Int32, small(|v| v.to_le_bytes().to_vec())),
        7 => (DataType::Int64, raw.map_or_else(|| bytemuck::cast_slice(&proto.int64_data).to_vec(), <[u8]>::to_vec)),
        9 => (DataType::Bool, small(|v| vec![v as u8])),
        10 => (DataType::Half, small(|v| (v as u16).to_le_bytes().to_vec())),
        11 => {
            let raw = raw.map_or_else(|| bytemuck::cast_slice(&proto.double_data).to_vec(), <[u8]>::to_vec);
            let doubles = raw.as_chunks::<8>().0.iter().map(|&c| f64::from_le_bytes(c));
            (DataType::Float, doubles.flat_map(|v| (v as f32).to_le_bytes()).collect())
        }
        16 => (DataType::Bf16, small(|v| (v as u16).to_le_bytes().to_vec())),
        17 => (DataType::Fp8, small(|v| vec![v as u8])),
        22 => (DataType::Int4, small(|v| vec![v as u8])),
        23 => (DataType::Fp4, small(|v| vec![v as u8])),
        other => return Err(format!("{}: TensorRT has no counterpart of data type {other}", path.display()).into()),
    };
    Ok(Data { dtype, dims: proto.dims, numbers: numbers(dtype, &bytes), bytes })
}

/// The elements as numbers; of the formats of eight bits and fewer, the codes.
#[expect(clippy::cast_precision_loss, reason = "the tests' integers are small")]
fn numbers(dtype: DataType, bytes: &[u8]) -> Vec<f64> {
    match dtype {
        DataType::Float => bytes.as_chunks::<4>().0.iter().map(|&c| f32::from_le_bytes(c).into()).collect(),
        DataType::Int32 => bytes.as_chunks::<4>().0.iter().map(|&c| i32::from_le_bytes(c).into()).collect(),
        DataType::Int64 => bytes.as_chunks::<8>().0.iter().map(|&c| i64::from_le_bytes(c) as f64).collect(),
        DataType::Half => bytes.as_chunks::<2>().0.iter().map(|&c| f16::from_le_bytes(c).to_f64()).collect(),
        DataType::Bf16 => bytes.as_chunks::<2>().0.iter().map(|&c| bf16::from_le_bytes(c).to_f64()).collect(),
        DataType::Int8 => bytes.iter().map(|&b| b.cast_signed().into()).collect(),
        DataType::Fp8 => bytes.iter().map(|&b| if b & 0x7F == 0x7F { f64::NAN } else { b.into() }).collect(),
        _ => bytes.iter().map(|&b| b.into()).collect(),
    }
}

/// The tolerances of ONNX's backend tests, relative 1e-3 and absolute 1e-7; two units in the last place for the types that are coarser,
/// since every layer rounds.
fn compare(output: &Tensor, expected: &Data, how: Outputs) -> Result<()> {
    if output.dims()[..] != expected.dims[..] || output.dtype() != expected.dtype {
        let (got, wanted) = (output.dtype().name(), expected.dtype.name());
        return Err(format!("{} of {got}, not {:?} of {wanted}", output.dims(), expected.dims).into());
    }
    let relative = match expected.dtype {
        DataType::Half => 2f64.powi(-9),
        DataType::Bf16 => 2f64.powi(-6),
        _ => 1e-3,
    };
    let width = usize::try_from(output.dims().last().copied().unwrap_or(1))?.max(1);
    let rows = |numbers: Vec<f64>| {
        let mut rows: Vec<&[f64]> = numbers.chunks(width).collect();
        rows.sort_by(|a, b| {
            a.iter().zip(*b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        });
        rows.concat()
    };
    let (mut got, mut wanted) = (numbers(output.dtype(), output.view().bytes()), expected.numbers.clone());
    match how {
        Outputs::Exact => {}
        Outputs::Rows => (got, wanted) = (rows(got), rows(wanted)),
        Outputs::Shapes => return Ok(()),
    }
    for (at, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
        let same = got == wanted || got.is_nan() && wanted.is_nan();
        // A difference that is not a number is not within the tolerance.
        let close = (got - wanted).abs() <= 1e-7 + relative * wanted.abs();
        if !same && !close {
            return Err(format!("element {at} is {got}, not {wanted}").into());
        }
    }
    Ok(())
}
