//! What nodes become.

use tensorrt_sys::{DataType, ElementWiseOperation, LayerType, PaddingMode};

use super::*;
use crate::graph::LayerKind;

#[test]
fn a_convolution_takes_its_weights_into_the_layer() {
    let build = model(13)
        .input("x", 1, &["N", "3", "H", "W"])
        .weights(floats("kernel", &[2, 3, 1, 1], &[0.5; 6]))
        .weights(floats("bias", &[2], &[1.0, 2.0]))
        .node("Conv", &["x", "kernel", "bias"], &["y"], &[ints("strides", &[2, 2]), text("auto_pad", "SAME_UPPER")])
        .output("y");
    let network = build.import().unwrap();
    let graph = network.graph();
    assert_eq!(kinds(&network), [LayerType::Convolution]);
    assert_eq!(graph.layers.len(), 1, "weights of a layer are no constants");
    let LayerKind::Convolution(conv) = &graph.layers[0].kind else { panic!("{:?}", graph.layers[0]) };
    assert_eq!(conv.padding_mode, PaddingMode::SameUpper);
    assert_eq!(graph.weights(conv.kernel.unwrap()).name, "kernel");
    assert_eq!(graph.weights(conv.bias.unwrap()).name, "bias");
    assert_eq!(graph.layers[0].name, "the Conv");
    assert_eq!(graph.tensor(graph.outputs[0]).name, "y");
    assert_eq!(graph.tensor(graph.inputs[0]).dim_names, ["N", "", "H", "W"]);
    assert_eq!(result(&network).0, [-1, 2, -1, -1]);
}

#[test]
fn a_convolution_over_one_dimension_is_one_over_two() {
    let build = single(13, "Conv", &["1", "2", "8"], &[floats("k", &[4, 2, 3], &[0.0; 24])], &[]);
    let network = build.import().unwrap();
    assert_eq!(kinds(&network), [LayerType::Unsqueeze, LayerType::Convolution, LayerType::Squeeze]);
    assert_eq!(result(&network).0, [1, 4, 6]);
}

#[test]
fn a_scalar_is_quantized_with_one_dimension() {
    let build = model(13)
        .input("x", 1, &["2", "3"])
        .input("scalar", 1, &[])
        .weights(floats("scale", &[], &[0.5]))
        .node("QuantizeLinear", &["scalar", "scale"], &["q"], &[])
        .node("DequantizeLinear", &["q", "scale"], &["d"], &[])
        .node("Add", &["x", "d"], &["y"], &[])
        .output("y");
    let network = build.import().unwrap();
    let kinds = kinds(&network);
    assert_eq!(kinds.iter().filter(|&&kind| kind == LayerType::Quantize).count(), 1, "{kinds:?}");
    assert_eq!(result(&network).0, [2, 3]);
}

#[test]
fn ranks_are_made_equal() {
    let build = model(13)
        .input("x", 1, &["2", "3", "4"])
        .weights(floats("b", &[4], &[0.0; 4]))
        .node("Add", &["x", "b"], &["y"], &[])
        .output("y");
    let network = build.import().unwrap();
    assert_eq!(kinds(&network), [LayerType::Shuffle, LayerType::Elementwise]);
    assert_eq!(result(&network).0, [2, 3, 4]);
}

#[test]
fn shapes_computed_by_nodes_are_followed() {
    let build = model(13)
        .input("x", 1, &["N", "6", "4"])
        .weights(int64s("one", &[1]))
        .weights(int64s("rest", &[-1]))
        .node("Shape", &["x"], &["s"], &[])
        .node("Gather", &["s", "one"], &["six"], &[])
        .node("Concat", &["rest", "six"], &["to"], &[int("axis", 0)])
        .node("Reshape", &["x", "to"], &["y"], &[])
        .output("y");
    assert_eq!(dims(&build), [-1, 6]);
}

#[test]
fn int64_stays_int64() {
    let build = model(13)
        .input("x", 7, &["3"])
        .weights(int64s("c", &[1, 2, 3]))
        .node("Add", &["x", "c"], &["y"], &[])
        .output("y");
    assert_eq!(result(&build.import().unwrap()), (vec![3], DataType::Int64));
}

#[test]
fn doubles_become_floats() {
    let mut tensor = floats("c", &[3], &[]);
    tensor.raw_data = None;
    tensor.data_type = 11;
    tensor.double_data = vec![1.5, 1e300, -1e300];
    let build = model(13).input("x", 11, &["3"]).weights(tensor).node("Add", &["x", "c"], &["y"], &[]).output("y");
    let network = build.import().unwrap();
    let id = network.graph().layers[0].outputs[0];
    let constant = network.graph().constant(id).unwrap();
    assert_eq!(constant.view().as_slice::<f32>().unwrap(), [1.5, f32::MAX, f32::MIN]);
    assert_eq!(result(&network), (vec![3], DataType::Float));
}

#[test]
fn constants_that_nothing_reads_as_tensors_get_no_layer() {
    let build = model(13)
        .input("x", 1, &["2", "3"])
        .weights(int64s("axes", &[1]))
        .node("ReduceSum", &["x", "axes"], &["y"], &[int("keepdims", 0)])
        .output("y");
    let network = build.import().unwrap();
    assert_eq!(network.graph().layers.len(), 1);
    assert_eq!(result(&network).0, [2]);
}

#[test]
fn outputs_that_are_inputs_or_weights_pass_through_layers() {
    let build = model(13)
        .input("x", 1, &["2"])
        .weights(floats("w", &[1], &[4.0]))
        .node("Identity", &["w"], &["z"], &[])
        .output("x")
        .output("w")
        .output("z");
    let network = build.import().unwrap();
    let names: Vec<_> = network.graph().outputs.iter().map(|&id| network.graph().tensor(id).name.as_str()).collect();
    assert_eq!(names, ["x", "w", "z"]);
    assert!(network.graph().outputs.iter().all(|&id| network.graph().tensor(id).producer.is_some()));
}

#[test]
fn initializers_that_are_also_inputs_are_not_inputs_of_the_network() {
    let build = model(8)
        .input("x", 1, &["2"])
        .input("w", 1, &["2"])
        .weights(floats("w", &[2], &[1.0, 2.0]))
        .node("Mul", &["x", "w"], &["y"], &[])
        .output("y");
    assert_eq!(build.import().unwrap().graph().inputs.len(), 1);
}

#[test]
fn batch_normalization_folds_into_a_scale() {
    let v = |name: &str, value: f32| floats(name, &[2], &[value; 2]);
    let weights = [v("scale", 3.0), v("shift", 1.0), v("mean", 2.0), v("var", 4.0)];
    let build = single(15, "BatchNormalization", &["N", "2", "5"], &weights, &[float("epsilon", 0.0)]);
    let network = build.import().unwrap();
    let LayerKind::Scale(scale) = &network.graph().layers[0].kind else { panic!("not folded") };
    let values = |id: Option<crate::graph::WeightsId>| {
        let weights = network.graph().weights(id.unwrap());
        (weights.name.clone(), bytemuck::cast_slice::<u8, f32>(&weights.storage).to_vec())
    };
    assert_eq!(values(scale.scale), ("scale".to_owned(), vec![1.5; 2]));
    assert_eq!(values(scale.shift), ("shift".to_owned(), vec![-2.0; 2]));
}

#[test]
fn slices_clamp_and_count_from_the_end() {
    let cases: &[(i64, i64, i64, i64)] = &[
        (0, i64::MAX, 1, 10),
        (-3, i64::MAX, 1, 3),
        (8, 2, -2, 3),
        (-1, i64::MIN, -1, 10),
        (5, 2, 1, 0),
        (20, 30, 1, 0),
    ];
    for &(start, end, step, wanted) in cases {
        let weights = [int64s("s", &[start]), int64s("e", &[end]), int64s("a", &[-1]), int64s("t", &[step])];
        let build = single(13, "Slice", &["N", "10"], &weights, &[]);
        assert_eq!(dims(&build), [-1, wanted], "{start}:{end}:{step}");
    }
}

#[test]
fn functions_of_the_model_are_inlined() {
    use crate::onnx::proto::FunctionProto;
    let mut inner = NodeProto { op_type: "LeakyRelu".to_owned(), ..NodeProto::default() };
    inner.input.push("a".to_owned());
    inner.output.push("t".to_owned());
    inner.attribute.push(AttributeProto { ref_attr_name: "slope".to_owned(), ..float("alpha", 0.0) });
    let mut sum = NodeProto { op_type: "Add".to_owned(), ..NodeProto::default() };
    sum.input = vec!["t".to_owned(), "a".to_owned()];
    sum.output.push("b".to_owned());
    let function = FunctionProto {
        name: "Twice".to_owned(),
        domain: "own".to_owned(),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        attribute: vec!["slope".to_owned()],
        node: vec![inner, sum],
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..FunctionProto::default()
    };
    let mut build = model(13)
        .input("x", 1, &["2"])
        .node("Twice", &["x"], &["y"], &[float("slope", 0.25)])
        .node("Twice", &["y"], &["z"], &[float("slope", 0.5)])
        .output("z");
    build.graph().node.iter_mut().for_each(|node| node.domain = "own".to_owned());
    build.0.functions.push(function);
    let network = build.import().unwrap();
    let alphas: Vec<f32> = network
        .graph()
        .layers
        .iter()
        .filter_map(|layer| if let LayerKind::Activation { alpha, .. } = layer.kind { Some(alpha) } else { None })
        .collect();
    assert_eq!(alphas, [0.25, 0.5]);
    assert_eq!(kinds(&network).len(), 4);

    // A function that calls itself is refused, not followed forever.
    let called = build.0.functions[0].node[0].clone();
    build.0.functions[0].node[0] = NodeProto { op_type: "Twice".to_owned(), domain: "own".to_owned(), ..called };
    assert!(build.messages()[0].contains("deep"), "{:?}", build.messages());
}

#[test]
fn modulo_follows_the_divisor_or_the_dividend() {
    for (fmod, op) in [(0, ElementWiseOperation::FloorDiv), (1, ElementWiseOperation::Div)] {
        let build = model(13).input("x", 7, &["4"]).input("d", 7, &["4"]).node(
            "Mod",
            &["x", "d"],
            &["y"],
            &[int("fmod", fmod)],
        );
        let network = build.output("y").import().unwrap();
        assert_eq!(network.graph().layers[0].kind, LayerKind::ElementWise { op });
    }
}

#[test]
fn node_outputs_are_found_by_the_nodes_name() {
    let build = model(13).input("x", 1, &["2"]).node("Relu", &["x"], &["y"], &[]).output("y");
    let mut network = Network::new();
    let imported = Importer::new().import(&build.load(), &mut network).unwrap();
    assert_eq!(imported.node_outputs["the Relu"], network.graph().outputs);
}

#[test]
fn squeezing_without_axes_leaves_what_only_the_run_knows() {
    let build = model(13).input("x", 1, &["1", "n"]).node("Squeeze", &["x"], &["y"], &[]).output("y");
    let network = build.import().unwrap();
    assert_eq!(result(&network).0, [-1]);
    let outputs = run(&network, &[tensor(&[1, 2], &[3.0, 4.0])]);
    assert_eq!((&outputs[0].dims()[..], values(&outputs[0])), (&[2][..], vec![3.0, 4.0]));
    // ONNX squeezes that extent, too, so that nothing of the declared rank would be right.
    let error = try_run(&network, &[tensor(&[1, 1], &[3.0])]).unwrap_err();
    assert!(error.to_string().contains("give the axes in the model"), "{error}");
}

#[test]
fn zero_points_and_weights_of_uint8_may_be_initializers() {
    let build = model(13)
        .input("x", 1, &["4"])
        .weights(floats("scale", &[], &[0.5]))
        .weights(uint8s("zero", &[], &[130]))
        .weights(uint8s("w", &[4], &[0, 129, 130, 255]))
        .node("QuantizeLinear", &["x", "scale", "zero"], &["q"], &[])
        .node("DequantizeLinear", &["q", "scale", "zero"], &["y"], &[])
        .node("DequantizeLinear", &["w", "scale", "zero"], &["z"], &[])
        .output("y")
        .output("z");
    let outputs = run(&build.import().unwrap(), &[tensor(&[4], &[-100.0, -1.2, 0.0, 100.0])]);
    assert_eq!(values(&outputs[0]), [-65.0, -1.0, 0.0, 62.5]);
    assert_eq!(values(&outputs[1]), [-65.0, -0.5, 0.0, 62.5]);
    let mut network = Network::new();
    Importer::new().with_strict(true).import(&build.load(), &mut network).expect_err("NVIDIA's parser refuses it");
}
