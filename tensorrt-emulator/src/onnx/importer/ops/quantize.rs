//! Quantization and back.

use tensorrt_sys::{DataType, ElementWiseOperation as Op};

use super::super::context::{Context, Outputs, one};
use super::super::layers::axis_i32;
use super::Table;
use crate::graph::{LayerKind, Quantization, TensorId};
use crate::onnx::data_type;
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[("DequantizeLinear", dequantize), ("QuantizeLinear", quantize)];

/// The scale and the zero point, the axis they lie along, and the block's extents.
struct Parameters {
    scale: TensorId,
    zero_point: Option<TensorId>,
    axis: i32,
    block_shape: Option<Dims>,
}

/// One element counts as a scalar; a zero point of constant zeros is left out.
fn parameters(c: &mut Context<'_>, x: TensorId) -> Result<Parameters> {
    let symmetric = c.weights(2).is_some_and(|weights| weights.tensor.view().bytes().iter().all(|&byte| byte == 0));
    let mut scale = c.input(1)?;
    let mut zero_point = if symmetric { None } else { c.optional(2)? };
    let rank = c.rank(x);
    let block = if c.opset < 21 { 0 } else { c.int_or("block_size", 0)? };
    let scale_dims = c.dims(scale);
    let mut axis = -1;
    let mut block_shape = None;
    if scale_dims.rank() <= 1 && scale_dims.iter().all(|&extent| extent == 1) {
        let scalar = |c: &mut Context<'_>, id: TensorId| if c.rank(id) == 0 { Ok(id) } else { c.reshape(id, &[]) };
        scale = scalar(c, scale)?;
        zero_point = zero_point.map(|id| scalar(c, id)).transpose()?;
    } else {
        let along = c.axis(c.int_or("axis", 1)?, rank)?;
        axis = axis_i32(along);
        if block > 0 {
            let mut block_extents = vec![1; rank];
            block_extents[along] = block;
            block_shape = Some(Dims::new(&block_extents)?);
        } else if scale_dims.rank() != 1 {
            return Err(Refusal::shape(format!("a scale of {scale_dims} without block_size")));
        }
    }
    Ok(Parameters { scale, zero_point, axis, block_shape })
}

fn output_type(c: &Context<'_>) -> Result<Option<DataType>> {
    match c.int_or("output_dtype", 0)? {
        0 => Ok(None),
        elem_type => data_type::convert(i32::try_from(elem_type).unwrap_or(i32::MAX)).map(Some),
    }
}

fn quantize(c: &mut Context<'_>) -> Result<Outputs> {
    if c.int_or("saturate", 1)? == 0 {
        return Err(Refusal::attribute("saturate = 0 is not supported"));
    }
    c.only_int("precision", 0)?;
    let to = match output_type(c)? {
        Some(dtype) => dtype,
        None if c.has(2) => c.input_type(2)?,
        None => DataType::Uint8,
    };
    if !matches!(to, DataType::Int8 | DataType::Uint8 | DataType::Fp8 | DataType::Int4 | DataType::Fp4) {
        return Err(Refusal::datatype(format!("quantization to {} is not supported", to.name())));
    }
    let mut x = c.input(0)?;
    if c.rank(x) == 0 {
        // The layer takes no scalar. As with NVIDIA's parser, the one dimension stays.
        x = c.reshape(x, &[1])?;
    }
    let p = parameters(c, x)?;
    let kind = Quantization { axis: p.axis, to, block_shape: p.block_shape };
    one(c.add_optional(LayerKind::Quantize(kind), vec![Some(x), Some(p.scale), p.zero_point])?)
}

fn dequantize(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let p = parameters(c, x)?;
    let to = match output_type(c)? {
        Some(dtype) => dtype,
        None => c.dtype(p.scale),
    };
    if c.dtype(x) == DataType::Int32 {
        return from_int32(c, x, &p, to);
    }
    let kind = Quantization { axis: p.axis, to, block_shape: p.block_shape };
    one(c.add_optional(LayerKind::Dequantize(kind), vec![Some(x), Some(p.scale), p.zero_point])?)
}

/// (x − zero point) · scale; TensorRT has no layer that takes int32.
fn from_int32(c: &mut Context<'_>, x: TensorId, p: &Parameters, to: DataType) -> Result<Outputs> {
    if p.block_shape.is_some() {
        return Err(Refusal::datatype("blocks of int32 are not supported"));
    }
    let rank = c.rank(x);
    let spread = |c: &mut Context<'_>, id: TensorId| match usize::try_from(p.axis) {
        Ok(axis) => c.unsqueeze(id, &(0..rank).filter(|&dim| dim != axis).collect::<Vec<_>>()),
        Err(_) => Ok(id),
    };
    let mut y = x;
    if let Some(zero_point) = p.zero_point {
        let zero_point = spread(c, zero_point)?;
        y = c.binary(Op::Sub, y, zero_point)?;
    }
    let scale = spread(c, p.scale)?;
    let scale = c.cast(scale, to)?;
    let y = c.cast(y, to)?;
    one(c.binary(Op::Prod, y, scale)?)
}
