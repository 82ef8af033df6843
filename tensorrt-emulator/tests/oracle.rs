//! Whole models against ONNX Runtime: every case of the oracle (`xtask/python/oracle.py`) that `TENSORRT_TEST_ORACLE` names, and the
//! checked-in fixtures. An output may differ by its tolerance times its scale; classes and texts are the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tensorrt_emulator::build::{BuildConfig, Quiet, build};
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::{Importer, Model};
use tensorrt_emulator::plan::{Identity, Profile};
use tensorrt_emulator::run::{Context, Engine, EngineOptions};
use tensorrt_emulator::tensor::{Dims, Tensor};
use tensorrt_sys::{DataType, Family, Version};

/// An array of the oracle: NumPy's format 1.0, little-endian, C order; the manifest has its type and shape.
fn array(folder: &Path, entry: &Value) -> Vec<u8> {
    let path = folder.join(entry["file"].as_str().unwrap());
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{}", path.display());
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[10 + header..].to_vec()
}

fn extents(list: &Value) -> Dims {
    let extents: Vec<i64> = list.as_array().unwrap().iter().map(|extent| extent.as_i64().unwrap()).collect();
    Dims::new(&extents).unwrap()
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn engine(folder: &Path, model: &Value) -> Result<std::sync::Arc<Engine>, String> {
    let loaded = Model::from_file(folder.join(model["model"].as_str().unwrap())).map_err(|error| error.to_string())?;
    let mut network = Network::new();
    Importer::new()
        .import(&loaded, &mut network)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    let mut dims = BTreeMap::new();
    for input in entries(&model["inputs"]) {
        let name = input["name"].as_str().unwrap().to_owned();
        dims.insert(name, ["min", "opt", "max"].map(|selector| extents(&input[selector])));
    }
    config.profiles.push(Profile { dims, values: BTreeMap::new() });
    let plan = build(&network, &config, &mut Quiet).map_err(|error| error.to_string())?;
    Engine::from_plan(plan, EngineOptions::default()).map_err(|error| error.to_string())
}

fn run(context: &mut Context, folder: &Path, case: &Value) -> Result<Vec<Tensor>, String> {
    let mut buffers = vec![tensorrt_emulator::memory::Storage::zeroed(0); context.engine().num_inputs()];
    for input in entries(&case["inputs"]) {
        let index = context.engine().io_index(input["name"].as_str().unwrap()).map_err(|error| error.to_string())?;
        context.set_input_shape(index, extents(&input["shape"])).map_err(|error| error.to_string())?;
        buffers[index] = tensorrt_emulator::memory::Storage::copy_of(&array(folder, input));
    }
    let inputs: Vec<&[u8]> = buffers.iter().map(|storage| &storage[..]).collect();
    context.run_dynamic(&inputs).map_err(|error| error.to_string())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

/// The largest difference between an output and the oracle's, relative to the scale of the part it is in.
fn difference(output: &Tensor, expected: &[u8], entry: &Value) -> Result<f64, String> {
    let dims = extents(&entry["shape"]);
    if output.dims() != &dims {
        return Err(format!("{} instead of {dims}", output.dims()));
    }
    if output.dtype() != DataType::Float {
        let same = output.storage()[..] == *expected;
        return if same { Ok(0.0) } else { Err("integers differ".to_owned()) };
    }
    let (ours, theirs) = (floats(output.storage()), floats(expected));
    let scale_at = |index: usize| {
        for part in entries(&entry["parts"]) {
            let axis = usize::try_from(part["axis"].as_u64().unwrap()).unwrap();
            let inner: i64 = dims[axis + 1..].iter().product();
            let along = i64::try_from(index).unwrap() / inner % dims[axis];
            if (part["start"].as_i64().unwrap()..part["stop"].as_i64().unwrap()).contains(&along) {
                return part["scale"].as_f64().unwrap();
            }
        }
        entry["scale"].as_f64().unwrap()
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

fn check_decision(folder: &Path, model: &Value, case: &Value, outputs: &BTreeMap<&str, &Tensor>) -> Result<(), String> {
    let decision = &case["decision"];
    let Some(kind) = decision["kind"].as_str() else { return Ok(()) };
    let output = outputs[decision["output"].as_str().unwrap()];
    let (ours, theirs) = if kind == "ctc" {
        let path = folder.join(model["dictionary"].as_str().unwrap());
        let dictionary: Vec<String> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        (serde_json::json!(texts(output, &dictionary)), &decision["texts"])
    } else {
        (serde_json::json!(classes(output)), &decision["classes"])
    };
    if ours == *theirs { Ok(()) } else { Err(format!("decided {ours}, not {theirs}")) }
}

/// One model, all cases: the worst relative difference.
fn check(folder: &Path, model: &Value) -> Result<f64, String> {
    let engine = engine(folder, model)?;
    let mut context = engine.create_context(None).map_err(|error| error.to_string())?;
    let tolerance = model["tolerance"].as_f64().unwrap();
    let mut worst = 0.0_f64;
    for case in entries(&model["cases"]) {
        let place = case["name"].as_str().unwrap();
        let outputs = run(&mut context, folder, case).map_err(|error| format!("{place}: {error}"))?;
        let names = engine.io_tensors()[engine.num_inputs()..].iter().map(|tensor| tensor.name.as_str());
        let outputs: BTreeMap<&str, &Tensor> = names.zip(&outputs).collect();
        let mut off = Vec::new();
        for entry in entries(&case["outputs"]) {
            let name = entry["name"].as_str().unwrap();
            let found = outputs.get(name).ok_or_else(|| format!("{place}: there is no output {name}"))?;
            let relative = difference(found, &array(folder, entry), entry);
            let relative = relative.map_err(|error| format!("{place}: {name}: {error}"))?;
            if relative > tolerance {
                off.push(format!("{name} is off by {relative:.2e} of its scale"));
            }
            worst = worst.max(relative);
        }
        if !off.is_empty() {
            return Err(format!("{place}: {tolerance:.0e} is allowed, but {}", off.join(", ")));
        }
        check_decision(folder, model, case, &outputs).map_err(|error| format!("{place}: {error}"))?;
    }
    Ok(worst)
}

/// Models that are known not to agree, with a text of the error and the reason; one that agrees after all fails the test.
const KNOWN: [(&str, &str, &str); 6] = [
    ("bilstm_gru_small", "LSTM", "recurrent operators are not imported"),
    ("bilstm_gru_real", "LSTM", "recurrent operators are not imported"),
    ("silero_vad", "LSTM", "recurrent operators are not imported"),
    ("silero_vad_ifless", "(If)", "control flow is not imported"),
    ("ppocr_cls_wide", "dimension \"?\"", "TensorRT binds the equally named height and width and refuses the profile"),
    ("qdq_cnn_real", "logits is off by", "sums in another order round to a neighbouring int8 step here and there"),
];

fn check_all(manifest: &Path) {
    let folder = manifest.parent().unwrap();
    let parsed: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let only = std::env::var("TENSORRT_TEST_ONLY").unwrap_or_default();
    let mut failures = Vec::new();
    for model in entries(&parsed["models"]) {
        let name = model["name"].as_str().unwrap();
        if !name.contains(&only) {
            continue;
        }
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let start = std::time::Instant::now();
        match (check(folder, model), known) {
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
    check_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/manifest.json")));
}

#[test]
fn models_agree_with_onnx_runtime() {
    match std::env::var_os("TENSORRT_TEST_ORACLE").map(PathBuf::from) {
        Some(folder) => check_all(&folder.join("manifest.json")),
        None => println!("skipped: TENSORRT_TEST_ORACLE names no folder of reference outputs"),
    }
}
