//! Layers that compute over axes.

use super::{Case, answer, check, floats, input, ints, property};
use tensorrt::{CumulativeOperation, DataType, ReduceOperation, TopKOperation};

#[test]
fn values_over_axes() {
    let cases: &[Case] = &[
        ("reduction", |network| {
            let layer = network.add_reduce(input(network, [2, 2]), ReduceOperation::Sum, &[0], true).unwrap();
            property!(layer operation set_operation ReduceOperation::Sum => ReduceOperation::Max);
            property!(layer axes set_axes axes [0] => [1]);
            property!(layer keep_dims set_keep_dims true => false);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 2.0])
        }),
        ("top k", |network| {
            let x = input(network, [2, 2]);
            let layer = network.add_top_k(x, TopKOperation::Max, 1, &[0], DataType::Int32).unwrap();
            property!(layer operation set_operation TopKOperation::Max => TopKOperation::Min);
            property!(layer k set_k 1 => 2);
            property!(layer axes set_axes axes [0] => [1]);
            property!(layer indices_type set_indices_type DataType::Int32 => DataType::Int64);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 0.0, 1.0, 2.0])
        }),
        ("running sums", |network| {
            let axis = ints(network, [], &[1]);
            let layer = network.add_cumulative(input(network, [2, 2]), axis, CumulativeOperation::Sum, false, false);
            let layer = layer.unwrap();
            property!(layer operation set_operation CumulativeOperation::Sum => CumulativeOperation::Sum);
            property!(layer exclusive set_exclusive false => true);
            property!(layer reverse set_reverse false => true);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.0, 0.0, 2.0, 0.0])
        }),
        ("softmax", |network| {
            let layer = network.add_softmax(input(network, [1, 2])).unwrap();
            property!(layer axes set_axes axes [0] => [1]);
            answer(network, layer.output(0).unwrap());
            Some(vec![0.268_941_43, 0.731_058_6])
        }),
        ("softmax of ragged rows", |network| {
            let bounds = ints(network, [1, 1, 1], &[2]);
            let layer = network.add_ragged_softmax(input(network, [1, 1, 3]), bounds).unwrap();
            answer(network, layer.output(0).unwrap());
            Some(vec![0.268_941_43, 0.731_058_6, 0.0])
        }),
        ("normalization", |network| {
            let (scale, bias) = (floats(network, [1, 2, 1, 1], &[1.0, 2.0]), floats(network, [1, 2, 1, 1], &[0.0; 2]));
            let layer = network.add_normalization(input(network, [1, 2, 1, 2]), scale, bias, &[3]).unwrap();
            property!(layer epsilon set_epsilon 1e-5 => 1e-9);
            property!(layer axes set_axes axes [3] => [2, 3]);
            property!(layer num_groups set_num_groups 1 => 1);
            assert!(!layer.is_v2().unwrap());
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 1.0, -2.0, 2.0])
        }),
        ("normalization of version 2", |network| {
            let (scale, bias) = (floats(network, [1, 1, 1, 2], &[1.0, 2.0]), floats(network, [1, 1, 1, 2], &[0.0; 2]));
            let layer = network.add_normalization_v2(input(network, [1, 2, 1, 2]), scale, bias, &[3]).unwrap();
            layer.set_epsilon(1e-9).unwrap();
            assert!(layer.is_v2().unwrap());
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 2.0, -1.0, 2.0])
        }),
        ("local response normalization", |network| {
            let layer = network.add_lrn(input(network, [1, 3, 1, 1]), 1, 1.0, 0.5, 2.0).unwrap();
            property!(layer window_size set_window_size 1 => 3);
            property!(layer alpha set_alpha 1.0 => 3.0);
            property!(layer beta set_beta 0.5 => 1.0);
            property!(layer k set_k 2.0 => 1.0);
            answer(network, layer.output(0).unwrap());
            Some(vec![-0.5, 0.0, 0.5])
        }),
    ];
    check(cases);
}
