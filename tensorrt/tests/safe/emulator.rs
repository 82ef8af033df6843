//! The safe interface over the emulator: what is right works, and what is wrong is a clear error.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use crate::support::{digits, digits_with, doubled, doubled_engine, library};
use ndarray::{Array2, ArrayD, array};
use tensorrt::{
    ActivationType, Builder, BuilderFlag, DataType, DeviceBuffer, Engine, EngineBuilder, ErrorKind, Family, LayerType,
    OptimizationProfile, Plan, Progress, ProgressEvent, Session, Stream, TensorIOMode, TensorView, Weights,
};

#[test]
fn an_engine_doubles_its_input() {
    let engine = doubled_engine();
    assert_eq!(engine.io_tensors().len(), 2);
    let x = engine.tensor("x").unwrap();
    assert_eq!((x.io_mode(), x.data_type(), x.shape()), (TensorIOMode::Input, DataType::Float, [-1, 3].into()));
    assert_eq!(x.profile_shapes(0).unwrap().max, [4, 3].into());
    let mut session = Session::new(&engine).unwrap();
    for batch in [1, 4, 2] {
        let x = Array2::from_shape_fn((batch, 3), |(row, column)| (row * 3 + column) as f32);
        let outputs = session.run([("x", &x)]).unwrap();
        assert_eq!(outputs.array::<f32>("y").unwrap(), (&x * 2.0).into_dyn());
    }
}

#[test]
fn mistakes_are_errors_before_anything_runs() {
    let mut session = Session::new(&doubled_engine()).unwrap();
    let good = array![[1.0_f32, 2.0, 3.0]];
    let kind = |result: tensorrt::Result<tensorrt::Outputs<'_>>| result.unwrap_err().kind();
    assert_eq!(kind(session.run([("z", &good)])), ErrorKind::UnknownName);
    assert_eq!(kind(session.run([("y", &good)])), ErrorKind::UnknownName);
    assert_eq!(kind(session.run([("x", &array![[1_i32, 2, 3]])])), ErrorKind::TypeMismatch);
    assert_eq!(kind(session.run([("x", &array![[1.0_f32, 2.0]])])), ErrorKind::ShapeMismatch);
    assert_eq!(kind(session.run([("x", &array![1.0_f32, 2.0, 3.0])])), ErrorKind::ShapeMismatch);
    assert_eq!(kind(session.run([("x", &Array2::<f32>::zeros((5, 3)))])), ErrorKind::ShapeOutOfProfile);
    assert_eq!(kind(session.run([("x", &good), ("x", &good)])), ErrorKind::InvalidArgument);
    assert_eq!(kind(session.run(Vec::<(&str, TensorView<'_>)>::new())), ErrorKind::MissingInput);
    let error = session.run([("z", &good)]).unwrap_err();
    assert!(error.to_string().contains(r#"["x", "y"]"#), "{error}");
    let outputs = session.run([("x", &good)]).unwrap();
    assert_eq!(outputs.view::<i64>("y").unwrap_err().kind(), ErrorKind::TypeMismatch);
    assert_eq!(outputs.view::<f32>("q").unwrap_err().kind(), ErrorKind::UnknownName);
}

#[test]
fn batches_beyond_the_profile_are_divided() {
    let mut session = Session::new(&doubled_engine()).unwrap();
    for batch in [1, 4, 5, 11] {
        let x = Array2::from_shape_fn((batch, 3), |(row, column)| (row * 10 + column) as f32);
        let outputs = session.predict_batch([("x", &x)]).unwrap();
        assert_eq!(outputs.array::<f32>("y").unwrap(), (&x * 2.0).into_dyn(), "{batch}");
    }
}

#[test]
fn threads_share_an_engine() {
    let engine = doubled_engine();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                let mut session = Session::new(engine).unwrap();
                for run in 0..20 {
                    let x = Array2::from_elem((1 + run % 4, 3), (thread * 100 + run) as f32);
                    let outputs = session.run([("x", &x)]).unwrap();
                    assert_eq!(outputs.array::<f32>("y").unwrap(), (&x * 2.0).into_dyn());
                }
            });
        }
    });
}

#[test]
fn futures_may_be_dropped_or_forgotten() {
    let mut session = Session::new(&doubled_engine()).unwrap();
    let x = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    for run in 0..20 {
        let x = &x * run as f32;
        let mut future = pin!(session.run_async([("x", &x)]));
        // The future is dropped here, whether the inference is over or not.
        let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let outputs = pollster::block_on(session.run_async([("x", &x)])).unwrap();
    assert_eq!(outputs.array::<f32>("y").unwrap(), (&x * 2.0).into_dyn());
}

#[test]
fn contexts_run_on_bound_buffers() {
    let engine = doubled_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    assert_eq!(context.missing_inputs(), ["x"]);
    assert_eq!(context.tensor_shape("y").unwrap_err().kind(), ErrorKind::MissingInput);
    context.set_input_shape("x", [2, 3]).unwrap();
    assert_eq!(context.tensor_shape("y").unwrap(), [2, 3].into());
    assert_eq!(context.launch(&stream).unwrap_err().kind(), ErrorKind::MissingInput);
    let x = DeviceBuffer::from_slice(&stream, &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let small = DeviceBuffer::<f32>::alloc(engine.device(), 5).unwrap();
    let y = DeviceBuffer::<f32>::alloc(engine.device(), 6).unwrap();
    let wrong = DeviceBuffer::<i32>::alloc(engine.device(), 6).unwrap();
    assert_eq!(context.set_tensor("x", &wrong).unwrap_err().kind(), ErrorKind::TypeMismatch);
    context.set_tensor("x", &x).unwrap();
    context.set_tensor("y", &small).unwrap();
    assert_eq!(context.launch(&stream).unwrap_err().kind(), ErrorKind::ShapeMismatch);
    context.set_tensor("y", &x).unwrap();
    assert_eq!(context.launch(&stream).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let id = engine.tensor_id("y").unwrap();
    context.set_tensor(id, &y).unwrap();
    drop(x);
    for _ in 0..3 {
        context.enqueue(&stream).unwrap().wait().unwrap();
        assert_eq!(y.to_vec(&stream).unwrap(), [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    }
    let other = Stream::new(engine.device()).unwrap();
    pollster::block_on(context.enqueue(&other).unwrap()).unwrap();
    drop(context.enqueue(&other).unwrap());
    drop(context);
    assert_eq!(y.to_vec(&stream).unwrap()[5], 12.0);
}

#[test]
fn plans_are_saved_and_loaded() {
    let path = std::env::temp_dir().join(format!("tensorrt-emulator-{}.plan", std::process::id()));
    doubled(&[]).unwrap().save(&path).unwrap();
    let plan = Plan::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(plan.kind(), tensorrt::PlanKind::Emulator);
    assert_eq!(Engine::from_plan(&library(), &plan).unwrap().num_io_tensors(), 2);
}

#[test]
fn broken_plans_are_refused() {
    let bytes = doubled(&[]).unwrap().as_bytes().to_vec();
    for end in (0..bytes.len()).step_by((bytes.len() / 40).max(1)) {
        let error = Engine::from_plan(&library(), &Plan::from_bytes(bytes[..end].to_vec())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deserialize, "{end}: {error}");
    }
    for bytes in [b"ftrt of another library".to_vec(), vec![0; 4096], b"not a plan at all".to_vec()] {
        let error = Engine::from_plan(&library(), &Plan::from_bytes(bytes)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deserialize, "{error}");
    }
}

#[test]
fn networks_are_read_back() {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = network.add_input("x", DataType::Float, [2, 2]).unwrap();
    let one = network.add_constant([1, 1], Weights::new(&[1.0_f32])).unwrap();
    let sum = network.add_elementwise(x, one.output(0).unwrap(), tensorrt::ElementWiseOperation::Sum).unwrap();
    sum.set_name("plus one").unwrap();
    let relu = network.add_activation(sum.output(0).unwrap(), ActivationType::Relu).unwrap();
    relu.output(0).unwrap().set_name("y").unwrap();
    network.mark_output(relu.output(0).unwrap()).unwrap();
    let types: Vec<_> = network.layers().unwrap().iter().map(|layer| layer.layer_type().unwrap()).collect();
    assert_eq!(types, [LayerType::Constant, LayerType::Elementwise, LayerType::Activation]);
    let layer = network.layer(1).unwrap();
    assert_eq!((layer.name().unwrap(), layer.num_inputs().unwrap()), ("plus one".into(), 2));
    assert_eq!(layer.input(0).unwrap(), Some(x));
    assert_eq!(network.output(0).unwrap().dims().unwrap(), Some([2, 2].into()));
    assert_eq!(network.layer(3).unwrap_err().kind(), ErrorKind::UnknownName);
    assert_eq!(network.add_constant([2], Weights::new(&[1_i32])).unwrap_err().kind(), ErrorKind::ShapeMismatch);
    let other = builder.create_network(&[]).unwrap();
    assert_eq!(other.mark_output(x).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let config = builder.create_builder_config().unwrap();
    assert_eq!(builder.build_serialized_network(&other, &config).unwrap_err().kind(), ErrorKind::Build);
}

#[test]
fn precision_flags_belong_to_tensorrt_10() {
    let error = doubled(&[BuilderFlag::Fp16]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { method: "kFP16", since: None }), "{error:?}");
    assert!(error.to_string().contains("TensorRT 10"), "{error}");
    assert_eq!(library().family(), Family::Trt11);
}

#[test]
fn progress_cancels_and_panics_come_through() {
    let cancelled = digits_with(|builder| builder.progress(|_: ProgressEvent| Progress::Cancel)).unwrap_err();
    assert_eq!(cancelled.kind(), ErrorKind::Cancelled, "{cancelled}");
    let panicking = std::panic::catch_unwind(|| {
        digits_with(|builder| builder.progress(|_: ProgressEvent| -> Progress { panic!("in the monitor") }))
    });
    assert_eq!(panicking.unwrap_err().downcast_ref::<&str>(), Some(&"in the monitor"));
}

#[test]
fn broken_models_are_refused_with_reasons() {
    for bytes in [&[][..], &[b'x'; 100], b"\x08\x08"] {
        let error = EngineBuilder::from_onnx(&library(), bytes).unwrap().build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parse, "{error}");
    }
    let model = digits();
    for end in (1..model.len()).step_by(model.len() / 50) {
        let error = EngineBuilder::from_onnx(&library(), &model[..end]).unwrap().build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parse, "{end}: {error}");
    }
    assert_eq!(EngineBuilder::from_onnx(&library(), "/no/such.onnx").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn the_digits_model_answers() {
    let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [4, 1, 8, 8], [8, 1, 8, 8]).unwrap();
    let plan = EngineBuilder::from_onnx(&library(), digits()).unwrap().profile(profile).build().unwrap();
    let engine = Engine::from_plan(&library(), &plan).unwrap();
    let mut session = Session::new(&engine).unwrap();
    let images = ndarray::Array4::<f32>::zeros((11, 1, 8, 8));
    let outputs = session.predict_batch([("image", &images)]).unwrap();
    let probabilities: ArrayD<f32> = outputs.array(outputs.names().next().unwrap()).unwrap();
    assert_eq!(probabilities.shape(), [11, 10]);
    for row in probabilities.rows() {
        assert!((row.sum() - 1.0).abs() < 1e-3, "{row}");
    }
}

#[test]
fn profiles_must_fit_the_network() {
    let wrong = |profile: OptimizationProfile| {
        let builder = EngineBuilder::from_onnx(&library(), digits()).unwrap();
        builder.profile(profile).build().unwrap_err().kind()
    };
    let profile = OptimizationProfile::new();
    let name = profile.clone().input("picture", [1, 1, 8, 8], [1, 1, 8, 8], [1, 1, 8, 8]).unwrap();
    assert_eq!(wrong(name), ErrorKind::UnknownName);
    let shape = profile.clone().input("image", [1, 1, 9, 9], [1, 1, 9, 9], [1, 1, 9, 9]).unwrap();
    assert_eq!(wrong(shape), ErrorKind::ShapeMismatch);
    assert_eq!(wrong(profile), ErrorKind::Build);
}
