//! Padding: slices that start before the first element.

use tensorrt_sys::SampleMode;

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::graph::TensorId;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Pad", pad)];

fn pad(c: &mut Context<'_>) -> Result<Outputs> {
    let mode = match c.string_or("mode", "constant")? {
        "constant" => SampleMode::Fill,
        "reflect" => SampleMode::Reflect,
        "edge" => SampleMode::Clamp,
        "wrap" => SampleMode::Wrap,
        other => return Err(Refusal::attribute(format!("mode = {other} is not supported"))),
    };
    let pads = if c.opset < 11 {
        let name = if c.opset < 2 { "paddings" } else { "pads" };
        Shape::Known(c.ints(name)?.ok_or_else(|| Refusal::invalid("attribute pads is missing"))?)
    } else {
        c.shape_input(1, "pads")?
    };
    let axes = if c.opset >= 18 && c.has(3) { Some(c.shape_input(3, "axes")?) } else { None };
    let x = c.input(0)?;
    let rank = c.rank(x);
    let count = axes.as_ref().map_or(rank, Shape::len);
    if pads.len() != 2 * count {
        return Err(Refusal::invalid(format!("{} pads for {count} axes", pads.len())));
    }
    let mut before = c.shape_pick(&pads, &(0..count).collect::<Vec<_>>())?;
    let mut after = c.shape_pick(&pads, &(count..2 * count).collect::<Vec<_>>())?;
    let mut axes = match axes {
        Some(Shape::Known(axes)) => c.axes(&axes, rank)?,
        Some(axes) => {
            before = c.shape_spread(&axes, &before, 0, rank)?;
            after = c.shape_spread(&axes, &after, 0, rank)?;
            (0..rank).collect()
        }
        None => (0..rank).collect(),
    };
    // Axes that are known to stay as they are need no slicing.
    if let (Shape::Known(first), Shape::Known(last)) = (&before, &after) {
        let moved: Vec<usize> = (0..axes.len()).filter(|&i| (first[i], last[i]) != (0, 0)).collect();
        axes = moved.iter().map(|&i| axes[i]).collect();
        (before, after) = (c.shape_pick(&before, &moved)?, c.shape_pick(&after, &moved)?);
    }
    if axes.is_empty() {
        return one(c.identity(x)?);
    }
    let fill = if mode == SampleMode::Fill { fill(c, x)? } else { None };
    let extents = c.shape_of(x)?;
    let extents = c.shape_pick(&extents, &axes)?;
    let start = c.shape_sub(&Shape::splat(0, axes.len()), &before)?;
    let size = c.shape_add(&extents, &before)?;
    let size = c.shape_add(&size, &after)?;
    if matches!(&size, Shape::Known(size) if size.iter().any(|&extent| extent < 0)) {
        return Err(Refusal::invalid(format!("the pads take more than there is: {size:?}")));
    }
    let stride = Shape::splat(1, axes.len());
    one(c.slice(x, Some(&axes), [&start, &size, &stride], mode, fill)?)
}

fn fill(c: &mut Context<'_>, x: TensorId) -> Result<Option<TensorId>> {
    if c.opset < 11 {
        let value = f64::from(c.float_or("value", 0.0)?);
        return if value == 0.0 { Ok(None) } else { c.number(c.dtype(x), value, 0).map(Some) };
    }
    let Some(value) = c.optional(2)? else {
        return Ok(None);
    };
    if c.rank(value) == 0 {
        return Ok(Some(value));
    }
    c.reshape(value, &[]).map(Some)
}
