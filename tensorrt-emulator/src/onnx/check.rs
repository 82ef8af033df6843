//! What is in a model, and what is wrong with it: an inspection that needs no import.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::data_type;
use super::function::{is_onnx, opset};
use super::model::{MAX_IR_VERSION, Model};
use super::proto::{FunctionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto, dimension, type_proto};
use super::schema;

/// An input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueReport {
    /// The name.
    pub name: String,
    /// ONNX's name of the element type, or the kind of value where it is not a tensor.
    pub data_type: String,
    /// The extents as numbers or names, `?` where neither is known; `None` where even the rank is not.
    pub dims: Option<Vec<String>>,
}

/// Something that ONNX's specification forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The index of the node, where it is a node's.
    pub node: Option<usize>,
    /// The node's name and operator, or empty.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = self.node {
            write!(f, "node {node} {}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// A model as an inspector shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelReport {
    /// The version of the file format.
    pub ir_version: Option<i64>,
    /// The program that wrote the model.
    pub producer_name: String,
    /// Its version.
    pub producer_version: String,
    /// The graph's name.
    pub graph_name: String,
    /// The domains of operators and their versions; ONNX's own domain is `ai.onnx`.
    pub opsets: Vec<(String, i64)>,
    /// The inputs that are not initializers.
    pub inputs: Vec<ValueReport>,
    /// The outputs.
    pub outputs: Vec<ValueReport>,
    /// How often each operator is used, subgraphs and functions included; others than ONNX's own as `domain::name`.
    pub operators: BTreeMap<String, usize>,
    /// The number of initializers.
    pub initializers: usize,
    /// The number of local functions.
    pub functions: usize,
    /// What is wrong with the model.
    pub problems: Vec<Problem>,
}

/// Inspects a model.
pub fn check(model: &Model) -> ModelReport {
    let proto = model.proto();
    let domain = |name: &str| if is_onnx(name) { "ai.onnx".to_owned() } else { name.to_owned() };
    let mut report = ModelReport {
        ir_version: proto.ir_version,
        producer_name: proto.producer_name.clone(),
        producer_version: proto.producer_version.clone(),
        opsets: proto.opset_import.iter().map(|import| (domain(&import.domain), import.version)).collect(),
        functions: proto.functions.len(),
        ..ModelReport::default()
    };
    let mut checker = Checker { proto, report: &mut report };
    checker.versions();
    if let Some(graph) = &proto.graph {
        checker.summary(graph);
        checker.graph(graph, &HashSet::new(), true);
    }
    for function in &proto.functions {
        checker.function(function);
    }
    report
}

struct Checker<'m> {
    proto: &'m ModelProto,
    report: &'m mut ModelReport,
}

impl<'m> Checker<'m> {
    fn problem(&mut self, message: impl Into<String>) {
        self.report.problems.push(Problem { node: None, place: String::new(), message: message.into() });
    }

    fn node_problem(&mut self, index: usize, node: &NodeProto, message: impl Into<String>) {
        let place = if node.name.is_empty() {
            format!("({})", node.op_type)
        } else {
            format!("\"{}\" ({})", node.name, node.op_type)
        };
        self.report.problems.push(Problem { node: Some(index), place, message: message.into() });
    }

    fn versions(&mut self) {
        match self.proto.ir_version {
            None => self.problem("the IR version is missing"),
            Some(version) if version > MAX_IR_VERSION => {
                self.problem(format!("IR version {version} is newer than {MAX_IR_VERSION}"));
            }
            Some(version) if version >= 3 && self.proto.opset_import.is_empty() => {
                self.problem("the model imports no version of any operators (opset_import)");
            }
            Some(_) => {}
        }
        let mut seen = HashSet::new();
        for import in &self.proto.opset_import {
            if !seen.insert(if is_onnx(&import.domain) { "" } else { &import.domain }) {
                self.problem(format!("the domain \"{}\" is imported twice", import.domain));
            }
        }
    }

    fn summary(&mut self, graph: &GraphProto) {
        let initializers: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        self.report.graph_name.clone_from(&graph.name);
        self.report.initializers = graph.initializer.len();
        let inputs = graph.input.iter().filter(|input| !initializers.contains(input.name.as_str()));
        self.report.inputs = inputs.map(value).collect();
        self.report.outputs = graph.output.iter().map(value).collect();
        if graph.name.is_empty() {
            self.problem("the graph has no name");
        }
        if graph.output.is_empty() {
            self.problem("the graph has no outputs");
        }
        for input in &graph.input {
            if input.r#type.as_ref().is_none_or(|t| t.value.is_none()) {
                self.problem(format!("input \"{}\" has no type", input.name));
            }
        }
        if self.proto.ir_version.is_some_and(|version| version < 4) {
            let declared: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
            for name in initializers.difference(&declared) {
                self.problem(format!("initializer \"{name}\" is not an input, which IR versions before 4 require"));
            }
        }
    }

    fn graph(&mut self, graph: &'m GraphProto, outer: &HashSet<&'m str>, top: bool) {
        let mut known = outer.clone();
        let mut own: HashSet<&str> = HashSet::new();
        for input in &graph.input {
            if !own.insert(&input.name) {
                self.problem(format!("there are two inputs \"{}\"", input.name));
            }
        }
        let mut initializers = HashSet::new();
        for tensor in &graph.initializer {
            if !initializers.insert(tensor.name.as_str()) {
                self.problem(format!("there are two initializers \"{}\"", tensor.name));
            }
            own.insert(&tensor.name);
            if let Some(message) = super::tensor::size_problem(tensor) {
                self.problem(format!("initializer \"{}\": {message}", tensor.name));
            }
        }
        own.extend(graph.sparse_initializer.iter().filter_map(|sparse| Some(sparse.values.as_ref()?.name.as_str())));
        known.extend(&own);
        self.nodes(&graph.node, &mut known, own, &self.proto.opset_import.clone());
        for output in &graph.output {
            if !known.contains(output.name.as_str()) {
                self.problem(format!("nothing makes the output \"{}\"", output.name));
            }
        }
        if top && graph.node.is_empty() && graph.output.is_empty() {
            self.problem("the graph is empty");
        }
    }

    fn function(&mut self, function: &'m FunctionProto) {
        let own: HashSet<&str> = function.input.iter().map(String::as_str).collect();
        let mut known = own.clone();
        self.nodes(&function.node, &mut known, own, &function.opset_import);
        for output in &function.output {
            if !known.contains(output.as_str()) {
                self.problem(format!("function {}: nothing makes the output \"{output}\"", function.name));
            }
        }
    }

    fn nodes(
        &mut self,
        nodes: &'m [NodeProto],
        known: &mut HashSet<&'m str>,
        mut own: HashSet<&'m str>,
        imports: &[super::proto::OperatorSetIdProto],
    ) {
        let mut makers: HashMap<&str, usize> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                makers.entry(output).or_insert(index);
            }
        }
        let cyclic = cyclic(nodes, &makers);
        for (index, node) in nodes.iter().enumerate() {
            for input in node.input.iter().filter(|name| !name.is_empty()) {
                if known.contains(input.as_str()) {
                    continue;
                }
                let why = match makers.get(input.as_str()) {
                    None => "nothing makes it".to_owned(),
                    Some(maker) if cyclic.contains(maker) && cyclic.contains(&index) => {
                        format!("node {maker} makes it, and the two are in a cycle")
                    }
                    Some(maker) => format!("node {maker} makes it, which comes later (nodes are not in order)"),
                };
                self.node_problem(index, node, format!("input \"{input}\": {why}"));
                known.insert(input);
            }
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                if !own.insert(output) {
                    self.node_problem(index, node, format!("the name \"{output}\" is already taken (not in SSA form)"));
                }
            }
            self.operator(index, node, imports);
            for attribute in &node.attribute {
                for graph in attribute.g.iter().chain(&attribute.graphs) {
                    self.graph(graph, known, false);
                }
            }
            known.extend(node.output.iter().map(String::as_str));
        }
    }

    fn operator(&mut self, index: usize, node: &NodeProto, imports: &[super::proto::OperatorSetIdProto]) {
        let onnx = is_onnx(&node.domain);
        let name = if onnx { node.op_type.clone() } else { format!("{}::{}", node.domain, node.op_type) };
        *self.report.operators.entry(name).or_default() += 1;
        let mut seen = HashSet::new();
        for attribute in &node.attribute {
            if !seen.insert(attribute.name.as_str()) {
                self.node_problem(index, node, format!("attribute {} is given twice", attribute.name));
            }
        }
        let called = |f: &FunctionProto| f.name == node.op_type && f.domain == node.domain;
        if self.proto.functions.iter().any(called) {
            return;
        }
        let imported = imports.iter().any(|import| import.domain == node.domain || (onnx && is_onnx(&import.domain)));
        let implied = onnx && imports.is_empty();
        if !imported && !implied {
            self.node_problem(index, node, format!("the domain \"{}\" is not imported", node.domain));
            return;
        }
        let domain = if onnx { "ai.onnx" } else { node.domain.as_str() };
        if !schema::knows_domain(domain) {
            return;
        }
        let version = opset(imports, &node.domain);
        let Some(schema) = schema::schema(domain, &node.op_type, version) else {
            self.node_problem(index, node, format!("there is no such operator in version {version} of {domain}"));
            return;
        };
        if schema.deprecated {
            self.node_problem(index, node, format!("the operator is deprecated in version {version} of {domain}"));
            return;
        }
        for (what, got, (least, most)) in
            [("input", node.input.len(), schema.inputs), ("output", node.output.len(), schema.outputs)]
        {
            if got < least || got > most {
                let most = if most == usize::MAX { "any number".to_owned() } else { most.to_string() };
                self.node_problem(index, node, format!("{got} {what}s; the operator has {least} to {most}"));
            }
        }
        for required in &schema.required {
            if !seen.contains(required) {
                self.node_problem(index, node, format!("attribute {required} is missing"));
            }
        }
    }
}

/// The nodes that are in a cycle, or that wait for one.
fn cyclic(nodes: &[NodeProto], makers: &HashMap<&str, usize>) -> HashSet<usize> {
    let mut waiting = vec![0usize; nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for maker in node.input.iter().filter_map(|input| makers.get(input.as_str())) {
            waiting[index] += 1;
            readers[*maker].push(index);
        }
    }
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|&index| waiting[index] == 0).collect();
    let mut left: HashSet<usize> = (0..nodes.len()).collect();
    while let Some(index) = ready.pop() {
        left.remove(&index);
        for &reader in &readers[index] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(reader);
            }
        }
    }
    left
}

fn value(info: &ValueInfoProto) -> ValueReport {
    let kind = info.r#type.as_ref().and_then(|t| t.value.as_ref());
    let (data_type, dims) = match kind {
        Some(type_proto::Value::TensorType(tensor)) => {
            let dims = tensor.shape.as_ref().map(|shape| {
                let dims = shape.dim.iter().map(|dim| match &dim.value {
                    Some(dimension::Value::DimValue(extent)) if *extent >= 0 => extent.to_string(),
                    Some(dimension::Value::DimParam(name)) if !name.is_empty() => name.clone(),
                    _ => "?".to_owned(),
                });
                dims.collect()
            });
            (data_type::name(tensor.elem_type).to_owned(), dims)
        }
        Some(type_proto::Value::SequenceType(_)) => ("sequence".to_owned(), None),
        Some(type_proto::Value::MapType(_)) => ("map".to_owned(), None),
        Some(type_proto::Value::SparseTensorType(_)) => ("sparse tensor".to_owned(), None),
        Some(type_proto::Value::OptionalType(_)) => ("optional".to_owned(), None),
        None => ("unknown".to_owned(), None),
    };
    ValueReport { name: info.name.clone(), data_type, dims }
}
