//! Shape inference: a layer's output types and dimensions from its inputs', with −1 where only run time knows.
//!
//! The same code runs when a network is defined (dimensions may be dynamic), when a profile is checked, and when a context plans a run
//! (every dimension known): an unknown stays unknown, and what contradicts TensorRT's rules is an error.

mod arithmetic;
mod attention;
mod broadcast;
mod collective;
mod concatenation;
mod constant;
mod control;
mod conv;
mod einsum;
mod elements;
mod fill;
mod gather;
mod inputs;
mod kv_cache;
mod matmul;
mod moe;
mod nms;
mod normalization;
mod one_hot;
mod padding;
mod pointwise;
mod pooling;
mod quantization;
mod reduce;
mod resize;
mod scatter;
mod shuffle;
mod slice;
mod squeeze;
#[cfg(test)]
mod tests;
mod topk;

use crate::graph::{Graph, LayerKind, ValueInfo};
use crate::tensor::byte_len;
use crate::{Error, Result};
pub(crate) use control::either;
use inputs::Inputs;
pub(crate) use inputs::axis as axis_of;

/// The outputs of a layer of `kind` on `inputs`; `graph` is only asked for the weights that the kind names.
///
/// # Errors
/// What TensorRT refuses: wrong types, ranks or extents, axes out of range, a missing input.
pub fn infer(kind: &LayerKind, graph: &Graph, inputs: &[Option<&ValueInfo>]) -> Result<Vec<ValueInfo>> {
    let inputs = Inputs::new(inputs);
    let one = |value: Result<ValueInfo>| value.map(|value| vec![value]);
    let outputs = match kind {
        LayerKind::Activation { .. } => one(pointwise::activation(inputs)),
        LayerKind::Assertion { message } => pointwise::assertion(inputs, message),
        LayerKind::AttentionInput(attention) => one(attention::infer(inputs, attention)),
        LayerKind::AttentionOutput => one(attention::output(inputs)),
        LayerKind::Cast { to } => one(pointwise::cast(inputs, *to)),
        LayerKind::Concatenation { axis } => one(concatenation::infer(inputs, *axis)),
        LayerKind::Condition { .. } => control::condition(inputs),
        LayerKind::ConditionalInput { .. } => one(pointwise::identity(inputs)),
        LayerKind::ConditionalOutput { .. } => one(control::conditional_output(inputs)),
        LayerKind::Constant { weights, dims } => one(constant::infer(graph, *weights, *dims)),
        LayerKind::Convolution(conv) => one(conv::convolution(graph, inputs, conv)),
        LayerKind::Cumulative { .. } => one(reduce::cumulative(inputs)),
        LayerKind::Deconvolution(conv) => one(conv::deconvolution(graph, inputs, conv)),
        LayerKind::Dequantize(quantization) => one(quantization::dequantize(inputs, quantization)),
        LayerKind::DistCollective(collective) => one(collective::infer(inputs, collective)),
        LayerKind::DynamicQuantize { axis, block_size, block_shape, to, scale_type } => {
            let blocks = block_shape
                .as_ref()
                .map_or(quantization::Blocks::Axis(*axis, *block_size), quantization::Blocks::Shape);
            quantization::dynamic(inputs, &blocks, *to, *scale_type)
        }
        LayerKind::Einsum { equation } => one(einsum::infer(inputs, equation)),
        LayerKind::ElementWise { op } => one(pointwise::elementwise(inputs, *op)),
        LayerKind::Fill(fill) => one(fill::infer(inputs, fill)),
        LayerKind::Gather { axis, num_elementwise_dims, mode } => {
            one(gather::infer(inputs, *axis, *num_elementwise_dims, *mode))
        }
        LayerKind::GridSample { .. } => one(resize::grid_sample(inputs)),
        LayerKind::Identity => one(pointwise::identity(inputs)),
        LayerKind::KvCacheUpdate(update) => one(kv_cache::infer(inputs, update)),
        LayerKind::Iterator { axis, .. } => one(control::iterator(inputs, *axis)),
        LayerKind::LoopOutput { output, axis, .. } => one(control::loop_output(inputs, *output, *axis)),
        LayerKind::Lrn { window, .. } => one(normalization::lrn(inputs, *window)),
        LayerKind::MatrixMultiply { ops } => one(matmul::infer(inputs, *ops)),
        LayerKind::Moe(moe) => one(moe::infer(inputs, moe)),
        LayerKind::Nms { format, topk_limit, indices } => nms::infer(inputs, *format, *topk_limit, *indices),
        LayerKind::NonZero { indices } => one(nms::non_zero(inputs, *indices)),
        LayerKind::Normalization(normalization) => one(normalization::infer(inputs, normalization)),
        LayerKind::OneHot { axis } => one(one_hot::infer(inputs, *axis)),
        LayerKind::Padding { pre, post } => one(padding::infer(inputs, pre, post)),
        LayerKind::ParametricRelu => one(pointwise::parametric_relu(inputs)),
        LayerKind::Pooling(pooling) => one(pooling::infer(inputs, pooling)),
        LayerKind::Quantize(quantization) => one(quantization::quantize(inputs, quantization)),
        LayerKind::RaggedSoftmax => one(normalization::ragged_softmax(inputs)),
        LayerKind::Recurrence { .. } => one(control::recurrence(inputs)),
        LayerKind::Reduce { op, axes, keep_dims } => one(reduce::infer(inputs, *op, *axes, *keep_dims)),
        LayerKind::Region(_) => Err(Error::internal("the kernel of a loop or conditional knows its outputs")),
        LayerKind::Resize(resize) => one(resize::infer(inputs, resize)),
        LayerKind::ReverseSequence { batch_axis, sequence_axis } => {
            one(gather::reverse_sequence(inputs, *batch_axis, *sequence_axis))
        }
        LayerKind::RotaryEmbedding { dim, .. } => one(normalization::rotary_embedding(inputs, *dim)),
        LayerKind::Scale(scale) => one(normalization::scale(graph, inputs, scale)),
        LayerKind::Scatter { mode, axis, .. } => one(scatter::infer(inputs, *mode, *axis)),
        LayerKind::Select => one(pointwise::select(inputs)),
        LayerKind::Shape => one(constant::shape(inputs)),
        LayerKind::Shuffle(shuffle) => one(shuffle::infer(inputs, shuffle)),
        LayerKind::Slice(slice) => one(slice::infer(inputs, slice)),
        LayerKind::Softmax { axes } => one(normalization::softmax(inputs, *axes)),
        LayerKind::Squeeze => one(squeeze::squeeze(inputs)),
        LayerKind::TopK(topk) => topk::infer(inputs, topk),
        LayerKind::TripLimit { limit, .. } => control::trip_limit(inputs, *limit),
        LayerKind::Unary { op } => one(pointwise::unary(inputs, *op)),
        LayerKind::Unsqueeze => one(squeeze::unsqueeze(inputs)),
    }?;
    for value in &outputs {
        check_size(value)?;
    }
    Ok(outputs)
}

/// Refuses tensors that no memory could hold: a network that asks for one is wrong, and later arithmetic on its size would overflow.
fn check_size(value: &ValueInfo) -> Result<()> {
    let known = value.dims.iter().filter(|&&d| d > 0);
    let volume = known.into_iter().try_fold(1usize, |product, &d| product.checked_mul(usize::try_from(d).ok()?));
    let bytes = volume.and_then(|count| byte_len(value.dtype, count));
    match bytes {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(Error::config(format!("a tensor of dimensions {} is too large", value.dims))),
    }
}
