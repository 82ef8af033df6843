//! ONNX's own node tests, those that NVIDIA's parser accepts: each model is imported, made into an engine and run on its inputs, and every
//! output is compared with the expected one.
//!
//! `TENSORRT_TEST_ONNX_NODE` names the folder of the tests (`backend/test/data/node` of the onnx package); without it nothing runs.
//! `onnx_node.tsv` lists every test as `name <tab> pass`, or with the reason why it does not pass. A listed failure that passes fails, too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use half::{bf16, f16};
use prost::Message as _;
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::proto::TensorProto;
use tensorrt_emulator::onnx::{Importer, Model};
use tensorrt_emulator::plan::{Identity, Plan, Profile, Settings};
use tensorrt_emulator::run::{Engine, EngineOptions};
use tensorrt_emulator::tensor::{Dims, Tensor};
use tensorrt_sys::{DataType, Family, Version};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[test]
fn node_tests_give_the_expected_outputs() {
    let Some(folder) = std::env::var_os("TENSORRT_TEST_ONNX_NODE") else {
        println!("skipped: TENSORRT_TEST_ONNX_NODE does not name the folder of ONNX's node tests");
        return;
    };
    let mut wrong = String::new();
    let (mut passed, mut listed) = (0, 0);
    for line in include_str!("onnx_node.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (name, expected) = line.split_once('\t').unwrap_or((line, "pass"));
        listed += 1;
        match (check(&Path::new(&folder).join(name)), expected) {
            (Ok(()), "pass") => passed += 1,
            (Ok(()), reason) => _ = writeln!(wrong, "{name}\tpasses, but is listed with: {reason}"),
            (Err(error), "pass") => _ = writeln!(wrong, "{name}\t{}", error.to_string().replace('\n', " ")),
            (Err(_), _) => {}
        }
    }
    println!("{passed} of {listed} node tests pass");
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Runs one node test.
fn check(folder: &Path) -> Result<()> {
    let model = Model::from_file(folder.join("model.onnx"))?;
    let mut network = Network::new();
    Importer::new().import(&model, &mut network).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        errors.join("; ")
    })?;
    let names: Vec<String> =
        model.proto().graph.iter().flat_map(|graph| &graph.input).map(|i| i.name.clone()).collect();
    let mut sets = 0;
    while let data = folder.join(format!("test_data_set_{sets}"))
        && data.exists()
    {
        let mut inputs = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            let file = data.join(format!("input_{index}.pb"));
            if file.exists() {
                inputs.insert(name.as_str(), read(&file)?.tensor()?);
            }
        }
        for (index, output) in run(&network, &inputs)?.iter().enumerate() {
            let expected = read(&data.join(format!("output_{index}.pb")))?;
            compare(output, &expected).map_err(|error| format!("output {index}: {error}"))?;
        }
        sets += 1;
    }
    if sets == 0 { Err(format!("no data in {}", folder.display()).into()) } else { Ok(()) }
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
        _ => bytes.iter().map(|&b| b.into()).collect(),
    }
}

/// The tolerances of ONNX's backend tests, relative 1e-3 and absolute 1e-7; two units in the last place for the types that are coarser,
/// since every layer rounds.
fn compare(output: &Tensor, expected: &Data) -> Result<()> {
    if output.dims()[..] != expected.dims[..] || output.dtype() != expected.dtype {
        let (got, wanted) = (output.dtype().name(), expected.dtype.name());
        return Err(format!("{} of {got}, not {:?} of {wanted}", output.dims(), expected.dims).into());
    }
    let relative = match expected.dtype {
        DataType::Half => 2f64.powi(-9),
        DataType::Bf16 => 2f64.powi(-6),
        _ => 1e-3,
    };
    let got = numbers(output.dtype(), output.view().bytes());
    for (at, (got, wanted)) in got.iter().zip(&expected.numbers).enumerate() {
        let same = got == wanted || got.is_nan() && wanted.is_nan();
        // A difference that is not a number is not within the tolerance.
        let close = (got - wanted).abs() <= 1e-7 + relative * wanted.abs();
        if !same && !close {
            return Err(format!("element {at} is {got}, not {wanted}").into());
        }
    }
    Ok(())
}
