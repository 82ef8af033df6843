//! Model-local functions, inlined: a node that calls one becomes the function's nodes.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{Refusal, Result};
use super::proto::{AttributeProto, FunctionProto, ModelProto, NodeProto, OperatorSetIdProto};

/// How deep functions may call functions.
const MAX_DEPTH: usize = 64;
/// How many nodes, and calls of functions, a model may have once its functions are inlined.
const MAX_NODES: usize = 100_000;

/// The opset version of `domain` among `imports`; ONNX's own domain defaults to 1, others to 0.
pub(crate) fn opset(imports: &[OperatorSetIdProto], domain: &str) -> i64 {
    let own = is_onnx(domain);
    let found = imports.iter().find(|import| import.domain == domain || (own && is_onnx(&import.domain)));
    found.map_or(i64::from(own), |import| import.version)
}

/// Whether `domain` is ONNX's own.
pub(crate) fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// A node of the flattened graph.
#[derive(Debug)]
pub(crate) struct FlatNode<'a> {
    /// The node, its values named apart from those of other calls.
    pub(crate) node: Cow<'a, NodeProto>,
    /// The index of the top-level node it comes from.
    pub(crate) index: usize,
    /// The version of its operator's domain.
    pub(crate) opset: i64,
    /// The functions it stands in, outermost first.
    pub(crate) functions: Vec<String>,
    /// Why the call could not be inlined.
    pub(crate) refusal: Option<Refusal>,
}

/// The model's nodes in order, with calls of the model's own functions replaced by the functions' bodies.
pub(crate) fn flatten(model: &ModelProto) -> Vec<FlatNode<'_>> {
    let functions: HashMap<_, _> =
        model.functions.iter().map(|f| ((f.domain.as_str(), f.name.as_str(), f.overload.as_str()), f)).collect();
    let mut flattener = Flattener { functions, out: Vec::new(), calls: 0 };
    for (index, node) in model.graph.iter().flat_map(|graph| graph.node.iter().enumerate()) {
        let call = Call { index, imports: &model.opset_import, stack: &[] };
        let start = flattener.out.len();
        if let Err(refusal) = flattener.add(Cow::Borrowed(node), &call) {
            flattener.out.truncate(start);
            let opset = opset(&model.opset_import, &node.domain);
            let functions = Vec::new();
            flattener.out.push(FlatNode { node: Cow::Borrowed(node), index, opset, functions, refusal: Some(refusal) });
        }
    }
    flattener.out
}

struct Call<'c> {
    index: usize,
    imports: &'c [OperatorSetIdProto],
    stack: &'c [String],
}

struct Flattener<'a> {
    functions: HashMap<(&'a str, &'a str, &'a str), &'a FunctionProto>,
    out: Vec<FlatNode<'a>>,
    calls: usize,
}

impl<'a> Flattener<'a> {
    fn add(&mut self, node: Cow<'a, NodeProto>, call: &Call<'_>) -> Result<()> {
        let key = (node.domain.as_str(), node.op_type.as_str(), node.overload.as_str());
        let Some(function) = self.functions.get(&key).copied() else {
            if self.out.len() >= MAX_NODES {
                return Err(Refusal::graph(format!("inlining functions makes more than {MAX_NODES} nodes")));
            }
            let opset = opset(call.imports, &node.domain);
            let functions = call.stack.to_vec();
            self.out.push(FlatNode { node, index: call.index, opset, functions, refusal: None });
            return Ok(());
        };
        if call.stack.len() >= MAX_DEPTH {
            return Err(Refusal::graph(format!("functions call each other more than {MAX_DEPTH} deep")));
        }
        self.calls += 1;
        if self.calls > MAX_NODES {
            return Err(Refusal::graph(format!("inlining functions makes more than {MAX_NODES} calls")));
        }
        let body = Body::new(function, &node, self.calls)?;
        let mut stack = call.stack.to_vec();
        stack.push(function.name.clone());
        let inner = Call { index: call.index, imports: &function.opset_import, stack: &stack };
        for node in &function.node {
            self.add(Cow::Owned(body.instantiate(node)?), &inner)?;
        }
        Ok(())
    }
}

/// How a function's names and attributes read at one call.
struct Body<'f> {
    function: &'f FunctionProto,
    names: HashMap<&'f str, String>,
    attributes: HashMap<&'f str, AttributeProto>,
    prefix: String,
}

impl<'f> Body<'f> {
    fn new(function: &'f FunctionProto, node: &NodeProto, call: usize) -> Result<Self> {
        let count = |what: &str, got: usize, most: usize| {
            if got <= most {
                return Ok(());
            }
            let name = &function.name;
            Err(Refusal::invalid(format!("{got} {what}s for the function {name}, which has {most}")))
        };
        count("input", node.input.len(), function.input.len())?;
        count("output", node.output.len(), function.output.len())?;
        let mut names = HashMap::new();
        for (i, formal) in function.input.iter().enumerate() {
            names.insert(formal.as_str(), node.input.get(i).cloned().unwrap_or_default());
        }
        for (formal, actual) in function.output.iter().zip(&node.output) {
            if !actual.is_empty() {
                names.insert(formal.as_str(), actual.clone());
            }
        }
        let mut attributes: HashMap<&str, AttributeProto> =
            function.attribute_proto.iter().map(|a| (a.name.as_str(), a.clone())).collect();
        for formal in function
            .attribute
            .iter()
            .map(String::as_str)
            .chain(function.attribute_proto.iter().map(|a| a.name.as_str()))
        {
            if let Some(actual) = node.attribute.iter().find(|a| a.name == formal) {
                attributes.insert(formal, actual.clone());
            }
        }
        Ok(Self { function, names, attributes, prefix: format!("{}#{call}/", function.name) })
    }

    fn rename(&self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        self.names.get(name).cloned().unwrap_or_else(|| format!("{}{name}", self.prefix))
    }

    fn instantiate(&self, node: &NodeProto) -> Result<NodeProto> {
        let mut node = node.clone();
        for name in node.input.iter_mut().chain(&mut node.output) {
            *name = self.rename(name);
        }
        if !node.name.is_empty() {
            node.name = format!("{}{}", self.prefix, node.name);
        }
        let mut attributes = Vec::with_capacity(node.attribute.len());
        for attribute in node.attribute {
            if attribute.g.is_some() || !attribute.graphs.is_empty() {
                let name = &self.function.name;
                return Err(Refusal::node(format!("the function {name} has subgraphs, which is not supported")));
            }
            if attribute.ref_attr_name.is_empty() {
                attributes.push(attribute);
            } else if let Some(actual) = self.attributes.get(attribute.ref_attr_name.as_str()) {
                attributes.push(AttributeProto { name: attribute.name, ..actual.clone() });
            }
        }
        node.attribute = attributes;
        Ok(node)
    }
}
