//! Softmax and its relatives.

use tensorrt_sys::{ElementWiseOperation as Op, TopKOperation};

use super::super::context::{Context, Outputs, mask, one};
use super::super::layers::axis_i32;
use super::Table;
use super::reduce::log_sum_exp_of;
use super::reshape::flat_shape;
use super::topk::top;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::Result;
use crate::tensor::Tensor;

pub(super) const OPS: Table = &[
    ("Hardmax", |c| along(c, hardmax)),
    ("LogSoftmax", |c| along(c, log_softmax)),
    ("Softmax", |c| along(c, softmax)),
];

/// Applies a function along one axis. Before opset 13 it goes over all dimensions from `axis` on, as one.
fn along(c: &mut Context<'_>, function: fn(&mut Context<'_>, TensorId, usize) -> Result<TensorId>) -> Result<Outputs> {
    let x = c.input(0)?;
    let rank = c.rank(x);
    if c.opset >= 13 {
        let axis = c.axis(c.int_or("axis", -1)?, rank)?;
        return one(function(c, x, axis)?);
    }
    let axis = c.axis(c.int_or("axis", 1)?, rank)?;
    if axis + 1 == rank {
        return one(function(c, x, axis)?);
    }
    let shape = c.shape_of(x)?;
    let flat = flat_shape(c, x, axis)?;
    let matrix = c.reshape_to(x, &flat)?;
    let matrix = function(c, matrix, 1)?;
    one(c.reshape_to(matrix, &shape)?)
}

fn softmax(c: &mut Context<'_>, x: TensorId, axis: usize) -> Result<TensorId> {
    if c.rank(x) == 1 {
        // The layer takes no less than two dimensions.
        let matrix = c.unsqueeze(x, &[0])?;
        let matrix = softmax(c, matrix, axis + 1)?;
        return c.squeeze(matrix, &[0]);
    }
    c.add(LayerKind::Softmax { axes: mask([axis]) }, &[x])
}

/// x − log Σ exp(x), which stays finite where the softmax underflows.
fn log_softmax(c: &mut Context<'_>, x: TensorId, axis: usize) -> Result<TensorId> {
    let sum = log_sum_exp_of(c, x, &[axis])?;
    c.binary(Op::Sub, x, sum)
}

/// 1 at the first largest element, 0 elsewhere.
fn hardmax(c: &mut Context<'_>, x: TensorId, axis: usize) -> Result<TensorId> {
    let (_, largest) = top(c, TopKOperation::Max, x, axis, 1, None)?;
    let largest = c.squeeze(largest, &[axis])?;
    let extents = c.shape_of(x)?;
    let depth = c.shape_pick(&extents, &[axis])?;
    let depth = c.shape_tensor(&depth)?;
    let depth = c.reshape(depth, &[])?;
    let values = c.constant(&Tensor::from_slice(crate::tensor::Dims::new(&[2])?, &[0f32, 1.0])?)?;
    let encoded = c.add(LayerKind::OneHot { axis: axis_i32(axis) }, &[largest, values, depth])?;
    c.cast(encoded, c.dtype(x))
}
