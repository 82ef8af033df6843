//! Einstein summation.

use std::collections::BTreeMap;

use super::inputs::{Inputs, unify};
use crate::graph::{Equation, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// One extent per label of the output; an extent of 1 takes another operand's.
pub(super) fn infer(inputs: Inputs<'_>, equation: &str) -> Result<ValueInfo> {
    let ranks: Vec<usize> =
        (0..inputs.len()).map(|index| Ok(inputs.float(index)?.dims.rank())).collect::<Result<_>>()?;
    let parsed = Equation::parse(equation, &ranks)?;
    let mut extents: BTreeMap<char, i64> = BTreeMap::new();
    for (index, labels) in parsed.operands.iter().enumerate() {
        inputs.same_types(0, index)?;
        for (label, extent) in own_extents(labels, &inputs.get(index)?.dims, equation)? {
            let known = extents.entry(label).or_insert(extent);
            *known = match (*known, extent) {
                (1, other) | (other, 1) => other,
                (known, extent) => unify(known, extent).ok_or_else(|| contradiction(equation, label, known, extent))?,
            };
        }
    }
    let dims: Vec<i64> =
        parsed.output.iter().map(|label| extents.get(label).copied().unwrap_or(Dims::DYNAMIC)).collect();
    Ok(ValueInfo::new(inputs.get(0)?.dtype, Dims::new(&dims)?))
}

/// The extents of one operand's labels: those of a diagonal are the same.
fn own_extents(labels: &[char], dims: &Dims, equation: &str) -> Result<BTreeMap<char, i64>> {
    let mut own: BTreeMap<char, i64> = BTreeMap::new();
    for (&label, &extent) in labels.iter().zip(dims.iter()) {
        let known = own.entry(label).or_insert(extent);
        *known = match (*known, extent) {
            (1, -1) | (-1, 1) => Dims::DYNAMIC,
            (known, extent) => unify(known, extent).ok_or_else(|| contradiction(equation, label, known, extent))?,
        };
    }
    Ok(own)
}

fn contradiction(equation: &str, label: char, a: i64, b: i64) -> Error {
    Error::config(format!("'{label}' in the equation \"{equation}\" is both {a} and {b}"))
}
