//! Pooling.

use tensorrt_sys::{PaddingMode, PoolingType};

use super::conv::windows;
use super::inputs::{ACTIVATIONS, Inputs};
use crate::graph::{Pooling, ValueInfo};
use crate::{Error, Result};

/// The number of windows along the last two or three dimensions.
pub(super) fn infer(inputs: Inputs<'_>, pooling: &Pooling) -> Result<ValueInfo> {
    let input = inputs.typed(0, ACTIVATIONS)?;
    let spatial = pooling.window.rank();
    if !(1..=3).contains(&spatial) || input.dims.rank() != spatial + 2 {
        return Err(Error::config(format!(
            "a window of {spatial} spatial dimensions does not apply to an input of dimensions {}",
            input.dims
        )));
    }
    let checks = [
        ("the window", &pooling.window, 1),
        ("the stride", &pooling.stride, 1),
        ("the pre-padding", &pooling.pre_padding, 0),
        ("the post-padding", &pooling.post_padding, 0),
    ];
    for (what, values, least) in checks {
        if values.rank() != spatial || values.iter().any(|&v| v < least) {
            return Err(Error::config(format!("{what} {values} must have {spatial} entries of at least {least}")));
        }
    }
    let same = matches!(pooling.padding_mode, PaddingMode::SameUpper | PaddingMode::SameLower);
    let pads = pooling.pre_padding.iter().zip(pooling.post_padding.iter());
    let blend = pooling.op == PoolingType::MaxAverageBlend;
    let spatial_extents = &input.dims[input.dims.rank() - spatial..];
    if blend && pooling.padding_mode != PaddingMode::ExplicitRoundDown && spatial_extents.contains(&-1) {
        return Err(Error::config(
            "a blend of maximum and average over unknown extents needs the padding mode kEXPLICIT_ROUND_DOWN",
        ));
    }
    let excluding = (blend || pooling.op == PoolingType::Average) && pooling.average_count_excludes_padding && !same;
    if excluding && pads.zip(pooling.window.iter()).any(|((&pre, &post), &window)| pre >= window || post >= window) {
        return Err(Error::config("the padding of an average that leaves padding out must be smaller than the window"));
    }
    let mut dims = input.dims;
    for at in 0..spatial {
        let pads = (pooling.pre_padding[at], pooling.post_padding[at]);
        let (extent, window, stride) = (dims[at + 2], pooling.window[at], pooling.stride[at]);
        dims[at + 2] = windows(extent, window, stride, pads, pooling.padding_mode)?;
        // Rounding up pads as well.
        let beyond = (dims[at + 2] - 1).saturating_mul(stride).saturating_add(window).saturating_sub(pads.0);
        let rounded = extent >= 0 && pooling.padding_mode == PaddingMode::ExplicitRoundUp;
        if excluding && rounded && beyond.saturating_sub(extent) >= window {
            return Err(Error::config("rounding up pads as much as the window covers, which an average leaves out"));
        }
    }
    Ok(ValueInfo::new(input.dtype, dims))
}
