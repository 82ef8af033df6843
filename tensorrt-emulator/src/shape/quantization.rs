//! Quantize, dequantize, dynamic quantize.

use tensorrt_sys::DataType;

use super::inputs::{FLOATS, Inputs, axis as check_axis, least_rank};
use crate::graph::{Quantization, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

const QUANTIZED: &[DataType] = &[DataType::Int8, DataType::Fp8, DataType::Int4, DataType::Fp4, DataType::Uint8];
const SCALES: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16, DataType::E8m0, DataType::Fp8];

/// Checks the scale: one value, one a channel, or one a block.
fn check_scale(inputs: Inputs<'_>, quantization: &Quantization) -> Result<()> {
    let (input, scale) = (inputs.get(0)?, inputs.typed(1, SCALES)?);
    let refuse = |why: &str| {
        Err(Error::config(format!("scales {} do not fit an input of dimensions {}: {why}", scale.dims, input.dims)))
    };
    let rank = input.dims.rank();
    if let Some(block) = &quantization.block_shape
        && (block.rank() != rank || scale.dims.rank() != rank)
    {
        return refuse(&format!("blocks are {block}"));
    }
    match scale.dims[..] {
        [] => Ok(()),
        [-1] => refuse("the number must be known at build time"),
        [1] if quantization.block_shape.is_none() => Ok(()),
        [scales] if quantization.block_shape.is_none() => {
            let rank = i32::try_from(input.dims.rank()).unwrap_or(0);
            let axis = quantization.axis;
            let axis = check_axis(if axis < 0 { axis + rank } else { axis }, input.dims.rank())?;
            if input.dims[axis] >= 0 && input.dims[axis] != scales {
                return refuse(&format!("dimension {axis} is the channels'"));
            }
            Ok(())
        }
        _ if scale.dims.rank() != input.dims.rank() => refuse("the numbers of dimensions differ"),
        _ if quantization.block_shape.is_some() => check_block_shape(input, scale, quantization),
        _ => check_blocks(&input.dims, &scale.dims),
    }
}

/// Blocks along one of the last two dimensions, whose number divides it.
fn check_blocks(input: &Dims, scale: &Dims) -> Result<()> {
    let refuse =
        |why: &str| Err(Error::config(format!("blocks of scales {scale} do not fit dimensions {input}: {why}")));
    if scale.volume() == Some(1) {
        return refuse("a single scale must have one dimension at most");
    }
    let blocked: Vec<usize> = (0..input.rank()).filter(|&at| input[at] != scale[at]).collect();
    let [axis] = blocked[..] else { return refuse("exactly one dimension must be blocked") };
    if axis + 2 < input.rank() {
        return refuse("one of the last two dimensions must be blocked");
    }
    if input[axis] < 0 || scale[axis] < 0 {
        return refuse("the blocked dimension must be known at build time");
    }
    if scale[axis] == 0 || input[axis] % scale[axis] != 0 {
        return refuse("the extent of a block is not whole");
    }
    Ok(())
}

/// One scale a block of the shape that was set.
fn check_block_shape(input: &ValueInfo, scale: &ValueInfo, quantization: &Quantization) -> Result<()> {
    let Some(block) = &quantization.block_shape else { return Ok(()) };
    if scale.dims.volume() == Some(1) || scale.dims.rank() < 2 {
        return Err(Error::config("a single scale must have one dimension at most"));
    }
    let fits = |at: usize| {
        let (extent, count, block) = (input.dims[at], scale.dims[at], block[at]);
        block > 0 && (extent < 0 || count < 0 || extent == count.saturating_mul(block))
    };
    if (0..input.dims.rank()).all(fits) {
        return Ok(());
    }
    Err(Error::config(format!("blocks of {block} and scales {} do not fit dimensions {}", scale.dims, input.dims)))
}

/// Floats to the quantized type.
pub(super) fn quantize(inputs: Inputs<'_>, quantization: &Quantization) -> Result<ValueInfo> {
    let input = inputs.float(0)?;
    least_rank(input, 1)?;
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
    least_rank(input, 1)?;
    if !matches!(to, DataType::Fp4 | DataType::Fp8) {
        return Err(Error::config(format!("dynamic quantization to {} is not allowed", to.name())));
    }
    let (axis, size) = match blocks {
        Blocks::Axis(axis, size) if matches!(size, 16 | 32) => (check_axis(*axis, rank)?, i64::from(*size)),
        Blocks::Axis(_, size) => {
            return Err(Error::config(format!("blocks of {size} elements are not possible, only of 16 or 32")));
        }
        Blocks::Shape(block) => {
            if block.rank() != rank || block.iter().any(|&extent| extent < 1) {
                return Err(Error::config(format!("blocks of {block} do not fit dimensions {}", input.dims)));
            }
            let blocked: Vec<usize> = (0..rank).filter(|&at| block[at] != 1).collect();
            match blocked[..] {
                [axis] => (axis, block[axis]),
                [_, last] if last + 1 == rank && blocked[0] + 2 == rank => {
                    let mut scales = input.dims;
                    for (scale, &extent) in scales.iter_mut().zip(block.iter()).filter(|(scale, _)| **scale >= 0) {
                        *scale = *scale / extent + i64::from(*scale % extent != 0);
                    }
                    return Ok(vec![ValueInfo::new(to, input.dims), ValueInfo::new(scale_type, scales)]);
                }
                _ => {
                    return Err(Error::config(format!(
                        "blocks of {block} must span the last dimension, or the last two"
                    )));
                }
            }
        }
    };
    let extent = input.dims[axis];
    if axis + 2 < rank || extent < 0 || extent % size != 0 {
        return Err(Error::config(format!(
            "blocks of {size} along dimension {axis} do not divide {}: it must be one of the last two, and known at build time",
            input.dims
        )));
    }
    let mut scales = input.dims;
    scales[axis] = extent / size;
    Ok(vec![ValueInfo::new(to, input.dims), ValueInfo::new(scale_type, scales)])
}
