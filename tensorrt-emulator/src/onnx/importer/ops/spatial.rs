//! Rearranging and sampling of pixels and sequences.

use tensorrt_sys::{InterpolationMode, SampleMode};

use super::super::context::{Context, Outputs, one};
use super::super::layers::axis_i32;
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[
    ("DepthToSpace", depth_to_space),
    ("GridSample", grid_sample),
    ("ReverseSequence", reverse_sequence),
    ("RotaryEmbedding", rotary_embedding),
    ("SpaceToDepth", space_to_depth),
];

/// The input, its four extents and the block's size.
fn blocks(c: &mut Context<'_>) -> Result<(TensorId, [Shape; 4], Shape)> {
    let block = c.required_int("blocksize")?;
    let x = c.input(0)?;
    let dims = c.dims(x);
    if dims.rank() != 4 || !(1..=1 << 20).contains(&block) {
        return Err(Refusal::shape(format!("blocks of {block} in an input of {dims}")));
    }
    let extents = c.shape_of(x)?;
    let mut part = |index: usize| c.shape_pick(&extents, &[index]);
    let parts = [part(0)?, part(1)?, part(2)?, part(3)?];
    Ok((x, parts, Shape::Known(vec![block])))
}

fn divided(c: &mut Context<'_>, extent: &Shape, by: &Shape) -> Result<Shape> {
    if let (Shape::Known(extent), Shape::Known(by)) = (extent, by)
        && extent.iter().zip(by).any(|(extent, by)| extent % by != 0)
    {
        return Err(Refusal::invalid(format!("an extent of {extent:?} is not divisible by {by:?}")));
    }
    c.shape_floor_div(extent, by)
}

/// Whether the channels come before the block's rows and columns in the depth.
fn channels_first(c: &Context<'_>) -> Result<bool> {
    match c.string_or("mode", "DCR")? {
        "DCR" => Ok(false),
        "CRD" => Ok(true),
        other => Err(Refusal::attribute(format!("mode = {other} is not supported"))),
    }
}

fn depth_to_space(c: &mut Context<'_>) -> Result<Outputs> {
    let crd = channels_first(c)?;
    let (x, [n, depth, height, width], block) = blocks(c)?;
    let area = c.shape_mul(&block, &block)?;
    let channels = divided(c, &depth, &area)?;
    let (split, order) = if crd {
        ([n.clone(), channels.clone(), block.clone(), block.clone(), height.clone(), width.clone()], [0, 1, 4, 2, 5, 3])
    } else {
        ([n.clone(), block.clone(), block.clone(), channels.clone(), height.clone(), width.clone()], [0, 3, 4, 1, 5, 2])
    };
    let (tall, wide) = (c.shape_mul(&height, &block)?, c.shape_mul(&width, &block)?);
    rearranged(c, x, &split, &order, &[n, channels, tall, wide])
}

fn space_to_depth(c: &mut Context<'_>) -> Result<Outputs> {
    let crd = channels_first(c)?;
    let (x, [n, channels, height, width], block) = blocks(c)?;
    let (low, narrow) = (divided(c, &height, &block)?, divided(c, &width, &block)?);
    let area = c.shape_mul(&block, &block)?;
    let depth = c.shape_mul(&channels, &area)?;
    let split = [n.clone(), channels, low.clone(), block.clone(), narrow.clone(), block];
    let order = if crd { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] };
    rearranged(c, x, &split, &order, &[n, depth, low, narrow])
}

fn rearranged(c: &mut Context<'_>, x: TensorId, split: &[Shape], order: &[usize], joined: &[Shape]) -> Result<Outputs> {
    let split = c.shape_concat(split)?;
    let x = c.reshape_to(x, &split)?;
    let x = c.transpose(x, order)?;
    let joined = c.shape_concat(joined)?;
    one(c.reshape_to(x, &joined)?)
}

fn grid_sample(c: &mut Context<'_>) -> Result<Outputs> {
    let interpolation = match c.string_or("mode", if c.opset < 20 { "bilinear" } else { "linear" })? {
        "bilinear" | "linear" => InterpolationMode::Linear,
        "nearest" => InterpolationMode::Nearest,
        "bicubic" | "cubic" => InterpolationMode::Cubic,
        other => return Err(Refusal::attribute(format!("mode = {other} is not supported"))),
    };
    let sample_mode = match c.string_or("padding_mode", "zeros")? {
        "zeros" => SampleMode::Fill,
        "border" => SampleMode::Clamp,
        "reflection" => SampleMode::Reflect,
        other => return Err(Refusal::attribute(format!("padding_mode = {other} is not supported"))),
    };
    let align_corners = c.int_or("align_corners", 0)? != 0;
    let (x, grid) = (c.input(0)?, c.input(1)?);
    one(c.add(LayerKind::GridSample { interpolation, align_corners, sample_mode }, &[x, grid])?)
}

fn reverse_sequence(c: &mut Context<'_>) -> Result<Outputs> {
    let (x, lengths) = (c.input(0)?, c.input(1)?);
    let rank = c.rank(x);
    let batch_axis = axis_i32(c.axis(c.int_or("batch_axis", 1)?, rank)?);
    let sequence_axis = axis_i32(c.axis(c.int_or("time_axis", 0)?, rank)?);
    one(c.add(LayerKind::ReverseSequence { batch_axis, sequence_axis }, &[x, lengths])?)
}

/// An input of [batch, sequence, hidden] is taken apart into heads first.
fn rotary_embedding(c: &mut Context<'_>) -> Result<Outputs> {
    let interleaved = c.int_or("interleaved", 0)? != 0;
    let dim = c.int_or("rotary_embedding_dim", 0)?;
    let dim = i32::try_from(dim).map_err(|_| Refusal::invalid(format!("rotary_embedding_dim = {dim}")))?;
    let heads = c.int_or("num_heads", 0)?;
    let x = c.input(0)?;
    let kind = LayerKind::RotaryEmbedding { interleaved, dim };
    let rest = [Some(c.input(1)?), Some(c.input(2)?), c.optional(3)?];
    let rotate = |c: &mut Context<'_>, x: TensorId| {
        let inputs = std::iter::once(Some(x)).chain(rest).collect();
        c.add_optional(kind.clone(), inputs)
    };
    match c.rank(x) {
        4 => one(rotate(c, x)?),
        3 => {
            if heads < 1 {
                return Err(Refusal::invalid("num_heads is needed for an input of rank 3"));
            }
            let extents = c.shape_of(x)?;
            let outer = c.shape_pick(&extents, &[0, 1])?;
            let hidden = c.shape_pick(&extents, &[2])?;
            let heads = Shape::Known(vec![heads]);
            let size = divided(c, &hidden, &heads)?;
            let split = c.shape_concat(&[outer, heads, size])?;
            let y = c.reshape_to(x, &split)?;
            let y = c.transpose(y, &[0, 2, 1, 3])?;
            let y = rotate(c, y)?;
            let y = c.transpose(y, &[0, 2, 1, 3])?;
            one(c.reshape_to(y, &extents)?)
        }
        rank => Err(Refusal::shape(format!("an input of rank {rank} is neither 3 nor 4"))),
    }
}
