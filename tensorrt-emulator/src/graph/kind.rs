//! What each kind of layer does: one variant per `LayerType`, its parameters named as NVIDIA names them.

use serde::{Deserialize, Serialize};
use tensorrt_sys::{
    ActivationType, BoundingBoxFormat, CumulativeOperation, DataType, ElementWiseOperation, FillOperation, GatherMode,
    InterpolationMode, LayerType, LoopOutput, MatrixOperation, PaddingMode, PoolingType, ReduceOperation,
    ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector, SampleMode, ScaleMode, ScatterMode, TopKOperation,
    TripLimit, UnaryOperation,
};

use super::{Attention, ConditionalId, DistCollective, KvCacheUpdate, LoopId, Moe, WeightsId};
use crate::tensor::Dims;

/// A layer's operation and its parameters; `axes` are bit masks as in TensorRT (bit i = dimension i).
///
/// Inputs that are tensors (a computed shape, a second operand) are the layer's inputs, in TensorRT's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are TensorRT's parameters under TensorRT's names; the variant says what they do"
)]
pub enum LayerKind {
    /// One of the activation functions.
    Activation { op: ActivationType, alpha: f32, beta: f32 },
    /// Fails at run time unless its boolean input is true.
    Assertion { message: String },
    /// An attention, up to its output; inputs: query, key, value, optional mask, optional scale of the normalization's quantization,
    /// optional query lengths, optional key and value lengths.
    AttentionInput(Attention),
    /// The end of an attention, whose input is the attention's [`AttentionInput`](Self::AttentionInput).
    AttentionOutput,
    /// Converts to another type.
    Cast { to: DataType },
    /// Joins the inputs along one axis.
    Concatenation { axis: i32 },
    /// The condition of a conditional, a boolean scalar; no output.
    Condition { conditional: ConditionalId },
    /// Passes a tensor from outside of a conditional into its branches.
    ConditionalInput { conditional: ConditionalId },
    /// An output of a conditional; inputs: its value where the condition is true, where it is false.
    ConditionalOutput { conditional: ConditionalId },
    /// A tensor of the network itself.
    Constant { weights: WeightsId, dims: Dims },
    /// Convolution over 2 or 3 spatial dimensions; inputs: data, optional kernel, optional bias.
    Convolution(Conv),
    /// Cumulative sum; inputs: data, axis (scalar).
    Cumulative { op: CumulativeOperation, exclusive: bool, reverse: bool },
    /// Transposed convolution.
    Deconvolution(Conv),
    /// Integers (or fp8) to floats; inputs: data, scale, optional zero point.
    Dequantize(Quantization),
    /// An exchange between devices.
    DistCollective(DistCollective),
    /// Computes the scale, then quantizes; outputs: data, scale.
    DynamicQuantize { axis: i32, block_size: i32, block_shape: Option<Dims>, to: DataType, scale_type: DataType },
    /// Einstein summation.
    Einsum { equation: String },
    /// A binary operation with broadcasting of extents of 1 (equal ranks).
    ElementWise { op: ElementWiseOperation },
    /// Linear, random uniform or random normal values; inputs: optional dimensions, optional alpha, optional beta.
    Fill(Fill),
    /// Picks slices, elements, or tuples; inputs: data, indices.
    Gather { axis: i32, num_elementwise_dims: i32, mode: GatherMode },
    /// Samples a grid; inputs: data, grid.
    GridSample { interpolation: InterpolationMode, align_corners: bool, sample_mode: SampleMode },
    /// Passes its input on.
    Identity,
    /// The slices of a tensor along an axis, one an iteration of a loop.
    Iterator { loop_id: LoopId, axis: i32, reverse: bool },
    /// Writes new keys or values into a cache in place; inputs: cache, update, write indices, optional update lengths.
    KvCacheUpdate(KvCacheUpdate),
    /// An output of a loop; inputs: a tensor from inside, and its length along the axis (a scalar) unless only the last value counts.
    LoopOutput { loop_id: LoopId, output: LoopOutput, axis: i32 },
    /// Local response normalization across channels.
    Lrn { window: i64, alpha: f32, beta: f32, k: f32 },
    /// Matrix product over the last two dimensions with broadcasting batch dimensions.
    MatrixMultiply { ops: [MatrixOperation; 2] },
    /// A mixture of experts; inputs: hidden states, selected experts, their scores, gate, up and down weights, optional gate, up and down
    /// biases, optional scale of the activation's quantization, optional scale of its scales.
    Moe(Moe),
    /// Non-maximum suppression; inputs: boxes, scores, max boxes, optional IoU and score thresholds.
    Nms { format: BoundingBoxFormat, topk_limit: i32, indices: DataType },
    /// Indices of the elements that are not zero, shape [rank, count].
    NonZero { indices: DataType },
    /// (x − mean) / sqrt(variance + epsilon) · scale + bias; inputs: data, scale, bias.
    Normalization(Normalization),
    /// One-hot encoding; inputs: indices, values [off, on], depth.
    OneHot { axis: i32 },
    /// Zero padding (or cropping, where negative) of the last two dimensions.
    Padding { pre: Dims, post: Dims },
    /// max(x, 0) + slope · min(x, 0); inputs: data, slope.
    ParametricRelu,
    /// Pooling over windows.
    Pooling(Pooling),
    /// Floats to integers (or fp8); inputs: data, scale, optional zero point.
    Quantize(Quantization),
    /// Softmax over the first `bounds[i]` elements of row i; inputs: data, bounds.
    RaggedSoftmax,
    /// A value that a loop carries on; inputs: the value before the first iteration, the value after each.
    Recurrence { loop_id: LoopId },
    /// Reduction over axes.
    Reduce { op: ReduceOperation, axes: u32, keep_dims: bool },
    /// Interpolation to another size; inputs: data, optional output dimensions.
    Resize(Resize),
    /// Reverses the first `lengths[b]` steps of each batch entry; inputs: data, lengths.
    ReverseSequence { batch_axis: i32, sequence_axis: i32 },
    /// Rotary position embedding; inputs: data, cos cache, sin cache, optional position ids.
    RotaryEmbedding { interleaved: bool, dim: i32 },
    /// (x · scale + shift) ^ power, per tensor, channel or element.
    Scale(Scale),
    /// Writes updates at indices, or combines them with what is there, which TensorRT cannot; inputs: data, indices, updates.
    Scatter { mode: ScatterMode, axis: i32, combine: Option<ElementWiseOperation> },
    /// condition ? then : else; three inputs with broadcasting of extents of 1.
    Select,
    /// The dimensions of the input as int64.
    Shape,
    /// Transpose, reshape, transpose; inputs: data, optional reshape dimensions.
    Shuffle(Shuffle),
    /// A strided part; inputs: data, optional start, size, stride, fill value, axes.
    Slice(Slice),
    /// Softmax over the axes.
    Softmax { axes: u32 },
    /// Removes extents of 1; inputs: data, axes.
    Squeeze,
    /// The k largest or smallest along one axis; inputs: data, optional k; outputs: values, indices.
    TopK(TopK),
    /// How often a loop runs: a count, or while a boolean is true; no output.
    TripLimit { loop_id: LoopId, limit: TripLimit },
    /// A function of each element.
    Unary { op: UnaryOperation },
    /// Inserts extents of 1; inputs: data, axes.
    Unsqueeze,
    /// A whole loop or conditional, as engines run it; networks and plans have boundary layers instead. It comes last, for serde numbers
    /// the variants behind a skipped one differently when it writes and when it reads.
    #[serde(skip)]
    Region(Region),
}

/// Parameters of convolution and deconvolution; weights are [K, C/groups, …] for convolution, [C, K/groups, …] for deconvolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// The number of output channels.
    pub num_output_maps: i64,
    /// The spatial extents of the kernel.
    pub kernel_size: Dims,
    /// The step, per spatial dimension.
    pub stride: Dims,
    /// The distance between kernel elements, per spatial dimension.
    pub dilation: Dims,
    /// Padding before the first element, per spatial dimension.
    pub pre_padding: Dims,
    /// Padding after the last element, per spatial dimension.
    pub post_padding: Dims,
    /// How the paddings and the output's size follow.
    pub padding_mode: PaddingMode,
    /// The number of groups.
    pub groups: i64,
    /// The kernel, unless it is an input tensor.
    pub kernel: Option<WeightsId>,
    /// The bias, if any, unless it is an input tensor.
    pub bias: Option<WeightsId>,
}

/// What stands for a loop or conditional in an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The type of the layers that its outputs are of in the network.
    pub layer_type: LayerType,
    /// The inputs whose values outputs' extents follow from: trip counts and lengths.
    pub sizes: Vec<usize>,
}

/// Parameters of quantization and dequantization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantization {
    /// The channel axis where the scale has one; −1 when not set.
    pub axis: i32,
    /// The output's type.
    pub to: DataType,
    /// The block's extents, where quantization is by block.
    pub block_shape: Option<Dims>,
}

/// Parameters of a fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// What to fill with.
    pub op: FillOperation,
    /// The output's dimensions, unless input 0 gives them.
    pub dims: Dims,
    /// Start, minimum or mean.
    pub alpha: f64,
    /// Delta, maximum or standard deviation.
    pub beta: f64,
    /// Start for integer outputs.
    pub alpha_int64: i64,
    /// Delta for integer outputs.
    pub beta_int64: i64,
    /// The output's type.
    pub to: DataType,
}

/// Parameters of a normalization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// The normalized axes (layer and instance normalization) or the group's (group normalization).
    pub axes: u32,
    /// The number of channel groups; 1 unless group normalization.
    pub groups: i64,
    /// The precision of the statistics.
    pub compute_precision: DataType,
    /// Whether scale and bias are as `addNormalizationV2` defines them (per normalized element, not per channel).
    pub v2: bool,
}

/// Parameters of pooling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pooling {
    /// Maximum, average, or a blend.
    pub op: PoolingType,
    /// The window, per spatial dimension.
    pub window: Dims,
    /// The step, per spatial dimension.
    pub stride: Dims,
    /// Padding before the first element, per spatial dimension.
    pub pre_padding: Dims,
    /// Padding after the last element, per spatial dimension.
    pub post_padding: Dims,
    /// How the paddings and the output's size follow.
    pub padding_mode: PaddingMode,
    /// The share of the average in max-average blending.
    pub blend_factor: f32,
    /// Whether averages leave out the padding.
    pub average_count_excludes_padding: bool,
}

/// Parameters of a resize.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    /// Nearest, linear or cubic.
    pub mode: InterpolationMode,
    /// From output to input coordinates.
    pub transformation: ResizeCoordinateTransformation,
    /// What a single output pixel maps to.
    pub selector: ResizeSelector,
    /// How nearest rounds.
    pub rounding: ResizeRoundMode,
    /// The coefficient of cubic interpolation.
    pub cubic_coeff: f32,
    /// Whether weights outside of the input count as 0.
    pub exclude_outside: bool,
    /// The output's dimensions, unless input 1 or the scales give them.
    pub dims: Option<Dims>,
    /// Scales per dimension; empty where dimensions are given.
    pub scales: Vec<f32>,
}

/// Parameters of a scale layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Per tensor, channel or element.
    pub mode: ScaleMode,
    /// Added; 0 where absent.
    pub shift: Option<WeightsId>,
    /// Multiplied; 1 where absent.
    pub scale: Option<WeightsId>,
    /// The exponent; 1 where absent.
    pub power: Option<WeightsId>,
    /// The channel axis.
    pub channel_axis: i32,
}

/// Parameters of a shuffle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shuffle {
    /// The transpose before the reshape.
    pub first: Permutation,
    /// The reshape: −1 is inferred, 0 copies where `zero_is_placeholder`. `None` keeps the dimensions.
    pub reshape: Option<Dims>,
    /// The transpose after the reshape.
    pub second: Permutation,
    /// Whether 0 in the reshape copies the input's extent.
    pub zero_is_placeholder: bool,
}

/// Parameters of a slice; an input tensor takes the place of an absent one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The first element, per axis.
    pub start: Option<Dims>,
    /// The number of elements, per axis.
    pub size: Option<Dims>,
    /// The step, per axis.
    pub stride: Option<Dims>,
    /// What lies outside of the input.
    pub mode: SampleMode,
    /// The axes that start, size and stride speak of; all where absent.
    pub axes: Option<Dims>,
}

/// Parameters of top-k.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// Largest or smallest.
    pub op: TopKOperation,
    /// How many, unless input 1 says.
    pub k: i32,
    /// The axis, as a mask with one bit.
    pub axes: u32,
    /// The type of the indices.
    pub indices: DataType,
}

/// An order of up to eight dimensions: output dimension i is input dimension `order[i]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permutation(pub [i32; Dims::MAX]);

impl Permutation {
    /// 0, 1, 2, …
    pub const IDENTITY: Self = Self([0, 1, 2, 3, 4, 5, 6, 7]);

    /// The permutation that starts with `order` and keeps the rest.
    pub fn new(order: &[usize]) -> Self {
        let mut all = Self::IDENTITY;
        for (slot, &dim) in all.0.iter_mut().zip(order) {
            *slot = i32::try_from(dim).unwrap_or(i32::MAX);
        }
        all
    }

    /// The first `rank` entries as indices; `None` unless they are a permutation of `0..rank`.
    pub fn order(&self, rank: usize) -> Option<Vec<usize>> {
        let order: Vec<usize> = self.0.iter().take(rank).filter_map(|&d| usize::try_from(d).ok()).collect();
        let mut seen = vec![false; rank];
        for &d in &order {
            *seen.get_mut(d)? = true;
        }
        (order.len() == rank && seen.iter().all(|&s| s)).then_some(order)
    }
}

impl LayerKind {
    /// NVIDIA's layer type.
    pub fn layer_type(&self) -> LayerType {
        match self {
            Self::Activation { .. } => LayerType::Activation,
            Self::Assertion { .. } => LayerType::Assertion,
            Self::AttentionInput(_) => LayerType::AttentionInput,
            Self::AttentionOutput => LayerType::AttentionOutput,
            Self::Cast { .. } => LayerType::Cast,
            Self::Concatenation { .. } => LayerType::Concatenation,
            Self::Condition { .. } => LayerType::Condition,
            Self::ConditionalInput { .. } => LayerType::ConditionalInput,
            Self::ConditionalOutput { .. } => LayerType::ConditionalOutput,
            Self::Constant { .. } => LayerType::Constant,
            Self::Convolution(_) => LayerType::Convolution,
            Self::Cumulative { .. } => LayerType::Cumulative,
            Self::Deconvolution(_) => LayerType::Deconvolution,
            Self::Dequantize(_) => LayerType::Dequantize,
            Self::DistCollective(_) => LayerType::DistCollective,
            Self::DynamicQuantize { .. } => LayerType::DynamicQuantize,
            Self::Einsum { .. } => LayerType::Einsum,
            Self::ElementWise { .. } => LayerType::Elementwise,
            Self::Fill(_) => LayerType::Fill,
            Self::Gather { .. } => LayerType::Gather,
            Self::GridSample { .. } => LayerType::GridSample,
            Self::Identity => LayerType::Identity,
            Self::Iterator { .. } => LayerType::Iterator,
            Self::KvCacheUpdate(_) => LayerType::KvcacheUpdate,
            Self::LoopOutput { .. } => LayerType::LoopOutput,
            Self::Lrn { .. } => LayerType::Lrn,
            Self::MatrixMultiply { .. } => LayerType::MatrixMultiply,
            Self::Moe(_) => LayerType::Moe,
            Self::Nms { .. } => LayerType::Nms,
            Self::NonZero { .. } => LayerType::NonZero,
            Self::Normalization(_) => LayerType::Normalization,
            Self::OneHot { .. } => LayerType::OneHot,
            Self::Padding { .. } => LayerType::Padding,
            Self::ParametricRelu => LayerType::ParametricRelu,
            Self::Pooling(_) => LayerType::Pooling,
            Self::Quantize(_) => LayerType::Quantize,
            Self::RaggedSoftmax => LayerType::RaggedSoftmax,
            Self::Recurrence { .. } => LayerType::Recurrence,
            Self::Reduce { .. } => LayerType::Reduce,
            Self::Region(region) => region.layer_type,
            Self::Resize(_) => LayerType::Resize,
            Self::ReverseSequence { .. } => LayerType::ReverseSequence,
            Self::RotaryEmbedding { .. } => LayerType::RotaryEmbedding,
            Self::Scale(_) => LayerType::Scale,
            Self::Scatter { .. } => LayerType::Scatter,
            Self::Select => LayerType::Select,
            Self::Shape => LayerType::Shape,
            Self::Shuffle(_) => LayerType::Shuffle,
            Self::Slice(_) => LayerType::Slice,
            Self::Softmax { .. } => LayerType::Softmax,
            Self::Squeeze => LayerType::Squeeze,
            Self::TopK(_) => LayerType::Topk,
            Self::TripLimit { .. } => LayerType::TripLimit,
            Self::Unary { .. } => LayerType::Unary,
            Self::Unsqueeze => LayerType::Unsqueeze,
        }
    }

    /// The loop that a boundary layer belongs to.
    pub fn loop_id(&self) -> Option<LoopId> {
        match self {
            Self::Iterator { loop_id, .. }
            | Self::LoopOutput { loop_id, .. }
            | Self::Recurrence { loop_id }
            | Self::TripLimit { loop_id, .. } => Some(*loop_id),
            _ => None,
        }
    }

    /// The conditional that a boundary layer belongs to.
    pub fn conditional_id(&self) -> Option<ConditionalId> {
        match self {
            Self::Condition { conditional }
            | Self::ConditionalInput { conditional }
            | Self::ConditionalOutput { conditional } => Some(*conditional),
            _ => None,
        }
    }

    /// The number of outputs.
    pub fn num_outputs(&self) -> usize {
        match self {
            Self::Assertion { .. } | Self::Condition { .. } | Self::TripLimit { .. } => 0,
            Self::TopK(_) | Self::Nms { .. } | Self::DynamicQuantize { .. } => 2,
            _ => 1,
        }
    }

    /// The most inputs that a layer with `inputs` inputs can be given.
    pub fn max_inputs(&self, inputs: usize) -> usize {
        match self {
            Self::AttentionInput(_) => 7,
            Self::Moe(_) => 11,
            Self::KvCacheUpdate(_) | Self::RotaryEmbedding { .. } => 4,
            Self::Slice(_) => 6,
            Self::Nms { .. } => 5,
            Self::Convolution(_) | Self::Deconvolution(_) | Self::Quantize(_) | Self::Dequantize(_) | Self::Fill(_) => {
                3
            }
            Self::ConditionalOutput { .. }
            | Self::Cumulative { .. }
            | Self::DynamicQuantize { .. }
            | Self::LoopOutput { .. }
            | Self::Recurrence { .. }
            | Self::Resize(_)
            | Self::Shuffle(_)
            | Self::Squeeze
            | Self::TopK(_) => 2,
            _ => inputs,
        }
    }

    /// The weights that it names, to change.
    pub(crate) fn weights_mut(&mut self) -> Vec<&mut WeightsId> {
        match self {
            Self::Constant { weights, .. } => vec![weights],
            Self::Convolution(conv) | Self::Deconvolution(conv) => {
                conv.kernel.iter_mut().chain(&mut conv.bias).collect()
            }
            Self::Scale(scale) => scale.shift.iter_mut().chain(&mut scale.scale).chain(&mut scale.power).collect(),
            _ => Vec::new(),
        }
    }
}
