//! Writing new keys or values into a cache.

use tensorrt_sys::{AttentionIOForm, DataType, ElementWiseOperation as Op, KVCacheMode, ScatterMode};

use super::super::context::{Context, Outputs, one};
use super::super::layers::axis_i32;
use super::Table;
use super::generate::iota;
use crate::graph::{KvCacheUpdate, LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("TensorScatter", tensor_scatter)];

/// TensorRT's cache update for caches of [batch, heads, positions, size] written from an index on; a scatter for the other forms.
fn tensor_scatter(c: &mut Context<'_>) -> Result<Outputs> {
    let (cache, update) = (c.input(0)?, c.input(1)?);
    let rank = c.rank(cache);
    let axis = c.axis(c.int_or("axis", -2)?, rank)?;
    let circular = match c.string_or("mode", "linear")? {
        "linear" => false,
        "circular" => true,
        other => return Err(Refusal::attribute(format!("mode = {other} is not supported"))),
    };
    let (whole, part) = (c.dims(cache), c.dims(update));
    let same = |dim: usize| dim == axis || whole[dim] < 0 || part[dim] < 0 || whole[dim] == part[dim];
    if axis == 0 || part.rank() != rank || !(0..rank).all(same) {
        return Err(Refusal::invalid(format!("an update of {part} for {whole}, axis {axis}")));
    }
    let indices = c.optional(2)?;
    let floats = matches!(c.dtype(cache), DataType::Float | DataType::Half | DataType::Bf16);
    if rank == 4 && axis == 2 && !circular && floats && c.dims(cache)[2] >= 0 {
        let indices = match indices {
            Some(indices) => c.cast(indices, DataType::Int32)?,
            None => {
                let extents = c.shape_of(cache)?;
                let batch = c.shape_pick(&extents, &[0])?;
                c.filled(DataType::Int32, 0.0, &batch)?
            }
        };
        let kind = KvCacheUpdate { mode: KVCacheMode::Linear, form: AttentionIOForm::PaddedBhnd };
        return one(c.add(LayerKind::KvCacheUpdate(kind), &[cache, update, indices])?);
    }
    let targets = targets(c, cache, update, indices, axis, circular)?;
    let kind = LayerKind::Scatter { mode: ScatterMode::Element, axis: axis_i32(axis), combine: None };
    one(c.add(kind, &[cache, targets, update])?)
}

/// The position along `axis` of every element of the update.
fn targets(
    c: &mut Context<'_>,
    cache: TensorId,
    update: TensorId,
    indices: Option<TensorId>,
    axis: usize,
    circular: bool,
) -> Result<TensorId> {
    let (whole, part) = (c.shape_of(cache)?, c.shape_of(update)?);
    let rank = whole.len();
    let all_but = |kept: usize| (0..rank).filter(|&dim| dim != kept).collect::<Vec<_>>();
    let count = c.shape_pick(&part, &[axis])?;
    let mut at = iota(c, &count)?;
    at = c.unsqueeze(at, &all_but(axis))?;
    if let Some(indices) = indices {
        let first = c.cast(indices, DataType::Int64)?;
        let first = c.unsqueeze(first, &all_but(0))?;
        at = c.binary(Op::Sum, at, first)?;
    }
    if circular {
        let capacity = c.shape_pick(&whole, &[axis])?;
        let capacity = c.shape_tensor(&capacity)?;
        let capacity = c.reshape(capacity, &vec![1; rank])?;
        let rounds = c.binary(Op::FloorDiv, at, capacity)?;
        let passed = c.binary(Op::Prod, rounds, capacity)?;
        at = c.binary(Op::Sub, at, passed)?;
    }
    c.broadcast_to(at, &part)
}
