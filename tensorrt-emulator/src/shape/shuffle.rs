//! Shuffle: transpose, reshape, transpose.

use super::elements;
use super::inputs::{Inputs, not_uint8};
use crate::graph::{Permutation, Shuffle, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// Carries out the three steps, each on extents and known elements.
pub(super) fn infer(inputs: Inputs<'_>, shuffle: &Shuffle) -> Result<ValueInfo> {
    not_uint8(inputs.get(0)?)?;
    let first = transpose(inputs.get(0)?, &shuffle.first, "first")?;
    let wanted = match (inputs.optional(1), shuffle.reshape) {
        (Some(_), _) => Some(inputs.shape_tensor(1)?),
        (None, Some(dims)) => Some(dims.iter().map(|&d| Some(d)).collect()),
        (None, None) => None,
    };
    let reshaped = match wanted {
        Some(wanted) => {
            let dims = reshape(&first.dims, &wanted, shuffle.zero_is_placeholder)?;
            let mut output = ValueInfo::new(first.dtype, dims);
            elements::pick(&mut output, &[&first], |i| Some((0, i)));
            output
        }
        None => first,
    };
    transpose(&reshaped, &shuffle.second, "second")
}

fn transpose(input: &ValueInfo, permutation: &Permutation, which: &str) -> Result<ValueInfo> {
    let rank = input.dims.rank();
    let order = permutation.order(rank).ok_or_else(|| {
        Error::config(format!(
            "the {which} transpose {:?} is not a permutation of {rank} dimensions",
            &permutation.0[..rank]
        ))
    })?;
    let mut dims = input.dims;
    for (to, &from) in order.iter().enumerate() {
        dims[to] = input.dims[from];
    }
    let mut output = ValueInfo::new(input.dtype, dims);
    elements::pick(&mut output, &[input], |i| {
        let to = elements::coordinates(&dims, i);
        let mut from = vec![0; rank];
        for (&source, at) in order.iter().zip(to) {
            from[source] = at;
        }
        Some((0, elements::flat_index(&input.dims, &from)?))
    });
    Ok(output)
}

/// The dimensions that `wanted` (−1: inferred, 0: copied where a placeholder, `None`: not known yet) makes of `input`.
fn reshape(input: &Dims, wanted: &[Option<i64>], zero_is_placeholder: bool) -> Result<Dims> {
    let refuse = |why: String| {
        let shown: Vec<String> = wanted.iter().map(|d| d.map_or_else(|| "?".to_owned(), |d| d.to_string())).collect();
        Error::config(format!("dimensions {input} cannot be reshaped to [{}]: {why}", shown.join(",")))
    };
    // Extents that are copied cancel out of both products, known or not.
    let mut copied = [false; Dims::MAX];
    let mut result = Dims::splat(Dims::DYNAMIC, wanted.len());
    let (mut open, mut inferred) = (None, 0);
    let mut open_count = 0;
    for (at, &extent) in wanted.iter().enumerate() {
        match extent {
            Some(0) if zero_is_placeholder => {
                let from = *input.get(at).ok_or_else(|| refuse(format!("there is no dimension {at} to copy")))?;
                copied[at] = true;
                result[at] = from;
            }
            Some(-1) | None => {
                inferred += i32::from(extent.is_some());
                open_count += 1;
                open = Some(at);
            }
            Some(d) if d < -1 => return Err(refuse(format!("{d} is negative"))),
            Some(d) => result[at] = d,
        }
    }
    if inferred > 0 && result.contains(&0) {
        return Err(refuse("-1 cannot be inferred beside an extent of 0".to_owned()));
    }
    if inferred > 1 {
        return Err(refuse("more than one extent is -1".to_owned()));
    }
    let product = |extents: &mut dyn Iterator<Item = i64>| {
        let mut product = 1i64;
        for extent in extents {
            product = product.checked_mul(extent).ok_or_else(|| refuse("the volume overflows".to_owned()))?;
        }
        Ok(product)
    };
    // Nothing stays nothing, whatever the unknown extents are.
    let nothing = input.iter().enumerate().any(|(at, &d)| d == 0 && !copied[at]);
    let rest_is_known = nothing || input.iter().enumerate().all(|(at, &d)| d >= 0 || copied[at]);
    if !rest_is_known {
        let known = product(&mut input.iter().enumerate().filter(|&(at, &d)| !copied[at] && d > 0).map(|(_, &d)| d))?;
        let given = product(&mut result.iter().enumerate().filter(|&(at, _)| !copied[at]).map(|(_, &d)| d.max(0)))?;
        if open_count == 0 && given % known != 0 {
            return Err(refuse(format!("{given} elements are not a multiple of {known}")));
        }
        return Ok(result);
    }
    let rest = product(&mut input.iter().enumerate().filter(|&(at, _)| !copied[at]).map(|(_, &d)| d))?;
    let given = product(&mut result.iter().enumerate().filter(|&(at, &d)| !copied[at] && d >= 0).map(|(_, &d)| d))?;
    match (open, open_count) {
        (None, _) if rest != given => {
            // A copied extent of 0 on both sides makes both volumes 0, whatever the rest.
            let zero = result.iter().enumerate().any(|(at, &d)| copied[at] && d == 0);
            if zero { Ok(result) } else { Err(refuse("the number of elements differs".to_owned())) }
        }
        (Some(at), 1) if inferred == 1 => {
            // No extent beside the inferred one is 0, so that `given` is not.
            if rest % given != 0 {
                return Err(refuse(format!("{rest} elements are not a multiple of {given}")));
            }
            result[at] = rest / given;
            Ok(result)
        }
        _ => Ok(result),
    }
}
