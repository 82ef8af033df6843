//! What is added to the scores: the mask, and −∞ for the keys that a query does not see.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, SampleMode, UnaryOperation};

use super::super::super::context::Context;
use super::super::super::shapes::Shape;
use super::super::generate::iota;
use super::{Form, Parts};
use crate::graph::TensorId;
use crate::onnx::error::{Refusal, Result};

/// The mask as [batch, heads, queries, keys], each 1 where it repeats; a mask of fewer keys than `k` has hides the others.
pub(super) fn aligned(c: &mut Context<'_>, mask: TensorId, k: TensorId) -> Result<TensorId> {
    let dims = c.dims(mask);
    if dims.rank() > 4 {
        return Err(Refusal::shape(format!("attn_mask has rank {}, not up to 4", dims.rank())));
    }
    let Some(last) = dims.rank().checked_sub(1) else { return c.lead_with_ones(mask, 4) };
    let keys = c.dims(k)[2];
    if keys >= 0 && dims[last] > keys {
        return Err(Refusal::shape(format!("attn_mask {dims} has more than {keys} keys")));
    }
    let mask = if dims[last] >= 0 && dims[last] == keys {
        mask
    } else {
        let hidden = if c.dtype(mask) == DataType::Bool { 0.0 } else { f64::NEG_INFINITY };
        let fill = c.number(c.dtype(mask), hidden, 0)?;
        let extents = c.shape_of(k)?;
        let keys = c.shape_pick(&extents, &[2])?;
        let own = c.shape_of(mask)?;
        let (outer, width) = (c.shape_pick(&own, &(0..last).collect::<Vec<_>>())?, c.shape_pick(&own, &[last])?);
        // A mask of more keys keeps them, and does not broadcast.
        let width = c.shape_max(&width, &keys)?;
        let wanted = c.shape_concat(&[outer, width])?;
        let (start, stride) = (Shape::splat(0, dims.rank()), Shape::splat(1, dims.rank()));
        c.slice(mask, None, [&start, &wanted, &stride], SampleMode::Fill, Some(fill))?
    };
    c.lead_with_ones(mask, 4)
}

/// The bias of the scores; `None` where every query sees every key.
pub(super) fn bias(c: &mut Context<'_>, form: &Form, parts: &Parts) -> Result<Option<TensorId>> {
    let mut hidden = Vec::new();
    let mut added = None;
    if let Some(mask) = parts.mask {
        if c.dtype(mask) == DataType::Bool {
            hidden.push(c.unary(UnaryOperation::Not, mask)?);
        } else {
            added = Some(mask);
        }
    }
    if form.causal || form.window != [None, None] {
        let distance = distance(c, parts)?;
        let [before, after] = form.window;
        let after = if form.causal { Some(0) } else { after };
        // A query at position p sees the keys from p − before to p + after.
        if let Some(before) = before {
            let before = c.number(DataType::Int64, as_float(before)?, 4)?;
            hidden.push(c.binary(Op::Greater, distance, before)?);
        }
        if let Some(after) = after {
            let after = c.number(DataType::Int64, -as_float(after)?, 4)?;
            hidden.push(c.binary(Op::Less, distance, after)?);
        }
    }
    if let Some(lengths) = parts.lengths {
        let keys = positions(c, parts.k, 3)?;
        let lengths = per_entry(c, lengths)?;
        let seen = c.binary(Op::Less, keys, lengths)?;
        hidden.push(c.unary(UnaryOperation::Not, seen)?);
    }
    let Some(hidden) = hidden.into_iter().map(Ok).reduce(|a, b| c.binary(Op::Or, a?, b?)) else { return Ok(added) };
    let dtype = c.dtype(parts.q);
    let infinite = c.number(dtype, f64::NEG_INFINITY, 4)?;
    let rest = match added {
        Some(mask) => mask,
        None => c.number(dtype, 0.0, 4)?,
    };
    c.select(hidden?, infinite, rest).map(Some)
}

fn as_float(size: i64) -> Result<f64> {
    i32::try_from(size).map(f64::from).map_err(|_| Refusal::attribute(format!("a window of {size} is not supported")))
}

/// A vector of one element a batch entry, as int64 of [batch, 1, 1, 1].
fn per_entry(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    if c.rank(x) != 1 {
        return Err(Refusal::shape("nonpad_kv_seqlen must be a vector"));
    }
    let x = c.cast(x, DataType::Int64)?;
    c.unsqueeze(x, &[1, 2, 3])
}

/// 0, 1, 2, … for the tokens of `x`, along dimension `axis` of four.
fn positions(c: &mut Context<'_>, x: TensorId, axis: usize) -> Result<TensorId> {
    let extents = c.shape_of(x)?;
    let tokens = c.shape_pick(&extents, &[2])?;
    let count = iota(c, &tokens)?;
    let others: Vec<usize> = (0..4).filter(|&dim| dim != axis).collect();
    c.unsqueeze(count, &others)
}

/// The position of each query less the position of each key.
fn distance(c: &mut Context<'_>, parts: &Parts) -> Result<TensorId> {
    let (queries, keys) = (positions(c, parts.q, 2)?, positions(c, parts.k, 3)?);
    let first = match (&parts.past, parts.lengths) {
        (Some((past, _)), _) => {
            let past = c.shape_tensor(past)?;
            Some(c.reshape(past, &[1, 1, 1, 1])?)
        }
        (None, Some(lengths)) => {
            let lengths = per_entry(c, lengths)?;
            let extents = c.shape_of(parts.q)?;
            let count = c.shape_pick(&extents, &[2])?;
            let count = c.shape_tensor(&count)?;
            let count = c.reshape(count, &[1, 1, 1, 1])?;
            Some(c.binary(Op::Sub, lengths, count)?)
        }
        (None, None) => None,
    };
    let queries = match first {
        Some(first) => c.binary(Op::Sum, queries, first)?,
        None => queries,
    };
    c.binary(Op::Sub, queries, keys)
}
