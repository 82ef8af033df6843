//! The operators that ONNX defines: how many inputs and outputs each has, and which attributes it must have, version by version.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One version of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) since: i64,
    pub(crate) inputs: (usize, usize),
    pub(crate) outputs: (usize, usize),
    pub(crate) deprecated: bool,
    pub(crate) required: Vec<&'static str>,
}

/// By name; each version with its domain.
static SCHEMAS: LazyLock<HashMap<&'static str, Vec<(&'static str, Schema)>>> = LazyLock::new(|| {
    let mut schemas: HashMap<_, Vec<_>> = HashMap::new();
    for line in include_str!("operators.tsv").lines().skip(1) {
        if let Some((name, domain, schema)) = row(line) {
            schemas.entry(name).or_default().push((domain, schema));
        }
    }
    schemas
});

fn row(line: &'static str) -> Option<(&'static str, &'static str, Schema)> {
    let mut cells = line.split('\t');
    let (domain, name) = (cells.next()?, cells.next()?);
    let since = cells.next()?.parse().ok()?;
    // −1 stands for any number.
    let mut number = || cells.next()?.parse::<i64>().ok().map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let inputs = (number()?, number()?);
    let outputs = (number()?, number()?);
    let deprecated = cells.next()? == "1";
    let required = cells.next()?.split(',').filter(|name| *name != "-").collect();
    Some((name, domain, Schema { since, inputs, outputs, deprecated, required }))
}

/// The operator as `opset` defines it; `None` where no such operator exists there, or where the domain is not known.
pub(crate) fn schema(domain: &str, name: &str, opset: i64) -> Option<&'static Schema> {
    let versions = SCHEMAS.get(name)?.iter().filter(|(of, schema)| *of == domain && schema.since <= opset);
    versions.map(|(_, schema)| schema).max_by_key(|schema| schema.since)
}

/// Whether the operators of a domain are known.
pub(crate) fn knows_domain(domain: &str) -> bool {
    matches!(domain, "ai.onnx" | "ai.onnx.ml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_versions_differ() {
        let rows = include_str!("operators.tsv").lines().count() - 1;
        assert_eq!(SCHEMAS.values().map(Vec::len).sum::<usize>(), rows);
        assert_eq!(schema("ai.onnx", "Squeeze", 12).unwrap().inputs, (1, 1));
        assert_eq!(schema("ai.onnx", "Squeeze", 13).unwrap().inputs, (1, 2));
        assert_eq!(schema("ai.onnx", "Concat", 13).unwrap().required, ["axis"]);
        assert_eq!(schema("ai.onnx", "Concat", 13).unwrap().inputs.1, usize::MAX);
        assert!(schema("ai.onnx", "LayerNormalization", 16).is_none());
        assert!(schema("ai.onnx", "Upsample", 10).unwrap().deprecated);
    }
}
