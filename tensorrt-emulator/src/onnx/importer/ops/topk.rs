//! The largest and smallest elements.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, SampleMode, TopKOperation};

use super::super::context::{Context, Outputs, mask, one};
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{LayerKind, TensorId, TopK};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table =
    &[("ArgMax", |c| arg(c, TopKOperation::Max)), ("ArgMin", |c| arg(c, TopKOperation::Min)), ("TopK", top_k)];

/// Values and indices along an axis; a vector passes as a matrix of one row, for the layer takes no less.
pub(super) fn top(
    c: &mut Context<'_>,
    op: TopKOperation,
    x: TensorId,
    axis: usize,
    k: i64,
    count: Option<TensorId>,
) -> Result<(TensorId, TensorId)> {
    if c.rank(x) == 1 {
        let matrix = c.unsqueeze(x, &[0])?;
        let (values, indices) = top(c, op, matrix, axis + 1, k, count)?;
        return Ok((c.squeeze(values, &[0])?, c.squeeze(indices, &[0])?));
    }
    let k = i32::try_from(k).map_err(|_| Refusal::invalid(format!("k = {k}")))?;
    let kind = TopK { op, k, axes: mask([axis]), indices: DataType::Int64 };
    let mut inputs = vec![Some(x)];
    inputs.extend(count.map(Some));
    let layer = c.network.add(LayerKind::TopK(kind), inputs)?;
    match *c.network.graph().layer(layer).outputs {
        [values, indices] => Ok((values, indices)),
        _ => Err(Refusal::invalid("top-k has two outputs")),
    }
}

/// All elements of a vector in order, equal ones in their own, and where they were.
pub(super) fn sort(
    c: &mut Context<'_>,
    op: TopKOperation,
    x: TensorId,
    length: &Shape,
) -> Result<(TensorId, TensorId)> {
    if let Shape::Known(length) = length
        && let [length] = length[..]
    {
        return top(c, op, x, 0, length, None);
    }
    let length = c.shape_tensor(length)?;
    let length = c.reshape(length, &[])?;
    top(c, op, x, 0, 1, Some(length))
}

fn top_k(c: &mut Context<'_>) -> Result<Outputs> {
    let op = if c.opset < 11 || c.int_or("largest", 1)? != 0 { TopKOperation::Max } else { TopKOperation::Min };
    let x = c.input(0)?;
    let axis = c.axis(c.int_or("axis", -1)?, c.rank(x))?;
    let k = if c.opset < 10 { Some(vec![c.required_int("k")?]) } else { c.known_ints(1) };
    let (values, indices) = match k.as_deref() {
        Some([k]) if *k >= 0 => top(c, op, x, axis, *k, None)?,
        Some(k) => return Err(Refusal::invalid(format!("k = {k:?}"))),
        None => {
            let k = c.input(1)?;
            let k = if c.rank(k) == 0 { k } else { c.reshape(k, &[])? };
            top(c, op, x, axis, 1, Some(k))?
        }
    };
    Ok(vec![values.into(), indices.into()])
}

/// The position of the first such element; with `select_last_index` that of the last, found from the other end.
fn arg(c: &mut Context<'_>, op: TopKOperation) -> Result<Outputs> {
    let (keep, last) = (c.int_or("keepdims", 1)? != 0, c.int_or("select_last_index", 0)? != 0);
    let mut x = c.input(0)?;
    let axis = c.axis(c.int_or("axis", 0)?, c.rank(x))?;
    let extents = c.shape_of(x)?;
    let extent = c.shape_pick(&extents, &[axis])?;
    let end = c.shape_sub(&extent, &Shape::Known(vec![1]))?;
    if last {
        let stride = Shape::Known(vec![-1]);
        x = c.slice(x, Some(&[axis]), [&end, &extent, &stride], SampleMode::StrictBounds, None)?;
    }
    let (_, mut index) = top(c, op, x, axis, 1, None)?;
    if last {
        let end = c.shape_tensor(&end)?;
        let ones = vec![1; c.rank(index)];
        let end = c.reshape(end, &ones)?;
        index = c.binary(Op::Sub, end, index)?;
    }
    one(if keep { index } else { c.squeeze(index, &[axis])? })
}
