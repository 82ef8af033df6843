//! Layers that move elements.

use super::{Case, answer, check, floats, input, ints, property};
use tensorrt::{DataType, GatherMode, SampleMode, ScatterMode, Weights};

#[test]
fn shapes_and_parts() {
    let cases: &[Case] = &[
        ("concatenation", |network| {
            let x = input(network, [2, 2]);
            let layer = network.add_concatenation(&[x, x]).unwrap();
            property!(layer axis set_axis 0 => 1);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 0.0, -1.0, 0.0, 1.0, 2.0, 1.0, 2.0])
        }),
        ("shuffle", |network| {
            let layer = network.add_shuffle(input(network, [2, 2])).unwrap();
            property!(layer reshape_dims set_reshape_dims some None => [4, 1]);
            property!(layer zero_is_placeholder set_zero_is_placeholder true => false);
            assert_eq!(layer.first_transpose().unwrap()[..2], [0, 1]);
            layer.set_first_transpose(&[1, 0]).unwrap();
            assert_eq!(layer.first_transpose().unwrap()[..2], [1, 0]);
            layer.set_second_transpose(&[1, 0]).unwrap();
            assert_eq!(layer.second_transpose().unwrap()[..2], [1, 0]);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 1.0, 0.0, 2.0])
        }),
        ("shuffle to a computed shape", |network| {
            let layer = network.add_shuffle(input(network, [2, 2])).unwrap();
            let shape = network.add_constant([1], Weights::new(&[4_i64])).unwrap();
            layer.set_reshape_tensor(shape.output(0).unwrap()).unwrap();
            assert_eq!(layer.reshape_dims().unwrap(), None);
            assert_eq!(layer.output(0).unwrap().dims().unwrap(), Some([4].into()));
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 0.0, 1.0, 2.0])
        }),
        ("slice", |network| {
            let layer = network.add_slice(input(network, [2, 2]), [0, 0], [1, 1], [1, 1]).unwrap();
            property!(layer start set_start some Some([0, 0].into()) => [1, 0]);
            property!(layer size set_size some Some([1, 1].into()) => [1, 3]);
            property!(layer stride set_stride some Some([1, 1].into()) => [2, 1]);
            property!(layer mode set_mode SampleMode::StrictBounds => SampleMode::Fill);
            assert_eq!(layer.axes().unwrap(), None);
            layer.set_input(4, floats(network, [], &[7.0])).unwrap();
            assert!(layer.set_input(6, input(network, [1])).is_err());
            answer(network, layer.output(0).unwrap());
            Some(vec![1.0, 2.0, 7.0])
        }),
        ("slice of some axes", |network| {
            let layer = network.add_slice(input(network, [2, 2]), [1], [1], [1]).unwrap();
            property!(layer axes set_axes some None => [1]);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 2.0])
        }),
        ("padding", |network| {
            let layer = network.add_padding(input(network, [1, 1, 1, 2]), [0, 1], [0, 0]).unwrap();
            property!(layer pre_padding set_pre_padding dims [0, 1] => [1, 0]);
            property!(layer post_padding set_post_padding dims [0, 0] => [0, 1]);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 0.0, 0.0, -1.0, 0.0, 0.0])
        }),
        ("shape", |network| {
            let shape = network.add_shape(input(network, [2, 3])).unwrap().output(0).unwrap();
            answer(network, network.add_cast(shape, DataType::Float).unwrap().output(0).unwrap());
            Some(vec![2.0, 3.0])
        }),
        ("squeeze and unsqueeze", |network| {
            let axis = network.add_constant([1], Weights::new(&[0_i64])).unwrap().output(0).unwrap();
            let less = network.add_squeeze(input(network, [1, 2]), Some(axis)).unwrap();
            let more = network.add_unsqueeze(less.output(0).unwrap(), axis).unwrap();
            let all = network.add_squeeze(more.output(0).unwrap(), None).unwrap();
            assert_eq!(all.output(0).unwrap().dims().unwrap(), Some([2].into()));
            answer(network, all.output(0).unwrap());
            Some(vec![-1.0, 0.0])
        }),
        ("reversed sequences", |network| {
            let lengths = ints(network, [2], &[2, 1]);
            let layer = network.add_reverse_sequence(input(network, [2, 2]), lengths).unwrap();
            property!(layer batch_axis set_batch_axis 1 => 0);
            property!(layer sequence_axis set_sequence_axis 0 => 1);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, -1.0, 1.0, 2.0])
        }),
    ];
    check(cases);
}

#[test]
fn elements_by_index() {
    let cases: &[Case] = &[
        ("gather", |network| {
            let layer = network.add_gather(input(network, [2, 2]), ints(network, [1], &[1]), 0).unwrap();
            property!(layer axis set_axis 0 => 1);
            property!(layer num_elementwise_dims set_num_elementwise_dims 0 => 0);
            assert_eq!(layer.mode().unwrap(), GatherMode::Default);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 2.0])
        }),
        ("gather of elements", |network| {
            let indices = ints(network, [2, 1], &[1, 0]);
            let layer = network.add_gather_v2(input(network, [2, 2]), indices, GatherMode::Nd).unwrap();
            property!(layer mode set_mode GatherMode::Nd => GatherMode::Element);
            layer.set_axis(1).unwrap();
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 1.0])
        }),
        ("scatter", |network| {
            let (indices, updates) = (ints(network, [2, 1], &[1, 0]), floats(network, [2, 1], &[9.0, 8.0]));
            let layer = network.add_scatter(input(network, [2, 2]), indices, updates, ScatterMode::Nd).unwrap();
            property!(layer mode set_mode ScatterMode::Nd => ScatterMode::Element);
            property!(layer axis set_axis 0 => 1);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 9.0, 8.0, 2.0])
        }),
        ("one-hot", |network| {
            let (indices, values) = (ints(network, [2], &[1, 0]), floats(network, [2], &[0.0, 1.0]));
            let layer = network.add_one_hot(indices, values, ints(network, [], &[2]), -1).unwrap();
            property!(layer axis set_axis -1 => 0);
            let sum = tensorrt::ElementWiseOperation::Sum;
            let sum = network.add_elementwise(input(network, [2, 2]), layer.output(0).unwrap(), sum).unwrap();
            answer(network, sum.output(0).unwrap());
            Some(vec![-1.0, 1.0, 2.0, 2.0])
        }),
        ("non-zero", |network| {
            let layer = network.add_non_zero(input(network, [2, 2]), DataType::Int32).unwrap();
            property!(layer indices_type set_indices_type DataType::Int32 => DataType::Int64);
            answer(network, network.add_cast(layer.output(0).unwrap(), DataType::Float).unwrap().output(0).unwrap());
            Some(vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0])
        }),
        ("suppression", |network| {
            use tensorrt::BoundingBoxFormat as F;
            let boxes = floats(network, [1, 2, 4], &[0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0]);
            let scores = floats(network, [1, 2, 1], &[0.9, 0.8]);
            let layer = network.add_nms(boxes, scores, ints(network, [], &[2]), DataType::Int32).unwrap();
            property!(layer bounding_box_format set_bounding_box_format F::CornerPairs => F::CenterSizes);
            property!(layer topk_box_limit set_topk_box_limit 5000 => 10);
            property!(layer indices_type set_indices_type DataType::Int32 => DataType::Int64);
            layer.set_input(3, floats(network, [], &[0.5])).unwrap();
            answer(network, network.add_cast(layer.output(0).unwrap(), DataType::Float).unwrap().output(0).unwrap());
            Some(vec![0.0, 0.0, 0.0])
        }),
    ];
    check(cases);
}
