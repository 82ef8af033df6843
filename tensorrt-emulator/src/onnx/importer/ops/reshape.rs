//! The same elements under other dimensions.

use tensorrt_sys::{ElementWiseOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{LayerKind, Permutation, Shuffle, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[
    ("Expand", expand),
    ("Flatten", flatten),
    ("Reshape", reshape),
    ("Squeeze", squeeze),
    ("Tile", tile),
    ("Transpose", transpose),
    ("Unsqueeze", unsqueeze),
];

fn reshape(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let shape = if c.opset < 5 {
        Shape::Known(c.ints("shape")?.ok_or_else(|| Refusal::invalid("attribute shape is missing"))?)
    } else {
        c.shape_input(1, "the shape")?
    };
    let zero_is_placeholder = c.int_or("allowzero", 0)? == 0;
    let shuffle = |reshape| {
        let (first, second) = (Permutation::IDENTITY, Permutation::IDENTITY);
        LayerKind::Shuffle(Shuffle { first, reshape, second, zero_is_placeholder })
    };
    one(match shape {
        Shape::Known(extents) => c.add(shuffle(Some(Dims::new(&extents)?)), &[x])?,
        Shape::Tensor(shape, _) => c.add(shuffle(None), &[x, shape])?,
    })
}

/// A matrix: the extents before `axis` times those from it on.
fn flatten(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let rank = c.rank(x);
    let axis = c.int_or("axis", 1)?;
    let axis = if usize::try_from(axis).is_ok_and(|axis| axis == rank) { rank } else { c.axis(axis, rank)? };
    let shape = flat_shape(c, x, axis)?;
    one(c.reshape_to(x, &shape)?)
}

/// The dimensions of `x` as a matrix whose rows are the extents before `axis`.
pub(super) fn flat_shape(c: &mut Context<'_>, x: TensorId, axis: usize) -> Result<Shape> {
    let rank = c.rank(x);
    let extents = c.shape_of(x)?;
    let rows = c.shape_pick(&extents, &(0..axis).collect::<Vec<_>>())?;
    let rows = c.shape_product(&rows)?;
    let columns = c.shape_pick(&extents, &(axis..rank).collect::<Vec<_>>())?;
    let columns = c.shape_product(&columns)?;
    c.shape_concat(&[rows, columns])
}

/// Axes that are an attribute before opset 13 and an input since.
fn axes_since_13(c: &Context<'_>) -> Result<Option<Vec<i64>>> {
    if c.opset < 13 { c.ints("axes") } else { c.const_ints(1, "axes") }
}

fn squeeze(c: &mut Context<'_>) -> Result<Outputs> {
    let axes = axes_since_13(c)?;
    let x = c.input(0)?;
    let dims = c.dims(x);
    let axes = match axes {
        Some(axes) => c.axes(&axes, dims.rank())?,
        None => {
            let unknown = dims.iter().any(|&extent| extent < 0);
            if unknown && c.within && !c.strict {
                return one(squeeze_known(c, x, &dims)?);
            }
            if unknown {
                assert_not_ones(c, x, &dims)?;
            }
            (0..dims.rank()).filter(|&axis| dims[axis] == 1).collect()
        }
    };
    if axes.is_empty() { one(c.identity(x)?) } else { one(c.squeeze(x, &axes)?) }
}

/// Squeezing without axes keeps the extents that only run time knows, as NVIDIA's parser does: one of 1 is an error there.
fn assert_not_ones(c: &mut Context<'_>, x: TensorId, dims: &Dims) -> Result<()> {
    let unknown: Vec<usize> = (0..dims.rank()).filter(|&axis| dims[axis] < 0).collect();
    let extents = c.shape_of(x)?;
    let extents = c.shape_pick(&extents, &unknown)?;
    let (extents, ones) = (c.shape_tensor(&extents)?, c.shape_tensor(&Shape::splat(1, unknown.len()))?);
    let same = c.binary(ElementWiseOperation::Equal, extents, ones)?;
    let condition = c.unary(UnaryOperation::Not, same)?;
    let message = format!("Squeeze without axes of {dims}: an extent is 1; give the axes in the model");
    c.network.add(LayerKind::Assertion { message }, vec![Some(condition)])?;
    Ok(())
}

/// The same within a graph that may not run, where nothing can be asserted: an extent of 1 counts double in the dimensions, which are then
/// not those of as many elements.
fn squeeze_known(c: &mut Context<'_>, x: TensorId, dims: &Dims) -> Result<TensorId> {
    let kept: Vec<usize> = (0..dims.rank()).filter(|&axis| dims[axis] != 1).collect();
    let extents = c.shape_of(x)?;
    let extents = c.shape_pick(&extents, &kept)?;
    let (one, less) = (Shape::splat(1, kept.len()), Shape::splat(-1, kept.len()));
    let above = c.shape_sub(&extents, &one)?;
    let above = c.shape_min(&above, &one)?;
    let sign = c.shape_max(&above, &less)?;
    let differs = c.shape_mul(&sign, &sign)?;
    let is_one = c.shape_sub(&one, &differs)?;
    let wanted = c.shape_add(&extents, &is_one)?;
    c.reshape_to(x, &wanted)
}

fn unsqueeze(c: &mut Context<'_>) -> Result<Outputs> {
    let axes = axes_since_13(c)?.ok_or_else(|| Refusal::invalid("there are no axes"))?;
    let x = c.input(0)?;
    let axes = c.axes(&axes, c.rank(x) + axes.len())?;
    if axes.is_empty() { one(c.identity(x)?) } else { one(c.unsqueeze(x, &axes)?) }
}

fn transpose(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let rank = c.rank(x);
    let order = match c.ints("perm")? {
        Some(perm) => c.axes(&perm, rank)?,
        None => (0..rank).rev().collect(),
    };
    if order.len() != rank {
        return Err(Refusal::invalid(format!("a permutation {order:?} for rank {rank}")));
    }
    one(c.transpose(x, &order)?)
}

/// Broadcasting in both directions: the result's extents are the larger of the input's and the shape's.
fn expand(c: &mut Context<'_>) -> Result<Outputs> {
    let shape = c.shape_input(1, "the shape")?;
    let x = c.input(0)?;
    let rank = c.rank(x).max(shape.len());
    let x = c.lead_with_ones(x, rank)?;
    let shape = c.shape_concat(&[Shape::splat(1, rank - shape.len()), shape])?;
    let dims = c.dims(x);
    let extents = c.shape_of(x)?;
    let size = match (&extents, &shape) {
        (Shape::Known(extents), Shape::Known(shape)) => {
            let pairs = extents.iter().zip(shape);
            if let Some((a, b)) = pairs.clone().find(|&(&a, &b)| a != b && a != 1 && b != 1) {
                return Err(Refusal::invalid(format!("the extent {a} does not broadcast with {b}")));
            }
            Shape::Known(pairs.map(|(&a, &b)| if a == 1 { b } else { a }).collect())
        }
        // What broadcasts up from 1 takes the shape's extents as they are.
        _ if dims.iter().all(|&d| d == 1) => shape.clone(),
        _ => c.shape_max(&extents, &shape)?,
    };
    one(c.broadcast_to(x, &size)?)
}

/// Repeats along each dimension: a slice that wraps around.
fn tile(c: &mut Context<'_>) -> Result<Outputs> {
    let repeats = c.shape_input(1, "repeats")?;
    let x = c.input(0)?;
    let rank = c.rank(x);
    if repeats.len() != rank {
        return Err(Refusal::invalid(format!("{} repeats for rank {rank}", repeats.len())));
    }
    if rank == 0 {
        return one(c.identity(x)?);
    }
    let extents = c.shape_of(x)?;
    let size = c.shape_mul(&extents, &repeats)?;
    let (start, stride) = (Shape::splat(0, rank), Shape::splat(1, rank));
    one(c.slice(x, None, [&start, &size, &stride], tensorrt_sys::SampleMode::Wrap, None)?)
}
