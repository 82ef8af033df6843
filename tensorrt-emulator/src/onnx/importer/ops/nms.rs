//! Non-maximum suppression.

use tensorrt_sys::{BoundingBoxFormat, DataType, ElementWiseOperation as Op};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("NonMaxSuppression", non_max_suppression)];

/// The candidates of a batch item that TensorRT considers at most.
const LIMIT: i32 = 5000;

/// Rows of (batch item, class, box), the best scores of a batch item first, as TensorRT's layer orders them.
fn non_max_suppression(c: &mut Context<'_>) -> Result<Outputs> {
    let format = match c.int_or("center_point_box", 0)? {
        0 => BoundingBoxFormat::CornerPairs,
        1 => BoundingBoxFormat::CenterSizes,
        other => return Err(Refusal::attribute(format!("center_point_box = {other} is not supported"))),
    };
    let most = if c.has(2) {
        let most = scalar(c, 2)?;
        let most = c.cast(most, DataType::Int64)?;
        c.binary_scalar(Op::Min, most, f64::from(i32::MAX))?
    } else {
        c.int_scalar(0)?
    };
    let most = c.cast(most, DataType::Int32)?;
    let overlap = if c.has(3) { scalar(c, 3)? } else { c.number(DataType::Float, 0.0, 0)? };
    let least = if c.has(4) { scalar(c, 4)? } else { c.number(DataType::Float, f64::from(f32::MIN), 0)? };
    let (boxes, scores) = (c.input(0)?, c.input(1)?);
    if c.rank(scores) != 3 {
        return Err(Refusal::shape(format!("scores of dimensions {}, not [batch, classes, boxes]", c.dims(scores))));
    }
    let scores = c.transpose(scores, &[0, 2, 1])?;
    let kind = LayerKind::Nms { format, topk_limit: LIMIT, indices: DataType::Int64 };
    let inputs = [boxes, scores, most, overlap, least].map(Some).to_vec();
    let layer = c.network.add(kind, inputs)?;
    match c.network.graph().layer(layer).outputs.first() {
        Some(&selected) => one(selected),
        None => Err(Refusal::invalid("a suppression has outputs")),
    }
}

fn scalar(c: &mut Context<'_>, index: usize) -> Result<TensorId> {
    let x = c.input(index)?;
    if c.rank(x) == 0 { Ok(x) } else { c.reshape(x, &[]) }
}
