//! Reductions and cumulative sums.

use tensorrt_sys::{DataType, ReduceOperation};

use super::inputs::{Inputs, NUMBERS, axes as check_axes};
use super::{arithmetic, elements};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The input without the reduced axes, or with extents of 1 there.
pub(super) fn infer(inputs: Inputs<'_>, op: ReduceOperation, axes: u32, keep_dims: bool) -> Result<ValueInfo> {
    let input = inputs.typed(0, NUMBERS)?;
    if !matches!(
        op,
        ReduceOperation::Sum
            | ReduceOperation::Prod
            | ReduceOperation::Max
            | ReduceOperation::Min
            | ReduceOperation::Avg
    ) {
        return Err(Error::config(format!("the reduction {} is not allowed in a reduce layer", op.name())));
    }
    let axes = check_axes(axes, input.dims.rank())?;
    let mut dims = Dims::scalar();
    for (at, &extent) in input.dims.iter().enumerate() {
        match (axes.contains(&at), keep_dims) {
            (false, _) => dims = dims.with(extent)?,
            (true, true) => dims = dims.with(1)?,
            (true, false) => {}
        }
    }
    let mut output = ValueInfo::new(input.dtype, dims);
    if let (Some(count), true) = (elements::count(input), input.elements.is_some()) {
        let kept: Vec<i64> = (0..input.dims.rank()).filter(|d| !axes.contains(d)).map(|d| input.dims[d]).collect();
        let group = |i: usize| {
            let at = elements::coordinates(&input.dims, i);
            let at: Vec<usize> = (0..at.len()).filter(|d| !axes.contains(d)).map(|d| at[d]).collect();
            elements::flat_index(&kept, &at)
        };
        elements::fill_ints(&mut output, |i| {
            arithmetic::reduce(op, (0..count).filter(|&j| group(j) == Some(i)).map(|j| elements::int(input, j)))
        });
    }
    Ok(output)
}

/// Cumulative: the input's dimensions; the axis is a scalar within its rank.
pub(super) fn cumulative(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let types = [DataType::Float, DataType::Half, DataType::Bf16, DataType::Int32, DataType::Int64];
    let input = inputs.typed(0, &types)?;
    let rank = i64::try_from(input.dims.rank()).unwrap_or(0);
    match inputs.rank_zero(1)? {
        Some(axis) if !(-rank..rank).contains(&axis) => {
            Err(Error::config(format!("axis {axis} is out of range for a tensor with {rank} dimensions")))
        }
        _ => Ok(ValueInfo::new(input.dtype, input.dims)),
    }
}
