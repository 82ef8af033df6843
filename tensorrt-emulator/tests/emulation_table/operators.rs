//! Every operator of ONNX's own domain: whether it is imported, and what the node tests say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost::Message as _;
use tensorrt_emulator::onnx::proto::{ModelProto, type_proto};
use tensorrt_emulator::onnx::{Importer, element_type_name};

/// The versions of ONNX's operators that are imported.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// Which operator a node test is about, and the types of its inputs: `name <tab> operator <tab> types`.
#[derive(Debug, Default)]
pub(crate) struct NodeTests(BTreeMap<String, (String, Vec<String>)>);

impl NodeTests {
    pub(crate) fn parse(text: &str) -> Self {
        let row = |line: &str| {
            let mut cells = line.split('\t');
            let (name, operator, types) = (cells.next()?, cells.next()?, cells.next()?);
            Some((name.to_owned(), (operator.to_owned(), types.split(',').map(str::to_owned).collect())))
        };
        Self(text.lines().filter_map(row).collect())
    }

    /// The tests named in `results`, read from the folder of ONNX's node tests.
    pub(crate) fn read(folder: &Path, results: &str) -> Self {
        let mut found = BTreeMap::new();
        for (name, _) in tests(results) {
            let base = name.find("_expanded").map_or(name, |at| &name[..at]);
            let Some(model) = model(folder, base).or_else(|| model(folder, name)) else { continue };
            let graph = model.graph.unwrap_or_default();
            let flat = base.replace('_', "");
            let named = graph.node.iter().filter(|node| flat.contains(&node.op_type.to_lowercase()));
            let named = named.max_by_key(|node| node.op_type.len()).or(graph.node.last());
            let operator = named.map_or("?", |node| node.op_type.as_str()).to_owned();
            let types: BTreeSet<String> = graph
                .input
                .iter()
                .filter_map(|input| match input.r#type.as_ref()?.value.as_ref()? {
                    type_proto::Value::TensorType(tensor) => Some(element_type_name(tensor.elem_type).to_owned()),
                    _ => None,
                })
                .collect();
            found.insert(name.to_owned(), (operator, types.into_iter().collect()));
        }
        Self(found)
    }

    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(name, (operator, types))| format!("{name}\t{operator}\t{}\n", types.join(","))).collect()
    }
}

fn model(folder: &Path, name: &str) -> Option<ModelProto> {
    let bytes = std::fs::read(folder.join(name).join("model.onnx")).ok()?;
    ModelProto::decode(&bytes[..]).ok()
}

/// The node tests and their results: "pass", or a reason.
fn tests(results: &str) -> impl Iterator<Item = (&str, &str)> {
    results.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

/// A row an operator: its name, its versions, whether the importer takes it, whether the strict one does, the node tests that pass, the types
/// in them, and why others do not pass.
pub(crate) fn rows(operators: &str, results: &str, about: &NodeTests) -> Vec<[String; 7]> {
    let mut versions: BTreeMap<&str, Vec<(i64, bool)>> = BTreeMap::new();
    for line in operators.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if let ["ai.onnx", name, since, .., deprecated, _] = cells[..] {
            versions.entry(name).or_default().push((since.parse().unwrap(), deprecated == "1"));
        }
    }
    let mut tested: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, result) in tests(results) {
        if let Some((operator, _)) = about.0.get(name) {
            tested.entry(operator).or_default().push((name, result));
        }
    }
    let mark = |yes: bool| if yes { "yes" } else { "–" }.to_owned();
    let row = |(name, versions): (&str, Vec<(i64, bool)>)| {
        let tested = tested.get(name).map_or(&[][..], Vec::as_slice);
        let passing = tested.iter().filter(|(_, result)| result.starts_with("pass"));
        let types: BTreeSet<&str> = passing
            .clone()
            .filter_map(|(test, _)| about.0.get(*test))
            .flat_map(|(_, types)| types)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        let reasons: BTreeSet<String> = tested
            .iter()
            .filter(|(_, result)| *result != "pass")
            .map(|(_, reason)| reason.replace('|', "\\|"))
            .collect();
        let taken = Importer::new().supports_operator(name);
        let counts =
            if tested.is_empty() { "–".to_owned() } else { format!("{} of {}", passing.count(), tested.len()) };
        [
            name.to_owned(),
            range(&versions),
            mark(taken),
            mark(taken && Importer::new().with_strict(true).supports_operator(name)),
            counts,
            types.into_iter().collect::<Vec<_>>().join(", "),
            reasons.into_iter().collect::<Vec<_>>().join("; "),
        ]
    };
    versions.into_iter().map(row).collect()
}

/// The versions of ONNX's operators in which one can be imported.
fn range(versions: &[(i64, bool)]) -> String {
    let first = versions.iter().map(|(since, _)| *since).min().unwrap_or(1).max(*OPSETS.start());
    let end = versions.iter().max().filter(|(_, deprecated)| *deprecated).map(|(since, _)| since - 1);
    let last = end.unwrap_or(*OPSETS.end());
    if first > last { "–".to_owned() } else { format!("{first}–{last}") }
}
