//! Gather and reverse sequence.

use tensorrt_sys::{DataType, GatherMode};

use super::inputs::{INDICES, Inputs, axis as check_axis, unify};
use super::{broadcast, elements};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

fn join(parts: &[&[i64]]) -> Result<Dims> {
    Dims::new(&parts.concat())
}

/// Slices along an axis, elements along an axis, or slices at tuples.
pub(super) fn infer(inputs: Inputs<'_>, axis: i32, num_elementwise_dims: i32, mode: GatherMode) -> Result<ValueInfo> {
    let (data, indices) = (inputs.get(0)?, inputs.typed(1, INDICES)?);
    let shared = usize::try_from(num_elementwise_dims)
        .ok()
        .filter(|&n| n <= data.dims.rank() && n <= indices.dims.rank())
        .ok_or_else(|| Error::config(format!("{num_elementwise_dims} elementwise dimensions are not possible")))?;
    match mode {
        GatherMode::Default => slices(data, indices, check_axis(axis, data.dims.rank())?, shared),
        GatherMode::Element => along(data, indices, check_axis(axis, data.dims.rank())?, shared),
        GatherMode::Nd => tuples(data, indices, shared),
        _ => Err(Error::config(format!("gather mode {} is not known", mode.name()))),
    }
}

fn slices(data: &ValueInfo, indices: &ValueInfo, axis: usize, shared: usize) -> Result<ValueInfo> {
    if shared > 1 || shared > axis {
        return Err(Error::config(format!("{shared} elementwise dimensions are not possible with axis {axis}")));
    }
    let mut dims = join(&[&data.dims[..axis], &indices.dims[shared..], &data.dims[axis + 1..]])?;
    if shared == 1 {
        let (a, b) = (data.dims[0], indices.dims[0]);
        dims[0] = broadcast::extent(a, b).ok_or_else(|| {
            Error::config(format!("inputs 0 and 1 have extents {a} and {b} in the elementwise dimension"))
        })?;
    }
    let mut output = ValueInfo::new(data.dtype, dims);
    if shared == 0 {
        let middle = indices.dims.rank();
        elements::pick(&mut output, &[data], |i| {
            let at = elements::coordinates(&dims, i);
            let index = elements::int(indices, elements::flat_index(&indices.dims, &at[axis..axis + middle])?)?;
            let index = if index < 0 { index.checked_add(data.dims[axis])? } else { index };
            let from = [&at[..axis], &[usize::try_from(index).ok()?], &at[axis + middle..]].concat();
            Some((0, elements::flat_index(&data.dims, &from)?))
        });
    }
    Ok(output)
}

fn along(data: &ValueInfo, indices: &ValueInfo, axis: usize, shared: usize) -> Result<ValueInfo> {
    if shared != 0 {
        return Err(Error::config("gathering elements allows no elementwise dimensions"));
    }
    if data.dims.rank() != indices.dims.rank() {
        return Err(Error::config(format!(
            "inputs 0 and 1 must have the same number of dimensions, but have {} and {}",
            data.dims, indices.dims
        )));
    }
    for (at, (&have, &want)) in data.dims.iter().zip(indices.dims.iter()).enumerate() {
        if at != axis && have >= 0 && want > have {
            return Err(Error::config(format!(
                "inputs 0 and 1 have dimensions {} and {}: the indices exceed the data in dimension {at}",
                data.dims, indices.dims
            )));
        }
    }
    Ok(ValueInfo::new(data.dtype, indices.dims))
}

fn tuples(data: &ValueInfo, indices: &ValueInfo, shared: usize) -> Result<ValueInfo> {
    let Some((&length, outer)) = indices.dims.split_last() else {
        return Err(Error::config("the indices of a gather of tuples must have at least one dimension"));
    };
    let length = usize::try_from(length)
        .map_err(|_| Error::config("the last dimension of the indices must be known at build time"))?;
    if shared > outer.len() || length > data.dims.rank() - shared {
        return Err(Error::config(format!(
            "tuples of {length} do not index an input of dimensions {} with {shared} elementwise dimensions",
            data.dims
        )));
    }
    let mut outer = outer.to_vec();
    for (at, extent) in outer.iter_mut().enumerate().take(shared) {
        *extent = unify(*extent, data.dims[at]).ok_or_else(|| {
            Error::config(format!(
                "inputs 0 and 1 disagree in elementwise dimension {at}: {} and {}",
                data.dims, indices.dims
            ))
        })?;
    }
    Ok(ValueInfo::new(data.dtype, join(&[&outer, &data.dims[shared + length..]])?))
}

/// The input's dimensions; one length per batch entry.
pub(super) fn reverse_sequence(inputs: Inputs<'_>, batch_axis: i32, sequence_axis: i32) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    let lengths = inputs.typed(1, &[DataType::Int32, DataType::Int64])?;
    let batch = check_axis(batch_axis, input.dims.rank())?;
    let sequence = check_axis(sequence_axis, input.dims.rank())?;
    if batch == sequence || lengths.dims.rank() != 1 || unify(lengths.dims[0], input.dims[batch]).is_none() {
        return Err(Error::config(format!(
            "lengths of dimensions {} do not fit an input of dimensions {} with batch axis {batch} and sequence axis {sequence}",
            lengths.dims, input.dims
        )));
    }
    Ok(ValueInfo::new(input.dtype, input.dims))
}
