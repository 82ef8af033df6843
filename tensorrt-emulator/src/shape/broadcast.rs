//! Broadcasting: extents of 1 stretch, ranks are equal.

use super::inputs::unify;
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The extent that `a` and `b` broadcast to; `None` where they do not.
///
/// An unknown extent against one above 1 must turn out to be that or 1; against 1 it stays unknown.
pub(super) fn extent(a: i64, b: i64) -> Option<i64> {
    match (a, b) {
        (1, other) | (other, 1) => Some(other),
        (a, b) => unify(a, b),
    }
}

/// The dimensions that inputs broadcast to; `operands` are (index of the input, its dimensions).
///
/// # Errors
/// Ranks differ, or extents differ and none of them is 1.
pub(super) fn dims(operands: &[(usize, Dims)]) -> Result<Dims> {
    let Some(&(first, mut result)) = operands.first() else {
        return Err(Error::internal("broadcast of no inputs"));
    };
    for &(index, dims) in &operands[1..] {
        if dims.rank() != result.rank() {
            return Err(Error::config(format!(
                "inputs {first} and {index} must have the same number of dimensions, but have {} and {} ({} and {dims})",
                result.rank(),
                dims.rank(),
                operands[0].1,
            )));
        }
        for (at, &b) in dims.iter().enumerate() {
            let a = result[at];
            result[at] = extent(a, b).ok_or_else(|| {
                Error::config(format!(
                    "inputs {first} and {index} have extents {a} and {b} in dimension {at}, which neither agree nor broadcast ({} and {dims})",
                    operands[0].1,
                ))
            })?;
        }
    }
    Ok(result)
}

/// The row-major index in a tensor of `source` dimensions of the element that broadcasts to element `flat` of `result`; both static and
/// of one rank.
pub(super) fn source_index(result: &Dims, source: &Dims, flat: usize) -> usize {
    let (mut rest, mut index, mut stride) = (flat, 0, 1);
    for (&r, &s) in result.iter().zip(source.iter()).rev() {
        let (r, s) = (usize::try_from(r).unwrap_or(1).max(1), usize::try_from(s).unwrap_or(1));
        if s != 1 {
            index += rest % r * stride;
        }
        rest /= r;
        stride *= s;
    }
    index
}

/// `source_index` into an input of a result.
pub(super) fn index_of(result: &ValueInfo, input: &ValueInfo, flat: usize) -> usize {
    source_index(&result.dims, &input.dims, flat)
}
