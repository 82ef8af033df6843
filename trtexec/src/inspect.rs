//! What is in an ONNX file, what ONNX's specification forbids in it, and what TensorRT would refuse.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tensorrt_emulator::onnx::{Importer, Model, ModelReport, ValueReport, check};

use crate::failure::{Failure, Result};
use crate::options::Format;
use crate::report::{self, Table};

/// What an inspection found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspection {
    file: PathBuf,
    bytes: u64,
    ir_version: Option<i64>,
    producer: String,
    graph: String,
    opsets: Vec<Opset>,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    operators: Vec<Operator>,
    nodes: usize,
    initializers: usize,
    functions: usize,
    /// What ONNX's specification forbids.
    problems: Vec<Finding>,
    /// The nodes that TensorRT's parser would not take.
    refused: Vec<Finding>,
    valid: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Opset {
    domain: String,
    version: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Value {
    name: String,
    data_type: String,
    /// Absent where even the rank is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    dims: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operator {
    name: String,
    nodes: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<usize>,
    message: String,
}

/// Shows a model; whether it is valid.
pub(crate) fn inspect(path: &Path, format: Format) -> Result<bool> {
    let tried = format!("inspect {}", path.display());
    let size = std::fs::metadata(path).map_err(|error| Failure::io("read the ONNX model", path, &error))?.len();
    let model = Model::from_file(path).map_err(|error| Failure::new(tried, error))?;
    let (_, refused) = Importer::new().supports(&model);
    let report = check(&model);
    let inspection = Inspection {
        file: path.to_path_buf(),
        bytes: size,
        refused: refused.iter().map(|error| Finding { node: error.node, message: error.to_string() }).collect(),
        ..Inspection::of(report)
    };
    report::print(&match format {
        Format::Text => inspection.to_string(),
        Format::Json => report::document(&inspection)? + "\n",
    })?;
    Ok(inspection.valid)
}

impl Inspection {
    fn of(report: ModelReport) -> Self {
        let values = |values: Vec<ValueReport>| {
            let value = |value: ValueReport| Value { name: value.name, data_type: value.data_type, dims: value.dims };
            values.into_iter().map(value).collect()
        };
        let mut operators: Vec<Operator> =
            report.operators.into_iter().map(|(name, nodes)| Operator { name, nodes }).collect();
        operators.sort_by(|a, b| b.nodes.cmp(&a.nodes).then_with(|| a.name.cmp(&b.name)));
        Self {
            file: PathBuf::new(),
            bytes: 0,
            ir_version: report.ir_version,
            producer: format!("{} {}", report.producer_name, report.producer_version).trim().to_owned(),
            graph: report.graph_name,
            opsets: report.opsets.into_iter().map(|(domain, version)| Opset { domain, version }).collect(),
            inputs: values(report.inputs),
            outputs: values(report.outputs),
            nodes: operators.iter().map(|operator| operator.nodes).sum(),
            operators,
            initializers: report.initializers,
            functions: report.functions,
            valid: report.problems.is_empty(),
            problems: report
                .problems
                .iter()
                .map(|problem| Finding { node: problem.node, message: problem.to_string() })
                .collect(),
            refused: Vec::new(),
        }
    }
}

impl Display for Inspection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let line = |f: &mut Formatter<'_>, name: &str, value: &dyn Display| writeln!(f, "{name:<13}{value}");
        line(f, "File", &format_args!("{} ({})", self.file.display(), report::bytes(self.bytes)))?;
        match self.ir_version {
            Some(version) => line(f, "IR version", &version)?,
            None => line(f, "IR version", &"missing")?,
        }
        let opsets: Vec<String> = self.opsets.iter().map(|set| format!("{} {}", set.domain, set.version)).collect();
        line(f, "Opset", &or(&opsets.join(", "), "missing"))?;
        line(f, "Producer", &or(&self.producer, "unknown"))?;
        line(f, "Graph", &or(&self.graph, "unnamed"))?;
        let mut contents = format!("{} nodes, {} initializers", self.nodes, self.initializers);
        if self.functions > 0 {
            contents.push_str(&format!(", {} functions", self.functions));
        }
        line(f, "Contents", &contents)?;

        let mut table = Table::new(&["tensor", "", "type", "shape"]);
        for (mode, values) in [("input", &self.inputs), ("output", &self.outputs)] {
            for value in values {
                let shape = match value.dims.as_deref() {
                    None => "unknown".to_owned(),
                    Some([]) => "scalar".to_owned(),
                    Some(dims) => dims.join(" x "),
                };
                table.row([&value.name, &mode, &value.data_type, &shape]);
            }
        }
        write!(f, "\n{table}")?;
        let mut table = Table::new(&["operator", ">nodes"]);
        for operator in &self.operators {
            table.row([&operator.name, &operator.nodes]);
        }
        if !table.is_empty() {
            write!(f, "\n{table}")?;
        }
        writeln!(f)?;
        findings(f, "ONNX", "valid", "INVALID", &self.problems)?;
        findings(f, "TensorRT", "takes every node", "would refuse the model", &self.refused)
    }
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}

fn findings(f: &mut Formatter<'_>, who: &str, good: &str, bad: &str, findings: &[Finding]) -> fmt::Result {
    if findings.is_empty() {
        return writeln!(f, "{who:<13}{good}");
    }
    let plural = if findings.len() == 1 { "" } else { "s" };
    writeln!(f, "{who:<13}{bad}, for {} reason{plural}", findings.len())?;
    findings.iter().try_for_each(|finding| writeln!(f, "  {}", finding.message))
}
