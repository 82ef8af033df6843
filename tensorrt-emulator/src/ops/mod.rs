//! What layers compute: pure functions from tensors to tensors, one file a family of layers.
//!
//! A layer is prepared once per engine ([`prepare`]: parameters checked, weights packed) and then run any number of times, from any
//! thread ([`Kernel::run`]). Kernels know nothing of graphs, plans or memory: the executor hands them views and scratch space.
//! Parallel work runs on the current rayon pool, split so that results do not depend on the number of threads.

mod activation;
mod assertion;
mod attention;
mod broadcast;
mod cast;
mod concatenation;
pub mod convert;
mod convolution;
mod copy;
mod cumulative;
mod deconvolution;
mod dynamic_quantize;
mod einsum;
mod elementwise;
mod fill;
mod gather;
mod grid_sample;
mod kv_cache;
mod lrn;
mod math;
mod matmul;
mod moe;
mod nms;
mod non_zero;
mod normalization;
mod one_hot;
mod packed;
mod padding;
mod parametric_relu;
mod pick;
mod pooling;
mod quantize;
mod reduce;
mod resize;
mod reverse_sequence;
mod rotary;
mod scale;
mod scatter;
mod select;
mod shuffle;
mod slice;
mod softmax;
mod strided;
#[cfg(test)]
mod testing;
mod topk;
mod transpose;
mod unary;
mod wide;
mod window;
mod words;

use std::fmt;

use tensorrt_sys::DataType;

use crate::graph::{Graph, LayerKind, ValueInfo, Weights, WeightsId};
use crate::tensor::{Dims, Tensor, TensorMut, TensorView};
use crate::{Error, Result};

/// Runs a kernel, unless all that it makes is empty: kernels need not mind the extents of tensors without elements.
///
/// # Errors
/// What the kernel refuses.
pub(crate) fn run(kernel: &dyn Kernel, call: &mut Call<'_, '_>) -> Result<()> {
    if !call.outputs.is_empty() && call.outputs.iter().all(|output| output.is_empty()) {
        return Ok(());
    }
    kernel.run(call)
}

/// What preparing a layer may look at.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The layer's kind and parameters.
    pub kind: &'a LayerKind,
    /// The graph, for the weights that the kind names.
    pub graph: &'a Graph,
    /// The types of the inputs; `None` for an optional input left out.
    pub input_types: &'a [Option<DataType>],
    /// The ranks of the inputs, in the same order.
    pub input_ranks: &'a [Option<usize>],
    /// The values of those inputs that are constants of the network (weights to pack, axes, scales).
    pub constants: &'a [Option<Tensor>],
    /// The types of the outputs.
    pub output_types: &'a [DataType],
}

impl<'a> Request<'a> {
    /// The weights behind `id`.
    pub fn weights(&self, id: WeightsId) -> &'a Weights {
        self.graph.weights(id)
    }

    /// The type of input `index`.
    ///
    /// # Errors
    /// The layer has no such input.
    pub fn input_type(&self, index: usize) -> Result<DataType> {
        let found = self.input_types.get(index).copied().flatten();
        found.ok_or_else(|| Error::config(format!("input {index} is missing")))
    }

    /// The constant value of input `index`, where it has one.
    pub fn constant(&self, index: usize) -> Option<&'a Tensor> {
        self.constants.get(index)?.as_ref()
    }

    /// The error for a combination of types that the operation is not defined on.
    pub fn unsupported_types(&self) -> Error {
        let names: Vec<&str> = self.input_types.iter().map(|t| t.map_or("none", DataType::name)).collect();
        let kind = self.kind.layer_type().name();
        Error::unsupported(format!("{kind} on inputs of {} is not supported", names.join(", ")))
    }
}

/// The tensors of one run of a kernel. Extents are final: the executor inferred them with [`shape`](crate::shape).
#[derive(Debug)]
pub struct Call<'c, 't> {
    /// The inputs, in the layer's order.
    pub inputs: &'c [Option<TensorView<'t>>],
    /// The outputs; never overlapping an input, contents undefined before the run.
    pub outputs: &'c mut [TensorMut<'t>],
    /// At least [`Kernel::scratch_bytes`] bytes, 64-byte aligned, contents undefined.
    pub scratch: &'c mut [u8],
}

impl<'t> Call<'_, 't> {
    /// Input `index`.
    ///
    /// # Errors
    /// It is absent.
    pub fn input(&self, index: usize) -> Result<TensorView<'t>> {
        self.optional(index).ok_or_else(|| Error::internal(format!("input {index} is missing at run time")))
    }

    /// Input `index`, `None` where it is absent.
    pub fn optional(&self, index: usize) -> Option<TensorView<'t>> {
        self.inputs.get(index).copied().flatten()
    }

    /// Output `index`.
    ///
    /// # Errors
    /// The layer has no such output.
    pub fn output(&mut self, index: usize) -> Result<&mut TensorMut<'t>> {
        self.outputs.get_mut(index).ok_or_else(|| Error::internal(format!("output {index} is missing at run time")))
    }
}

/// A prepared layer.
pub trait Kernel: fmt::Debug + Send + Sync {
    /// The scratch space a run on inputs of these types and extents needs, in bytes.
    fn scratch_bytes(&self, inputs: &[Option<(DataType, Dims)>]) -> usize {
        let _ = inputs;
        0
    }

    /// The extents of the outputs where they depend on the values of the inputs (indices of non-zeros, selected boxes); `None` for layers
    /// whose extents [`shape`](crate::shape) knows.
    ///
    /// # Errors
    /// What only the values show.
    fn output_dims(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Dims>>> {
        let _ = inputs;
        Ok(None)
    }

    /// What is known of the outputs of what stands for a loop or conditional; `None` for layers, which [`shape`](crate::shape) knows.
    ///
    /// # Errors
    /// A layer inside refuses its inputs.
    fn infer(&self, inputs: &[Option<&ValueInfo>]) -> Result<Option<Vec<ValueInfo>>> {
        let _ = inputs;
        Ok(None)
    }

    /// The outputs as new tensors, of a kernel whose outputs' extents show only when they are computed; `None` for others.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn compute(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Tensor>>> {
        let _ = inputs;
        Ok(None)
    }

    /// Computes the outputs.
    ///
    /// # Errors
    /// What only the values show: an index out of range, a failed assertion.
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()>;
}

/// Checks a layer's parameters and packs its weights.
///
/// # Errors
/// The layer, its parameters or the types of its inputs are not supported; the message names what.
pub fn prepare(request: &Request<'_>) -> Result<Box<dyn Kernel>> {
    match request.kind {
        LayerKind::Activation { op, alpha, beta } => activation::prepare(request, *op, *alpha, *beta),
        LayerKind::Assertion { message } => Ok(assertion::prepare(message)),
        LayerKind::AttentionInput(params) => attention::prepare(request, params),
        LayerKind::AttentionOutput => Ok(copy::prepare_copy()),
        LayerKind::Cast { to } => cast::prepare(request, *to),
        LayerKind::Concatenation { axis } => concatenation::prepare(request, *axis),
        LayerKind::Constant { weights, .. } => copy::prepare_constant(request, *weights),
        LayerKind::Dequantize(params) => quantize::prepare_inverse(request, params),
        LayerKind::DistCollective(_) => Err(Error::unsupported(
            "an exchange between devices (IDistCollectiveLayer): the emulator has one device and no communicator",
        )),
        LayerKind::DynamicQuantize { axis, block_size, block_shape, to, scale_type } => {
            dynamic_quantize::prepare(request, (*axis, *block_size), block_shape.as_ref(), *to, *scale_type)
        }
        LayerKind::ElementWise { op } => elementwise::prepare(request, *op),
        LayerKind::Fill(params) => fill::prepare(request, params),
        LayerKind::Gather { axis, num_elementwise_dims, mode } => {
            gather::prepare(request, *axis, *num_elementwise_dims, *mode)
        }
        LayerKind::ConditionalInput { .. } | LayerKind::Identity | LayerKind::Squeeze | LayerKind::Unsqueeze => {
            Ok(copy::prepare_copy())
        }
        LayerKind::KvCacheUpdate(params) => kv_cache::prepare(request, params),
        LayerKind::Moe(params) => moe::prepare(request, params),
        LayerKind::Nms { format, topk_limit, .. } => nms::prepare(request, *format, *topk_limit),
        LayerKind::NonZero { .. } => non_zero::prepare(request),
        LayerKind::OneHot { axis } => one_hot::prepare(request, *axis),
        LayerKind::Padding { pre, post } => padding::prepare(request, pre, post),
        LayerKind::ParametricRelu => parametric_relu::prepare(request),
        LayerKind::Quantize(params) => quantize::prepare(request, params),
        LayerKind::ReverseSequence { batch_axis, sequence_axis } => {
            reverse_sequence::prepare(request, *batch_axis, *sequence_axis)
        }
        LayerKind::RotaryEmbedding { interleaved, dim } => rotary::prepare(request, *interleaved, *dim),
        LayerKind::Scale(params) => scale::prepare(request, params),
        LayerKind::Scatter { mode, axis, combine } => scatter::prepare(request, *mode, *axis, *combine),
        LayerKind::Select => select::prepare(request),
        LayerKind::Shape => Ok(copy::prepare_shape()),
        LayerKind::Shuffle(params) => shuffle::prepare(request, params),
        LayerKind::Slice(params) => slice::prepare(request, params),
        LayerKind::Unary { op } => unary::prepare(request, *op),
        LayerKind::Convolution(conv) => convolution::prepare(request, conv),
        LayerKind::MatrixMultiply { ops } => matmul::prepare(request, *ops),
        LayerKind::Softmax { axes } => softmax::prepare(request, *axes),
        LayerKind::RaggedSoftmax => softmax::prepare_ragged(request),
        LayerKind::Reduce { op, axes, .. } => reduce::prepare(request, *op, *axes),
        LayerKind::Pooling(params) => pooling::prepare(request, params),
        LayerKind::Normalization(params) => normalization::prepare(request, params),
        LayerKind::Resize(params) => resize::prepare(request, params),
        LayerKind::Deconvolution(conv) => deconvolution::prepare(request, conv),
        LayerKind::Lrn { window, alpha, beta, k } => lrn::prepare(request, *window, *alpha, *beta, *k),
        LayerKind::TopK(params) => topk::prepare(request, params),
        LayerKind::Cumulative { op, exclusive, reverse } => cumulative::prepare(request, *op, *exclusive, *reverse),
        LayerKind::Einsum { equation } => einsum::prepare(request, equation),
        LayerKind::GridSample { interpolation, align_corners, sample_mode } => {
            grid_sample::prepare(request, *interpolation, *align_corners, *sample_mode)
        }
        other => Err(Error::unsupported(format!("layers of type {} are not supported", other.layer_type().name()))),
    }
}

/// Checks that an output is as long as an input.
fn same_len(input: &TensorView<'_>, out: &TensorMut<'_>) -> Result<()> {
    if input.len() == out.len() {
        return Ok(());
    }
    Err(Error::internal(format!("{} elements into {}", input.dims(), out.dims())))
}

/// Checks that an output has as many elements as the operation makes.
fn same_count(wanted: usize, found: usize) -> Result<()> {
    if wanted == found {
        return Ok(());
    }
    Err(Error::internal(format!("{wanted} elements for an output of {found}")))
}
