//! Squeeze and unsqueeze.

use super::elements;
use super::inputs::{Inputs, not_uint8};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The axes of input 1 as a set of dimensions of a tensor of rank `rank`; negative ones count from the end.
fn axes(inputs: Inputs<'_>, rank: usize) -> Result<Vec<bool>> {
    let given = inputs.shape_tensor(1)?;
    let mut set = vec![false; rank];
    for axis in given {
        let axis = axis.ok_or_else(|| Error::config("the axes must be build-time constants"))?;
        let signed = if axis < 0 { axis.saturating_add(i64::try_from(rank).unwrap_or(0)) } else { axis };
        let at = usize::try_from(signed).ok().filter(|&at| at < rank && !set[at]);
        let at = at.ok_or_else(|| {
            Error::config(format!("axis {axis} is repeated or out of range for a tensor with {rank} dimensions"))
        })?;
        set[at] = true;
    }
    Ok(set)
}

/// The input without the axes, whose extents are 1; without every extent of 1 where no axes are given.
pub(super) fn squeeze(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    not_uint8(input)?;
    let axes = match inputs.optional(1) {
        Some(_) => axes(inputs, input.dims.rank())?,
        None => input.dims.iter().map(|&extent| extent == 1).collect(),
    };
    let mut dims = Dims::scalar();
    for (at, &extent) in input.dims.iter().enumerate() {
        match (axes[at], extent) {
            (false, _) => dims = dims.with(extent)?,
            (true, 1 | -1) => {}
            (true, _) => {
                return Err(Error::config(format!("dimension {at} of {} cannot be squeezed: it is not 1", input.dims)));
            }
        }
    }
    Ok(renamed(input, dims))
}

/// The input with extents of 1 at the axes of the output.
pub(super) fn unsqueeze(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    not_uint8(input)?;
    let added = inputs.get(1)?.dims.volume().unwrap_or(0);
    let rank = input.dims.rank() + added;
    if rank > Dims::MAX {
        return Err(Error::config(format!("{} cannot take {added} more dimensions", input.dims)));
    }
    let axes = axes(inputs, rank)?;
    let mut rest = input.dims.iter();
    let mut dims = Dims::scalar();
    for is_new in axes {
        dims = dims.with(if is_new { 1 } else { rest.next().copied().unwrap_or(1) })?;
    }
    Ok(renamed(input, dims))
}

fn renamed(input: &ValueInfo, dims: Dims) -> ValueInfo {
    let mut output = ValueInfo::new(input.dtype, dims);
    elements::pick(&mut output, &[input], |i| Some((0, i)));
    output
}
