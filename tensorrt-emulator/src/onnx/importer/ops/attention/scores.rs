//! Attention with its scores as a tensor of the network: softcaps, windows, values of another size, and the scores as an output.

use tensorrt_sys::{ActivationType, ElementWiseOperation as Op, MatrixOperation, ReduceOperation};

use super::super::super::context::{Context, mask};
use super::super::super::shapes::Shape;
use super::{Form, Parts, bias};
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

/// The output [batch, heads, tokens, size], and the scores as far as the form shows them.
pub(super) fn attention(c: &mut Context<'_>, form: &Form, parts: &Parts) -> Result<(TensorId, Option<TensorId>)> {
    let heads = [c.dims(parts.q)[1], c.dims(parts.k)[1]];
    let raw = grouped(c, heads, [parts.q, parts.k], MatrixOperation::Transpose)?;
    let capped = if form.softcap == 0.0 {
        raw
    } else {
        let cap = f64::from(form.softcap);
        let scaled = c.binary_scalar(Op::Div, raw, cap)?;
        let bounded = c.activation(ActivationType::Tanh, scaled, 0.0, 0.0)?;
        c.binary_scalar(Op::Prod, bounded, cap)?
    };
    let bias = bias::bias(c, form, parts)?;
    let biased = match bias {
        Some(bias) => c.binary(Op::Sum, capped, bias)?,
        None => capped,
    };
    let dtype = c.dtype(parts.q);
    let precise = c.cast(biased, form.precision.unwrap_or(dtype))?;
    let weights = c.add(LayerKind::Softmax { axes: mask([3]) }, &[precise])?;
    let mut weights = c.cast(weights, dtype)?;
    if let Some(bias) = bias {
        // A query that sees no key has no softmax: its weights are zeros.
        let largest = c.reduce(ReduceOperation::Max, bias, &[3], true)?;
        let infinite = c.number(c.dtype(largest), f64::NEG_INFINITY, 4)?;
        let blind = c.binary(Op::Equal, largest, infinite)?;
        let zero = c.number(dtype, 0.0, 4)?;
        weights = c.select(blind, zero, weights)?;
    }
    let y = grouped(c, heads, [weights, parts.v], MatrixOperation::None)?;
    let shown = match form.shown {
        None => None,
        Some(0) => Some(raw),
        Some(1) => Some(capped),
        Some(2) => Some(biased),
        Some(_) => Some(weights),
    };
    Ok((y, shown))
}

/// A product of [batch, heads, m, n] and [batch, shared heads, …]: groups of heads share the right side.
fn grouped(
    c: &mut Context<'_>,
    [heads, shared]: [i64; 2],
    [left, right]: [TensorId; 2],
    op: MatrixOperation,
) -> Result<TensorId> {
    let multiply = LayerKind::MatrixMultiply { ops: [MatrixOperation::None, op] };
    if heads == shared {
        return c.add(multiply, &[left, right]);
    }
    if heads % shared != 0 {
        return Err(Refusal::invalid(format!("{heads} heads of queries do not share {shared} heads of keys")));
    }
    let extents = c.shape_of(left)?;
    let (batch, matrix) = (c.shape_pick(&extents, &[0])?, c.shape_pick(&extents, &[2, 3])?);
    let split = c.shape_concat(&[batch.clone(), Shape::Known(vec![shared, heads / shared]), matrix])?;
    let left = c.reshape_to(left, &split)?;
    let right = c.unsqueeze(right, &[2])?;
    let product = c.add(multiply, &[left, right])?;
    let made = c.shape_of(product)?;
    let matrix = c.shape_pick(&made, &[3, 4])?;
    let joined = c.shape_concat(&[batch, Shape::Known(vec![heads]), matrix])?;
    c.reshape_to(product, &joined)
}
