//! Positions of elements that are not zero, and the slices that a condition keeps.

use tensorrt_sys::DataType;

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Compress", compress), ("NonZero", non_zero)];

fn non_zero(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    if c.rank(x) == 0 {
        return Err(Refusal::shape("the positions in a scalar are not supported"));
    }
    one(c.add(LayerKind::NonZero { indices: DataType::Int64 }, &[x])?)
}

/// The positions where a vector is not zero, as a vector.
pub(super) fn positions(c: &mut Context<'_>, vector: TensorId) -> Result<TensorId> {
    let found = c.add(LayerKind::NonZero { indices: DataType::Int64 }, &[vector])?;
    c.squeeze(found, &[0])
}

/// The slices along an axis whose condition is true; a condition may be shorter than the axis.
fn compress(c: &mut Context<'_>) -> Result<Outputs> {
    let (mut x, condition) = (c.input(0)?, c.input(1)?);
    if c.rank(condition) != 1 {
        return Err(Refusal::shape(format!("a condition of dimensions {}", c.dims(condition))));
    }
    let axis = match c.int("axis")? {
        Some(axis) => c.axis(axis, c.rank(x))?,
        None => {
            x = c.reshape(x, &[-1])?;
            0
        }
    };
    let kept = positions(c, condition)?;
    one(c.gather(x, kept, axis)?)
}
