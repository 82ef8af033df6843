//! Engines with other weights.

use ndarray::Array4;
use tensorrt::{
    BuilderFlag, DataType, Engine, EngineBuilder, ErrorKind, OptimizationProfile, Plan, Refitter, Result,
    SerializationFlag, Session, Stream, Weights, WeightsRole,
};

use crate::support::{digits, digits_with, library};

fn digits_plan(flags: &[BuilderFlag]) -> Result<Plan> {
    digits_with(|builder| flags.iter().fold(builder, |builder, &flag| builder.flag(flag)))
}

fn refittable() -> Engine {
    Engine::from_plan(&library(), &digits_plan(&[BuilderFlag::Refit]).unwrap()).unwrap()
}

fn answer(engine: &Engine) -> Vec<f32> {
    let image = Array4::from_shape_fn((1, 1, 8, 8), |(.., y, x)| ((y * 8 + x) % 7) as f32);
    let mut session = Session::new(engine).unwrap();
    let outputs = session.run([("image", &image)]).unwrap();
    outputs.array::<f32>("probabilities").unwrap().into_raw_vec_and_offset().0
}

#[test]
fn weights_are_listed_set_and_taken_back() {
    let engine = refittable();
    assert!(engine.is_refittable().unwrap());
    let mut refitter = Refitter::new(engine).unwrap();
    let names = refitter.all_weights().unwrap();
    assert!(names.len() > 3 && refitter.missing_weights().unwrap().is_empty(), "{names:?}");
    assert!(refitter.all().unwrap().iter().any(|(_, role)| *role == WeightsRole::Kernel));
    assert!(refitter.missing().unwrap().is_empty());
    let (data_type, count) = refitter.weights_prototype(&names[0]).unwrap();
    assert_eq!(data_type, DataType::Float);
    let zeros = Weights::new(&vec![0.0_f32; count]);
    assert!(refitter.named_weights(&names[0]).unwrap().is_none());
    refitter.set_named_weights(&names[0], &zeros).unwrap();
    assert_eq!(refitter.named_weights(&names[0]).unwrap(), Some(zeros.clone()));
    refitter.weights_location(&names[0]).unwrap();
    refitter.unset_named_weights(&names[0]).unwrap();
    assert_eq!(refitter.unset_named_weights(&names[0]).unwrap_err().kind(), ErrorKind::Setting);
    let short = Weights::new(&[0.0_f32]);
    assert_eq!(refitter.set_named_weights(&names[0], &short).unwrap_err().kind(), ErrorKind::Setting);
    assert_eq!(refitter.set_named_weights("nothing", &zeros).unwrap_err().kind(), ErrorKind::Setting);
    let error = refitter.set_weights("nothing", WeightsRole::Kernel, &zeros).unwrap_err();
    assert!(error.to_string().contains("nothing"), "{error}");
    refitter.set_max_threads(2).unwrap();
    assert_eq!(refitter.max_threads().unwrap(), 2);
    refitter.set_weights_validation(false).unwrap();
    assert!(!refitter.weights_validation().unwrap());
}

#[test]
fn an_engine_answers_with_its_new_weights_and_the_old_ones_again() {
    let engine = refittable();
    let before = answer(&engine);
    let mut refitter = Refitter::new(engine).unwrap();
    for name in refitter.all_weights().unwrap() {
        let (_, count) = refitter.weights_prototype(&name).unwrap();
        refitter.set_named_weights(&name, &Weights::new(&vec![0.0_f32; count])).unwrap();
    }
    refitter.refit().unwrap();
    let engine = refitter.finish().unwrap();
    let blank = answer(&engine);

    assert!(blank.iter().all(|value| (value - 0.1).abs() < 1e-6), "{blank:?}");
    let mut refitter = Refitter::new(engine).unwrap();
    refitter.set_weights_from_onnx(&digits()).unwrap();
    let stream = Stream::new(&tensorrt::Device::host()).unwrap();
    refitter.refit_async(&stream).unwrap();
    let engine = refitter.finish().unwrap();
    assert_eq!(answer(&engine), before);
    let plan = engine.serialize().unwrap();
    assert_eq!(answer(&Engine::from_plan(&library(), &plan).unwrap()), before);
}

#[test]
fn engines_in_use_or_not_refittable_are_refused() {
    let engine = refittable();
    let context = engine.create_execution_context().unwrap();
    assert_eq!(Refitter::new(engine).unwrap_err().kind(), ErrorKind::InvalidArgument);
    drop(context);
    let engine = Engine::from_plan(&library(), &digits_plan(&[]).unwrap()).unwrap();
    let error = Refitter::new(engine).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setting);
    assert!(error.to_string().contains("kREFIT"), "{error}");
    let mut refitter = Refitter::new(refittable()).unwrap();
    let error = refitter.set_weights_from_onnx(b"no model").unwrap_err();
    assert_eq!((error.kind(), error.parser_errors().len()), (ErrorKind::Parse, 1), "{error}");
    assert_eq!(refitter.set_weights_from_onnx_file("nowhere.onnx").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_plan_without_weights_is_small_and_runs_once_they_are_set() {
    let whole = digits_plan(&[BuilderFlag::Refit]).unwrap();
    let stripped = digits_plan(&[BuilderFlag::StripPlan]).unwrap();
    assert!(stripped.as_bytes().len() < whole.as_bytes().len() / 4);
    let engine = Engine::from_plan(&library(), &stripped).unwrap();
    let error = engine.create_execution_context().unwrap_err();
    assert!(error.to_string().contains("refit"), "{error}");
    let mut refitter = Refitter::new(engine).unwrap();
    assert!(!refitter.missing_weights().unwrap().is_empty());
    assert_eq!(refitter.refit().unwrap_err().kind(), ErrorKind::Setting);
    refitter.set_weights_from_onnx_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/digits.onnx")).unwrap();
    assert!(refitter.missing_weights().unwrap().is_empty());
    refitter.refit().unwrap();
    let engine = refitter.finish().unwrap();
    assert_eq!(answer(&engine), answer(&refittable()));
    let again = engine.serialize_with(&[SerializationFlag::ExcludeWeights]).unwrap();
    assert!(again.as_bytes().len() < whole.as_bytes().len() / 4);
}

#[test]
fn refit_flags_reach_the_plan_through_the_engine_builder() {
    let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [1, 1, 8, 8], [1, 1, 8, 8]).unwrap();
    let builder = EngineBuilder::from_onnx(&library(), digits()).unwrap().profile(profile).flag(BuilderFlag::Refit);
    assert!(Engine::from_plan(&library(), &builder.build().unwrap()).unwrap().is_refittable().unwrap());
}

#[test]
fn weights_stay_set_for_the_next_refit_and_the_one_on_a_stream_is_waited_for() {
    let device = tensorrt::Device::host_with(cuda_utils::HostOptions::new());
    let plan = digits_plan(&[BuilderFlag::Refit]).unwrap();
    let engine = tensorrt::Runtime::with_device(&library(), &device).unwrap().deserialize(&plan).unwrap();
    let faults = cuda_utils::host::Faults::of(&device).unwrap();
    let stream = Stream::new(&device).unwrap();
    let mut refitter = Refitter::new(engine).unwrap();
    let elsewhere = Stream::new(&tensorrt::Device::host_with(cuda_utils::HostOptions::new())).unwrap();
    assert!(refitter.refit_async(&elsewhere).unwrap_err().to_string().contains("device"));
    refitter.set_weights_from_onnx(&digits()).unwrap();
    // Work of before on the stream stands for a refit that takes its time.
    stream.launch_host(|| std::thread::sleep(std::time::Duration::from_millis(50))).unwrap();
    refitter.refit_async(&stream).unwrap();
    refitter.refit().unwrap();
    assert!(stream.is_idle().unwrap());
    let name = refitter.all_weights().unwrap().swap_remove(0);
    let ones = Weights::new(&vec![1.0_f32; refitter.weights_prototype(&name).unwrap().1]);
    refitter.set_named_weights(&name, &Weights::new(&ones.to_vec::<f32>().unwrap())).unwrap();
    refitter.refit().unwrap();
    // Memory that was freed too early would be taken by these.
    let _others = [(); 8].map(|()| Weights::new(&vec![2.0_f32; ones.len()]));
    assert_eq!(refitter.named_weights(&name).unwrap(), Some(ones.clone()));
    refitter.release_refit_resources().unwrap();
    assert_eq!(refitter.named_weights(&name).unwrap(), Some(ones));
    refitter.refit_async(&stream).unwrap();
    // A lost device is reported, not waited for in vain, and the refitter can be dropped.
    faults.lose_device();
    assert_eq!(refitter.finish().unwrap_err().kind(), ErrorKind::Cuda);
}
