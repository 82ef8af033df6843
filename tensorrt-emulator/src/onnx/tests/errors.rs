//! What is refused, and how it is told.

use tensorrt_sys::ParserErrorCode;

use super::*;

#[test]
fn every_root_cause_is_reported_and_nothing_else() {
    let build = model(13)
        .input("x", 1, &["2", "3"])
        .node("Frobnicate", &["x"], &["a"], &[])
        .node("Relu", &["a"], &["b"], &[])
        .node("Transpose", &["x"], &["c"], &[ints("perm", &[0, 0])])
        .node("Add", &["b", "c"], &["d"], &[])
        .node("Cast", &["x"], &["e"], &[])
        .node("Relu", &["x"], &["f"], &[])
        .output("d")
        .output("e")
        .output("f");
    let errors = build.import().unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (e.node, e.operator.as_str(), e.code)).collect();
    assert_eq!(
        found,
        [
            (Some(0), "Frobnicate", ParserErrorCode::UnsupportedNode),
            (Some(2), "Transpose", ParserErrorCode::InvalidNode),
            (Some(4), "Cast", ParserErrorCode::InvalidNode),
        ]
    );
    assert_eq!(errors[0].node_name, "the Frobnicate");
    assert!(errors[2].message.contains("attribute to is missing"), "{}", errors[2]);
}

#[test]
fn a_refused_model_leaves_the_network_as_it_was() {
    let mut network = Network::new();
    let good = model(13).input("x", 1, &["2"]).node("Relu", &["x"], &["y"], &[]).output("y");
    Importer::new().import(&good.load(), &mut network).unwrap();
    let layers = network.graph().layers.len();
    let bad =
        model(13).input("z", 1, &["2"]).node("Relu", &["z"], &["w"], &[]).node("If", &["w"], &["v"], &[]).output("v");
    let errors = Importer::new().import(&bad.load(), &mut network).unwrap_err();
    assert!(errors[0].message.contains("a scalar is needed, not a tensor of dimensions [2]"), "{}", errors[0]);
    assert_eq!((network.graph().layers.len(), network.graph().inputs.len()), (layers, 1));
}

#[test]
fn graphs_that_are_not_onnx_are_refused() {
    let unknown = model(13).input("x", 1, &["2"]).node("Relu", &["nothing"], &["y"], &[]).output("y");
    assert!(unknown.messages()[0].contains("\"nothing\" is used before anything makes it"));
    let order =
        model(13).input("x", 1, &["2"]).node("Relu", &["a"], &["y"], &[]).node("Relu", &["x"], &["a"], &[]).output("y");
    assert_eq!(order.messages().len(), 1);
    let twice =
        model(13).input("x", 1, &["2"]).node("Relu", &["x"], &["y"], &[]).node("Tanh", &["x"], &["y"], &[]).output("y");
    assert!(twice.messages()[0].contains("SSA"));
    let missing = model(13).input("x", 1, &["2"]).node("Relu", &["x"], &["y"], &[]).output("z");
    assert!(missing.messages()[0].contains("nothing makes it"));
}

#[test]
fn versions_that_are_too_new_are_refused() {
    assert!(model(99).input("x", 1, &["2"]).output("x").messages()[0].contains("opset version 99"));
    let mut build = model(13).input("x", 1, &["2"]).output("x");
    build.0.ir_version = Some(99);
    assert!(build.messages()[0].contains("IR version 99"));
}

#[test]
fn types_that_tensorrt_lacks_are_named() {
    let build = model(13).input("x", 8, &["2"]).node("Relu", &["x"], &["y"], &[]).output("y");
    let errors = build.import().unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].code, ParserErrorCode::UnsupportedNodeDatatype);
    assert!(errors[0].message.contains("string"), "{}", errors[0]);
}

#[test]
fn domains_without_converters_are_named() {
    let mut build = model(13).input("x", 1, &["2"]).node("Gelu", &["x"], &["y"], &[]).output("y");
    build.graph().node[0].domain = "com.microsoft".to_owned();
    assert!(build.messages()[0].contains("com.microsoft"));
}

#[test]
fn weights_of_the_wrong_size_are_refused_before_they_are_read() {
    for dims in [&[2, 2][..], &[1 << 40, 1 << 40], &[-1], &[1 << 62]] {
        let build = model(13)
            .input("x", 1, &["2"])
            .weights(floats("w", dims, &[1.0, 2.0, 3.0]))
            .node("Add", &["x", "w"], &["y"], &[])
            .node("Mul", &["x", "w"], &["z"], &[])
            .output("y");
        let messages = build.messages();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains("\"w\""), "{messages:?}");
    }
}

#[test]
fn supported_and_refused_nodes_are_told_apart() {
    let build = model(13)
        .input("x", 1, &["2"])
        .node("Relu", &["x"], &["a"], &[])
        .node("StringNormalizer", &["a"], &["b"], &[])
        .node("Tanh", &["x"], &["c"], &[])
        .output("b")
        .output("c");
    let (subgraphs, errors) = Importer::new().supports(&build.load());
    let runs: Vec<_> = subgraphs.iter().map(|s| (s.nodes.as_slice(), s.supported)).collect();
    assert_eq!(runs, [(&[0usize][..], true), (&[1], false), (&[2], true)]);
    assert_eq!(errors.len(), 1);
    let parser = Importer::new();
    assert!(parser.supports_operator("Conv") && !parser.supports_operator("StringSplit"));
    assert!(!parser.with_strict(true).supports_operator("BitShift"));
}

#[test]
fn transforms_of_absurd_lengths_are_refused_at_once() {
    for frame in [1 << 40, i64::MAX] {
        let build = model(17)
            .input("x", 1, &["1", "n", "1"])
            .weights(int64s("step", &[1]))
            .weights(int64s("frame", &[frame]))
            .node("STFT", &["x", "step", "", "frame"], &["y"], &[])
            .output("y");
        assert!(build.messages()[0].contains("is too long"), "{:?}", build.messages());
        let build = model(17)
            .input("x", 1, &["1", "8", "1"])
            .weights(int64s("length", &[frame]))
            .node("DFT", &["x", "length"], &["y"], &[])
            .output("y");
        assert!(build.messages()[0].contains("is too long"), "{:?}", build.messages());
    }
}

#[test]
fn what_would_broadcast_or_lie_apart_is_refused() {
    for window in [1, 3, 5] {
        let ones = vec![1.0; usize::try_from(window).unwrap()];
        let build = model(17)
            .input("x", 1, &["1", "n", "1"])
            .weights(int64s("step", &[2]))
            .weights(floats("window", &[window], &ones))
            .weights(int64s("frame", &[4]))
            .node("STFT", &["x", "step", "window", "frame"], &["y"], &[])
            .output("y");
        let expected = format!("a window of dimensions [{window}] for frames of 4 values");
        assert!(build.messages()[0].contains(&expected), "{:?}", build.messages());
    }
    for update in [["1", "2", "4"], ["2", "2", "3"]] {
        let build = model(24)
            .input("cache", 1, &["2", "6", "4"])
            .input("update", 1, &update)
            .node("TensorScatter", &["cache", "update"], &["y"], &[])
            .output("y");
        assert!(build.messages()[0].contains("for [2,6,4], axis 1"), "{:?}", build.messages());
    }
}
