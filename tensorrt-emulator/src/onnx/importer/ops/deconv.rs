//! Transposed convolution.

use tensorrt_sys::{ElementWiseOperation, PaddingMode, SampleMode};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use super::conv::{Parameters, Window, groups, spatial_input, window};
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("ConvTranspose", conv_transpose)];

/// Output that the padding asks for past the end of the full result is 0 (plus the bias), added by a slice.
fn conv_transpose(c: &mut Context<'_>) -> Result<Outputs> {
    let spatial = c.input_dims(1)?.rank().saturating_sub(2);
    let x = spatial_input(c, spatial)?;
    let extents = c.input_dims(1)?;
    let kernel = extents.get(2..).unwrap_or_default().to_vec();
    let mut window = window(c, spatial, Some(kernel))?;
    let output_padding = match c.ints("output_padding")?.filter(|padding| !padding.is_empty()) {
        Some(padding)
            if padding.len() == spatial && padding.iter().all(|&p| (0..=i64::from(i32::MAX)).contains(&p)) =>
        {
            padding
        }
        Some(padding) => return Err(Refusal::invalid(format!("output_padding = {padding:?}"))),
        None => vec![0; spatial],
    };
    let extra = resolve(c, &mut window, x, &output_padding)?;
    let beyond = extra.iter().any(|&extra| extra > 0);
    let parameters = Parameters::read(c, !beyond)?;
    let groups = groups(c)?;
    let maps = extents[1].checked_mul(groups).ok_or_else(|| Refusal::invalid("the number of channels overflows"))?;
    if spatial == 1 {
        window = window.widened();
    }
    let (conv, inputs) = parameters.layer(x, maps, groups, &window)?;
    let mut y = c.add_optional(LayerKind::Deconvolution(conv), inputs)?;
    if beyond {
        y = lengthen(c, y, &extra)?;
        if let Some(bias) = c.optional(2)? {
            let axes: Vec<usize> = std::iter::once(0).chain(2..c.rank(y)).collect();
            let bias = c.unsqueeze(bias, &axes)?;
            y = c.binary(ElementWiseOperation::Sum, y, bias)?;
        }
    }
    one(if spatial == 1 { c.squeeze(y, &[3])? } else { y })
}

/// Makes the paddings explicit; returns how many elements are to be added at the end of each spatial dimension.
fn resolve(c: &Context<'_>, window: &mut Window, x: TensorId, output_padding: &[i64]) -> Result<Vec<i64>> {
    let spatial = output_padding.len();
    let dims = c.dims(x);
    let output_shape = c.ints("output_shape")?.filter(|shape| !shape.is_empty());
    if let Some(shape) = &output_shape
        && shape.len() != spatial
        && shape.len() != spatial + 2
    {
        return Err(Refusal::invalid(format!("output_shape = {shape:?} for {spatial} spatial dimensions")));
    }
    let same = matches!(window.mode, PaddingMode::SameUpper | PaddingMode::SameLower);
    let upper = window.mode == PaddingMode::SameUpper;
    window.mode = PaddingMode::ExplicitRoundDown;
    let mut extra = vec![0; spatial];
    for i in 0..spatial {
        let reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
        let total = if let Some(shape) = &output_shape {
            let extent = dims[2 + i];
            if extent < 0 {
                return Err(Refusal::dynamic("output_shape needs static spatial dimensions"));
            }
            let wanted = shape[shape.len() - spatial + i];
            let full = (extent - 1)
                .checked_mul(window.strides[i])
                .and_then(|full| full.checked_add(reach + output_padding[i]));
            full.and_then(|full| full.checked_sub(wanted))
                .ok_or_else(|| Refusal::invalid("the output's size overflows"))?
        } else if same {
            // A step beyond the window leaves nothing to pad, and the output is shorter than the steps.
            (reach - window.strides[i] + output_padding[i]).max(0)
        } else {
            // The output padding reveals elements that the padding at the end cuts off; what is missing then is new.
            let shown = output_padding[i].min(window.after[i]);
            window.after[i] -= shown;
            extra[i] = output_padding[i] - shown;
            continue;
        };
        // Paddings that sum up to `total` over a result that is longer by the output padding.
        let total_pads = total.max(0);
        let half = total_pads / 2;
        window.before[i] = if upper { half } else { total_pads - half };
        let after = total_pads - window.before[i] - output_padding[i] - (total_pads - total);
        window.after[i] = after.max(0);
        extra[i] = (-after).max(0);
    }
    Ok(extra)
}

fn lengthen(c: &mut Context<'_>, y: TensorId, extra: &[i64]) -> Result<TensorId> {
    let axes: Vec<usize> = (2..2 + extra.len()).collect();
    let extents = c.shape_of(y)?;
    let extents = c.shape_pick(&extents, &axes)?;
    let size = c.shape_add(&extents, &Shape::Known(extra.to_vec()))?;
    let (start, stride) = (Shape::splat(0, axes.len()), Shape::splat(1, axes.len()));
    c.slice(y, Some(&axes), [&start, &size, &stride], SampleMode::Fill, None)
}
