//! What is refused at once, when a layer is added or a property set; all else is refused when dimensions are asked for.

use tensorrt_sys::{DataType, PoolingType, ReduceOperation, SampleMode};

use crate::graph::{Conv, LayerKind, Quantization};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The inputs of the layer: type, and dimensions where its producer is not refused.
pub(super) type Known<'a> = &'a mut dyn FnMut(usize) -> Option<(DataType, Option<Dims>)>;

fn require(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::invalid(what.to_owned())) }
}

/// The number of dimensions of input `index`; `None` where it is unknown.
fn rank(known: Known<'_>, index: usize) -> Option<usize> {
    known(index)?.1.map(|dims| dims.rank())
}

fn is_index(dtype: DataType) -> Result<()> {
    require(matches!(dtype, DataType::Int32 | DataType::Int64), "indices are int32 or int64")
}

/// Two or three numbers of at least `least`.
fn spatial(values: &Dims, least: i64, what: &str) -> Result<()> {
    let in_range = values.iter().all(|&value| (least..i64::from(i32::MAX)).contains(&value));
    require(matches!(values.rank(), 2 | 3) && in_range, what)
}

fn convolution(conv: &Conv) -> Result<()> {
    require(matches!(conv.kernel_size.rank(), 2 | 3), "the kernel must have two or three dimensions")?;
    require((1..i64::from(i32::MAX)).contains(&conv.groups), "the number of groups must be positive")?;
    spatial(&conv.stride, 1, "the stride must be two or three positive numbers")?;
    spatial(&conv.dilation, 1, "the dilation must be two or three positive numbers")?;
    padding(&conv.pre_padding, &conv.post_padding)
}

fn padding(pre: &Dims, post: &Dims) -> Result<()> {
    spatial(pre, 0, "the pre-padding must be two or three numbers, none negative")?;
    spatial(post, 0, "the post-padding must be two or three numbers, none negative")
}

fn quantization(quantization: &Quantization, quantized: Option<DataType>, known: Known<'_>) -> Result<()> {
    let most = i32::try_from(Dims::MAX).unwrap_or(0);
    require((-most..most).contains(&quantization.axis), "the axis must be from -8 to 7")?;
    let Some((_, Some(input_dims))) = known(0) else { return Ok(()) };
    let scale = known(1).and_then(|scale| scale.1);
    let scale = scale.ok_or_else(|| Error::invalid("the dimensions of the scale are not known"))?;
    require(scale.rank() != 1 || scale[0] >= 0, "the number of scales must be known at build time")?;
    if scale.rank() < 2 && quantization.block_shape.is_none() {
        return Ok(());
    }
    require(scale.rank() < 2 || scale.rank() == input_dims.rank(), "blocks need as many dimensions as the input has")?;
    let blocked = [DataType::Int8, DataType::Fp8, DataType::Int4, DataType::Fp4];
    require(scale.rank() < 2 || quantized.is_none_or(|it| blocked.contains(&it)), "the type is not quantized by block")
}

/// Checks an equation: lower-case labels, and an output of labels of the inputs, none twice.
fn equation(text: &str) -> Result<()> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = compact.split_once("->").map_or((&compact[..], None), |(left, right)| (left, Some(right)));
    let labels = |text: &str| text.replace("...", "");
    let (left, right) = (labels(left), right.map(labels).unwrap_or_default());
    require(left.chars().all(|c| c.is_ascii_lowercase() || c == ','), "labels are lower-case letters")?;
    let known = right.chars().all(|c| c.is_ascii_lowercase() && left.contains(c));
    require(known, "a label of the output is in no input")?;
    let once = right.chars().enumerate().all(|(at, c)| right.chars().position(|other| other == c) == Some(at));
    require(once, "a label occurs twice in the output")
}

/// Checks that an input has as many dimensions as are named beside its ellipsis.
fn ellipses(text: &str, known: Known<'_>) -> Result<()> {
    let left = text.split_once("->").map_or(text, |(left, _)| left);
    for (index, term) in left.split(',').enumerate().filter(|(_, term)| term.contains("...")) {
        let named = term.chars().filter(char::is_ascii_lowercase).count();
        require(rank(known, index).is_none_or(|rank| rank >= named), "an input has fewer dimensions than are named")?;
    }
    Ok(())
}

/// Checks a layer that is added or changed.
///
/// # Errors
/// What TensorRT refuses then.
pub(super) fn check(kind: &LayerKind, known: Known<'_>) -> Result<()> {
    match kind {
        LayerKind::Concatenation { axis } => require((0..8).contains(axis), "the axis must be from 0 to 7"),
        LayerKind::Convolution(conv) => convolution(conv),
        LayerKind::Cumulative { .. } => {
            require(rank(known, 0).is_some_and(|rank| rank > 0), "the input must have a dimension")?;
            require(rank(known, 1) == Some(0), "the axis must have no dimensions")
        }
        LayerKind::Deconvolution(conv) => {
            require(conv.num_output_maps > 0, "there must be output maps")?;
            convolution(conv)
        }
        LayerKind::Dequantize(it) => quantization(it, known(0).map(|input| input.0), known),
        LayerKind::DynamicQuantize { block_size, block_shape, .. } => {
            require(rank(known, 0) != Some(0), "the input must have a dimension")?;
            require(block_shape.is_some() || matches!(block_size, 16 | 32), "a block has 16 or 32 elements")
        }
        LayerKind::Einsum { equation: text } => {
            equation(text)?;
            ellipses(text, known)
        }
        LayerKind::Fill(fill) => require(fill.dims.is_static(), "the dimensions must be known"),
        LayerKind::GridSample { sample_mode, .. } => {
            let input = rank(known, 0);
            require(
                matches!(input, Some(4 | 5)) && rank(known, 1) == input,
                "input and grid must have 4 or 5 dimensions",
            )?;
            let fits = matches!(sample_mode, SampleMode::Clamp | SampleMode::Fill | SampleMode::Reflect);
            require(fits, "the sample mode must be kCLAMP, kFILL or kREFLECT")
        }
        LayerKind::KvCacheUpdate(_) => {
            require(rank(known, 0) == Some(4), "the cache must have 4 dimensions")?;
            require(matches!(rank(known, 1), Some(3 | 4)), "the update must have 3 or 4 dimensions")?;
            require(rank(known, 2) == Some(1), "the write indices must have 1 dimension")
        }
        LayerKind::Lrn { window, .. } => {
            require((1..=15).contains(window) && window % 2 == 1, "the window must be odd and from 1 to 15")
        }
        LayerKind::Nms { topk_limit, indices, .. } => {
            require(matches!(rank(known, 0), Some(3 | 4)), "the boxes must have 3 or 4 dimensions")?;
            require(rank(known, 1) == Some(3), "the scores must have 3 dimensions")?;
            require(rank(known, 2) == Some(0), "the largest number of boxes must have no dimensions")?;
            is_index(*indices)?;
            require((0..=5000).contains(topk_limit), "the limit of boxes must be from 0 to 5000")
        }
        LayerKind::NonZero { indices } => is_index(*indices),
        LayerKind::Normalization(it) => require(it.groups > 0, "the number of groups must be positive"),
        LayerKind::Padding { pre, post } => {
            require(pre.rank() == 2 && post.rank() == 2, "the paddings must be two numbers each")
        }
        LayerKind::Pooling(pooling) => {
            let volume = pooling.window.volume();
            spatial(&pooling.window, 1, "the window must be two or three positive numbers")?;
            require(volume.is_some_and(|volume| i32::try_from(volume).is_ok()), "the window is too large")?;
            spatial(&pooling.stride, 1, "the stride must be two or three positive numbers")?;
            padding(&pooling.pre_padding, &pooling.post_padding)?;
            let bytes = known(0).is_some_and(|input| matches!(input.0, DataType::Int8 | DataType::Uint8));
            require(pooling.window.rank() != 3 || !bytes, "int8 is not pooled over three dimensions")?;
            let known = matches!(pooling.op, PoolingType::Max | PoolingType::Average | PoolingType::MaxAverageBlend);
            require(known, "the kind of pooling is not known")
        }
        LayerKind::Quantize(it) => {
            require(rank(known, 0) != Some(0), "the input must have a dimension")?;
            quantization(it, Some(it.to), known)
        }
        LayerKind::RaggedSoftmax => {
            let (Some((_, Some(input))), Some((_, Some(bounds)))) = (known(0), known(1)) else { return Ok(()) };
            let fits = bounds.iter().zip(input.iter()).all(|(&bound, &extent)| bound == extent || bound == 1);
            require(
                bounds.rank() == input.rank() && fits,
                "the bounds must have the input's dimensions or extents of 1",
            )
        }
        LayerKind::Reduce { op, .. } => require(*op != ReduceOperation::None, "the reduction is not known"),
        LayerKind::Resize(_) => require(rank(known, 0) != Some(0), "the input must have a dimension"),
        LayerKind::ReverseSequence { batch_axis, sequence_axis } => {
            let input = rank(known, 0).unwrap_or(0);
            require(input >= 2, "the input must have two dimensions")?;
            require(rank(known, 1) == Some(1), "the lengths must have one dimension")?;
            let within = |axis: &i32| usize::try_from(*axis).is_ok_and(|axis| axis < input);
            require(within(batch_axis) && within(sequence_axis), "the axes must be dimensions of the input")
        }
        LayerKind::RotaryEmbedding { dim, .. } => {
            let caches = [rank(known, 1), rank(known, 2)];
            require(
                matches!(caches[0], Some(2 | 3)) && caches[0] == caches[1],
                "the caches must have 2 or 3 dimensions",
            )?;
            let size = known(0).and_then(|input| input.1).and_then(|dims| dims.last().copied()).unwrap_or(-1);
            require(
                *dim >= 0 && dim % 2 == 0 && i64::from(*dim) <= size,
                "the dimensions to rotate must be even, and in a head",
            )
        }
        LayerKind::Scale(scale) => {
            let input = rank(known, 0);
            let within = usize::try_from(scale.channel_axis).is_ok_and(|axis| input.is_none_or(|rank| axis < rank));
            require(within, "the channel axis must be a dimension of the input")
        }
        LayerKind::Softmax { axes } => require(axes.count_ones() == 1, "exactly one axis must be set"),
        LayerKind::TopK(topk) => {
            require((0..=3840).contains(&topk.k), "k must be from 0 to 3840")?;
            require(topk.axes != 0, "an axis must be set")?;
            is_index(topk.indices)
        }
        _ => Ok(()),
    }
}
