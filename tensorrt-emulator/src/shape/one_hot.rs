//! One-hot encoding.

use super::inputs::{INDICES, Inputs, axis as check_axis};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The indices' dimensions with the depth inserted at `axis`, which counts from the end where it is negative; the type of the values.
pub(super) fn infer(inputs: Inputs<'_>, axis: i32) -> Result<ValueInfo> {
    let (indices, values) = (inputs.typed(0, INDICES)?, inputs.get(1)?);
    if !matches!(values.dims[..], [2 | -1]) {
        return Err(Error::config(format!(
            "input 1 must be the two values off and on, but has dimensions {}",
            values.dims
        )));
    }
    let depth = inputs.rank_zero(2)?;
    if let Some(depth) = depth.filter(|&d| d < 0) {
        return Err(Error::config(format!("a depth of {depth} is negative")));
    }
    let rank = indices.dims.rank() + 1;
    let counted = if axis < 0 { axis + i32::try_from(rank).unwrap_or(0) } else { axis };
    let at = check_axis(counted, rank)?;
    let dims = [&indices.dims[..at], &[depth.unwrap_or(Dims::DYNAMIC)], &indices.dims[at..]].concat();
    Ok(ValueInfo::new(values.dtype, Dims::new(&dims)?))
}
