//! Writing at indices, and encodings of indices.

use tensorrt_sys::{DataType, ElementWiseOperation, ScatterMode};

use super::super::context::{Context, Outputs, one};
use super::super::layers::axis_i32;
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[
    ("OneHot", one_hot),
    ("Scatter", scatter_elements),
    ("ScatterElements", scatter_elements),
    ("ScatterND", scatter_nd),
];

/// How updates are combined with what is there.
fn reduction(c: &Context<'_>) -> Result<Option<ElementWiseOperation>> {
    Ok(match c.string_or("reduction", "none")? {
        "none" => None,
        "add" => Some(ElementWiseOperation::Sum),
        "mul" => Some(ElementWiseOperation::Prod),
        "max" => Some(ElementWiseOperation::Max),
        "min" => Some(ElementWiseOperation::Min),
        other => return Err(Refusal::attribute(format!("reduction = {other} is not one of ONNX's"))),
    })
}

fn scatter(c: &mut Context<'_>, mode: ScatterMode, axis: i32) -> Result<Outputs> {
    let combine = reduction(c)?;
    let inputs = [c.input(0)?, c.input(1)?, c.input(2)?];
    one(c.add(LayerKind::Scatter { mode, axis, combine }, &inputs)?)
}

fn scatter_elements(c: &mut Context<'_>) -> Result<Outputs> {
    let rank = c.input_dims(0)?.rank();
    let axis = axis_i32(c.axis(c.int_or("axis", 0)?, rank)?);
    scatter(c, ScatterMode::Element, axis)
}

fn scatter_nd(c: &mut Context<'_>) -> Result<Outputs> {
    scatter(c, ScatterMode::Nd, 0)
}

/// Negative indices count from the depth.
fn one_hot(c: &mut Context<'_>) -> Result<Outputs> {
    let (indices, depth, values) = (c.input(0)?, c.input(1)?, c.input(2)?);
    let rank = c.rank(indices);
    let axis = axis_i32(c.axis(c.int_or("axis", -1)?, rank + 1)?);
    let depth = c.cast(depth, DataType::Int64)?;
    let depth = if c.rank(depth) == 0 { depth } else { c.reshape(depth, &[])? };
    let indices = c.cast(indices, DataType::Int64)?;
    let indices = wrap_negative(c, indices, depth)?;
    // What is still negative is out of range, which the depth is, too.
    let outside = c.binary_scalar(ElementWiseOperation::Less, indices, 0.0)?;
    let indices = c.select(outside, depth, indices)?;
    one(c.add(LayerKind::OneHot { axis }, &[indices, values, depth])?)
}

fn wrap_negative(c: &mut Context<'_>, indices: TensorId, extent: TensorId) -> Result<TensorId> {
    let negative = c.binary_scalar(ElementWiseOperation::Less, indices, 0.0)?;
    let wrapped = c.binary(ElementWiseOperation::Sum, indices, extent)?;
    c.select(negative, wrapped, indices)
}
