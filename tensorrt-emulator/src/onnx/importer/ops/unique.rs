//! The distinct elements or slices of a tensor.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, ReduceOperation, ScatterMode, TopKOperation, UnaryOperation};

use super::super::context::{Context, Outputs};
use super::super::shapes::Shape;
use super::Table;
use super::generate::iota;
use super::non_zero::positions;
use super::topk::sort;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Unique", unique)];

/// More elements than a slice may have: each is sorted by once.
const WIDEST: i64 = 64;

/// What is compared: slices as rows of [count, width], and how to bring them back.
struct Rows {
    rows: TensorId,
    count: Shape,
    width: usize,
    /// The extents of a slice and the order of the dimensions that brings its axis back; `None` where elements are compared.
    back: Option<(Shape, Vec<usize>)>,
}

fn rows(c: &mut Context<'_>) -> Result<Rows> {
    let x = c.input(0)?;
    let extents = c.shape_of(x)?;
    let Some(axis) = c.int("axis")? else {
        let count = c.shape_product(&extents)?;
        return Ok(Rows { rows: c.reshape(x, &[-1, 1])?, count, width: 1, back: None });
    };
    let rank = c.rank(x);
    let axis = c.axis(axis, rank)?;
    let others: Vec<usize> = (0..rank).filter(|&dim| dim != axis).collect();
    let slice = c.shape_pick(&extents, &others)?;
    let Shape::Known(inner) = &slice else {
        return Err(Refusal::dynamic("the slices of Unique have extents only known at run time"));
    };
    let width = inner.iter().try_fold(1i64, |product, &d| product.checked_mul(d)).filter(|w| (1..=WIDEST).contains(w));
    let width =
        width.ok_or_else(|| Refusal::shape(format!("slices of {inner:?}: 1 to {WIDEST} elements are supported")))?;
    let order: Vec<usize> = std::iter::once(axis).chain(others).collect();
    let first = c.transpose(x, &order)?;
    let mut restored = vec![0; rank];
    order.iter().enumerate().for_each(|(position, &dim)| restored[dim] = position);
    Ok(Rows {
        rows: c.reshape(first, &[-1, width])?,
        count: c.shape_pick(&extents, &[axis])?,
        width: usize::try_from(width).unwrap_or(1),
        back: Some((slice, restored)),
    })
}

/// Rows sorted by their columns, the last first; each sort keeps the order of equal ones.
fn sorted_order(c: &mut Context<'_>, rows: &Rows) -> Result<TensorId> {
    let mut order = iota(c, &rows.count)?;
    for column in (0..rows.width).rev() {
        let at = c.int_scalar(i64::try_from(column).unwrap_or(0))?;
        let column = c.gather(rows.rows, at, 1)?;
        let column = c.gather(column, order, 0)?;
        let (_, next) = sort(c, TopKOperation::Min, column, &rows.count)?;
        order = c.gather(order, next, 0)?;
    }
    Ok(order)
}

/// `values[i]` at position `order[i]`.
fn scattered(c: &mut Context<'_>, order: TensorId, values: TensorId) -> Result<TensorId> {
    c.add(LayerKind::Scatter { mode: ScatterMode::Element, axis: 0, combine: None }, &[order, order, values])
}

/// Sorts, marks what differs from its predecessor, and numbers the runs of equal rows.
fn unique(c: &mut Context<'_>) -> Result<Outputs> {
    let by_value = c.int_or("sorted", 1)? != 0;
    let rows = rows(c)?;
    let order = sorted_order(c, &rows)?;
    let sorted = c.gather(rows.rows, order, 0)?;
    let steps = iota(c, &rows.count)?;
    let before = c.binary_scalar(Op::Sub, steps, 1.0)?;
    let before = c.binary_scalar(Op::Max, before, 0.0)?;
    let previous = c.gather(sorted, before, 0)?;
    let same = c.binary(Op::Equal, sorted, previous)?;
    let same = c.cast(same, DataType::Int32)?;
    let same = c.reduce(ReduceOperation::Min, same, &[1], false)?;
    let same = c.cast(same, DataType::Bool)?;
    let differs = c.unary(UnaryOperation::Not, same)?;
    let start = c.binary_scalar(Op::Equal, steps, 0.0)?;
    let starts = c.binary(Op::Or, differs, start)?;
    let heads = positions(c, starts)?;
    let found = c.shape_of(heads)?;
    let mut first = c.gather(order, heads, 0)?;
    let end = c.shape_tensor(&rows.count)?;
    let ends = c.concat(&[heads, end], 0)?;
    let numbers = iota(c, &found)?;
    let next = c.binary_scalar(Op::Sum, numbers, 1.0)?;
    let next = c.gather(ends, next, 0)?;
    let mut counts = c.binary(Op::Sub, next, heads)?;
    let starts = c.cast(starts, DataType::Int64)?;
    let axis = c.int_scalar(0)?;
    let op = tensorrt_sys::CumulativeOperation::Sum;
    let group = c.add(LayerKind::Cumulative { op, exclusive: false, reverse: false }, &[starts, axis])?;
    let mut group = c.binary_scalar(Op::Sub, group, 1.0)?;
    if !by_value {
        let (_, rank) = sort(c, TopKOperation::Min, first, &found)?;
        first = c.gather(first, rank, 0)?;
        counts = c.gather(counts, rank, 0)?;
        let place = scattered(c, rank, numbers)?;
        group = c.gather(place, group, 0)?;
    }
    let inverse = scattered(c, order, group)?;
    let values = c.gather(rows.rows, first, 0)?;
    let values = match &rows.back {
        None => c.squeeze(values, &[1])?,
        Some((slice, restored)) => {
            let extents = c.shape_concat(&[found, slice.clone()])?;
            let values = c.reshape_to(values, &extents)?;
            c.transpose(values, restored)?
        }
    };
    Ok([values, first, inverse, counts].map(Into::into).to_vec())
}
