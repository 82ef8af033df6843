//! Sources of known elements: constants and `Shape`.

use bytemuck::pod_read_unaligned;
use tensorrt_sys::DataType;

use super::elements;
use super::inputs::{Inputs, not_uint8};
use crate::graph::{Graph, ValueInfo, WeightsId};
use crate::tensor::Dims;
use crate::{Error, Result};

/// A constant: its dimensions hold as many elements as its weights.
pub(super) fn infer(graph: &Graph, weights: WeightsId, dims: Dims) -> Result<ValueInfo> {
    let weights = graph
        .weights
        .get(weights.0 as usize)
        .ok_or_else(|| Error::internal(format!("the network has no weights {}", weights.0)))?;
    if dims.volume() != Some(weights.count) {
        return Err(Error::config(format!(
            "a constant of dimensions {dims} does not take {} elements of weights",
            weights.count
        )));
    }
    let mut output = ValueInfo::new(weights.dtype, dims);
    not_uint8(&output)?;
    let bytes = &*weights.storage;
    let chunk = |i: usize, size: usize| bytes.get(i.checked_mul(size)?..(i + 1).checked_mul(size)?);
    match weights.dtype {
        DataType::Int32 => {
            elements::fill_ints(&mut output, |i| chunk(i, 4).map(|b| i64::from(pod_read_unaligned::<i32>(b))));
        }
        DataType::Int64 => elements::fill_ints(&mut output, |i| chunk(i, 8).map(pod_read_unaligned::<i64>)),
        DataType::Bool => elements::fill_ints(&mut output, |i| bytes.get(i).map(|&b| i64::from(b != 0))),
        DataType::Float => elements::fill_floats(&mut output, |i| chunk(i, 4).map(pod_read_unaligned::<f32>)),
        _ => {}
    }
    Ok(output)
}

/// Shape: the input's extents as a vector of int64.
pub(super) fn shape(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    let rank = i64::try_from(input.dims.rank()).unwrap_or(0);
    let mut output = ValueInfo::new(DataType::Int64, Dims::new(&[rank])?);
    output.elements = Some(input.dims.iter().map(|&d| (d >= 0).then_some(d)).collect());
    Ok(output)
}
