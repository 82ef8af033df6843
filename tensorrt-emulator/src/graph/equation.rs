//! The equations of Einstein summations.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// The labels of an equation, one a dimension; the dimensions of an ellipsis are the labels `'0'`, `'1'`, ….
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Equation {
    /// The labels of each operand; one that occurs twice in an operand takes the diagonal.
    pub(crate) operands: Vec<Vec<char>>,
    /// The labels of the output.
    pub(crate) output: Vec<char>,
}

/// The dimensions that an ellipsis can stand for.
const HIDDEN: [char; 8] = ['0', '1', '2', '3', '4', '5', '6', '7'];

impl Equation {
    /// Parses an equation of TensorRT's grammar for operands of these ranks, e.g. `"bij,bjk->bik"` or `"...ii->...i"`: lower-case
    /// letters, blanks ignored; without an arrow the output has the ellipsis and the labels that occur once, in alphabetical order.
    ///
    /// # Errors
    /// The equation does not follow the grammar or does not fit the ranks, or its ellipses stand for different numbers of dimensions.
    pub(crate) fn parse(equation: &str, ranks: &[usize]) -> Result<Self> {
        let refuse = |why: &str| Error::config(format!("the equation \"{equation}\" {why}"));
        let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_lowercase() && !".,->".contains(*c)) {
            return Err(refuse(&format!("has the character '{bad}': labels are lower-case letters")));
        }
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text.as_str(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != ranks.len() {
            return Err(refuse(&format!("has {} inputs, the layer has {}", terms.len(), ranks.len())));
        }
        let mut hidden: Option<usize> = None;
        let mut operands = Vec::with_capacity(terms.len());
        for (index, (term, &rank)) in terms.iter().zip(ranks).enumerate() {
            let named = term.chars().filter(char::is_ascii_lowercase).count();
            let dots = term.contains("...");
            let own = rank.checked_sub(named).filter(|&own| dots || own == 0);
            let own =
                own.ok_or_else(|| refuse(&format!("names {named} dimensions of input {index}, which has {rank}")))?;
            if dots && *hidden.get_or_insert(own) != own {
                return Err(refuse("has ellipses that stand for different numbers of dimensions"));
            }
            operands.push(labels(term, own).map_err(|why| refuse(&why))?);
        }
        let output = match right {
            Some(term) => labels(term, hidden.unwrap_or(0)).map_err(|why| refuse(&why))?,
            None => {
                let mut uses: BTreeMap<char, usize> = BTreeMap::new();
                operands.iter().flatten().for_each(|&label| *uses.entry(label).or_insert(0) += 1);
                let kept = uses.into_iter().filter(|&(label, count)| label.is_ascii_digit() || count == 1);
                kept.map(|(label, _)| label).collect()
            }
        };
        for (i, label) in output.iter().enumerate() {
            if output[..i].contains(label) || !operands.iter().flatten().any(|known| known == label) {
                return Err(refuse(&format!("has an output label '{label}' that is repeated or in no input")));
            }
        }
        Ok(Self { operands, output })
    }
}

/// The labels of one term, whose ellipsis stands for `hidden` dimensions.
fn labels(term: &str, hidden: usize) -> Result<Vec<char>, String> {
    let (before, after) = term.split_once("...").unwrap_or((term, ""));
    if let Some(bad) = before.chars().chain(after.chars()).find(|c| !c.is_ascii_lowercase()) {
        return Err(format!("has the character '{bad}'"));
    }
    let dots = if term.contains("...") { HIDDEN.get(..hidden).ok_or("has too many dimensions")? } else { &[] };
    Ok(before.chars().chain(dots.iter().copied()).chain(after.chars()).collect())
}

#[cfg(test)]
mod tests {
    use super::Equation;

    fn parsed(equation: &str, ranks: &[usize]) -> (Vec<String>, String) {
        let equation = Equation::parse(equation, ranks).unwrap();
        (equation.operands.iter().map(|labels| labels.iter().collect()).collect(), equation.output.iter().collect())
    }

    #[test]
    fn equations_are_spelled_out() {
        let strings = |all: &[&str]| all.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        assert_eq!(parsed("ij, jk", &[2, 2]), (strings(&["ij", "jk"]), "ik".to_owned()));
        assert_eq!(parsed("...ii ->...i", &[3]), (strings(&["0ii"]), "0i".to_owned()));
        assert_eq!(parsed("...ij", &[4]), (strings(&["01ij"]), "01ij".to_owned()));
        assert_eq!(parsed("a...,...b->a...b", &[2, 2]), (strings(&["a0", "0b"]), "a0b".to_owned()));
        assert_eq!(parsed(",->", &[0, 0]), (strings(&["", ""]), String::new()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (bad, ranks) in [
            ("ij->k", &[2][..]),
            ("ij", &[3]),
            ("i1", &[2]),
            ("Ij->jI", &[2]),
            ("ij,jk", &[2]),
            ("...ij", &[1]),
            ("ij->ii", &[2]),
            ("...ij,...jk->...ik", &[3, 2]),
            ("i.j", &[2]),
        ] {
            assert!(Equation::parse(bad, ranks).is_err(), "{bad}");
        }
        let error = Equation::parse("Ij->jI", &[2]).unwrap_err();
        assert!(error.message().contains("'I'"), "{error}");
    }
}
