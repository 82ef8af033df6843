//! The safe interface over NVIDIA's TensorRT for RTX, on a machine without a GPU: it parses and builds, and refuses the rest clearly.
//! Skipped where `TENSORRT_TEST_RTX17` does not name the library's folder.

use crate::support::{digits, doubled};
use tensorrt::{
    Builder, BuilderFlag, ComputeCapability, Engine, EngineBuilder, ErrorKind, Library, LoadOptions, OnnxParser,
    OptimizationProfile, Plan, PlanKind,
};

pub(crate) fn library() -> Option<Library> {
    let Some(folder) = std::env::var_os("TENSORRT_TEST_RTX17") else {
        println!("skipped: TENSORRT_TEST_RTX17 is not set");
        return None;
    };
    Some(Library::find(LoadOptions::new().path(folder)).unwrap())
}

fn profile() -> OptimizationProfile {
    OptimizationProfile::new().input("image", [1, 1, 8, 8], [4, 1, 8, 8], [8, 1, 8, 8]).unwrap()
}

fn build(library: &Library) -> tensorrt::Result<Plan> {
    EngineBuilder::from_onnx(library, digits())?
        .profile(profile())
        .configure(|_, config| config.set_compute_capabilities(&[ComputeCapability::Sm89]))
        .build()
}

#[test]
fn a_model_is_built_and_a_machine_without_a_gpu_says_so() {
    let Some(library) = library() else { return };
    let plan = build(&library).unwrap();
    assert_ne!(plan.kind(), PlanKind::Emulator);
    assert!(plan.as_bytes().len() > 1000);
    if tensorrt::Device::cuda(0).is_err() {
        let error = Engine::from_plan(&library, &plan).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoDriver, "{error}");
    }
    let error = Engine::from_plan(&tensorrt_emulator::library(), &plan).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deserialize, "{error}");
    let emulated = doubled(&[]).unwrap();
    let error = Engine::from_plan(&library, &emulated).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deserialize, "{error}");
}

#[test]
fn what_the_release_lacks_is_refused() {
    let Some(library) = library() else { return };
    let error = EngineBuilder::from_onnx(&library, digits()).unwrap().flag(BuilderFlag::Fp16).build().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { method: "kFP16", .. }), "{error}");
    let builder = Builder::new(&library).unwrap();
    let mut config = builder.create_builder_config().unwrap();
    let error = config.set_remote_auto_tuning_config("x").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { since: None, .. }), "{error}");
}

#[test]
fn settings_come_back_and_bad_ones_are_errors() {
    let Some(library) = library() else { return };
    let builder = Builder::new(&library).unwrap();
    let mut config = builder.create_builder_config().unwrap();
    config.set_builder_optimization_level(2).unwrap();
    assert_eq!(config.builder_optimization_level().unwrap(), 2);
    let error = config.set_max_num_tactics(-9).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setting);
    assert!(!error.log_lines().is_empty(), "{error}");
    config.set_flag(BuilderFlag::Tf32).unwrap();
    assert!(config.flags().unwrap().contains(&BuilderFlag::Tf32));
    config.set_compute_capabilities(&[ComputeCapability::Sm86, ComputeCapability::Sm89]).unwrap();
    assert_eq!(config.compute_capabilities().unwrap(), [ComputeCapability::Sm86, ComputeCapability::Sm89]);
}

#[test]
fn errors_carry_the_parsers_reasons() {
    let Some(library) = library() else { return };
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let mut model = digits();
    let position = model.windows(4).position(|bytes| bytes == b"Conv").unwrap();
    model[position..position + 4].copy_from_slice(b"Cxnv");
    let error = OnnxParser::new(&network).unwrap().parse(&model).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parse);
    let reason = &error.parser_errors()[0];
    assert_eq!(reason.operator, "Cxnv", "{error}");
    assert!(reason.node.is_some() && !reason.description.is_empty());
}
