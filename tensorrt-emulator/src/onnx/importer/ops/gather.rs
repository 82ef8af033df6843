//! Picking elements and slices.

use tensorrt_sys::GatherMode;

use super::super::context::{Context, Outputs, one};
use super::super::layers::axis_i32;
use super::Table;
use crate::graph::LayerKind;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Gather", gather), ("GatherElements", gather_elements), ("GatherND", gather_nd)];

fn gather(c: &mut Context<'_>) -> Result<Outputs> {
    let (x, indices) = (c.input(0)?, c.input(1)?);
    let axis = c.axis(c.int_or("axis", 0)?, c.rank(x))?;
    one(c.gather(x, indices, axis)?)
}

fn gather_elements(c: &mut Context<'_>) -> Result<Outputs> {
    let (x, indices) = (c.input(0)?, c.input(1)?);
    let axis = axis_i32(c.axis(c.int_or("axis", 0)?, c.rank(x))?);
    one(c.add(LayerKind::Gather { axis, num_elementwise_dims: 0, mode: GatherMode::Element }, &[x, indices])?)
}

fn gather_nd(c: &mut Context<'_>) -> Result<Outputs> {
    let (x, indices) = (c.input(0)?, c.input(1)?);
    let batch = c.int_or("batch_dims", 0)?;
    let rank = c.rank(x).min(c.rank(indices));
    let batch = usize::try_from(batch).ok().filter(|&batch| batch < rank);
    let batch = batch.ok_or_else(|| Refusal::invalid(format!("batch_dims is out of range for rank {rank}")))?;
    let num_elementwise_dims = axis_i32(batch);
    one(c.add(LayerKind::Gather { axis: 0, num_elementwise_dims, mode: GatherMode::Nd }, &[x, indices])?)
}
