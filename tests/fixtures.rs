//! Each checked-in fixture (exported by torch.onnx and tf2onnx, and one with external data), from ONNX file to answers through the safe
//! crate, in emulation: the answers are ONNX Runtime's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/oracle.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod oracle;
#[path = "common/profile.rs"]
mod profile;

use oracle::{Array, Oracle};
use profile::profile;
use tensorrt::{Engine, EngineBuilder, Session, TensorView};

include!(concat!(env!("OUT_DIR"), "/fixtures.rs"));

fn view<'a>(array: &Array, floats: &'a [f32], int64s: &'a [i64], int32s: &'a [i32]) -> TensorView<'a> {
    match array.dtype.as_str() {
        "float32" => TensorView::from_slice(array.shape.as_slice(), floats),
        "int64" => TensorView::from_slice(array.shape.as_slice(), int64s),
        "int32" => TensorView::from_slice(array.shape.as_slice(), int32s),
        other => panic!("{other}"),
    }
    .unwrap()
}

fn agrees(name: &str) {
    let oracle = Oracle::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"));
    let model = oracle.model(name);
    let library = tensorrt_emulator::library();
    let builder = EngineBuilder::from_onnx(&library, model.path()).unwrap();
    let engine = Engine::from_plan(&library, &builder.profile(profile(model)).build().unwrap()).unwrap();
    let mut session = Session::new(&engine).unwrap();
    let mut cases = 0;
    for case in model.cases() {
        let values: Vec<_> = case.inputs.iter().map(|array| (array.floats(), array.int64s(), array.int32s())).collect();
        let views =
            case.inputs.iter().zip(&values).map(|(array, (f, l, i))| (array.name.as_str(), view(array, f, l, i)));
        let outputs = session.run(views).unwrap();
        for array in &case.outputs {
            assert_eq!(outputs.shape(&array.name).unwrap().to_usize().unwrap(), array.shape, "{}", array.name);
            let (ours, theirs) = (outputs.array::<f32>(&array.name).unwrap(), array.floats());
            let worst = ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
            assert!(worst <= model.tolerance() * array.scale, "{} is off by {worst}", array.name);
        }
        cases += 1;
    }
    assert!(cases >= 2, "{name} has {cases} cases");
}
