//! Slices.

use tensorrt_sys::SampleMode;

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Slice", slice)];

/// Bounds beyond this mean "to the end"; smaller than int64's so that arithmetic on them cannot overflow.
const FAR: i64 = 1 << 40;

fn slice(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let rank = c.rank(x);
    let (starts, ends, axes, steps) = if c.opset < 10 {
        let missing = |name: &str| Refusal::invalid(format!("attribute {name} is missing"));
        let starts = c.ints("starts")?.ok_or_else(|| missing("starts"))?;
        let ends = c.ints("ends")?.ok_or_else(|| missing("ends"))?;
        (Shape::Known(starts), Shape::Known(ends), c.ints("axes")?.map(Shape::Known), None)
    } else {
        let starts = c.shape_input(1, "starts")?;
        let ends = c.shape_input(2, "ends")?;
        let axes = if c.has(3) { Some(c.shape_input(3, "axes")?) } else { None };
        let steps = if c.has(4) { Some(c.shape_input(4, "steps")?) } else { None };
        (starts, ends, axes, steps)
    };
    let count = starts.len();
    let steps = steps.unwrap_or(Shape::splat(1, count));
    let axes = match axes {
        Some(Shape::Known(axes)) => c.axes(&axes, rank)?,
        Some(axes) => {
            if axes.len() != count || ends.len() != count || steps.len() != count {
                return Err(Refusal::invalid(format!("{count} starts and {} axes", axes.len())));
            }
            let starts = c.shape_spread(&axes, &starts, 0, rank)?;
            let ends = c.shape_spread(&axes, &ends, FAR, rank)?;
            let steps = c.shape_spread(&axes, &steps, 1, rank)?;
            let extents = c.shape_of(x)?;
            let (start, size) = bounds(c, &starts, &ends, &steps, &extents)?;
            return one(c.slice(x, None, [&start, &size, &steps], SampleMode::StrictBounds, None)?);
        }
        None => (0..count).collect(),
    };
    if ends.len() != count || axes.len() != count || steps.len() != count || count > rank {
        return Err(Refusal::invalid(format!(
            "{count} starts, {} ends, {} axes and {} steps for rank {rank}",
            ends.len(),
            axes.len(),
            steps.len()
        )));
    }
    if count == 0 {
        return one(c.identity(x)?);
    }
    if matches!(&steps, Shape::Known(steps) if steps.contains(&0)) {
        return Err(Refusal::invalid("a step is 0"));
    }
    let near = |shape: Shape| match shape {
        Shape::Known(values) => Shape::Known(values.into_iter().map(|v| v.clamp(-FAR, FAR)).collect()),
        other @ Shape::Tensor(..) => other,
    };
    let (starts, ends, steps) = (near(starts), near(ends), near(steps));
    let extents = c.shape_of(x)?;
    let extents = c.shape_pick(&extents, &axes)?;
    let (start, size) = bounds(c, &starts, &ends, &steps, &extents)?;
    one(c.slice(x, Some(&axes), [&start, &size, &steps], SampleMode::StrictBounds, None)?)
}

/// The first element and the number of elements: negative bounds count from the end, and bounds are clamped to the extent
/// (one less for backward steps).
fn bounds(c: &mut Context<'_>, starts: &Shape, ends: &Shape, steps: &Shape, extents: &Shape) -> Result<(Shape, Shape)> {
    let count = starts.len();
    let zeros = Shape::splat(0, count);
    let backward = c.shape_is_negative(steps)?;
    let last = c.shape_sub(extents, &backward)?;
    let before_first = c.shape_sub(&zeros, &backward)?;

    let start = from_front(c, starts, extents)?;
    let start = at_least(c, starts, &start, &zeros)?;
    let start = c.shape_min(&start, &last)?;
    let end = from_front(c, ends, extents)?;
    let end = at_least(c, ends, &end, &before_first)?;
    let end = c.shape_min(&end, &last)?;

    let span = c.shape_sub(&end, &start)?;
    let size = c.shape_ceil_div(&span, steps)?;
    let size = c.shape_max(&size, &zeros)?;
    // An empty slice starts where it likes; 0 is inside of every tensor that has elements.
    Ok((start, size))
}

fn from_front(c: &mut Context<'_>, values: &Shape, extents: &Shape) -> Result<Shape> {
    let negative = c.shape_is_negative(values)?;
    let offset = c.shape_mul(&negative, extents)?;
    c.shape_add(values, &offset)
}

/// `max(value, low)`, left out where the original bounds are known not to be negative.
fn at_least(c: &mut Context<'_>, original: &Shape, value: &Shape, low: &Shape) -> Result<Shape> {
    match original {
        Shape::Known(values) if values.iter().all(|&v| v >= 0) => Ok(value.clone()),
        _ => c.shape_max(value, low),
    }
}
