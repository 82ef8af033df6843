//! Pooling.

use tensorrt_sys::{ElementWiseOperation, PaddingMode, PoolingType, ReduceOperation, SampleMode, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use super::conv::{Window, spatial_input, window};
use crate::graph::{LayerKind, Pooling, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[
    ("AveragePool", average_pool),
    ("GlobalAveragePool", |c| global(c, ReduceOperation::Avg)),
    ("GlobalLpPool", global_lp_pool),
    ("GlobalMaxPool", |c| global(c, ReduceOperation::Max)),
    ("LpPool", lp_pool),
    ("MaxPool", max_pool),
];

/// A pooling of the input after `before` was applied to it; also the number of elements in a window.
fn pool(
    c: &mut Context<'_>,
    op: PoolingType,
    excludes_padding: bool,
    before: fn(&mut Context<'_>, TensorId) -> Result<TensorId>,
) -> Result<(TensorId, f64)> {
    let spatial = c.input_dims(0)?.rank().saturating_sub(2);
    let x = spatial_input(c, spatial)?;
    let mut window = window(c, spatial, None)?;
    if window.dilations.iter().any(|&dilation| dilation != 1) {
        return Err(Refusal::attribute(format!("dilations = {:?} are not supported in pooling", window.dilations)));
    }
    if c.int_or("ceil_mode", 0)? != 0 && window.mode == PaddingMode::ExplicitRoundDown {
        window.mode = PaddingMode::ExplicitRoundUp;
    }
    if spatial == 1 {
        window = window.widened();
    }
    let rounded_up = window.mode == PaddingMode::ExplicitRoundUp;
    #[expect(clippy::cast_precision_loss, reason = "windows are small")]
    let volume = window.kernel.iter().map(|&extent| extent as f64).product();
    let x = before(c, x)?;
    let pooling = Pooling {
        op,
        window: Dims::new(&window.kernel)?,
        stride: Dims::new(&window.strides)?,
        pre_padding: Dims::new(&window.before)?,
        post_padding: Dims::new(&window.after)?,
        padding_mode: window.mode,
        blend_factor: 0.0,
        average_count_excludes_padding: excludes_padding,
    };
    let mut y = c.add(LayerKind::Pooling(pooling), &[x])?;
    if rounded_up {
        y = without_empty_windows(c, x, y, &window)?;
    }
    Ok((if spatial == 1 { c.squeeze(y, &[3])? } else { y }, volume))
}

/// The output without windows that start in the padding at the end, which rounding up can add and ONNX leaves out.
fn without_empty_windows(c: &mut Context<'_>, x: TensorId, y: TensorId, window: &Window) -> Result<TensorId> {
    let spatial = window.kernel.len();
    let reaches = |i: usize| window.strides[i].saturating_add(window.after[i]) > window.kernel[i];
    if !(0..spatial).any(reaches) {
        return Ok(y);
    }
    let axes: Vec<usize> = (2..2 + spatial).collect();
    let extents = c.shape_of(x)?;
    let extents = c.shape_pick(&extents, &axes)?;
    let starts = c.shape_add(&extents, &Shape::Known(window.before.clone()))?;
    let most = c.shape_ceil_div(&starts, &Shape::Known(window.strides.clone()))?;
    let made = c.shape_of(y)?;
    let made = c.shape_pick(&made, &axes)?;
    let size = c.shape_min(&made, &most)?;
    if matches!((&size, &made), (Shape::Known(size), Shape::Known(made)) if size == made) {
        return Ok(y);
    }
    let (start, stride) = (Shape::splat(0, spatial), Shape::splat(1, spatial));
    c.slice(y, Some(&axes), [&start, &size, &stride], SampleMode::StrictBounds, None)
}

fn untouched(_: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    Ok(x)
}

fn max_pool(c: &mut Context<'_>) -> Result<Outputs> {
    c.at_most_outputs(1)?;
    one(pool(c, PoolingType::Max, true, untouched)?.0)
}

fn average_pool(c: &mut Context<'_>) -> Result<Outputs> {
    let excludes = c.int_or("count_include_pad", 0)? == 0;
    one(pool(c, PoolingType::Average, excludes, untouched)?.0)
}

/// (Σ |x|^p)^(1/p) over a window, as its average times its size.
fn lp_pool(c: &mut Context<'_>) -> Result<Outputs> {
    if c.int_or("ceil_mode", 0)? != 0 {
        return Err(Refusal::attribute("ceil_mode = 1 is not supported in LpPool"));
    }
    let p = c.int_or("p", 2)?;
    let before = match p {
        1 => |c: &mut Context<'_>, x| c.unary(UnaryOperation::Abs, x),
        2 => |c: &mut Context<'_>, x| c.binary(ElementWiseOperation::Prod, x, x),
        other => return Err(Refusal::attribute(format!("p = {other} is not supported; 1 and 2 are"))),
    };
    let (average, volume) = pool(c, PoolingType::Average, false, before)?;
    let sum = c.binary_scalar(ElementWiseOperation::Prod, average, volume)?;
    one(if p == 2 { c.unary(UnaryOperation::Sqrt, sum)? } else { sum })
}

fn spatial_axes(c: &Context<'_>, x: TensorId) -> Result<Vec<usize>> {
    match c.rank(x) {
        rank @ 3.. => Ok((2..rank).collect()),
        _ => Err(Refusal::shape(format!("an input of {} has no spatial dimensions", c.dims(x)))),
    }
}

fn global(c: &mut Context<'_>, op: ReduceOperation) -> Result<Outputs> {
    let x = c.input(0)?;
    let axes = spatial_axes(c, x)?;
    one(c.reduce(op, x, &axes, true)?)
}

fn global_lp_pool(c: &mut Context<'_>) -> Result<Outputs> {
    let p = c.int_or("p", 2)?;
    let x = c.input(0)?;
    let axes = spatial_axes(c, x)?;
    let powers = match p {
        1 => c.unary(UnaryOperation::Abs, x)?,
        2 => c.binary(ElementWiseOperation::Prod, x, x)?,
        other => return Err(Refusal::attribute(format!("p = {other} is not supported; 1 and 2 are"))),
    };
    let sum = c.reduce(ReduceOperation::Sum, powers, &axes, true)?;
    one(if p == 2 { c.unary(UnaryOperation::Sqrt, sum)? } else { sum })
}
