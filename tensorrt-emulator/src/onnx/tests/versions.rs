//! The same operator in different versions.

use tensorrt_sys::LayerType;

use super::*;
use crate::graph::LayerKind;

#[test]
fn axes_move_from_attributes_to_inputs() {
    let axes = [int64s("axes", &[0, -1])];
    let attribute = [ints("axes", &[0, -1])];
    assert_eq!(dims(&single(11, "Unsqueeze", &["N", "2"], &[], &attribute)), [1, -1, 2, 1]);
    assert_eq!(dims(&single(13, "Unsqueeze", &["N", "2"], &axes, &[])), [1, -1, 2, 1]);
    assert_eq!(dims(&single(11, "Squeeze", &["1", "N", "1"], &[], &attribute)), [-1]);
    assert_eq!(dims(&single(13, "Squeeze", &["1", "N", "1"], &axes, &[])), [-1]);
    for op in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"] {
        assert_eq!(dims(&single(11, op, &["4", "N", "3"], &[], &attribute)), [1, -1, 1], "{op}");
        assert_eq!(dims(&single(18, op, &["4", "N", "3"], &axes, &[])), [1, -1, 1], "{op}");
    }
    assert_eq!(dims(&single(18, "ReduceMax", &["4", "N"], &[], &[int("noop_with_empty_axes", 1)])), [4, -1]);
}

#[test]
fn softmax_goes_over_one_axis_or_over_all_that_follow() {
    let new = single(13, "Softmax", &["2", "3", "4"], &[], &[int("axis", 1)]).import().unwrap();
    assert_eq!(kinds(&new), [LayerType::Softmax]);
    let old = single(11, "Softmax", &["2", "3", "4"], &[], &[int("axis", 1)]).import().unwrap();
    assert_eq!(kinds(&old), [LayerType::Shuffle, LayerType::Softmax, LayerType::Shuffle]);
    assert_eq!(result(&old).0, [2, 3, 4]);
    let last = single(11, "Softmax", &["N", "3"], &[], &[]).import().unwrap();
    assert_eq!(kinds(&last), [LayerType::Softmax]);
}

#[test]
fn clip_takes_bounds_from_attributes_or_weights() {
    let clip = |network: &Network| match network.graph().layers[0].kind {
        LayerKind::Activation { alpha, beta, .. } => (alpha, beta),
        ref other => panic!("{other:?}"),
    };
    let old = single(6, "Clip", &["2"], &[], &[float("min", 0.0), float("max", 6.0)]).import().unwrap();
    assert_eq!(clip(&old), (0.0, 6.0));
    let new =
        single(11, "Clip", &["2"], &[floats("lo", &[], &[0.0]), floats("hi", &[], &[6.0])], &[]).import().unwrap();
    assert_eq!(clip(&new), (0.0, 6.0));
    let open = single(11, "Clip", &["2"], &[floats("lo", &[], &[0.0])], &[]).import().unwrap();
    assert_eq!(clip(&open), (0.0, f32::MAX));
}

#[test]
fn pads_and_slices_from_attributes_and_inputs() {
    let pads = [0, 1, 0, 2];
    assert_eq!(dims(&single(10, "Pad", &["N", "3"], &[], &[ints("pads", &pads)])), [-1, 6]);
    assert_eq!(dims(&single(11, "Pad", &["N", "3"], &[int64s("p", &pads)], &[])), [-1, 6]);
    let build = model(18)
        .input("x", 1, &["N", "3"])
        .weights(int64s("p", &[1, 2]))
        .weights(int64s("a", &[-1]))
        .node("Pad", &["x", "p", "", "a"], &["y"], &[text("mode", "reflect")])
        .output("y");
    assert_eq!(dims(&build), [-1, 6]);
    let old = [ints("starts", &[1]), ints("ends", &[1000]), ints("axes", &[1])];
    assert_eq!(dims(&single(9, "Slice", &["N", "5"], &[], &old)), [-1, 4]);
}

#[test]
fn resize_by_scales_and_sizes() {
    let scales = floats("scales", &[4], &[1.0, 1.0, 2.0, 3.0]);
    let x = ["N", "2", "4", "5"];
    assert_eq!(dims(&single(9, "Upsample", &x, std::slice::from_ref(&scales), &[])), [-1, 2, 8, 15]);
    assert_eq!(
        dims(&single(10, "Resize", &x, std::slice::from_ref(&scales), &[text("mode", "linear")])),
        [-1, 2, 8, 15]
    );
    let by = |opset: i64, inputs: &[&str], weights: &[TensorProto], attributes: &[AttributeProto]| {
        let mut build = model(opset).input("x", 1, &x);
        for tensor in weights {
            build = build.weights(tensor.clone());
        }
        build.node("Resize", inputs, &["y"], attributes).output("y")
    };
    assert_eq!(
        dims(&by(11, &["x", "roi", "scales"], &[floats("roi", &[0], &[]), scales.clone()], &[])),
        [-1, 2, 8, 15]
    );
    assert_eq!(dims(&by(13, &["x", "", "scales"], &[scales], &[])), [-1, 2, 8, 15]);
    assert_eq!(dims(&by(18, &["x", "", "", "s"], &[int64s("s", &[7, 9])], &[ints("axes", &[2, 3])])), [-1, 2, 7, 9]);
    let refused = by(18, &["x", "", "", "s"], &[int64s("s", &[7, 9])], &[ints("axes", &[2, 3]), int("antialias", 1)]);
    assert!(refused.messages()[0].contains("antialias"));
}

#[test]
fn split_by_attribute_input_and_count() {
    let outputs = ["y", "z"];
    let build = |opset: i64, inputs: &[&str], attributes: &[AttributeProto]| {
        let build = model(opset).input("x", 1, &["N", "5"]).weights(int64s("sizes", &[2, 3]));
        build.node("Split", inputs, &outputs, attributes).output("y").output("z")
    };
    let parts = |build: Build| {
        let network = build.import().unwrap_or_else(|errors| panic!("{errors:?}"));
        network.graph().outputs.iter().map(|&id| network.value(id).dims[1]).collect::<Vec<_>>()
    };
    assert_eq!(parts(build(11, &["x"], &[int("axis", 1), ints("split", &[2, 3])])), [2, 3]);
    assert_eq!(parts(build(13, &["x", "sizes"], &[int("axis", 1)])), [2, 3]);
    assert_eq!(parts(build(18, &["x"], &[int("axis", 1), int("num_outputs", 2)])), [3, 2]);
    assert!(build(13, &["x"], &[int("axis", 1)]).messages()[0].contains("equal parts"));
}

#[test]
fn transposed_convolutions_pad_their_outputs() {
    let kernel = [floats("k", &[1, 2, 3, 3], &[0.0; 18])];
    let x = ["1", "1", "3", "3"];
    let y = |attributes: &[AttributeProto]| dims(&single(11, "ConvTranspose", &x, &kernel, attributes));
    assert_eq!(y(&[ints("strides", &[3, 2])]), [1, 2, 9, 7]);
    assert_eq!(y(&[ints("strides", &[3, 2]), ints("output_shape", &[10, 8])]), [1, 2, 10, 8]);
    assert_eq!(y(&[ints("strides", &[3, 2]), ints("output_padding", &[1, 1])]), [1, 2, 10, 8]);
    assert_eq!(y(&[ints("strides", &[2, 2]), text("auto_pad", "SAME_UPPER")]), [1, 2, 6, 6]);
    assert_eq!(
        y(&[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1]), ints("output_padding", &[1, 1])]),
        [1, 2, 6, 6]
    );
}
