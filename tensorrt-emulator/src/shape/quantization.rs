//! Quantize, dequantize, dynamic quantize.

use tensorrt_sys::DataType;

use super::inputs::{FLOATS, Inputs, axis as check_axis};
use crate::graph::{Quantization, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

const QUANTIZED: &[DataType] = &[DataType::Int8, DataType::Fp8, DataType::Int4, DataType::Fp4, DataType::Uint8];
const SCALES: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16, DataType::E8m0, DataType::Fp8];

fn check_scale(inputs: Inputs<'_>, quantization: &Quantization) -> Result<()> {
    let (input, scale) = (inputs.get(0)?, inputs.typed(1, SCALES)?);
    let channels = scale.dims.volume();
    let per_tensor = channels == Some(1);
    if let Some(block) = &quantization.block_shape {
        if block.rank() != input.dims.rank() || scale.dims.rank() != input.dims.rank() {
            return Err(Error::config(format!(
                "blocks {block} and scales {} do not fit an input of dimensions {}",
                scale.dims, input.dims
            )));
        }
        return Ok(());
    }
    if scale.dims.rank() <= 1 && !per_tensor {
        let axis = check_axis(quantization.axis, input.dims.rank())?;
        let extent = input.dims[axis];
        let known = scale.dims[0];
        if extent >= 0 && known >= 0 && extent != known {
            return Err(Error::config(format!("{known} scales do not fit {extent} channels of dimension {axis}")));
        }
    }
    Ok(())
}

/// Floats to the quantized type.
pub(super) fn quantize(inputs: Inputs<'_>, quantization: &Quantization) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    if !QUANTIZED.contains(&quantization.to) {
        return Err(Error::config(format!("quantization to {} is not allowed", quantization.to.name())));
    }
    check_scale(inputs, quantization)?;
    Ok(ValueInfo::new(quantization.to, input.dims))
}

/// The quantized type to floats.
pub(super) fn dequantize(inputs: Inputs<'_>, quantization: &Quantization) -> Result<ValueInfo> {
    let input = inputs.typed(0, QUANTIZED)?;
    if !FLOATS.contains(&quantization.to) {
        return Err(Error::config(format!("dequantization to {} is not allowed", quantization.to.name())));
    }
    check_scale(inputs, quantization)?;
    Ok(ValueInfo::new(quantization.to, input.dims))
}

/// What a block of dynamic quantization is.
#[derive(Debug)]
pub(super) enum Blocks<'a> {
    /// So many elements along an axis.
    Axis(i32, i32),
    /// An extent for each dimension.
    Shape(&'a Dims),
}

/// Quantized data, and one scale a block.
pub(super) fn dynamic(
    inputs: Inputs<'_>,
    blocks: &Blocks<'_>,
    to: DataType,
    scale_type: DataType,
) -> Result<Vec<ValueInfo>> {
    let input = inputs.float(0)?;
    if scale_type == DataType::Fp8 && inputs.optional(1).is_none() {
        return Err(Error::config("scales of kFP8 are quantized themselves: input 1 must give their scale"));
    }
    let rank = input.dims.rank();
    let block = match blocks {
        Blocks::Axis(axis, size) => {
            let mut block = Dims::splat(1, rank);
            block[check_axis(*axis, rank)?] = i64::from(*size);
            block
        }
        Blocks::Shape(shape) => **shape,
    };
    let mut scales = input.dims;
    let fits = block.rank() == rank && block.iter().all(|&extent| extent >= 1);
    for (scale, &extent) in scales.iter_mut().zip(block.iter()) {
        if !fits || (*scale >= 0 && *scale % extent != 0) {
            return Err(Error::config(format!("blocks of {block} do not divide {}", input.dims)));
        }
        if *scale >= 0 {
            *scale /= extent;
        }
    }
    Ok(vec![ValueInfo::new(to, input.dims), ValueInfo::new(scale_type, scales)])
}
