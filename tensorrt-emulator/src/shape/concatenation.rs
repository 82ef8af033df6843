//! Concatenation.

use super::elements;
use super::inputs::{Inputs, add, axis as check_axis, unify};
use crate::graph::ValueInfo;
use crate::{Error, Result};

/// The inputs joined along `axis`; types, ranks and all other extents agree.
pub(super) fn infer(inputs: Inputs<'_>, axis: i32) -> Result<ValueInfo> {
    let first = inputs.get(0)?;
    let axis = check_axis(axis, first.dims.rank())?;
    let mut dims = first.dims;
    let mut all = vec![first];
    for index in 1..inputs.len() {
        let input = inputs.get(index)?;
        inputs.same_types(0, index)?;
        if input.dims.rank() != dims.rank() {
            return Err(Error::config(format!(
                "inputs 0 and {index} must have the same number of dimensions, but have {} and {}",
                first.dims, input.dims
            )));
        }
        for (at, &extent) in input.dims.iter().enumerate() {
            dims[at] = if at == axis {
                add(dims[at], extent)?
            } else {
                unify(dims[at], extent).ok_or_else(|| {
                    Error::config(format!(
                        "inputs 0 and {index} must agree in dimension {at}, but have dimensions {} and {}",
                        first.dims, input.dims
                    ))
                })?
            };
        }
        all.push(input);
    }
    let mut output = ValueInfo::new(first.dtype, dims);
    elements::pick(&mut output, &all, |i| {
        let mut at = elements::coordinates(&dims, i);
        for (source, input) in all.iter().enumerate() {
            let extent = usize::try_from(input.dims[axis]).ok()?;
            if at[axis] < extent {
                return Some((source, elements::flat_index(&input.dims, &at)?));
            }
            at[axis] -= extent;
        }
        None
    });
    Ok(output)
}
