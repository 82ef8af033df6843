//! Normalizing layers, which keep their input's dimensions: softmax, normalization, LRN, scale, rotary embedding.

use tensorrt_sys::{DataType, ScaleMode};

use super::inputs::{FLOATS, INDICES, Inputs, axes as check_axes, axis as check_axis, least_rank, single_axis, unify};
use crate::graph::{Graph, Normalization, Scale, ValueInfo, WeightsId};
use crate::{Error, Result};

fn same(input: &ValueInfo) -> ValueInfo {
    ValueInfo::new(input.dtype, input.dims)
}

/// Softmax along one axis.
pub(super) fn softmax(inputs: Inputs<'_>, axes: u32) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    least_rank(input, 2)?;
    single_axis(axes, input.dims.rank())?;
    Ok(same(input))
}

/// Softmax over the first elements of each row of [N, Z, S].
pub(super) fn ragged_softmax(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let (input, bounds) = (inputs.float(0)?, inputs.typed(1, &[DataType::Int32])?);
    let fits = input.dims.rank() == 3
        && bounds.dims.rank() == 3
        && bounds.dims.iter().zip(input.dims.iter()).all(|(&bound, &extent)| bound == extent || bound == 1);
    if !fits {
        return Err(Error::config(format!("bounds {} do not fit an input of dimensions {}", bounds.dims, input.dims)));
    }
    Ok(same(input))
}

/// Local response normalization over the channels of [N, C, H, W].
pub(super) fn lrn(inputs: Inputs<'_>, window: i64) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    least_rank(input, 4)?;
    if !(1..=15).contains(&window) || window % 2 == 0 {
        return Err(Error::config(format!("a window of {window} channels is not odd and from 1 to 15")));
    }
    Ok(same(input))
}

/// Normalization over axes or groups; scale and bias broadcast to the input.
pub(super) fn infer(inputs: Inputs<'_>, normalization: &Normalization) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    check_axes(normalization.axes, input.dims.rank())?;
    let groups = normalization.groups;
    let behind_channels = (2..input.dims.rank()).fold(0, |mask, axis| mask | 1 << axis);
    let possible = groups == 1 || (input.dims.rank() >= 3 && normalization.axes == behind_channels);
    if groups < 1 || !possible {
        return Err(Error::config(format!("{groups} groups are not possible with dimensions {}", input.dims)));
    }
    if groups > 1 && input.dims[1] >= 0 && input.dims[1] % groups != 0 {
        return Err(Error::config(format!("{groups} groups do not divide {} channels", input.dims[1])));
    }
    for (index, what) in [(1, "scale"), (2, "bias")] {
        let Some(value) = inputs.optional(index) else { continue };
        inputs.same_types(0, index)?;
        let extents = || value.dims.iter().zip(input.dims.iter()).enumerate();
        let fits = value.dims.rank() == input.dims.rank()
            && extents().all(|(at, (&have, &want))| {
                have == 1 || unify(have, want).is_some() || (at == 1 && groups > 1 && have == groups)
            });
        if !fits {
            return Err(Error::config(format!(
                "the {what} has dimensions {}, which do not broadcast to the input's {}",
                value.dims, input.dims
            )));
        }
    }
    Ok(same(input))
}

/// Scale, shift and power per tensor, channel or element.
pub(super) fn scale(graph: &Graph, inputs: Inputs<'_>, scale: &Scale) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    let mut output = same(input);
    let channel = check_axis(scale.channel_axis, input.dims.rank())?;
    let wanted = match scale.mode {
        ScaleMode::Uniform => Some(1),
        ScaleMode::Channel => usize::try_from(input.dims[channel]).ok(),
        ScaleMode::Elementwise if input.dims[channel..].contains(&-1) => None,
        ScaleMode::Elementwise => {
            input.dims[channel..].iter().try_fold(1usize, |product, &d| product.checked_mul(usize::try_from(d).ok()?))
        }
        _ => return Err(Error::config(format!("scale mode {} is not known", scale.mode.name()))),
    };
    let check = |what: &str, id: Option<WeightsId>| {
        let Some(weights) = id.and_then(|id| graph.weights.get(id.0 as usize)).filter(|weights| weights.count > 0)
        else {
            return Ok(());
        };
        if !FLOATS.contains(&weights.dtype) {
            return Err(Error::config(format!("{what} has weights of type {}", weights.dtype.name())));
        }
        let count = weights.count;
        let fits = wanted.is_none_or(|wanted| wanted == count);
        let message = || {
            let wanted = wanted.unwrap_or(0);
            Error::config(format!("{what} must have {wanted} weights in mode {}, but has {count}", scale.mode.name()))
        };
        fits.then_some(()).ok_or_else(message)
    };
    if wanted.is_none() && scale.mode == ScaleMode::Channel {
        let counts = [scale.shift, scale.scale, scale.power].into_iter().flatten();
        let mut counts = counts.filter_map(|id| graph.weights.get(id.0 as usize)).map(|it| it.count).filter(|&n| n > 0);
        let first = counts.next();
        if counts.any(|count| Some(count) != first) {
            return Err(Error::config("shift, scale and power differ in the number of channels"));
        }
        output.dims[channel] = first.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1);
    }
    check("shift", scale.shift)?;
    check("scale", scale.scale)?;
    check("power", scale.power)?;
    Ok(output)
}

/// Rotary embedding of [N, heads, sequence, size].
pub(super) fn rotary_embedding(inputs: Inputs<'_>, dim: i32) -> Result<ValueInfo> {
    let input = inputs.typed(0, FLOATS)?;
    inputs.same_types(0, 1)?;
    inputs.same_types(0, 2)?;
    let &[batch, _, tokens, size] = &input.dims[..] else {
        return Err(Error::config(format!("the input must have four dimensions, but has {}", input.dims)));
    };
    let rotated = if dim == 0 { size } else { dim.into() };
    if dim < 0 || (rotated >= 0 && rotated % 2 != 0) || rotated > size {
        return Err(Error::config(format!("a rotation of {rotated} does not fit heads of size {size}")));
    }
    let half = if rotated < 0 { -1 } else { rotated / 2 };
    let positions = inputs.optional(3).map(|_| inputs.typed(3, INDICES)).transpose()?;
    for index in [1, 2] {
        let cache = inputs.get(index)?;
        // TensorRT takes no unknown extent for a known one.
        let fits = match (positions, &cache.dims[..]) {
            (Some(_), &[_, last]) => last == half,
            (None, all) => *all == [batch, tokens, half],
            _ => false,
        };
        if !fits {
            let (have, want) = (cache.dims, [batch, tokens, half]);
            return Err(Error::config(format!(
                "input {index} must have dimensions {want:?}, or with position ids [any, {half}], but has {have}"
            )));
        }
    }
    if let Some(positions) = positions.filter(|p| p.dims[..] != [batch, tokens]) {
        return Err(Error::config(format!(
            "input 3 must have dimensions [{batch}, {tokens}], but has {}",
            positions.dims
        )));
    }
    Ok(same(input))
}
