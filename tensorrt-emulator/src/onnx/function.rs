//! Model-local functions, inlined: a node that calls one becomes the function's nodes.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{Refusal, Result};
use super::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};

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
    /// The versions of the domains where it stands, for the nodes of its graphs.
    pub(crate) imports: &'a [OperatorSetIdProto],
    /// The functions it stands in, outermost first.
    pub(crate) functions: Vec<String>,
    /// Why the call could not be inlined.
    pub(crate) refusal: Option<Refusal>,
}

/// A model's own functions.
#[derive(Debug, Default)]
pub(crate) struct Functions<'m> {
    functions: HashMap<(&'m str, &'m str, &'m str), &'m FunctionProto>,
    calls: usize,
    nodes: usize,
}

struct Call<'c, 'n> {
    index: usize,
    imports: &'n [OperatorSetIdProto],
    stack: &'c [String],
}

impl<'m> Functions<'m> {
    /// The functions of a model.
    pub(crate) fn of(model: &'m ModelProto) -> Self {
        let key = |f: &'m FunctionProto| ((f.domain.as_str(), f.name.as_str(), f.overload.as_str()), f);
        Self { functions: model.functions.iter().map(key).collect(), calls: 0, nodes: 0 }
    }

    /// The nodes of the model's graph.
    pub(crate) fn flatten_model(&mut self, model: &'m ModelProto) -> Vec<FlatNode<'m>> {
        let mut flat = Vec::new();
        for (index, node) in model.graph.iter().flat_map(|graph| graph.node.iter().enumerate()) {
            flat.extend(self.flatten(std::slice::from_ref(node), &model.opset_import, index, &[]));
        }
        flat
    }

    /// Nodes in order, with calls of the model's own functions replaced by the functions' bodies; they stand within the top-level node
    /// `index` and the functions `stack`.
    pub(crate) fn flatten<'n>(
        &mut self,
        nodes: &'n [NodeProto],
        imports: &'n [OperatorSetIdProto],
        index: usize,
        stack: &[String],
    ) -> Vec<FlatNode<'n>>
    where
        'm: 'n,
    {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            let start = flat.len();
            if let Err(refusal) = self.add(Cow::Borrowed(node), &Call { index, imports, stack }, &mut flat) {
                flat.truncate(start);
                let (opset, functions) = (opset(imports, &node.domain), stack.to_vec());
                let (node, refusal) = (Cow::Borrowed(node), Some(refusal));
                flat.push(FlatNode { node, index, opset, imports, functions, refusal });
            }
        }
        flat
    }

    fn add<'n>(&mut self, node: Cow<'n, NodeProto>, call: &Call<'_, 'n>, out: &mut Vec<FlatNode<'n>>) -> Result<()>
    where
        'm: 'n,
    {
        let key = (node.domain.as_str(), node.op_type.as_str(), node.overload.as_str());
        let Some(function) = self.functions.get(&key).copied() else {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(Refusal::graph(format!("inlining functions makes more than {MAX_NODES} nodes")));
            }
            let (opset, functions) = (opset(call.imports, &node.domain), call.stack.to_vec());
            let (index, imports) = (call.index, call.imports);
            out.push(FlatNode { node, index, opset, imports, functions, refusal: None });
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
            self.add(Cow::Owned(body.instantiate(node)?), &inner, out)?;
        }
        Ok(())
    }
}

/// How a function's names and attributes read at one call.
struct Body<'f> {
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
        Ok(Self { names, attributes, prefix: format!("{}#{call}/", function.name) })
    }

    fn rename(&self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        self.names.get(name).cloned().unwrap_or_else(|| format!("{}{name}", self.prefix))
    }

    fn instantiate(&self, node: &NodeProto) -> Result<NodeProto> {
        self.instantiate_at(node, 0)
    }

    fn instantiate_at(&self, node: &NodeProto, depth: usize) -> Result<NodeProto> {
        if depth > MAX_DEPTH {
            return Err(Refusal::graph(format!("graphs lie within one another more than {MAX_DEPTH} deep")));
        }
        let mut node = node.clone();
        for name in node.input.iter_mut().chain(&mut node.output) {
            *name = self.rename(name);
        }
        if !node.name.is_empty() {
            node.name = format!("{}{}", self.prefix, node.name);
        }
        let mut attributes = Vec::with_capacity(node.attribute.len());
        for mut attribute in node.attribute {
            if let Some(graph) = &mut attribute.g {
                self.instantiate_graph(graph, depth + 1)?;
            }
            for graph in &mut attribute.graphs {
                self.instantiate_graph(graph, depth + 1)?;
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

    /// Names the values of a graph within the function apart, too: it reads those of the function.
    fn instantiate_graph(&self, graph: &mut GraphProto, depth: usize) -> Result<()> {
        for value in graph.input.iter_mut().chain(&mut graph.output) {
            value.name = self.rename(&value.name);
        }
        for initializer in &mut graph.initializer {
            initializer.name = self.rename(&initializer.name);
        }
        for node in &mut graph.node {
            *node = self.instantiate_at(node, depth)?;
        }
        Ok(())
    }
}
