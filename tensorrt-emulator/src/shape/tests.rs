//! Tables of layers, inputs and what is inferred.

use tensorrt_sys::{
    DataType, ElementWiseOperation, FillOperation, GatherMode, MatrixOperation, PaddingMode, PoolingType,
    ReduceOperation, SampleMode, UnaryOperation,
};

use super::infer;
use crate::graph::{
    Conv, Fill, Graph, LayerKind, Permutation, Pooling, Shuffle, Slice, TopK, ValueInfo, Weights, WeightsId,
};
use crate::memory::Storage;
use crate::tensor::Dims;

fn dims(extents: &[i64]) -> Dims {
    Dims::of(extents).unwrap()
}

fn float(extents: &[i64]) -> ValueInfo {
    ValueInfo::new(DataType::Float, dims(extents))
}

fn int64(extents: &[i64]) -> ValueInfo {
    ValueInfo::new(DataType::Int64, dims(extents))
}

/// A known vector; −1 stands for an element that is not known.
fn shape(elements: &[i64]) -> ValueInfo {
    let mut value = int64(&[i64::try_from(elements.len()).unwrap()]);
    value.elements = Some(elements.iter().map(|&v| (v != -1).then_some(v)).collect());
    value
}

fn run(kind: &LayerKind, inputs: &[&ValueInfo]) -> Result<Vec<ValueInfo>, String> {
    let inputs: Vec<Option<&ValueInfo>> = inputs.iter().map(|&v| Some(v)).collect();
    infer(kind, &Graph::default(), &inputs).map_err(|error| error.to_string())
}

fn one(kind: &LayerKind, inputs: &[&ValueInfo]) -> ValueInfo {
    run(kind, inputs).unwrap().remove(0)
}

#[test]
fn elementwise_broadcasts_extents_of_one_and_follows_unknowns() {
    let sum = LayerKind::ElementWise { op: ElementWiseOperation::Sum };
    for (a, b, expected) in [
        (&[2, 3][..], &[2, 3][..], Some(&[2, 3][..])),
        (&[2, 1], &[1, 3], Some(&[2, 3])),
        (&[-1, 3], &[1, 3], Some(&[-1, 3])),
        (&[-1, 3], &[4, 1], Some(&[4, 3])),
        (&[-1], &[-1], Some(&[-1])),
        (&[0], &[1], Some(&[0])),
        (&[], &[], Some(&[])),
        (&[2], &[3], None),
        (&[2, 3], &[3], None),
    ] {
        let found = run(&sum, &[&float(a), &float(b)]).ok().map(|v| v[0].dims);
        assert_eq!(found, expected.map(dims), "{a:?} + {b:?}");
    }
    let error = run(&sum, &[&float(&[2]), &int64(&[2])]).unwrap_err();
    assert!(error.contains("inputs 0 and 1 must have the same type"), "{error}");
    let less = LayerKind::ElementWise { op: ElementWiseOperation::Less };
    assert_eq!(one(&less, &[&float(&[2]), &float(&[2])]).dtype, DataType::Bool);
    assert!(run(&LayerKind::ElementWise { op: ElementWiseOperation::And }, &[&float(&[1]), &float(&[1])]).is_err());
}

#[test]
fn known_elements_follow_arithmetic() {
    use ElementWiseOperation as Op;
    for (op, a, b, expected) in [
        (Op::Sum, &[1, 2][..], &[3, 4][..], vec![Some(4), Some(6)]),
        (Op::Prod, &[-1, 2], &[0, 4], vec![Some(0), Some(8)]),
        (Op::Div, &[-7, 7], &[2, 0], vec![Some(-3), None]),
        (Op::FloorDiv, &[-7, 7], &[2, 2], vec![Some(-4), Some(3)]),
        (Op::Prod, &[i64::MAX, 1], &[2, 1], vec![None, Some(1)]),
    ] {
        let found = one(&LayerKind::ElementWise { op }, &[&shape(a), &shape(b)]);
        // In this table −7 is known: only −1 stands for unknown.
        assert_eq!(found.elements, Some(expected), "{op} {a:?} {b:?}");
    }
    let negated = one(&LayerKind::Unary { op: UnaryOperation::Neg }, &[&shape(&[2, -1])]);
    assert_eq!(negated.elements, Some(vec![Some(-2), None]));
    let product =
        one(&LayerKind::Reduce { op: ReduceOperation::Prod, axes: 1, keep_dims: false }, &[&shape(&[2, 3, 4])]);
    assert_eq!((product.dims, product.elements), (Dims::scalar(), Some(vec![Some(24)])));
}

#[test]
fn a_shape_computation_by_way_of_floats_is_followed() {
    let extents = one(&LayerKind::Shape, &[&float(&[-1, 3, 5, 7])]);
    assert_eq!(extents.elements, Some(vec![None, Some(3), Some(5), Some(7)]));
    let as_float = one(&LayerKind::Cast { to: DataType::Float }, &[&extents]);
    let mut scale = float(&[1]);
    scale.floats = Some(vec![Some(1.5)]);
    let scaled = one(&LayerKind::ElementWise { op: ElementWiseOperation::Prod }, &[&as_float, &scale]);
    let floor = one(&LayerKind::Unary { op: UnaryOperation::Floor }, &[&scaled]);
    let back = one(&LayerKind::Cast { to: DataType::Int64 }, &[&floor]);
    assert_eq!(back.elements, Some(vec![None, Some(4), Some(7), Some(10)]));
}

#[test]
fn structural_layers_move_known_elements() {
    let extents = shape(&[-1, 3, 5, 7]);
    let index = |v: i64| {
        let mut value = int64(&[]);
        value.elements = Some(vec![Some(v)]);
        value
    };
    let gather = LayerKind::Gather { axis: 0, num_elementwise_dims: 0, mode: GatherMode::Default };
    assert_eq!(one(&gather, &[&extents, &index(2)]).elements, Some(vec![Some(5)]));
    assert_eq!(one(&gather, &[&extents, &index(-1)]).elements, Some(vec![Some(7)]));
    let joined = one(&LayerKind::Concatenation { axis: 0 }, &[&shape(&[-1]), &shape(&[8, 9])]);
    assert_eq!(joined.elements, Some(vec![None, Some(8), Some(9)]));
    let slice = LayerKind::Slice(Slice {
        start: Some(dims(&[3])),
        size: Some(dims(&[2])),
        stride: Some(dims(&[-2])),
        mode: SampleMode::StrictBounds,
        axes: None,
    });
    assert_eq!(one(&slice, &[&extents]).elements, Some(vec![Some(7), Some(3)]));
    let transposed = LayerKind::Shuffle(Shuffle {
        first: Permutation::IDENTITY,
        reshape: Some(dims(&[2, 2])),
        second: Permutation::new(&[1, 0]),
        zero_is_placeholder: true,
    });
    assert_eq!(one(&transposed, &[&extents]).elements, Some(vec![None, Some(5), Some(3), Some(7)]));
    let mut condition = ValueInfo::new(DataType::Bool, dims(&[2]));
    condition.elements = Some(vec![Some(0), None]);
    let selected = one(&LayerKind::Select, &[&condition, &shape(&[1, 2]), &shape(&[3, 2])]);
    assert_eq!(selected.elements, Some(vec![Some(3), Some(2)]));
}

#[test]
fn reshape_infers_copies_and_refuses() {
    let kind = |reshape: &[i64], zero_is_placeholder| {
        LayerKind::Shuffle(Shuffle {
            first: Permutation::IDENTITY,
            reshape: Some(dims(reshape)),
            second: Permutation::IDENTITY,
            zero_is_placeholder,
        })
    };
    for (input, reshape, placeholder, expected) in [
        (&[2, 3, 4][..], &[0, -1][..], true, Some(&[2, 12][..])),
        (&[-1, 3, 4], &[0, -1], true, Some(&[-1, 12])),
        (&[-1, 3, 4], &[-1, 12], true, Some(&[-1, 12])),
        (&[2, 3], &[3, 2], true, Some(&[3, 2])),
        (&[0, 3], &[0, 5], false, Some(&[0, 5])),
        (&[1], &[], true, Some(&[])),
        (&[2, 3], &[4, 2], true, None),
        (&[2, 3], &[4, -1], true, None),
        (&[2, 3], &[-1, -1], true, None),
        (&[2, 3], &[1, 1, 0], true, None),
        (&[2, 3], &[i64::MAX, i64::MAX], true, None),
    ] {
        let found = run(&kind(reshape, placeholder), &[&float(input)]).ok().map(|v| v[0].dims);
        assert_eq!(found, expected.map(dims), "{input:?} to {reshape:?}");
    }
    let by_tensor = |wanted: &ValueInfo| {
        let kind = LayerKind::Shuffle(Shuffle {
            first: Permutation::IDENTITY,
            reshape: None,
            second: Permutation::IDENTITY,
            zero_is_placeholder: false,
        });
        one(&kind, &[&float(&[2, 6]), wanted]).dims
    };
    assert_eq!(by_tensor(&shape(&[3, -1])), dims(&[3, -1]));
    assert_eq!(by_tensor(&int64(&[3])), dims(&[-1, -1, -1]));
}

#[test]
fn slices_stay_within_their_input() {
    let kind = |start, size, stride, mode| {
        LayerKind::Slice(Slice {
            start: Some(dims(&[start])),
            size: Some(dims(&[size])),
            stride: Some(dims(&[stride])),
            mode,
            axes: Some(dims(&[1])),
        })
    };
    let strict = SampleMode::StrictBounds;
    assert_eq!(one(&kind(1, 2, 2, strict), &[&float(&[-1, 4])]).dims, dims(&[-1, 2]));
    for (start, size, stride) in [(3, 2, 1), (-1, 1, 1), (0, 3, 2), (0, 2, -1), (0, -1, 1), (1, i64::MAX, i64::MAX)] {
        assert!(run(&kind(start, size, stride, strict), &[&float(&[2, 4])]).is_err(), "{start} {size} {stride}");
    }
    assert_eq!(one(&kind(3, 9, 1, SampleMode::Fill), &[&float(&[2, 4])]).dims, dims(&[2, 9]));
}

#[test]
fn convolution_and_pooling_follow_the_padding_modes() {
    let weights = |count: usize| Graph {
        weights: vec![Weights::new("", DataType::Float, count, Storage::zeroed(count * 4)).unwrap()],
        ..Graph::default()
    };
    let conv = |stride, dilation, pad, padding_mode, groups| Conv {
        num_output_maps: 8,
        kernel_size: dims(&[3, 3]),
        stride: dims(&[stride, stride]),
        dilation: dims(&[dilation, dilation]),
        pre_padding: dims(&[pad, pad]),
        post_padding: dims(&[pad, pad]),
        padding_mode,
        groups,
        kernel: Some(WeightsId(0)),
        bias: None,
    };
    use PaddingMode as Mode;
    for (stride, dilation, pad, mode, input, conv_out, deconv_out) in [
        (1, 1, 1, Mode::ExplicitRoundDown, 6, 6, 6),
        (2, 1, 1, Mode::ExplicitRoundDown, 6, 3, 11),
        (2, 1, 1, Mode::ExplicitRoundUp, 6, 4, 11),
        (2, 1, 0, Mode::SameUpper, 7, 4, 14),
        (4, 1, 0, Mode::SameLower, 7, 2, 27),
        (1, 2, 0, Mode::ExplicitRoundDown, 6, 2, 10),
        (1, 1, 0, Mode::ExplicitRoundDown, -1, -1, -1),
    ] {
        let kind = conv(stride, dilation, pad, mode, 2);
        let value = float(&[-1, 4, input, input]);
        let graph = weights(8 * 2 * 9);
        let found = infer(&LayerKind::Convolution(kind.clone()), &graph, &[Some(&value)]).unwrap();
        assert_eq!(found[0].dims, dims(&[-1, 8, conv_out, conv_out]), "{kind:?}");
        let graph = weights(4 * 4 * 9);
        let found = infer(&LayerKind::Deconvolution(kind.clone()), &graph, &[Some(&value)]).unwrap();
        assert_eq!(found[0].dims, dims(&[-1, 8, deconv_out, deconv_out]), "{kind:?}");
    }
    let value = float(&[1, 4, 2, 2]);
    for (groups, count, what) in [(3, 8 * 2 * 9, "groups"), (2, 5, "needs 144 weights"), (2, 144, "does not fit into")]
    {
        let kind = LayerKind::Convolution(conv(1, 1, 0, Mode::ExplicitRoundDown, groups));
        let error = infer(&kind, &weights(count), &[Some(&value)]).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    let pooling = LayerKind::Pooling(Pooling {
        op: PoolingType::Max,
        window: dims(&[3, 3]),
        stride: dims(&[2, 2]),
        pre_padding: dims(&[3, 3]),
        post_padding: dims(&[2, 2]),
        padding_mode: Mode::ExplicitRoundDown,
        blend_factor: 0.0,
        average_count_excludes_padding: false,
    });
    assert_eq!(one(&pooling, &[&float(&[1, 1, 6, 6])]).dims, dims(&[1, 1, 5, 5]));
}

#[test]
fn products_of_matrices_and_vectors() {
    use MatrixOperation as Op;
    for (a, op_a, b, op_b, expected) in [
        (&[5, 2, 3][..], Op::None, &[1, 3, 4][..], Op::None, Some(&[5, 2, 4][..])),
        (&[3, 2], Op::Transpose, &[4, 3], Op::Transpose, Some(&[2, 4])),
        (&[3], Op::Vector, &[3, 4], Op::None, Some(&[4])),
        (&[2, 3], Op::None, &[3], Op::Vector, Some(&[2])),
        (&[-1, -1], Op::None, &[3, 4], Op::None, Some(&[-1, 4])),
        (&[2, 3], Op::None, &[4, 3], Op::None, None),
        (&[3], Op::None, &[3, 4], Op::None, None),
        (&[5, 2, 3], Op::None, &[3, 4], Op::None, None),
    ] {
        let found = run(&LayerKind::MatrixMultiply { ops: [op_a, op_b] }, &[&float(a), &float(b)]);
        assert_eq!(found.ok().map(|v| v[0].dims), expected.map(dims), "{a:?} {b:?}");
    }
    let einsum = |equation: &str| LayerKind::Einsum { equation: equation.to_owned() };
    assert_eq!(one(&einsum("bij, bjk -> bik"), &[&float(&[-1, 2, 3]), &float(&[5, 3, 4])]).dims, dims(&[5, 2, 4]));
    assert_eq!(one(&einsum("ij,jk"), &[&float(&[2, 3]), &float(&[3, 4])]).dims, dims(&[2, 4]));
    for equation in ["...i,i->...", "ii->i", "ij,jk->iz", "ij", "i j,jk->ikk", "ab,bc,cd->ad"] {
        assert!(run(&einsum(equation), &[&float(&[2, 3]), &float(&[3, 4])]).is_err(), "{equation}");
    }
}

#[test]
fn gathers_have_three_modes() {
    for (mode, axis, shared, data, indices, expected) in [
        (GatherMode::Default, 1, 0, &[2, 3, 4][..], &[5, 6][..], Some(&[2, 5, 6, 4][..])),
        (GatherMode::Default, 1, 1, &[2, 3, 4], &[2, 6], Some(&[2, 6, 4])),
        (GatherMode::Element, 1, 0, &[2, 3], &[2, 7], Some(&[2, 7])),
        (GatherMode::Nd, 0, 0, &[2, 3, 4], &[5, 2], Some(&[5, 4])),
        (GatherMode::Nd, 0, 1, &[2, 3, 4], &[2, 1], Some(&[2, 4])),
        (GatherMode::Default, 3, 0, &[2, 3, 4], &[5], None),
        (GatherMode::Element, 1, 0, &[2, 3], &[3, 7], None),
        (GatherMode::Nd, 0, 0, &[2, 3], &[5, 3], None),
    ] {
        let kind = LayerKind::Gather { axis, num_elementwise_dims: shared, mode };
        let found = run(&kind, &[&float(data), &int64(indices)]);
        assert_eq!(found.ok().map(|v| v[0].dims), expected.map(dims), "{mode} {data:?} {indices:?}");
    }
}

#[test]
fn fills_and_topk_take_their_sizes_from_tensors() {
    let fill = LayerKind::Fill(Fill {
        op: FillOperation::Linspace,
        dims: Dims::scalar(),
        alpha: 0.0,
        beta: 1.0,
        alpha_int64: 4,
        beta_int64: 3,
        to: DataType::Int64,
    });
    let filled = one(&fill, &[&shape(&[3])]);
    assert_eq!((filled.dims, filled.elements), (dims(&[3]), Some(vec![Some(4), Some(7), Some(10)])));
    assert_eq!(one(&fill, &[&int64(&[2])]).dims, dims(&[-1, -1]));
    assert!(run(&fill, &[&shape(&[-3])]).is_err());
    assert!(run(&fill, &[&shape(&[i64::MAX, 2])]).is_err());
    let topk = |k| LayerKind::TopK(TopK { op: tensorrt_sys::TopKOperation::Max, k, axes: 2, indices: DataType::Int32 });
    assert_eq!(run(&topk(2), &[&float(&[-1, 5])]).unwrap()[1], ValueInfo::new(DataType::Int32, dims(&[-1, 2])));
    assert!(run(&topk(6), &[&float(&[-1, 5])]).is_err());
}

#[test]
fn squeezing_and_counting() {
    assert_eq!(one(&LayerKind::Squeeze, &[&float(&[1, 5, -1]), &shape(&[0, 2])]).dims, dims(&[5]));
    assert!(run(&LayerKind::Squeeze, &[&float(&[1, 5]), &shape(&[1])]).is_err());
    assert_eq!(one(&LayerKind::Unsqueeze, &[&float(&[4, 5]), &shape(&[0, 3])]).dims, dims(&[1, 4, 5, 1]));
    assert!(run(&LayerKind::Unsqueeze, &[&float(&[1; 8]), &shape(&[0])]).is_err());
    assert!(run(&LayerKind::Unsqueeze, &[&float(&[4]), &shape(&[5])]).is_err());
    let non_zero = LayerKind::NonZero { indices: DataType::Int64 };
    assert_eq!(one(&non_zero, &[&float(&[2, 2])]).dims, dims(&[2, -1]));
    let known = one(&non_zero, &[&shape(&[0, 4, 5])]);
    assert_eq!((known.dims, known.elements), (dims(&[1, 2]), Some(vec![Some(1), Some(2)])));
}

#[test]
fn missing_inputs_and_huge_tensors_are_errors() {
    for kind in [LayerKind::Select, LayerKind::Identity, LayerKind::Shape, LayerKind::ParametricRelu] {
        assert!(run(&kind, &[]).unwrap_err().contains("input 0 is missing"));
    }
    let huge = float(&[1 << 40, 1 << 40]);
    assert!(run(&LayerKind::Identity, &[&huge]).unwrap_err().contains("too large"));
}
