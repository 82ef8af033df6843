//! Resize and grid sampling.

use tensorrt_sys::DataType;

use super::inputs::{ACTIVATIONS, FLOATS, Inputs, unify};
use crate::graph::{Resize, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The dimensions of input 1, the layer's own, the input's times the scales, rounded down, or the input's.
pub(super) fn infer(inputs: Inputs<'_>, resize: &Resize) -> Result<ValueInfo> {
    let input = inputs.typed(0, ACTIVATIONS)?;
    let rank = input.dims.rank();
    let check_rank = |given: usize, what: &str| {
        let message = || Error::config(format!("{given} {what} do not fit an input of dimensions {}", input.dims));
        (given == rank).then_some(()).ok_or_else(message)
    };
    let dims = if inputs.optional(1).is_some() {
        let given = inputs.shape_tensor(1)?;
        check_rank(given.len(), "output extents")?;
        if given.contains(&Some(Dims::DYNAMIC)) {
            return Err(Error::config("input 1 has an extent below 0"));
        }
        let extents: Vec<i64> = given.into_iter().map(|d| d.unwrap_or(Dims::DYNAMIC)).collect();
        Dims::new(&extents)?
    } else if let Some(dims) = resize.dims {
        check_rank(dims.rank(), "output extents")?;
        if !dims.is_static() {
            return Err(Error::config(format!("the output {dims} of a resize has an extent below 0")));
        }
        dims
    } else if resize.scales.is_empty() {
        if !input.dims.is_static() {
            return Err(Error::config("a resize of unknown extents needs scales or an output"));
        }
        input.dims
    } else {
        check_rank(resize.scales.len(), "scales")?;
        let mut dims = input.dims;
        for (extent, &scale) in dims.iter_mut().zip(&resize.scales) {
            if !scale.is_finite() || scale <= 0.0 {
                return Err(Error::config(format!("the scale {scale} of a resize is not positive")));
            }
            if *extent >= 0 {
                *extent = scaled(*extent, scale)?;
            }
        }
        dims
    };
    Ok(ValueInfo::new(input.dtype, dims))
}

/// floor(extent · scale) in single precision, as TensorRT and ONNX define it.
fn scaled(extent: i64, scale: f32) -> Result<i64> {
    #[expect(clippy::cast_precision_loss, reason = "the definition multiplies floats")]
    let product = (extent as f32 * scale).floor();
    if product < 9.0e15 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 was just established")]
        return Ok(product as i64);
    }
    Err(Error::config(format!("extent {extent} times scale {scale} is too large")))
}

/// [N, C, H, W] sampled at [N, H', W', 2] is [N, C, H', W']; with a third spatial dimension the points have three coordinates.
pub(super) fn grid_sample(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let (input, grid) =
        (inputs.typed(0, FLOATS)?, inputs.typed(1, &[DataType::Float, DataType::Half, DataType::Bf16])?);
    inputs.same_types(0, 1)?;
    let rank = input.dims.rank();
    let coordinates = i64::try_from(rank).unwrap_or(0) - 2;
    let fits = matches!(rank, 4 | 5) && grid.dims.rank() == rank && unify(grid.dims[rank - 1], coordinates).is_some();
    if !fits || unify(input.dims[0], grid.dims[0]).is_none() {
        return Err(Error::config(format!(
            "a grid of dimensions {} does not sample an input of dimensions {}",
            grid.dims, input.dims
        )));
    }
    let mut dims = input.dims;
    dims[2..].copy_from_slice(&grid.dims[1..rank - 1]);
    Ok(ValueInfo::new(input.dtype, dims))
}
