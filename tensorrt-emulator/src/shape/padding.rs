//! Padding of the last two dimensions.

use super::inputs::{ACTIVATIONS, Inputs};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The last two extents grow by the paddings, or shrink where they are negative.
pub(super) fn infer(inputs: Inputs<'_>, pre: &Dims, post: &Dims) -> Result<ValueInfo> {
    let input = inputs.typed(0, ACTIVATIONS)?;
    if pre.rank() != 2 || post.rank() != 2 || input.dims.rank() < 4 {
        return Err(Error::config(format!(
            "paddings {pre} and {post} must have two entries, and the input {} at least four dimensions",
            input.dims
        )));
    }
    let mut dims = input.dims;
    let first = dims.rank() - 2;
    for at in 0..2 {
        let extent = dims[first + at];
        if extent < 0 {
            continue;
        }
        let padded = extent.checked_add(pre[at]).and_then(|sum| sum.checked_add(post[at]));
        dims[first + at] = padded.filter(|&sum| sum >= 0).ok_or_else(|| {
            Error::config(format!("paddings {pre} and {post} leave nothing of dimensions {}", input.dims))
        })?;
    }
    Ok(ValueInfo::new(input.dtype, dims))
}
