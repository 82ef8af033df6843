//! The layers that can be added by hand.

use std::ffi::c_char;

use tensorrt_sys::{
    ActivationType, Api, BoundingBoxFormat, CumulativeOperation, DataType, ElementWiseOperation, FillOperation,
    GatherMode, ITensor, InterpolationMode, MatrixOperation, PaddingMode, PoolingType, ReduceOperation,
    ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector, SampleMode, ScaleMode, ScatterMode, TopKOperation,
    UnaryOperation,
};

use super::{NetworkObject, add, tensor_id};
use crate::ffi::dims::{data_type, from_c, shape_from_c, weights};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::text::read;
use crate::ffi::value::Value;
use crate::graph::{
    Conv, Fill, LayerKind, Normalization, Permutation, Pooling, Quantization, Resize, Scale, Shuffle, Slice, TopK,
    Weights, WeightsId,
};
use crate::memory::Storage;
use crate::tensor::Dims;
use crate::{Error, Result};

/// Keeps weights in the network; `None` for empty ones.
fn keep(network: &NetworkObject, blob: tensorrt_sys::Weights, what: &str) -> Result<Option<WeightsId>> {
    let origin = blob.values.addr();
    let blob = weights(network.scope().family, blob, what)?;
    Ok(blob.map(|blob| network.shared.state().keep_weights(blob, origin)))
}

/// The tensors of an array argument.
fn tensors<'a>(array: *const *mut ITensor, count: i32) -> Result<&'a [*mut ITensor]> {
    let len = usize::try_from(count).ok().filter(|&len| len > 0 && !array.is_null());
    let len = len.ok_or_else(|| Error::invalid(format!("an array of {count} tensors")))?;
    // SAFETY: the table's contract: the array has `count` tensors, readable during the call.
    Ok(unsafe { std::slice::from_raw_parts(array, len) })
}

fn conv(
    network: &NetworkObject,
    num_output_maps: i64,
    kernel_size: *const tensorrt_sys::Dims,
    kernel: tensorrt_sys::Weights,
    bias: tensorrt_sys::Weights,
) -> Result<Conv> {
    let kernel_size = shape_from_c(kernel_size, "the kernel's size")?;
    let rank = kernel_size.rank();
    Ok(Conv {
        num_output_maps,
        kernel_size,
        stride: Dims::splat(1, rank),
        dilation: Dims::splat(1, rank),
        pre_padding: Dims::splat(0, rank),
        post_padding: Dims::splat(0, rank),
        padding_mode: PaddingMode::ExplicitRoundDown,
        groups: 1,
        kernel: keep(network, kernel, "the kernel")?,
        bias: keep(network, bias, "the bias")?,
    })
}

fn normalization(axes: u32, v2: bool) -> LayerKind {
    let compute_precision = DataType::Float;
    LayerKind::Normalization(Normalization { epsilon: 1e-5, axes, groups: 1, compute_precision, v2 })
}

fn scale(
    network: &NetworkObject,
    input: *mut ITensor,
    mode: i32,
    [shift, factor, power]: [tensorrt_sys::Weights; 3],
    channel_axis: i32,
) -> Result<*mut tensorrt_sys::IScaleLayer> {
    let kind = LayerKind::Scale(Scale {
        mode: ScaleMode::read(network.scope().family, mode)?,
        shift: keep(network, shift, "the shift")?,
        scale: keep(network, factor, "the scale")?,
        power: keep(network, power, "the power")?,
        channel_axis,
    });
    add(network, kind, &[input])
}

fn fill_layer(
    network: &NetworkObject,
    dims: *const tensorrt_sys::Dims,
    op: i32,
    to: DataType,
) -> Result<*mut tensorrt_sys::IFillLayer> {
    let kind = LayerKind::Fill(Fill {
        op: FillOperation::read(network.scope().family, op)?,
        dims: from_c(dims, "the dimensions")?,
        alpha: 0.0,
        beta: 1.0,
        alpha_int64: 0,
        beta_int64: 1,
        to,
    });
    add(network, kind, &[])
}

fn nms(indices: DataType) -> LayerKind {
    LayerKind::Nms { format: BoundingBoxFormat::CornerPairs, topk_limit: 5000, indices }
}

fn quantization(axis: i32, to: DataType) -> Quantization {
    Quantization { axis, to, block_shape: None }
}

/// Alpha and beta of an activation until they are set.
fn activation_numbers(op: ActivationType) -> (f32, f32) {
    use ActivationType as A;
    match op {
        A::Clip => (f32::MIN, f32::MAX),
        A::Elu | A::ThresholdedRelu => (1.0, 0.0),
        A::HardSigmoid => (0.2, 0.5),
        A::LeakyRelu => (0.01, 0.0),
        A::ScaledTanh | A::Softplus => (1.0, 1.0),
        A::Selu => (1.673_263_2, 1.050_701),
        _ => (0.0, 0.0),
    }
}

/// The axis that softmax and concatenation take first.
fn third_from_end(network: &NetworkObject, tensor: *mut ITensor) -> Result<usize> {
    let id = tensor_id(&network.shared, tensor)?;
    let rank = network.shared.state().inferred().accepted(id).map_or(0, |value| value.dims.rank());
    Ok(rank.saturating_sub(3))
}

/// Fills the entries.
#[expect(clippy::too_many_lines, reason = "one line a layer kind, in the order of NVIDIA's header")]
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addConvolutionNd(network, input: *mut ITensor, maps: i64, size: *const tensorrt_sys::Dims, kernel: tensorrt_sys::Weights, bias: tensorrt_sys::Weights) -> *mut tensorrt_sys::IConvolutionLayer {
            add(network, LayerKind::Convolution(conv(network, maps, size, kernel, bias)?), &[input])
        }
        fn INetworkDefinition_addDeconvolutionNd(network, input: *mut ITensor, maps: i64, size: *const tensorrt_sys::Dims, kernel: tensorrt_sys::Weights, bias: tensorrt_sys::Weights) -> *mut tensorrt_sys::IDeconvolutionLayer {
            add(network, LayerKind::Deconvolution(conv(network, maps, size, kernel, bias)?), &[input])
        }
        fn INetworkDefinition_addActivation(network, input: *mut ITensor, op: i32) -> *mut tensorrt_sys::IActivationLayer {
            let op = ActivationType::read(network.scope().family, op)?;
            let (alpha, beta) = activation_numbers(op);
            add(network, LayerKind::Activation { op, alpha, beta }, &[input])
        }
        fn INetworkDefinition_addPoolingNd(network, input: *mut ITensor, op: i32, window: *const tensorrt_sys::Dims) -> *mut tensorrt_sys::IPoolingLayer {
            let window = shape_from_c(window, "the window")?;
            let zero = Dims::splat(0, window.rank());
            let kind = LayerKind::Pooling(Pooling {
                op: PoolingType::read(network.scope().family, op)?,
                window,
                stride: Dims::splat(1, window.rank()),
                pre_padding: zero,
                post_padding: zero,
                padding_mode: PaddingMode::ExplicitRoundDown,
                blend_factor: 0.0,
                average_count_excludes_padding: true,
            });
            add(network, kind, &[input])
        }
        fn INetworkDefinition_addLRN(network, input: *mut ITensor, window: i64, alpha: f32, beta: f32, k: f32) -> *mut tensorrt_sys::ILRNLayer {
            add(network, LayerKind::Lrn { window, alpha, beta, k }, &[input])
        }
        fn INetworkDefinition_addScaleNd(network, input: *mut ITensor, mode: i32, shift: tensorrt_sys::Weights, factor: tensorrt_sys::Weights, power: tensorrt_sys::Weights, axis: i32) -> *mut tensorrt_sys::IScaleLayer {
            scale(network, input, mode, [shift, factor, power], axis)
        }
        fn INetworkDefinition_addScale(network, input: *mut ITensor, mode: i32, shift: tensorrt_sys::Weights, factor: tensorrt_sys::Weights, power: tensorrt_sys::Weights) -> *mut tensorrt_sys::IScaleLayer {
            scale(network, input, mode, [shift, factor, power], 1)
        }
        fn INetworkDefinition_addSoftMax(network, input: *mut ITensor) -> *mut tensorrt_sys::ISoftMaxLayer {
            let axis = third_from_end(network, input)?;
            add(network, LayerKind::Softmax { axes: 1 << axis }, &[input])
        }
        fn INetworkDefinition_addConcatenation(network, inputs: *const *mut ITensor, count: i32) -> *mut tensorrt_sys::IConcatenationLayer {
            let inputs = tensors(inputs, count)?;
            let axis = i32::try_from(third_from_end(network, inputs[0])?).unwrap_or(0);
            add(network, LayerKind::Concatenation { axis }, inputs)
        }
        fn INetworkDefinition_addElementWise(network, a: *mut ITensor, b: *mut ITensor, op: i32) -> *mut tensorrt_sys::IElementWiseLayer {
            add(network, LayerKind::ElementWise { op: ElementWiseOperation::read(network.scope().family, op)? }, &[a, b])
        }
        fn INetworkDefinition_addUnary(network, input: *mut ITensor, op: i32) -> *mut tensorrt_sys::IUnaryLayer {
            add(network, LayerKind::Unary { op: UnaryOperation::read(network.scope().family, op)? }, &[input])
        }
        fn INetworkDefinition_addPaddingNd(network, input: *mut ITensor, pre: *const tensorrt_sys::Dims, post: *const tensorrt_sys::Dims) -> *mut tensorrt_sys::IPaddingLayer {
            let (pre, post) = (from_c(pre, "the padding before")?, from_c(post, "the padding after")?);
            add(network, LayerKind::Padding { pre, post }, &[input])
        }
        fn INetworkDefinition_addShuffle(network, input: *mut ITensor) -> *mut tensorrt_sys::IShuffleLayer {
            let kind = Shuffle {
                first: Permutation::IDENTITY,
                reshape: None,
                second: Permutation::IDENTITY,
                zero_is_placeholder: true,
            };
            add(network, LayerKind::Shuffle(kind), &[input])
        }
        fn INetworkDefinition_addReduce(network, input: *mut ITensor, op: i32, axes: u32, keep_dims: bool) -> *mut tensorrt_sys::IReduceLayer {
            let op = ReduceOperation::read(network.scope().family, op)?;
            add(network, LayerKind::Reduce { op, axes, keep_dims }, &[input])
        }
        fn INetworkDefinition_addTopK(network, input: *mut ITensor, op: i32, k: i32, axes: u32) -> *mut tensorrt_sys::ITopKLayer {
            let op = TopKOperation::read(network.scope().family, op)?;
            add(network, LayerKind::TopK(TopK { op, k, axes, indices: DataType::Int32 }), &[input])
        }
        fn INetworkDefinition_addTopKV2(network, input: *mut ITensor, op: i32, k: i32, axes: u32, indices: i32) -> *mut tensorrt_sys::ITopKLayer {
            let op = TopKOperation::read(network.scope().family, op)?;
            let indices = data_type(network.scope().family, indices)?;
            add(network, LayerKind::TopK(TopK { op, k, axes, indices }), &[input])
        }
        fn INetworkDefinition_addGather(network, data: *mut ITensor, indices: *mut ITensor, axis: i32) -> *mut tensorrt_sys::IGatherLayer {
            add(network, LayerKind::Gather { axis, num_elementwise_dims: 0, mode: GatherMode::Default }, &[data, indices])
        }
        fn INetworkDefinition_addGatherV2(network, data: *mut ITensor, indices: *mut ITensor, mode: i32) -> *mut tensorrt_sys::IGatherLayer {
            let mode = GatherMode::read(network.scope().family, mode)?;
            add(network, LayerKind::Gather { axis: 0, num_elementwise_dims: 0, mode }, &[data, indices])
        }
        fn INetworkDefinition_addRaggedSoftMax(network, input: *mut ITensor, bounds: *mut ITensor) -> *mut tensorrt_sys::IRaggedSoftMaxLayer {
            add(network, LayerKind::RaggedSoftmax, &[input, bounds])
        }
        fn INetworkDefinition_addMatrixMultiply(network, a: *mut ITensor, op_a: i32, b: *mut ITensor, op_b: i32) -> *mut tensorrt_sys::IMatrixMultiplyLayer {
            let family = network.scope().family;
            let ops = [MatrixOperation::read(family, op_a)?, MatrixOperation::read(family, op_b)?];
            add(network, LayerKind::MatrixMultiply { ops }, &[a, b])
        }
        fn INetworkDefinition_addConstant(network, dims: *const tensorrt_sys::Dims, values: tensorrt_sys::Weights) -> *mut tensorrt_sys::IConstantLayer {
            let dims = shape_from_c(dims, "the constant's dimensions")?;
            let weights = keep(network, values, "the constant")?;
            let weights = match weights {
                Some(weights) => weights,
                None => {
                    let dtype = data_type(network.scope().family, values.type_)?;
                    let empty = Weights::new("", dtype, 0, Storage::copy_of(&[]))?;
                    network.shared.state().importing().graph_mut().add_weights(empty)
                }
            };
            add(network, LayerKind::Constant { weights, dims }, &[])
        }
        fn INetworkDefinition_addIdentity(network, input: *mut ITensor) -> *mut tensorrt_sys::IIdentityLayer {
            add(network, LayerKind::Identity, &[input])
        }
        fn INetworkDefinition_addCast(network, input: *mut ITensor, to: i32) -> *mut tensorrt_sys::ICastLayer {
            add(network, LayerKind::Cast { to: data_type(network.scope().family, to)? }, &[input])
        }
        fn INetworkDefinition_addSlice(network, input: *mut ITensor, start: *const tensorrt_sys::Dims, size: *const tensorrt_sys::Dims, stride: *const tensorrt_sys::Dims) -> *mut tensorrt_sys::ISliceLayer {
            let kind = LayerKind::Slice(Slice {
                start: Some(from_c(start, "the start")?),
                size: Some(from_c(size, "the size")?),
                stride: Some(from_c(stride, "the stride")?),
                mode: SampleMode::StrictBounds,
                axes: None,
            });
            add(network, kind, &[input])
        }
        fn INetworkDefinition_addShape(network, input: *mut ITensor) -> *mut tensorrt_sys::IShapeLayer {
            add(network, LayerKind::Shape, &[input])
        }
        fn INetworkDefinition_addParametricReLU(network, input: *mut ITensor, slope: *mut ITensor) -> *mut tensorrt_sys::IParametricReLULayer {
            add(network, LayerKind::ParametricRelu, &[input, slope])
        }
        fn INetworkDefinition_addResize(network, input: *mut ITensor) -> *mut tensorrt_sys::IResizeLayer {
            let id = tensor_id(&network.shared, input)?;
            let dims = network.shared.state().inferred().accepted(id).ok().map(|value| value.dims);
            let dims = dims.filter(Dims::is_static);
            let kind = LayerKind::Resize(Resize {
                mode: InterpolationMode::Nearest,
                transformation: ResizeCoordinateTransformation::Asymmetric,
                selector: ResizeSelector::Formula,
                rounding: ResizeRoundMode::Floor,
                cubic_coeff: -0.75,
                exclude_outside: false,
                dims,
                scales: Vec::new(),
            });
            add(network, kind, &[input])
        }
        fn INetworkDefinition_addSelect(network, condition: *mut ITensor, then: *mut ITensor, other: *mut ITensor) -> *mut tensorrt_sys::ISelectLayer {
            add(network, LayerKind::Select, &[condition, then, other])
        }
        fn INetworkDefinition_addScatter(network, data: *mut ITensor, indices: *mut ITensor, updates: *mut ITensor, mode: i32) -> *mut tensorrt_sys::IScatterLayer {
            let mode = ScatterMode::read(network.scope().family, mode)?;
            add(network, LayerKind::Scatter { mode, axis: 0, combine: None }, &[data, indices, updates])
        }
        fn INetworkDefinition_addEinsum(network, inputs: *const *mut ITensor, count: i32, equation: *const c_char) -> *mut tensorrt_sys::IEinsumLayer {
            add(network, LayerKind::Einsum { equation: read(equation, "the equation")? }, tensors(inputs, count)?)
        }
        fn INetworkDefinition_addAssertion(network, condition: *mut ITensor, message: *const c_char) -> *mut tensorrt_sys::IAssertionLayer {
            add(network, LayerKind::Assertion { message: read(message, "the message")? }, &[condition])
        }
        fn INetworkDefinition_addOneHot(network, indices: *mut ITensor, values: *mut ITensor, depth: *mut ITensor, axis: i32) -> *mut tensorrt_sys::IOneHotLayer {
            add(network, LayerKind::OneHot { axis }, &[indices, values, depth])
        }
        fn INetworkDefinition_addGridSample(network, input: *mut ITensor, grid: *mut ITensor) -> *mut tensorrt_sys::IGridSampleLayer {
            let kind = LayerKind::GridSample {
                interpolation: InterpolationMode::Linear,
                align_corners: false,
                sample_mode: SampleMode::Fill,
            };
            add(network, kind, &[input, grid])
        }
        fn INetworkDefinition_addReverseSequence(network, input: *mut ITensor, lengths: *mut ITensor) -> *mut tensorrt_sys::IReverseSequenceLayer {
            add(network, LayerKind::ReverseSequence { batch_axis: 1, sequence_axis: 0 }, &[input, lengths])
        }
        fn INetworkDefinition_addNormalization(network, input: *mut ITensor, scale: *mut ITensor, bias: *mut ITensor, axes: u32) -> *mut tensorrt_sys::INormalizationLayer {
            add(network, normalization(axes, false), &[input, scale, bias])
        }
        fn INetworkDefinition_addNormalizationV2(network, input: *mut ITensor, scale: *mut ITensor, bias: *mut ITensor, axes: u32) -> *mut tensorrt_sys::INormalizationLayer {
            add(network, normalization(axes, true), &[input, scale, bias])
        }
        fn INetworkDefinition_addQuantizeV2(network, input: *mut ITensor, scale: *mut ITensor, to: i32) -> *mut tensorrt_sys::IQuantizeLayer {
            let to = data_type(network.scope().family, to)?;
            add(network, LayerKind::Quantize(quantization(-1, to)), &[input, scale])
        }
        fn INetworkDefinition_addDequantizeV2(network, input: *mut ITensor, scale: *mut ITensor, to: i32) -> *mut tensorrt_sys::IDequantizeLayer {
            let to = data_type(network.scope().family, to)?;
            add(network, LayerKind::Dequantize(quantization(-1, to)), &[input, scale])
        }
        fn INetworkDefinition_addSqueeze(network, input: *mut ITensor, axes: *mut ITensor) -> *mut tensorrt_sys::ISqueezeLayer {
            add(network, LayerKind::Squeeze, &[input, axes])
        }
        fn INetworkDefinition_addUnsqueeze(network, input: *mut ITensor, axes: *mut ITensor) -> *mut tensorrt_sys::IUnsqueezeLayer {
            add(network, LayerKind::Unsqueeze, &[input, axes])
        }
        fn INetworkDefinition_addSqueezeV2(network, input: *mut ITensor, axes: *mut ITensor) -> *mut tensorrt_sys::ISqueezeLayer {
            let inputs = [input, axes];
            add(network, LayerKind::Squeeze, if axes.is_null() { &inputs[..1] } else { &inputs })
        }
        fn INetworkDefinition_addQuantize(network, input: *mut ITensor, scale: *mut ITensor) -> *mut tensorrt_sys::IQuantizeLayer {
            add(network, LayerKind::Quantize(quantization(-1, DataType::Int8)), &[input, scale])
        }
        fn INetworkDefinition_addDequantize(network, input: *mut ITensor, scale: *mut ITensor) -> *mut tensorrt_sys::IDequantizeLayer {
            add(network, LayerKind::Dequantize(quantization(-1, DataType::Float)), &[input, scale])
        }
        fn INetworkDefinition_addDynamicQuantize(network, input: *mut ITensor, axis: i32, block_size: i32, to: i32, scale_type: i32) -> *mut tensorrt_sys::IDynamicQuantizeLayer {
            let family = network.scope().family;
            let (to, scale_type) = (data_type(family, to)?, data_type(family, scale_type)?);
            add(network, LayerKind::DynamicQuantize { axis, block_size, block_shape: None, to, scale_type }, &[input])
        }
        fn INetworkDefinition_addDynamicQuantizeV2(network, input: *mut ITensor, block_shape: *const tensorrt_sys::Dims, to: i32, scale_type: i32) -> *mut tensorrt_sys::IDynamicQuantizeLayer {
            let family = network.scope().family;
            let (to, scale_type) = (data_type(family, to)?, data_type(family, scale_type)?);
            let block_shape = Some(from_c(block_shape, "the block's shape")?);
            add(network, LayerKind::DynamicQuantize { axis: -1, block_size: -1, block_shape, to, scale_type }, &[input])
        }
        fn INetworkDefinition_addCumulative(network, input: *mut ITensor, axis: *mut ITensor, op: i32, exclusive: bool, reverse: bool) -> *mut tensorrt_sys::ICumulativeLayer {
            let op = CumulativeOperation::read(network.scope().family, op)?;
            add(network, LayerKind::Cumulative { op, exclusive, reverse }, &[input, axis])
        }
        fn INetworkDefinition_addFill(network, dims: *const tensorrt_sys::Dims, op: i32) -> *mut tensorrt_sys::IFillLayer {
            fill_layer(network, dims, op, DataType::Float)
        }
        fn INetworkDefinition_addFillV2(network, dims: *const tensorrt_sys::Dims, op: i32, to: i32) -> *mut tensorrt_sys::IFillLayer {
            fill_layer(network, dims, op, data_type(network.scope().family, to)?)
        }
        fn INetworkDefinition_addNonZero(network, input: *mut ITensor) -> *mut tensorrt_sys::INonZeroLayer {
            add(network, LayerKind::NonZero { indices: DataType::Int32 }, &[input])
        }
        fn INetworkDefinition_addNonZeroV2(network, input: *mut ITensor, indices: i32) -> *mut tensorrt_sys::INonZeroLayer {
            add(network, LayerKind::NonZero { indices: data_type(network.scope().family, indices)? }, &[input])
        }
        fn INetworkDefinition_addNMS(network, boxes: *mut ITensor, scores: *mut ITensor, max_boxes: *mut ITensor) -> *mut tensorrt_sys::INMSLayer {
            add(network, nms(DataType::Int32), &[boxes, scores, max_boxes])
        }
        fn INetworkDefinition_addNMSV2(network, boxes: *mut ITensor, scores: *mut ITensor, max_boxes: *mut ITensor, indices: i32) -> *mut tensorrt_sys::INMSLayer {
            add(network, nms(data_type(network.scope().family, indices)?), &[boxes, scores, max_boxes])
        }
        }
    }
}
