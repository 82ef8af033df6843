//! The main job, as the example does it: the digits model reads the held-out digits, in emulation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/digits/data.rs"]
mod data;

use ndarray::{Array2, Array4};
use tensorrt::{Engine, EngineBuilder, ErrorKind, OptimizationProfile, Runtime, Session};

fn session() -> Session {
    let library = tensorrt_emulator::library();
    let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [16, 1, 8, 8], [32, 1, 8, 8]).unwrap();
    let model = data::folder().join("digits.onnx");
    let plan = EngineBuilder::from_onnx(&library, model).unwrap().profile(profile).build().unwrap();
    Session::new(&Engine::from_plan(&library, &plan).unwrap()).unwrap()
}

fn images(digits: &[data::Digit]) -> Array4<f32> {
    let side = data::SIDE;
    Array4::from_shape_fn((digits.len(), 1, side, side), |(n, _, y, x)| {
        f32::from(digits[n].pixels[y * side + x]) / 255.0
    })
}

fn right(digits: &[data::Digit], answers: &Array2<f32>) -> usize {
    let best = |n: usize| (0..10).max_by(|&a, &b| answers[[n, a]].total_cmp(&answers[[n, b]])).unwrap();
    (0..digits.len()).filter(|&n| best(n) == digits[n].label).count()
}

#[test]
fn the_held_out_digits_are_read() {
    let digits = data::held_out().unwrap();
    assert_eq!(digits.len(), 359);
    let outputs = session().predict_batch([("image", &images(&digits))]).unwrap();
    let answers: Array2<f32> = outputs.array("probabilities").unwrap().into_dimensionality().unwrap();
    assert_eq!(right(&digits, &answers), 356, "ONNX Runtime reads 356 of them");
}

#[test]
fn the_single_digits_are_read_asynchronously() {
    let digits = data::single().unwrap();
    assert_eq!(digits.len(), 30);
    let mut session = session();
    let answers = pollster::block_on(async {
        session.run_async([("image", &images(&digits))]).await.unwrap().array("probabilities").unwrap()
    });
    let answers: Array2<f32> = answers.into_dimensionality().unwrap();
    assert!(right(&digits, &answers) >= 29);
}

#[test]
fn a_batch_beyond_the_profile_is_an_error_of_run() {
    let digits = data::held_out().unwrap();
    let error = session().run([("image", &images(&digits))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShapeOutOfProfile);
    assert!(error.to_string().contains("image"), "{error}");
}

#[test]
fn a_plan_file_becomes_an_engine_whose_weights_stay_in_the_file() {
    let library = tensorrt_emulator::library();
    let path = std::env::temp_dir().join(format!("digits-{}.plan", std::process::id()));
    let mut built = session();
    built.engine().serialize().unwrap().save(&path).unwrap();
    let mut loaded = Session::new(&Runtime::new(&library).unwrap().deserialize_file(&path).unwrap()).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    if cfg!(target_os = "linux") {
        assert!(maps.contains(path.to_str().unwrap()), "the plan is not mapped");
    }
    std::fs::remove_file(&path).unwrap();
    let digits = data::single().unwrap();
    let answers = |session: &mut Session| {
        session.run([("image", &images(&digits))]).unwrap().array::<f32>("probabilities").unwrap()
    };
    assert_eq!(answers(&mut built), answers(&mut loaded));
    let error = Runtime::new(&library).unwrap().deserialize_file(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn a_network_of_one_layer_needs_no_memory_and_runs() {
    let library = tensorrt_emulator::library();
    let builder = tensorrt::Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let input = network.add_input("x", tensorrt::DataType::Float, [2, 2]).unwrap();
    let output = network.add_elementwise(input, input, tensorrt::ElementWiseOperation::Sum).unwrap().output(0).unwrap();
    output.set_name("y").unwrap();
    network.mark_output(output).unwrap();
    let plan = builder.build_serialized_network(&network, &builder.create_builder_config().unwrap()).unwrap();
    let mut session = Session::new(&Engine::from_plan(&library, &plan).unwrap()).unwrap();
    let x = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0]];
    let y = session.run([("x", &x)]).unwrap().array::<f32>("y").unwrap();
    assert_eq!(y, (&x + &x).into_dyn());
}
