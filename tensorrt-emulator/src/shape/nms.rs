//! Layers whose output's size depends on values: non-maximum suppression and the indices of non-zeros.

use tensorrt_sys::{BoundingBoxFormat, DataType};

use super::elements;
use super::inputs::{FLOATS, INDICES, Inputs, unify};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

fn check_indices(indices: DataType) -> Result<()> {
    if INDICES.contains(&indices) {
        return Ok(());
    }
    Err(Error::config(format!("indices of type {} are not allowed", indices.name())))
}

/// The selected indices [count, 3], the count unknown, and the count itself.
pub(super) fn infer(
    inputs: Inputs<'_>,
    format: BoundingBoxFormat,
    topk_limit: i32,
    indices: DataType,
) -> Result<Vec<ValueInfo>> {
    let (boxes, scores) = (inputs.float(0)?, inputs.float(1)?);
    inputs.same_types(0, 1)?;
    check_indices(indices)?;
    let fits = match (&boxes.dims[..], &scores.dims[..]) {
        (&[n, count, 4], &[m, scored, _]) => unify(n, m).is_some() && unify(count, scored).is_some(),
        (&[n, count, classes, 4], &[m, scored, of]) => {
            let same = unify(n, m).is_some() && unify(count, scored).is_some();
            same && (classes == 1 || unify(classes, of).is_some())
        }
        _ => false,
    };
    if !fits {
        let text = format!(
            "boxes {} and scores {} do not fit: they are [batch, count, 4] or [batch, count, classes, 4], whose 4 has to be known, and \
             [batch, count, classes]",
            boxes.dims, scores.dims
        );
        return Err(Error::config(text));
    }
    if topk_limit < -1 {
        return Err(Error::config(format!("a limit of {topk_limit} boxes is negative ({})", format.name())));
    }
    inputs.rank_zero(2)?;
    for index in [3, 4] {
        if inputs.optional(index).is_some() {
            let threshold = inputs.typed(index, &[DataType::Float])?;
            if threshold.dims.rank() != 0 {
                return Err(Error::config(format!(
                    "input {index} must be a scalar, but has dimensions {}",
                    threshold.dims
                )));
            }
        }
    }
    Ok(vec![ValueInfo::new(indices, Dims::new(&[Dims::DYNAMIC, 3])?), ValueInfo::new(DataType::Int32, Dims::scalar())])
}

/// [rank, count], the count known only where the elements are.
pub(super) fn non_zero(inputs: Inputs<'_>, indices: DataType) -> Result<ValueInfo> {
    let types = [FLOATS, INDICES, &[DataType::Bool]].concat();
    let input = inputs.typed(0, &types)?;
    check_indices(indices)?;
    let rank = input.dims.rank();
    let found: Option<Vec<usize>> = input
        .known_elements()
        .map(|values| values.iter().enumerate().filter(|&(_, &v)| v != 0).map(|(i, _)| i).collect())
        .filter(|_| rank > 0);
    let count = found.as_ref().map_or(Dims::DYNAMIC, |found| i64::try_from(found.len()).unwrap_or(Dims::DYNAMIC));
    let mut output = ValueInfo::new(indices, Dims::new(&[i64::try_from(rank).unwrap_or(0), count])?);
    if let Some(found) = found.filter(|found| !found.is_empty()) {
        elements::fill_ints(&mut output, |i| {
            let at = elements::coordinates(&input.dims, *found.get(i % found.len())?);
            i64::try_from(*at.get(i / found.len())?).ok()
        });
    }
    Ok(output)
}
