//! Interpolation.

use tensorrt_sys::{
    InterpolationMode, ResizeCoordinateTransformation as Transformation, ResizeRoundMode, ResizeSelector,
};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{LayerKind, Resize, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[("Resize", resize), ("Upsample", upsample)];

fn mode(c: &Context<'_>) -> Result<InterpolationMode> {
    match c.string_or("mode", "nearest")? {
        "nearest" => Ok(InterpolationMode::Nearest),
        "linear" | "bilinear" => Ok(InterpolationMode::Linear),
        "cubic" => Ok(InterpolationMode::Cubic),
        other => Err(Refusal::attribute(format!("mode = {other} is not supported"))),
    }
}

/// The parameters of Upsample and of Resize before opset 11.
fn legacy(mode: InterpolationMode) -> Resize {
    Resize {
        mode,
        transformation: Transformation::Asymmetric,
        selector: ResizeSelector::Formula,
        rounding: ResizeRoundMode::Floor,
        cubic_coeff: -0.75,
        exclude_outside: false,
        dims: None,
        scales: Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "scales are floats in the model")]
fn scales_input(c: &Context<'_>, index: usize) -> Result<Vec<f32>> {
    let scales = c.const_floats(index, "the scales")?.unwrap_or_default();
    Ok(scales.into_iter().map(|scale| scale as f32).collect())
}

fn check_scales(scales: &[f32], count: usize) -> Result<()> {
    if scales.len() != count {
        return Err(Refusal::invalid(format!("{} scales for {count} dimensions", scales.len())));
    }
    match scales.iter().find(|&&scale| !(scale > 0.0 && scale.is_finite())) {
        Some(bad) => Err(Refusal::invalid(format!("a scale of {bad}"))),
        None => Ok(()),
    }
}

fn upsample(c: &mut Context<'_>) -> Result<Outputs> {
    let mut kind = legacy(mode(c)?);
    let scales = if c.opset < 9 {
        c.floats("scales")?.ok_or_else(|| Refusal::invalid("attribute scales is missing"))?
    } else {
        scales_input(c, 1)?
    };
    let x = c.input(0)?;
    check_scales(&scales, c.rank(x))?;
    kind.scales = scales;
    one(c.add(LayerKind::Resize(kind), &[x])?)
}

fn resize(c: &mut Context<'_>) -> Result<Outputs> {
    if c.opset >= 11 {
        return resize_11(c);
    }
    let mut kind = legacy(mode(c)?);
    let scales = scales_input(c, 1)?;
    let x = c.input(0)?;
    check_scales(&scales, c.rank(x))?;
    let (up, down) = (scales.iter().any(|&scale| scale > 1.0), scales.iter().any(|&scale| scale < 1.0));
    if kind.mode == InterpolationMode::Nearest && down {
        if up {
            return Err(Refusal::shape(format!(
                "scales {scales:?} both up and down are not supported before opset 11"
            )));
        }
        kind.rounding = ResizeRoundMode::Ceil;
    }
    kind.scales = scales;
    one(c.add(LayerKind::Resize(kind), &[x])?)
}

fn resize_11(c: &mut Context<'_>) -> Result<Outputs> {
    c.only_int("antialias", 0)?;
    let mut kind = legacy(mode(c)?);
    let nearest = kind.mode == InterpolationMode::Nearest;
    kind.rounding = match c.string_or("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => ResizeRoundMode::HalfDown,
        "round_prefer_ceil" => ResizeRoundMode::HalfUp,
        "floor" => ResizeRoundMode::Floor,
        "ceil" => ResizeRoundMode::Ceil,
        other => return Err(Refusal::attribute(format!("nearest_mode = {other} is not supported"))),
    };
    kind.transformation = match c.string_or("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Transformation::HalfPixel,
        "pytorch_half_pixel" => {
            kind.selector = ResizeSelector::Upper;
            Transformation::HalfPixel
        }
        "align_corners" => Transformation::AlignCorners,
        "asymmetric" => Transformation::Asymmetric,
        // Without its half a pixel, rounding down is what rounding half up is with it.
        "tf_half_pixel_for_nn" if nearest && kind.rounding == ResizeRoundMode::Floor => {
            kind.rounding = ResizeRoundMode::HalfUp;
            Transformation::HalfPixel
        }
        other => {
            return Err(Refusal::attribute(format!("coordinate_transformation_mode = {other} is not supported")));
        }
    };
    kind.cubic_coeff = c.float_or("cubic_coeff_a", -0.75)?;
    kind.exclude_outside = c.int_or("exclude_outside", 0)? != 0;

    let x = c.input(0)?;
    let rank = c.rank(x);
    let axes = match c.ints("axes")? {
        Some(axes) => c.axes(&axes, rank)?,
        None => (0..rank).collect(),
    };
    let has_scales = c.has(2) && c.input_dims(2)?.iter().all(|&d| d != 0);
    if c.has(3) && c.input_dims(3)?.iter().all(|&d| d != 0) {
        let sizes = c.shape_input(3, "the sizes")?;
        return by_sizes(c, x, kind, &axes, &sizes);
    }
    if !has_scales {
        return Err(Refusal::invalid("there are neither scales nor sizes"));
    }
    let given = scales_input(c, 2)?;
    check_scales(&given, axes.len())?;
    let mut scales = vec![1.0; rank];
    for (&axis, scale) in axes.iter().zip(given) {
        scales[axis] = scale;
    }
    kind.scales = scales;
    one(c.add(LayerKind::Resize(kind), &[x])?)
}

fn by_sizes(c: &mut Context<'_>, x: TensorId, mut kind: Resize, axes: &[usize], sizes: &Shape) -> Result<Outputs> {
    if sizes.len() != axes.len() {
        return Err(Refusal::invalid(format!("{} sizes for {} axes", sizes.len(), axes.len())));
    }
    match c.string_or("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => {}
        other => return Err(Refusal::attribute(format!("keep_aspect_ratio_policy = {other} is not supported"))),
    }
    let extents = c.shape_of(x)?;
    let mut parts = Vec::with_capacity(c.rank(x));
    for dim in 0..c.rank(x) {
        parts.push(match axes.iter().position(|&axis| axis == dim) {
            Some(position) => c.shape_pick(sizes, &[position])?,
            None => c.shape_pick(&extents, &[dim])?,
        });
    }
    let whole = if axes.iter().copied().eq(0..c.rank(x)) { sizes.clone() } else { c.shape_concat(&parts)? };
    if let Shape::Known(sizes) = &whole {
        kind.dims = Some(Dims::new(sizes)?);
        return one(c.add(LayerKind::Resize(kind), &[x])?);
    }
    let sizes = c.shape_tensor(&whole)?;
    one(c.add(LayerKind::Resize(kind), &[x, sizes])?)
}
