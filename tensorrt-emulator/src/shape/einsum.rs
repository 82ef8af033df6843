//! Einstein summation.

use std::collections::BTreeMap;

use super::inputs::{Inputs, unify};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The labels of the inputs and of the output of an equation without ellipsis, e.g. `"bij,bjk->bik"`; without an arrow, the output has
/// the labels that occur once, in alphabetical order.
fn parse(equation: &str) -> Result<(Vec<Vec<char>>, Vec<char>)> {
    let refuse = |why: &str| Error::config(format!("the equation \"{equation}\" {why}"));
    let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (text.as_str(), None),
    };
    let term = |term: &str| -> Result<Vec<char>> {
        match term.chars().find(|c| !c.is_ascii_alphabetic()) {
            Some('.') => Err(refuse("has an ellipsis, which TensorRT does not support")),
            Some(other) => Err(refuse(&format!("has the character '{other}'"))),
            None => Ok(term.chars().collect()),
        }
    };
    let operands: Vec<Vec<char>> = left.split(',').map(term).collect::<Result<_>>()?;
    for labels in &operands {
        if labels.iter().enumerate().any(|(i, label)| labels[..i].contains(label)) {
            return Err(refuse("repeats a label within one input, which TensorRT does not support"));
        }
    }
    let output = match right {
        Some(right) => term(right)?,
        None => {
            let mut uses = BTreeMap::new();
            operands.iter().flatten().for_each(|&label| *uses.entry(label).or_insert(0) += 1);
            uses.into_iter().filter(|&(_, count)| count == 1).map(|(label, _)| label).collect()
        }
    };
    for (i, label) in output.iter().enumerate() {
        if output[..i].contains(label) || !operands.iter().flatten().any(|known| known == label) {
            return Err(refuse(&format!("has an output label '{label}' that is repeated or in no input")));
        }
    }
    Ok((operands, output))
}

/// One extent per label of the output.
pub(super) fn infer(inputs: Inputs<'_>, equation: &str) -> Result<ValueInfo> {
    let (operands, output) = parse(equation)?;
    if operands.len() != inputs.len() {
        return Err(Error::config(format!(
            "the equation \"{equation}\" has {} inputs, the layer has {}",
            operands.len(),
            inputs.len()
        )));
    }
    let mut extents: BTreeMap<char, i64> = BTreeMap::new();
    for (index, labels) in operands.iter().enumerate() {
        let input = inputs.float(index)?;
        inputs.same_types(0, index)?;
        if input.dims.rank() != labels.len() {
            return Err(Error::config(format!(
                "input {index} has dimensions {}, but the equation \"{equation}\" names {}",
                input.dims,
                labels.len()
            )));
        }
        for (&label, &extent) in labels.iter().zip(input.dims.iter()) {
            let known = extents.entry(label).or_insert(Dims::DYNAMIC);
            *known = unify(*known, extent).ok_or_else(|| {
                Error::config(format!("'{label}' in the equation \"{equation}\" is both {known} and {extent}"))
            })?;
        }
    }
    let dims: Vec<i64> = output.iter().map(|label| extents.get(label).copied().unwrap_or(Dims::DYNAMIC)).collect();
    Ok(ValueInfo::new(inputs.get(0)?.dtype, Dims::new(&dims)?))
}
