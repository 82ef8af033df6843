//! Scatter.

use tensorrt_sys::ScatterMode;

use super::elements;
use super::inputs::{INDICES, Inputs, axis as check_axis, unify};
use crate::graph::ValueInfo;
use crate::{Error, Result};

/// The data's dimensions; indices and updates must fit them.
pub(super) fn infer(inputs: Inputs<'_>, mode: ScatterMode, axis: i32) -> Result<ValueInfo> {
    let (data, indices, updates) = (inputs.get(0)?, inputs.typed(1, INDICES)?, inputs.get(2)?);
    inputs.same_types(0, 2)?;
    let refuse = |why: String| {
        Error::config(format!("data {}, indices {} and updates {}: {why}", data.dims, indices.dims, updates.dims))
    };
    match mode {
        ScatterMode::Element => {
            let rank = i32::try_from(data.dims.rank()).unwrap_or(0);
            let axis = check_axis(if axis < 0 { axis + rank } else { axis }, data.dims.rank())?;
            if data.dims.rank() != indices.dims.rank() || indices.dims.rank() != updates.dims.rank() {
                return Err(refuse("all must have the same number of dimensions".to_owned()));
            }
            for at in 0..data.dims.rank() {
                let Some(extent) = unify(indices.dims[at], updates.dims[at]) else {
                    return Err(refuse(format!("indices and updates disagree in dimension {at}")));
                };
                if at != axis && data.dims[at] >= 0 && extent > data.dims[at] {
                    return Err(refuse(format!("the indices exceed the data in dimension {at}")));
                }
            }
            let mut output = ValueInfo::new(data.dtype, data.dims);
            if data.dims.rank() == 1 {
                along_vector(&mut output, data, indices, updates);
            }
            Ok(output)
        }
        ScatterMode::Nd => {
            let Some((&length, outer)) = indices.dims.split_last() else {
                return Err(refuse("the indices must have at least one dimension".to_owned()));
            };
            if length == -1 {
                return Ok(ValueInfo::new(data.dtype, data.dims));
            }
            let length = usize::try_from(length).ok().filter(|&n| n <= data.dims.rank());
            let Some(length) = length else {
                return Err(refuse("the last dimension of the indices must be at most the data's rank".to_owned()));
            };
            let wanted = [outer, &data.dims[length..]].concat();
            let fits = wanted.len() == updates.dims.rank()
                && wanted.iter().zip(updates.dims.iter()).all(|(&a, &b)| unify(a, b).is_some());
            if !fits {
                return Err(refuse(format!("the updates must have dimensions {wanted:?}")));
            }
            let mut output = ValueInfo::new(data.dtype, data.dims);
            if data.dims.rank() == 1 && length == 1 {
                along_vector(&mut output, data, indices, updates);
            }
            Ok(output)
        }
        _ => Err(Error::config(format!("scatter mode {} is not known", mode.name()))),
    }
}

/// Follows updates of single elements of a vector, where every index is known.
fn along_vector(output: &mut ValueInfo, data: &ValueInfo, indices: &ValueInfo, updates: &ValueInfo) {
    let Some(known) = indices.known_elements() else { return };
    let length = data.dims[0];
    let at: Vec<i64> = known.iter().map(|&i| if i < 0 { i.saturating_add(length) } else { i }).collect();
    elements::pick(output, &[data, updates], |i| {
        let update = at.iter().rposition(|&target| usize::try_from(target) == Ok(i));
        Some(update.map_or((0, i), |update| (1, update)))
    });
}
