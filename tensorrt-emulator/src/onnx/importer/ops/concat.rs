//! Joining and splitting.

use tensorrt_sys::SampleMode;

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Concat", concat), ("Split", split)];

fn concat(c: &mut Context<'_>) -> Result<Outputs> {
    let axis = c.required_int("axis")?;
    let inputs = c.all_inputs()?;
    let first = *inputs.first().ok_or_else(|| Refusal::invalid("there are no inputs"))?;
    let axis = c.axis(axis, c.rank(first))?;
    one(c.concat(&inputs, axis)?)
}

fn split(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let axis = c.axis(c.int_or("axis", 0)?, c.rank(x))?;
    let parts = c.node.output.len();
    let sizes = if c.opset < 13 {
        c.ints("split")?.map(Shape::Known)
    } else if c.has(1) {
        Some(c.shape_input(1, "split")?)
    } else {
        None
    };
    let sizes = match sizes {
        Some(sizes) => sizes,
        None => equal_parts(c, x, axis, parts)?,
    };
    if sizes.len() != parts {
        return Err(Refusal::invalid(format!("{} sizes for {parts} outputs", sizes.len())));
    }
    if let Shape::Known(sizes) = &sizes {
        let extent = c.dims(x)[axis];
        let sum = sizes.iter().try_fold(0i64, |sum, &size| sum.checked_add(size));
        if sizes.iter().any(|&size| size < 0) || (extent >= 0 && sum != Some(extent)) {
            return Err(Refusal::invalid(format!("parts of {sizes:?} do not make up {extent}")));
        }
    }
    let mut start = Shape::Known(vec![0]);
    let mut outputs = Vec::with_capacity(parts);
    for part in 0..parts {
        let size = c.shape_pick(&sizes, &[part])?;
        let stride = Shape::Known(vec![1]);
        outputs.push(c.slice(x, Some(&[axis]), [&start, &size, &stride], SampleMode::StrictBounds, None)?.into());
        start = c.shape_add(&start, &size)?;
    }
    Ok(outputs)
}

/// Parts of the same size; with `num_outputs` the last may be smaller.
fn equal_parts(c: &mut Context<'_>, x: crate::graph::TensorId, axis: usize, parts: usize) -> Result<Shape> {
    let count = i64::try_from(parts).unwrap_or(i64::MAX);
    if let Some(wanted) = c.int("num_outputs")?
        && wanted != count
    {
        return Err(Refusal::invalid(format!("num_outputs = {wanted} with {parts} outputs")));
    }
    let extents = c.shape_of(x)?;
    let extent = c.shape_pick(&extents, &[axis])?;
    if let Shape::Known(extent) = &extent
        && c.opset < 18
        && extent.iter().any(|extent| extent % count.max(1) != 0)
    {
        return Err(Refusal::invalid(format!("{extent:?} cannot be split into {parts} equal parts")));
    }
    let part = c.shape_ceil_div(&extent, &Shape::Known(vec![count]))?;
    let before = c.shape_mul(&part, &Shape::Known(vec![count - 1]))?;
    let last = c.shape_sub(&extent, &before)?;
    if matches!(&last, Shape::Known(last) if last.iter().any(|&size| size < 0)) {
        return Err(Refusal::shape(format!("{extent:?} cannot be split into {parts} parts of one size")));
    }
    let mut sizes = vec![part; parts.saturating_sub(1)];
    sizes.push(last);
    c.shape_concat(&sizes)
}
