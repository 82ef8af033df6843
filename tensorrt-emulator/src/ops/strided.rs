//! Dimensions around an axis: what reductions and scans loop over.

use super::window::extent;
use crate::tensor::Dims;
use crate::{Error, Result};

/// A dense tensor seen as [outer, len, inner] around one axis or a run of axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    pub(super) outer: usize,
    pub(super) len: usize,
    pub(super) inner: usize,
}

impl Around {
    /// `dims` around `axis`.
    pub(super) fn axis(dims: &Dims, axis: usize) -> Result<Self> {
        if axis >= dims.rank() {
            return Err(Error::config(format!("axis {axis} is not one of {dims}")));
        }
        let product = |part: &[i64]| part.iter().try_fold(1usize, |all, &d| Ok::<_, Error>(all * extent(d)?));
        Ok(Self { outer: product(&dims[..axis])?, len: extent(dims[axis])?, inner: product(&dims[axis + 1..])? })
    }
}

/// The one axis that a mask of axes names.
pub(super) fn single_axis(axes: u32) -> Result<usize> {
    if axes.count_ones() != 1 {
        return Err(Error::unsupported(format!("axes {axes:#b}: exactly one axis is supported")));
    }
    Ok(axes.trailing_zeros() as usize)
}
