//! Elements as bit patterns: moving data only asks how wide an element is.

use bytemuck::Pod;

use crate::tensor::{Dims, TensorMut, TensorView};
use crate::{Error, Result};

/// An unsigned integer as wide as an element.
pub(super) trait Word: Pod + Send + Sync {}
impl Word for u8 {}
impl Word for u16 {}
impl Word for u32 {}
impl Word for u64 {}

/// Evaluates `$body`, a `Result`, with `$word` the [`Word`] of `$dtype`; types packed two to a byte are an error.
macro_rules! by_width {
    ($dtype:expr, $word:ident => $body:expr) => {{
        let dtype = $dtype;
        match crate::tensor::bits(dtype) {
            64 => {
                type $word = u64;
                $body
            }
            32 => {
                type $word = u32;
                $body
            }
            16 => {
                type $word = u16;
                $body
            }
            8 => {
                type $word = u8;
                $body
            }
            _ => Err($crate::Error::unsupported(format!("moving elements of {}", dtype.name()))),
        }
    }};
}
pub(super) use by_width;

/// The elements of a tensor.
///
/// # Errors
/// `W` is not as wide as an element.
pub(super) fn words<'t, W: Word>(view: &TensorView<'t>) -> Result<&'t [W]> {
    let words = bytemuck::try_cast_slice(view.bytes()).map_err(|e| Error::internal(format!("tensor bytes: {e}")))?;
    if words.len() == view.len() { Ok(words) } else { Err(Error::internal("an element has another width")) }
}

/// The elements of a tensor, to write.
///
/// # Errors
/// `W` is not as wide as an element.
pub(super) fn words_mut<'t, W: Word>(out: &'t mut TensorMut<'_>) -> Result<&'t mut [W]> {
    let len = out.len();
    let words =
        bytemuck::try_cast_slice_mut(out.bytes_mut()).map_err(|e| Error::internal(format!("tensor bytes: {e}")))?;
    if words.len() == len { Ok(words) } else { Err(Error::internal("an element has another width")) }
}

/// Dimensions as array extents.
pub(super) fn extents(dims: &Dims) -> Vec<usize> {
    dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect()
}

/// The element steps of a dense row-major array.
pub(super) fn steps(extents: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; extents.len()];
    for dim in (1..extents.len()).rev() {
        steps[dim - 1] = steps[dim] * extents[dim];
    }
    steps
}

/// An axis counted from the front; negative ones count from the back.
///
/// # Errors
/// There is no such axis.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize> {
    let limit = i64::try_from(rank).unwrap_or(0);
    let wrapped = if axis < 0 { axis + limit } else { axis };
    match usize::try_from(wrapped) {
        Ok(found) if found < rank => Ok(found),
        _ => Err(Error::config(format!("axis {axis} of a tensor of rank {rank}"))),
    }
}

/// A position along an axis of `extent` elements; negative ones count from the end.
///
/// # Errors
/// The position lies outside.
#[inline]
pub(super) fn position(index: i64, extent: usize) -> Result<usize> {
    let found =
        if index < 0 { usize::try_from(index.saturating_add_unsigned(extent as u64)) } else { usize::try_from(index) };
    match found {
        Ok(found) if found < extent => Ok(found),
        _ => Err(Error::invalid(format!("index {index} lies outside of an axis of {extent} elements"))),
    }
}
