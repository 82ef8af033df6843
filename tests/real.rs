//! NVIDIA's own TensorRT for RTX, without a GPU: it parses and builds the models ahead of time for SM89, and what needs a driver fails
//! with an error that says so. `cargo xtask test` fetches the libraries; without them each test says that it is skipped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/oracle.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod oracle;
#[path = "common/profile.rs"]
mod profile;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use oracle::Oracle;
use profile::profile;
use tensorrt::{
    BuilderFlag, ComputeCapability, Engine, EngineBuilder, ErrorKind, Family, Library, OptimizationProfile, Plan,
    PlanKind, Result,
};

/// NVIDIA's library fails now and then when two builds for different GPUs go on at once.
static TURN: Mutex<()> = Mutex::new(());

fn folder(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        println!("skipped: {variable} is not set");
    }
    found
}

/// The newest and the oldest release that can be had.
fn libraries() -> Vec<Library> {
    let folders = ["TENSORRT_TEST_RTX17", "TENSORRT_TEST_RTX14"].into_iter().filter_map(folder);
    folders.map(|folder| Library::load_from(folder).unwrap()).collect()
}

fn digits() -> Digits {
    Digits(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits.onnx").into())
}

/// The model of the first example.
struct Digits(PathBuf);

impl Digits {
    fn build(&self, library: &Library) -> Result<Plan> {
        let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [16, 1, 8, 8], [32, 1, 8, 8])?;
        ahead_of_time(EngineBuilder::from_onnx(library, &self.0)?.profile(profile)).build()
    }
}

fn ahead_of_time(builder: EngineBuilder<'_>) -> EngineBuilder<'_> {
    builder.configure(|_, config| config.set_compute_capabilities(&[ComputeCapability::Sm89]))
}

#[test]
fn models_are_parsed_and_built_for_sm89() {
    let Some(data) = folder("TENSORRT_TEST_ORACLE") else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let oracle = Oracle::open(data);
    let models = [
        "ppocr_det",
        "ppocr_rec",
        "magika",
        "minilm",
        "super_resolution",
        "resnet50_small",
        "mobilenetv2_small",
        "bert_small",
        "yolov8n_small",
    ];
    for library in libraries() {
        assert!(!library.is_emulated());
        for name in models {
            let model = oracle.model(name);
            let builder = EngineBuilder::from_onnx(&library, model.path()).unwrap().profile(profile(model));
            let plan =
                ahead_of_time(builder).build().unwrap_or_else(|error| panic!("{}: {name}: {error}", library.info()));
            assert_eq!(plan.kind(), PlanKind::TensorRt, "{name}");
            let folder = std::env::temp_dir().join(format!("tensorrt-real-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join(format!("{name}.plan"));
            plan.save(&path).unwrap();
            assert_eq!(Plan::load(&path).unwrap().as_bytes(), plan.as_bytes());
            std::fs::remove_dir_all(&folder).unwrap();
            println!("{}: {name}: {} bytes", library.info(), plan.as_bytes().len());
        }
    }
}

#[test]
fn a_plan_cannot_be_loaded_without_a_driver() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for library in libraries() {
        let plan = digits().build(&library).unwrap();
        let error = Engine::from_plan(&library, &plan).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoDriver, "{error}");
        assert!(error.to_string().contains("driver"), "{error}");
    }
}

#[test]
fn plans_of_the_emulator_and_of_nvidia_are_told_apart() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for library in libraries() {
        let theirs = digits().build(&library).unwrap();
        let emulator = tensorrt_emulator::library();
        let error = Engine::from_plan(&emulator, &theirs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deserialize, "{error}");
        assert!(error.to_string().contains("NVIDIA"), "{error}");

        let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [16, 1, 8, 8], [32, 1, 8, 8]).unwrap();
        let ours = EngineBuilder::from_onnx(&emulator, &digits().0).unwrap().profile(profile).build().unwrap();
        let error = Engine::from_plan(&library, &ours).unwrap_err();
        assert!(error.to_string().contains("emulator"), "{error}");
    }
}

#[test]
fn every_refused_node_of_a_broken_model_is_named() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for library in libraries() {
        let error = EngineBuilder::from_onnx(&library, &b"x".repeat(100)[..]).unwrap().build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parse, "{error}");
        let mut model = std::fs::read(&digits().0).unwrap();
        model.truncate(model.len() / 2);
        let error = EngineBuilder::from_onnx(&library, &model[..]).unwrap().build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parse, "{error}");
    }
}

#[test]
fn a_removed_precision_flag_is_an_error_that_says_so() {
    for library in libraries().into_iter().filter(|library| library.family() == Family::RtxNew) {
        let error =
            EngineBuilder::from_onnx(&library, &digits().0).unwrap().flag(BuilderFlag::Fp16).build().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("kFP16"), "{error}");
    }
}
