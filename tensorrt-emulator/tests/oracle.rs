//! Whole models against ONNX Runtime: every case of the oracle (`xtask/python/oracle.py`) that `TENSORRT_TEST_ORACLE` names, and the
//! checked-in fixtures. An output may differ by its tolerance times its scale; classes and texts are the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../tests/common/oracle.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod manifest;

use std::collections::BTreeMap;
use std::path::PathBuf;

use manifest::{Array, Case, Model, Oracle};
use tensorrt_emulator::build::{BuildConfig, Quiet, build};
use tensorrt_emulator::memory::Storage;
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::{self, Importer};
use tensorrt_emulator::plan::{Identity, Profile};
use tensorrt_emulator::run::{Context, Engine, EngineOptions};
use tensorrt_emulator::tensor::{Dims, Tensor};
use tensorrt_sys::{DataType, Family, Version};

fn extents(shape: &[usize]) -> Dims {
    let extents: Vec<i64> = shape.iter().map(|&extent| i64::try_from(extent).unwrap()).collect();
    Dims::new(&extents).unwrap()
}

fn engine(model: Model<'_>) -> Result<std::sync::Arc<Engine>, String> {
    let loaded = onnx::Model::from_file(model.path()).map_err(|error| error.to_string())?;
    let mut network = Network::new();
    Importer::new()
        .import(&loaded, &mut network)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    let mut profile = Profile::default();
    for input in model.inputs() {
        profile.dims.insert(input.name.to_owned(), input.shapes.map(|shape| Dims::new(&shape).unwrap()));
    }
    config.profiles.push(profile);
    let plan = build(&network, &config, &mut Quiet).map_err(|error| error.to_string())?;
    Engine::from_plan(plan, EngineOptions::default()).map_err(|error| error.to_string())
}

fn run(context: &mut Context, case: &Case<'_>) -> Result<Vec<Tensor>, String> {
    let mut buffers = vec![Storage::zeroed(0); context.engine().num_inputs()];
    for input in &case.inputs {
        let index = context.engine().io_index(&input.name).map_err(|error| error.to_string())?;
        context.set_input_shape(index, extents(&input.shape)).map_err(|error| error.to_string())?;
        buffers[index] = Storage::copy_of(&input.bytes);
    }
    let inputs: Vec<&[u8]> = buffers.iter().map(|storage| &storage[..]).collect();
    context.run_dynamic(&inputs).map_err(|error| error.to_string())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

/// The largest difference between an output and the oracle's, relative to the scale of the part it is in.
fn difference(output: &Tensor, expected: &Array) -> Result<f64, String> {
    let dims = extents(&expected.shape);
    if output.dims() != &dims {
        return Err(format!("{} instead of {dims}", output.dims()));
    }
    if output.dtype() != DataType::Float {
        let same = output.storage()[..] == expected.bytes;
        return if same { Ok(0.0) } else { Err("integers differ".to_owned()) };
    }
    let (ours, theirs) = (floats(output.storage()), expected.floats());
    let scale_at = |index: usize| {
        for part in &expected.parts {
            let inner: usize = expected.shape[part.axis + 1..].iter().product();
            if (part.start..part.stop).contains(&(index / inner % expected.shape[part.axis])) {
                return part.scale;
            }
        }
        expected.scale
    };
    let mut worst = 0.0_f64;
    for (index, (&a, &b)) in ours.iter().zip(&theirs).enumerate() {
        let relative = f64::from((a - b).abs()) / scale_at(index).max(f64::MIN_POSITIVE);
        if !relative.is_finite() && a.to_bits() != b.to_bits() {
            return Err(format!("element {index} is {a}, not {b}"));
        }
        worst = worst.max(if relative.is_finite() { relative } else { 0.0 });
    }
    Ok(worst)
}

fn argmax(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a))).unwrap_or(0)
}

/// The largest class of every row of the last axis.
fn classes(output: &Tensor) -> Vec<usize> {
    let width = usize::try_from(*output.dims().last().unwrap()).unwrap();
    floats(output.storage()).chunks(width).map(argmax).collect()
}

/// Greedy decoding: repeats merged, class 0 dropped.
fn texts(output: &Tensor, dictionary: &[String]) -> Vec<String> {
    let steps = usize::try_from(output.dims()[1]).unwrap();
    let decode = |row: &[usize]| {
        let kept = row.iter().enumerate().filter(|&(i, &class)| class != 0 && (i == 0 || row[i - 1] != class));
        kept.map(|(_, &class)| dictionary[class].as_str()).collect::<String>()
    };
    classes(output).chunks(steps).map(decode).collect()
}

fn check_decision(model: Model<'_>, case: &Case<'_>, outputs: &BTreeMap<&str, &Tensor>) -> Result<(), String> {
    let Some(kind) = case.decision["kind"].as_str() else { return Ok(()) };
    let output = outputs[case.decision["output"].as_str().unwrap()];
    let (ours, theirs) = if kind == "ctc" {
        (serde_json::json!(texts(output, &model.dictionary())), &case.decision["texts"])
    } else {
        (serde_json::json!(classes(output)), &case.decision["classes"])
    };
    if ours == *theirs { Ok(()) } else { Err(format!("decided {ours}, not {theirs}")) }
}

/// One model, all cases: the worst relative difference.
fn check(model: Model<'_>) -> Result<f64, String> {
    let engine = engine(model)?;
    let mut context = engine.create_context(None).map_err(|error| error.to_string())?;
    let tolerance = model.tolerance();
    let mut worst = 0.0_f64;
    for case in model.cases() {
        let place = case.name;
        let outputs = run(&mut context, &case).map_err(|error| format!("{place}: {error}"))?;
        let names = engine.io_tensors()[engine.num_inputs()..].iter().map(|tensor| tensor.name.as_str());
        let outputs: BTreeMap<&str, &Tensor> = names.zip(&outputs).collect();
        let mut off = Vec::new();
        for expected in &case.outputs {
            let name = &expected.name;
            let found = outputs.get(name.as_str()).ok_or_else(|| format!("{place}: there is no output {name}"))?;
            let relative = difference(found, expected);
            let relative = relative.map_err(|error| format!("{place}: {name}: {error}"))?;
            if relative > tolerance {
                off.push(format!("{name} is off by {relative:.2e} of its scale"));
            }
            worst = worst.max(relative);
        }
        if !off.is_empty() {
            return Err(format!("{place}: {tolerance:.0e} is allowed, but {}", off.join(", ")));
        }
        check_decision(model, &case, &outputs).map_err(|error| format!("{place}: {error}"))?;
    }
    Ok(worst)
}

/// Models that are known not to agree, with a text of the error and the reason; one that agrees after all fails the test.
const KNOWN: [(&str, &str, &str); 2] = [
    ("ppocr_cls_wide", "dimension \"?\"", "TensorRT binds the equally named height and width and refuses the profile"),
    ("qdq_cnn_real", "logits is off by", "sums in another order round to a neighbouring int8 step here and there"),
];

fn check_all(folder: impl Into<PathBuf>) {
    let oracle = Oracle::open(folder);
    let only = std::env::var("TENSORRT_TEST_ONLY").unwrap_or_default();
    let mut failures = Vec::new();
    for model in oracle.models() {
        let name = model.name();
        if !name.contains(&only) {
            continue;
        }
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let start = std::time::Instant::now();
        match (check(model), known) {
            (Ok(worst), None) => {
                println!("{name:<24} off by {worst:.1e} of the scale, {:.1} s", start.elapsed().as_secs_f32())
            }
            (Ok(_), Some((.., reason))) => failures.push(format!("{name}: agrees, but is listed: {reason}")),
            (Err(error), Some((_, text, reason))) if error.contains(text) => println!("{name:<24} known: {reason}"),
            (Err(error), _) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{} models fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn checked_in_fixtures_agree_with_onnx_runtime() {
    check_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data"));
}

#[test]
fn models_agree_with_onnx_runtime() {
    match std::env::var_os("TENSORRT_TEST_ORACLE") {
        Some(folder) => check_all(folder),
        None => println!("skipped: TENSORRT_TEST_ORACLE names no folder of reference outputs"),
    }
}
