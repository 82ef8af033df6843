//! Reductions.

use tensorrt_sys::{ActivationType, DataType, ElementWiseOperation as Op, ReduceOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::TensorId;
use crate::onnx::error::Result;

pub(super) const OPS: Table = &[
    ("ReduceL1", |c| composed(c, absolute, ReduceOperation::Sum, same)),
    ("ReduceL2", |c| composed(c, square, ReduceOperation::Sum, root)),
    ("ReduceLogSum", |c| composed(c, same, ReduceOperation::Sum, log)),
    ("ReduceLogSumExp", log_sum_exp),
    ("ReduceMax", |c| composed(c, same, ReduceOperation::Max, same)),
    ("ReduceMean", |c| composed(c, same, ReduceOperation::Avg, same)),
    ("ReduceMin", |c| composed(c, same, ReduceOperation::Min, same)),
    ("ReduceProd", |c| composed(c, same, ReduceOperation::Prod, same)),
    ("ReduceSum", |c| composed(c, same, ReduceOperation::Sum, same)),
    ("ReduceSumSquare", |c| composed(c, square, ReduceOperation::Sum, same)),
];

type Step = fn(&mut Context<'_>, TensorId) -> Result<TensorId>;

fn same(_: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    Ok(x)
}

fn absolute(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    c.unary(UnaryOperation::Abs, x)
}

fn square(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    c.binary(Op::Prod, x, x)
}

fn root(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    c.unary(UnaryOperation::Sqrt, x)
}

fn log(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    c.unary(UnaryOperation::Log, x)
}

/// The axes, which are an input since opset 13 (`ReduceSum`) or 18 (all others); `None` where nothing is to be reduced.
fn axes(c: &Context<'_>) -> Result<Option<Vec<usize>>> {
    let since = if c.node.op_type == "ReduceSum" { 13 } else { 18 };
    let axes = if c.opset < since { c.ints("axes")? } else { c.const_ints(1, "axes")? };
    let rank = c.input_dims(0)?.rank();
    match axes {
        Some(axes) if !axes.is_empty() => c.axes(&axes, rank).map(Some),
        _ if c.int_or("noop_with_empty_axes", 0)? != 0 => Ok(None),
        _ => Ok(Some((0..rank).collect())),
    }
}

fn composed(c: &mut Context<'_>, before: Step, op: ReduceOperation, after: Step) -> Result<Outputs> {
    let axes = axes(c)?.unwrap_or_default();
    let keep = c.int_or("keepdims", 1)? != 0;
    let input = c.input(0)?;
    let dtype = c.dtype(input);
    let x = if dtype == DataType::Bool { c.cast(input, DataType::Int32)? } else { input };
    let y = before(c, x)?;
    let y = c.reduce(op, y, &axes, keep)?;
    let mut y = after(c, y)?;
    if dtype == DataType::Bool && op == ReduceOperation::Max {
        // The largest of no elements is the least integer, which is no boolean.
        y = c.binary_scalar(Op::Max, y, 0.0)?;
    }
    let y = c.cast(y, dtype)?;
    one(if y == input { c.identity(y)? } else { y })
}

/// The largest element is taken out of the exponentials, so that they cannot overflow.
fn log_sum_exp(c: &mut Context<'_>) -> Result<Outputs> {
    let Some(axes) = axes(c)?.filter(|axes| !axes.is_empty()) else {
        let x = c.input(0)?;
        return one(c.identity(x)?);
    };
    let keep = c.int_or("keepdims", 1)? != 0;
    let x = c.input(0)?;
    let y = log_sum_exp_of(c, x, &axes)?;
    one(if keep { y } else { c.squeeze(y, &axes)? })
}

/// log Σ exp(x) along the axes, which stay as extents of 1.
pub(super) fn log_sum_exp_of(c: &mut Context<'_>, x: TensorId, axes: &[usize]) -> Result<TensorId> {
    let largest = c.reduce(ReduceOperation::Max, x, axes, true)?;
    let (low, high) = if c.dtype(x) == DataType::Half { (-65504.0, 65504.0) } else { (f32::MIN, f32::MAX) };
    let largest = c.activation(ActivationType::Clip, largest, low, high)?;
    let shifted = c.binary(Op::Sub, x, largest)?;
    let powers = c.unary(UnaryOperation::Exp, shifted)?;
    let sum = c.reduce(ReduceOperation::Sum, powers, axes, true)?;
    let sum = c.unary(UnaryOperation::Log, sum)?;
    c.binary(Op::Sum, sum, largest)
}
