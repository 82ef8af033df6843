//! Einstein summation.

use std::collections::BTreeMap;

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{Equation, LayerKind};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Einsum", einsum)];

fn einsum(c: &mut Context<'_>) -> Result<Outputs> {
    let equation = c.string("equation")?.ok_or_else(|| Refusal::invalid("attribute equation is missing"))?.to_owned();
    let inputs = c.all_inputs()?;
    let ranks: Vec<usize> = inputs.iter().map(|&id| c.rank(id)).collect();
    let equation = if Equation::parse(&equation, &ranks).is_ok() { equation } else { normalize(&equation, &ranks)? };
    one(c.add(LayerKind::Einsum { equation }, &inputs)?)
}

/// The equation in lower case letters without an ellipsis, the output spelled out: what ONNX allows beyond TensorRT's grammar.
fn normalize(equation: &str, ranks: &[usize]) -> Result<String> {
    let wrong = |why: &str| Refusal::invalid(format!("the equation \"{equation}\" {why}"));
    let text: String = equation.chars().filter(|ch| !ch.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (text.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != ranks.len() {
        return Err(wrong(&format!("has {} terms for {} inputs", terms.len(), ranks.len())));
    }
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for ch in left.chars().filter(|ch| !matches!(ch, ',' | '.')) {
        if !ch.is_ascii_alphabetic() {
            return Err(wrong("has a label that is not a letter"));
        }
        *counts.entry(ch).or_default() += 1;
    }
    // Labels keep their letter where they can; upper case and the ellipsis take letters that are free.
    let mut free = ('a'..='z').filter(|ch| !counts.contains_key(ch)).collect::<Vec<_>>().into_iter();
    let mut letters: BTreeMap<char, char> = BTreeMap::new();
    for &ch in counts.keys() {
        let letter = if ch.is_ascii_lowercase() { Some(ch) } else { free.next() };
        letters.insert(ch, letter.ok_or_else(|| wrong("has more than 26 labels"))?);
    }
    let mut hidden_most = 0;
    for (term, &rank) in terms.iter().zip(ranks) {
        if term.contains("...") {
            let named = term.len() - 3;
            hidden_most =
                hidden_most.max(rank.checked_sub(named).ok_or_else(|| wrong("has more labels than dimensions"))?);
        }
    }
    let ellipsis: Vec<char> = free.by_ref().take(hidden_most).collect();
    if ellipsis.len() < hidden_most {
        return Err(wrong("has more than 26 labels"));
    }
    let expand = |term: &str, hidden: usize| -> Result<String> {
        let replaced: String = ellipsis[hidden_most - hidden..].iter().collect();
        let (before, after) = term.split_once("...").unwrap_or((term, ""));
        let middle = if term.contains("...") { replaced.as_str() } else { "" };
        let map = |part: &str| -> Result<String> {
            part.chars().map(|ch| letters.get(&ch).copied().ok_or_else(|| wrong("names an unknown label"))).collect()
        };
        Ok(format!("{}{middle}{}", map(before)?, map(after)?))
    };
    let mut expanded = Vec::with_capacity(terms.len());
    for (term, &rank) in terms.iter().zip(ranks) {
        let hidden = if term.contains("...") { rank - (term.len() - 3) } else { 0 };
        let term = expand(term, hidden)?;
        if term.len() != rank {
            return Err(wrong(&format!("has {} labels for an input of rank {rank}", term.len())));
        }
        expanded.push(term);
    }
    let output = match right {
        Some(right) => expand(right, hidden_most)?,
        None => {
            let once: String = counts.iter().filter(|&(_, &count)| count == 1).map(|(ch, _)| *ch).collect();
            let dots = if hidden_most > 0 { "..." } else { "" };
            expand(&format!("{dots}{once}"), hidden_most)?
        }
    };
    Ok(format!("{}->{output}", expanded.join(",")))
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn equations_are_spelled_out() {
        assert_eq!(normalize("ij, jk", &[2, 2]).unwrap(), "ij,jk->ik");
        assert_eq!(normalize("...ii ->...i", &[3]).unwrap(), "aii->ai");
        assert_eq!(normalize("bij,bjk->bik", &[3, 3]).unwrap(), "bij,bjk->bik");
        assert_eq!(normalize("Ab->bA", &[2]).unwrap(), "ab->ba");
        assert_eq!(normalize("...ij,...jk", &[4, 3]).unwrap(), "abij,bjk->abik");
        for (bad, ranks) in
            [("ij->k", vec![2]), ("ij", vec![3]), ("i1", vec![2]), ("ij,jk", vec![2]), ("...ij", vec![1])]
        {
            assert!(normalize(bad, &ranks).is_err(), "{bad}");
        }
    }
}
