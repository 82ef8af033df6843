//! What networks, tensors and layers have besides their parameters: names, marks, and on TensorRT 10 precisions.

use tensorrt::{
    Builder, DataType, Engine, ErrorKind, Family, Library, NetworkDefinitionCreationFlag, TensorFormat, TensorLocation,
    UnaryOperation, Version, Weights,
};

use super::{floats, input};

/// The emulator as RTX 1.7, and the real one where there is one.
fn libraries() -> Vec<Library> {
    let emulated = tensorrt_emulator::library_as(Family::RtxNew, Version::new(1, 7, 1)).unwrap();
    [emulated].into_iter().chain(crate::real::library()).collect()
}

#[test]
fn names_are_of_one_layer_and_one_tensor() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        assert_eq!(builder.create_network(&[]).unwrap().name().unwrap(), "Unnamed Network 0");
        let network = builder.create_network(&[]).unwrap();
        assert_eq!(network.name().unwrap(), "Unnamed Network 1");
        let x = input(&network, [2]);
        let one = network.add_unary(x, UnaryOperation::Exp).unwrap();
        let two = network.add_unary(x, UnaryOperation::Exp).unwrap();
        one.set_name("one").unwrap();
        assert_eq!(one.output(0).unwrap().name().unwrap(), "one_output");
        assert_eq!(two.set_name("one").unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(two.name().unwrap(), "(Unnamed Layer* 1) [Unary]");
        one.output(0).unwrap().set_name("y").unwrap();
        one.set_name("first").unwrap();
        assert_eq!(one.output(0).unwrap().name().unwrap(), "y");
        assert_eq!(two.output(0).unwrap().set_name("y").unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(two.output(0).unwrap().set_name("x0").unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(network.add_input("y", DataType::Float, [1]).unwrap_err().kind(), ErrorKind::Build);
        assert_eq!(two.set_name(&"n".repeat(5000)).unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(network.layer_named("first").unwrap().num_outputs().unwrap(), 1);
        assert_eq!(network.tensor_named("y").unwrap(), one.output(0).unwrap());
        assert_eq!(network.tensor_named("z").unwrap_err().kind(), ErrorKind::UnknownName);
        two.set_name("(Unnamed Layer* 2) [Unary]").unwrap();
        let three = network.add_unary(x, UnaryOperation::Exp).unwrap();
        assert_eq!(three.name().unwrap(), "(Unnamed Layer* 3) [Unary]");
    }
}

#[test]
fn marks_come_back() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let (x, spare) = (input(&network, [2]), input(&network, [3]));
        let y = network.add_unary(x, UnaryOperation::Exp).unwrap().output(0).unwrap();
        assert_eq!(network.mark_output(x).unwrap_err().kind(), ErrorKind::Build);
        assert_eq!(network.unmark_output(y).unwrap_err().kind(), ErrorKind::Build);
        network.mark_output(y).unwrap();
        assert_eq!(network.mark_output(y).unwrap_err().kind(), ErrorKind::Build);
        assert!(y.is_network_output().unwrap() && x.is_network_input().unwrap());
        let shape = network.add_shape(x).unwrap().output(0).unwrap();
        network.mark_output_for_shapes(shape).unwrap();
        assert_eq!(network.num_outputs().unwrap(), 2);
        assert!(shape.is_shape_tensor().unwrap());
        network.unmark_output_for_shapes(shape).unwrap();
        assert_eq!(network.num_outputs().unwrap(), 1);
        network.mark_debug(y).unwrap();
        assert!(network.is_debug_tensor(y).unwrap() && !network.is_debug_tensor(x).unwrap());
        network.unmark_debug(y).unwrap();
        assert!(!network.is_debug_tensor(y).unwrap());
        network.mark_unfused_tensors_as_debug_tensors().unwrap();
        network.unmark_unfused_tensors_as_debug_tensors().unwrap();
        x.set_dimension_name(0, "batch").unwrap();
        assert_eq!(x.dimension_name(0).unwrap().as_deref(), Some("batch"));
        assert_eq!(y.set_dimension_name(0, "batch").unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(x.set_dimension_name(1, "rows").unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(y.set_dims([3]).unwrap_err().kind(), ErrorKind::Setting);
        x.set_dims([4]).unwrap();
        assert_eq!(y.dims().unwrap(), Some([4].into()));
        x.set_allowed_formats(&[TensorFormat::Linear]).unwrap();
        assert_eq!(x.allowed_formats().unwrap(), [TensorFormat::Linear]);
        assert!(network.is_strongly_typed().unwrap());
        assert!(network.has_flag(NetworkDefinitionCreationFlag::StronglyTyped).is_ok());
        for refused in [x.set_data_type(DataType::Half), x.location().map(|_| ()), x.dynamic_range().map(|_| ())] {
            assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Unsupported { .. }));
        }
        // SAFETY: `x` is read by a layer, so it is not removed; it is not used afterwards either.
        let kept = unsafe { network.remove_tensor(x) };
        // SAFETY: `spare` is not used afterwards.
        let gone = unsafe { network.remove_tensor(spare) };
        assert_eq!(kept.unwrap_err().kind(), ErrorKind::Setting);
        gone.unwrap();
        assert_eq!(network.num_inputs().unwrap(), 1);
    }
}

#[test]
fn weights_are_named_by_what_they_are() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let weights = Weights::new(&[1.0_f32, 2.0]);
        let constant = network.add_constant([2], weights.clone()).unwrap();
        let other = Weights::new(&[1.0_f32, 2.0]);
        assert!(network.set_weights_name(&other, "w").is_err());
        network.set_weights_name(&weights, "w").unwrap();
        network.mark_weights_refittable("w").unwrap();
        assert!(network.are_weights_marked_refittable("w").unwrap());
        network.unmark_weights_refittable("w").unwrap();
        assert!(!network.are_weights_marked_refittable("w").unwrap());
        assert!(network.mark_weights_refittable("v").is_err());
        let copy = constant.weights().unwrap();
        assert_eq!((copy.to_vec::<f32>().unwrap(), copy.data_type()), (vec![1.0, 2.0], DataType::Float));
    }
}

#[test]
fn precisions_belong_to_tensorrt_10() {
    let library = tensorrt_emulator::library_as(Family::Trt10, Version::new(10, 16, 1)).unwrap();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = input(&network, [2]);
    let layer = network.add_unary(x, UnaryOperation::Exp).unwrap();
    assert_eq!(layer.precision().unwrap(), None);
    layer.set_precision(DataType::Float).unwrap();
    assert_eq!(layer.precision().unwrap(), Some(DataType::Float));
    layer.reset_precision().unwrap();
    assert_eq!(layer.precision().unwrap(), None);
    assert!(!layer.is_output_type_set(0).unwrap());
    layer.set_output_type(0, DataType::Float).unwrap();
    assert!(layer.is_output_type_set(0).unwrap());
    layer.reset_output_type(0).unwrap();
    assert!(!layer.is_output_type_set(0).unwrap());
    assert_eq!(x.dynamic_range().unwrap(), None);
    x.set_dynamic_range(-1.0, 1.0).unwrap();
    assert_eq!(x.dynamic_range().unwrap(), Some((-1.0, 1.0)));
    x.reset_dynamic_range().unwrap();
    assert_eq!(x.dynamic_range().unwrap(), None);
    x.set_location(TensorLocation::Device).unwrap();
    assert_eq!(x.location().unwrap(), TensorLocation::Device);
    x.set_broadcast_across_batch(false).unwrap();
    assert!(!x.broadcast_across_batch().unwrap() && !network.has_implicit_batch_dimension().unwrap());
    assert!(!network.is_strongly_typed().unwrap());
    let eleven = tensorrt_emulator::library();
    let builder = Builder::new(&eleven).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let layer = network.add_unary(input(&network, [2]), UnaryOperation::Exp).unwrap();
    for refused in [layer.set_precision(DataType::Half), layer.set_output_type(0, DataType::Half)] {
        assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Unsupported { since: None, .. }));
    }
}

#[test]
fn what_a_layer_lacks_is_told_when_it_is_asked_for() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let sum = tensorrt::ElementWiseOperation::Sum;
        let sum = network.add_elementwise(input(&network, [2]), input(&network, [3]), sum).unwrap().output(0).unwrap();
        let after = network.add_unary(sum, UnaryOperation::Neg).unwrap().output(0).unwrap();
        assert_eq!(sum.dims().unwrap_err().kind(), ErrorKind::ShapeMismatch);
        assert!(!matches!(after.dims(), Ok(Some(_))), "{:?}", after.dims());
        assert_eq!(sum.data_type().unwrap(), DataType::Float);
        network.tensor_named("x1").unwrap().set_dims([2]).unwrap();
        assert_eq!(after.dims().unwrap(), Some([2].into()));
    }
}

#[test]
fn a_layer_may_read_what_is_made_after_it() {
    let library = tensorrt_emulator::library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = input(&network, [2]);
    let first = network.add_unary(x, UnaryOperation::Neg).unwrap();
    let y = first.output(0).unwrap();
    super::answer(&network, y);
    let later = network.add_elementwise(x, floats(&network, [1], &[1.0]), tensorrt::ElementWiseOperation::Sum).unwrap();
    first.set_input(0, later.output(0).unwrap()).unwrap();
    assert_eq!(y.dims().unwrap(), Some([2].into()));
    assert_eq!(super::run(&network, &builder, &library).unwrap(), [-0.0, -1.0]);
    later.set_input(0, y).unwrap();
    let config = builder.create_builder_config().unwrap();
    let error = builder.build_serialized_network(&network, &config).unwrap_err();
    assert!(error.to_string().contains("depends on itself"), "{error}");
}

#[test]
fn engines_know_debug_tensors() {
    let library = tensorrt_emulator::library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let middle = network.add_unary(input(&network, [2]), UnaryOperation::Neg).unwrap().output(0).unwrap();
    middle.set_name("middle").unwrap();
    network.mark_debug(middle).unwrap();
    super::answer(&network, network.add_unary(middle, UnaryOperation::Neg).unwrap().output(0).unwrap());
    let config = builder.create_builder_config().unwrap();
    let plan = builder.build_serialized_network(&network, &config).unwrap();
    let engine = Engine::from_plan(&library, &plan).unwrap();
    assert!(engine.is_debug_tensor("middle").unwrap() && !engine.is_debug_tensor("y").unwrap());
}
