//! Convolution and deconvolution.

use tensorrt_sys::PaddingMode;

use super::inputs::{FLOATS, Inputs, overflow};
use crate::graph::{Conv, Graph, ValueInfo, WeightsId};
use crate::tensor::Dims;
use crate::{Error, Result};

/// Checks that `values` has one entry a spatial dimension, each at least `least`.
fn check_each(what: &str, values: &Dims, spatial: usize, least: i64) -> Result<()> {
    if values.rank() == spatial && values.iter().all(|&v| v >= least) {
        return Ok(());
    }
    Err(Error::config(format!("{what} {values} must have {spatial} entries of at least {least}")))
}

/// 1 + dilation · (kernel − 1), the extent that a dilated kernel covers.
pub(super) fn covered(kernel: i64, dilation: i64) -> Result<i64> {
    let covered = kernel.checked_sub(1).and_then(|k| k.checked_mul(dilation)).and_then(|k| k.checked_add(1));
    covered.ok_or_else(|| overflow(&[kernel, dilation]))
}

/// The number of windows of extent `covered` over `input` elements.
///
/// # Errors
/// The window exceeds the padded input by a stride or more, or the sum overflows.
pub(super) fn windows(input: i64, covered: i64, stride: i64, pads: (i64, i64), mode: PaddingMode) -> Result<i64> {
    if input < 0 {
        return Ok(Dims::DYNAMIC);
    }
    if matches!(mode, PaddingMode::SameUpper | PaddingMode::SameLower) {
        return Ok(input / stride + i64::from(input % stride != 0));
    }
    let padded = input.checked_add(pads.0).and_then(|sum| sum.checked_add(pads.1));
    let padded = padded.ok_or_else(|| overflow(&[input, pads.0, pads.1]))?;
    let room = padded.checked_sub(covered).ok_or_else(|| overflow(&[padded, covered]))?;
    let up = mode == PaddingMode::ExplicitRoundUp && room.rem_euclid(stride) != 0;
    let count = room.div_euclid(stride) + i64::from(up) + 1;
    if count < 0 {
        return Err(Error::config(format!("a window of {covered} does not fit into {padded} padded elements")));
    }
    Ok(count)
}

struct Checked {
    dims: Dims,
    spatial: usize,
    channels: i64,
}

fn check(graph: &Graph, inputs: Inputs<'_>, conv: &Conv, transposed: bool) -> Result<Checked> {
    let input = inputs.typed(0, &[FLOATS, &[tensorrt_sys::DataType::Int8, tensorrt_sys::DataType::Fp8]].concat())?;
    let spatial = conv.kernel_size.rank();
    if !(1..=3).contains(&spatial) || input.dims.rank() != spatial + 2 {
        return Err(Error::config(format!(
            "a kernel of {spatial} spatial dimensions does not apply to an input of dimensions {}",
            input.dims
        )));
    }
    check_each("the kernel size", &conv.kernel_size, spatial, 1)?;
    check_each("the stride", &conv.stride, spatial, 1)?;
    check_each("the dilation", &conv.dilation, spatial, 1)?;
    check_each("the pre-padding", &conv.pre_padding, spatial, 0)?;
    check_each("the post-padding", &conv.post_padding, spatial, 0)?;
    let (groups, maps) = (conv.groups, conv.num_output_maps);
    let channels = match input.dims[1] {
        -1 if transposed => return Err(Error::config("the number of channels must be known at build time")),
        -1 => of_kernel(graph, inputs, conv)?,
        known => known,
    };
    if groups < 1 || maps < 1 || channels % groups != 0 || maps % groups != 0 {
        return Err(Error::config(format!(
            "{groups} groups do not divide {channels} input channels and {maps} output maps"
        )));
    }
    let mut wanted = Dims::new(&if transposed { [channels, maps / groups] } else { [maps, channels / groups] })?;
    for &extent in conv.kernel_size.iter() {
        wanted = wanted.with(extent)?;
    }
    check_weights(graph, inputs, "kernel", conv.kernel, 1, &wanted)?;
    if conv.bias.is_some() || inputs.optional(2).is_some() {
        check_weights(graph, inputs, "bias", conv.bias, 2, &Dims::new(&[maps])?)?;
    }
    Ok(Checked { dims: input.dims, spatial, channels: maps })
}

/// The number of input channels that the kernel is for.
fn of_kernel(graph: &Graph, inputs: Inputs<'_>, conv: &Conv) -> Result<i64> {
    let found = if let Some(kernel) = inputs.optional(1) {
        kernel.dims.get(1).copied().filter(|&extent| extent >= 0)
    } else {
        let count = conv.kernel.and_then(|id| graph.weights.get(id.0 as usize)).map(|weights| weights.count);
        let each = conv
            .kernel_size
            .volume()
            .and_then(|volume| volume.checked_mul(usize::try_from(conv.num_output_maps).ok()?));
        count.zip(each).and_then(|(count, each)| i64::try_from(count.checked_div(each)?).ok())
    };
    let channels = found.and_then(|extent| extent.checked_mul(conv.groups));
    channels.ok_or_else(|| Error::config("the number of channels does not follow from the kernel"))
}

/// Checks weights that are either the layer's own or input `index`.
fn check_weights(
    graph: &Graph,
    inputs: Inputs<'_>,
    what: &str,
    own: Option<WeightsId>,
    index: usize,
    wanted: &Dims,
) -> Result<()> {
    if let Some(tensor) = inputs.optional(index) {
        if own.is_some() {
            return Err(Error::config(format!("the {what} is given twice: as weights and as input {index}")));
        }
        inputs.same_types(0, index)?;
        if tensor.dims != *wanted {
            return Err(Error::config(format!(
                "the {what} must have dimensions {wanted}, input {index} has {}",
                tensor.dims
            )));
        }
        return Ok(());
    }
    let Some(weights) = own.and_then(|id| graph.weights.get(id.0 as usize)) else {
        return Err(Error::config(format!("the {what} is missing")));
    };
    let input = inputs.get(0)?.dtype;
    if weights.dtype != input {
        let (have, want) = (weights.dtype.name(), input.name());
        return Err(Error::config(format!("the {what} has type {have}, but the input {want}")));
    }
    if wanted.volume() != Some(weights.count) {
        return Err(Error::config(format!(
            "the {what} needs {} weights for dimensions {wanted}, but has {}",
            wanted.volume().map_or_else(|| "too many".to_owned(), |n| n.to_string()),
            weights.count
        )));
    }
    Ok(())
}

/// [N, C, …] to [N, K, …].
pub(super) fn convolution(graph: &Graph, inputs: Inputs<'_>, conv: &Conv) -> Result<ValueInfo> {
    let checked = check(graph, inputs, conv, false)?;
    let mut dims = checked.dims;
    dims[1] = checked.channels;
    for at in 0..checked.spatial {
        let covered = covered(conv.kernel_size[at], conv.dilation[at])?;
        let pads = (conv.pre_padding[at], conv.post_padding[at]);
        dims[at + 2] = windows(dims[at + 2], covered, conv.stride[at], pads, conv.padding_mode)?;
    }
    // Where an extent is not known, TensorRT does not ask whether the kernel fits the others.
    if dims[2..].contains(&0) && !checked.dims[2..].contains(&-1) {
        return Err(Error::config(format!("the kernel does not fit into an input of dimensions {}", checked.dims)));
    }
    Ok(ValueInfo::new(inputs.get(0)?.dtype, dims))
}

/// [N, C, …] to [N, K, …], growing by the stride.
pub(super) fn deconvolution(graph: &Graph, inputs: Inputs<'_>, conv: &Conv) -> Result<ValueInfo> {
    let checked = check(graph, inputs, conv, true)?;
    let mut dims = checked.dims;
    dims[1] = checked.channels;
    for at in 0..checked.spatial {
        let (input, stride) = (dims[at + 2], conv.stride[at]);
        if input < 0 {
            continue;
        }
        let covered = covered(conv.kernel_size[at], conv.dilation[at])?;
        let grown = (input - 1).max(0).checked_mul(stride).and_then(|span| span.checked_add(covered));
        let grown = grown.ok_or_else(|| overflow(&[input, stride, covered]))?;
        dims[at + 2] = match conv.padding_mode {
            PaddingMode::SameUpper | PaddingMode::SameLower => grown.min(input.saturating_mul(stride)),
            _ => {
                let pads = conv.pre_padding[at].saturating_add(conv.post_padding[at]);
                grown.checked_sub(pads).filter(|&left| left >= 0).ok_or_else(|| {
                    Error::config(format!(
                        "a padding of {pads} leaves nothing of {grown} elements in dimension {}",
                        at + 2
                    ))
                })?
            }
        };
    }
    Ok(ValueInfo::new(inputs.get(0)?.dtype, dims))
}
