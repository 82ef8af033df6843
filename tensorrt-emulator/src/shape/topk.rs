//! Top-k.

use super::inputs::{INDICES, Inputs, NUMBERS, least_rank, single_axis};
use crate::graph::{TopK, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The largest k of TensorRT.
const MAX_K: i64 = 3840;

/// Values and indices: the input's dimensions with k along the axis.
pub(super) fn infer(inputs: Inputs<'_>, topk: &TopK) -> Result<Vec<ValueInfo>> {
    let input = inputs.typed(0, NUMBERS)?;
    if !INDICES.contains(&topk.indices) {
        return Err(Error::config(format!("indices of type {} are not allowed", topk.indices.name())));
    }
    least_rank(input, 2)?;
    let axis = single_axis(topk.axes, input.dims.rank())?;
    let k = match inputs.optional(1) {
        Some(_) => inputs.rank_zero(1)?,
        None => Some(topk.k.into()),
    };
    let extent = input.dims[axis];
    if let Some(k) = k {
        let limit = if extent >= 0 { extent.min(MAX_K) } else { MAX_K };
        if k < 0 || k > limit {
            return Err(Error::config(format!(
                "k is {k}, but must be at most {limit} for an input of dimensions {} along dimension {axis}",
                input.dims
            )));
        }
    }
    let mut dims = input.dims;
    dims[axis] = k.unwrap_or(Dims::DYNAMIC);
    Ok(vec![ValueInfo::new(input.dtype, dims), ValueInfo::new(topk.indices, dims)])
}
