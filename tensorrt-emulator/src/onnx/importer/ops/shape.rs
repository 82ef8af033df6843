//! Shapes as values.

use tensorrt_sys::{DataType, SampleMode};

use super::super::context::{Context, Outputs, one};
use super::super::scope::Value;
use super::super::shapes::Shape;
use super::Table;
use crate::graph::LayerKind;
use crate::onnx::error::Result;

pub(super) const OPS: Table = &[("Shape", shape), ("Size", size)];

/// The extents `start..end`, negative bounds counted from the end, both clamped.
fn shape(c: &mut Context<'_>) -> Result<Outputs> {
    let rank = i64::try_from(c.input_dims(0)?.rank()).unwrap_or(0);
    let bound = |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank);
    let (start, end) = (bound(c.int_or("start", 0)?), bound(c.int_or("end", rank)?));
    let whole = match c.value(0)? {
        Value::Weights(weights) => c.int_vector(weights.tensor.dims())?,
        Value::Tensor(x) => c.add(LayerKind::Shape, &[x])?,
    };
    if (start, end) == (0, rank) {
        return one(whole);
    }
    let bounds = [&Shape::Known(vec![start]), &Shape::Known(vec![(end - start).max(0)]), &Shape::Known(vec![1])];
    one(c.slice(whole, None, bounds, SampleMode::StrictBounds, None)?)
}

fn size(c: &mut Context<'_>) -> Result<Outputs> {
    let dims = c.input_dims(0)?;
    let shape = if dims.is_static() {
        Shape::Known(dims.to_vec())
    } else {
        let x = c.input(0)?;
        c.shape_of(x)?
    };
    match c.shape_product(&shape)? {
        Shape::Known(product) => one(c.int_scalar(product.first().copied().unwrap_or(1))?),
        Shape::Tensor(id, _) => {
            let id = c.cast(id, DataType::Int64)?;
            one(c.reshape(id, &[])?)
        }
    }
}
