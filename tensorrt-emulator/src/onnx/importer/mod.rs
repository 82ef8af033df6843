//! From a model to a [`Network`]: each ONNX node becomes the layers that NVIDIA's parser makes of it.
//!
//! Initializers become constant layers when something reads them as tensors; convolutions and the like take them as weights of the
//! layer. Every node that is refused is reported; nodes that read what a refused node should have made are not.

mod context;
mod layers;
mod loops;
mod ops;
mod scope;
mod shapes;
mod subgraph;

use std::collections::{HashMap, HashSet};

use tensorrt_sys::{OnnxParserFlag, ParserErrorCode};

pub(crate) use self::context::Context;
pub(crate) use self::scope::Value;
use self::scope::{Found, Scope};
use super::data_type;
use super::error::{ParserError, Refusal};
use super::function::{FlatNode, Functions, is_onnx};
use super::model::{MAX_IR_VERSION, Model};
use super::proto::{GraphProto, NodeProto, ValueInfoProto, dimension, type_proto};
use super::strict;
use crate::graph::TensorId;
use crate::network::Network;
use crate::tensor::Dims;

/// The oldest and the newest version of ONNX's operators that are imported.
pub(crate) const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// What a parse leaves behind besides the network.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The outputs of each named node, for `IParser::getLayerOutputTensor`; where nodes share a name, those of the first.
    pub node_outputs: HashMap<String, Vec<TensorId>>,
}

/// A run of nodes that `IParser::supportsModelV2` tells apart: all supported, or all refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subgraph {
    /// The nodes, as indices in the model's graph.
    pub nodes: Vec<usize>,
    /// Whether all of them can be imported.
    pub supported: bool,
}

/// The parser and its settings (`nvonnxparser::IParser`).
#[derive(Debug, Clone, Default)]
#[doc(alias = "nvonnxparser::IParser")]
pub struct Importer {
    flags: u32,
    strict: bool,
}

impl Importer {
    /// A parser with no flag set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser with NVIDIA's flag bits (`OnnxParserFlags`).
    #[must_use]
    pub fn with_flags(flags: u32) -> Self {
        Self { flags, ..Self::default() }
    }

    /// Whether what NVIDIA's parser refuses is refused even where the emulator could do it.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Adds the model's layers to `network`, which is left as it was where the model is refused.
    ///
    /// # Errors
    /// Every reason why the model cannot be imported, in the order of its nodes.
    #[doc(alias = "nvonnxparser::IParser::parse")]
    pub fn import(&self, model: &Model, network: &mut Network) -> Result<Imported, Vec<ParserError>> {
        let mut trial = network.clone();
        let run = self.run(model, &mut trial);
        if run.errors.is_empty() {
            *network = trial;
            return Ok(Imported { node_outputs: run.node_outputs });
        }
        Err(run.errors)
    }

    /// Whether there is a converter for an operator of ONNX's own domain.
    #[doc(alias = "nvonnxparser::IParser::supportsOperator")]
    pub fn supports_operator(&self, name: &str) -> bool {
        (ops::converter(name).is_some() || subgraph::has_graphs(name)) && (!self.strict || strict::has_operator(name))
    }

    /// Which nodes can be imported and which cannot, with the reasons.
    #[doc(alias = "nvonnxparser::IParser::supportsModelV2")]
    pub fn supports(&self, model: &Model) -> (Vec<Subgraph>, Vec<ParserError>) {
        let run = self.run(model, &mut Network::new());
        let refused: HashSet<usize> = run.errors.iter().filter_map(|error| error.node).collect();
        let mut subgraphs: Vec<Subgraph> = Vec::new();
        for node in 0..model.graph().map_or(0, |graph| graph.node.len()) {
            let supported = !refused.contains(&node);
            match subgraphs.last_mut() {
                Some(last) if last.supported == supported => last.nodes.push(node),
                _ => subgraphs.push(Subgraph { nodes: vec![node], supported }),
            }
        }
        (subgraphs, run.errors)
    }

    fn run<'m>(&self, model: &'m Model, network: &mut Network) -> Run<'m> {
        let mut run = Run { strict: self.strict, functions: Functions::of(model.proto()), ..Run::default() };
        if self.flags & (1 << (OnnxParserFlag::ReportCapabilityDla as u32)) != 0 {
            run.model(ParserErrorCode::UnsupportedGraph, "the emulated device has no DLA to report capabilities of");
            return run;
        }
        let Some(graph) = model.graph() else {
            run.model(ParserErrorCode::InvalidGraph, "the model has no graph");
            return run;
        };
        run.check_versions(model);
        if !run.errors.is_empty() {
            return run;
        }
        let mut scope = Scope::new(model.external());
        run.names = network.graph().layers.iter().map(|layer| layer.name.clone()).collect();
        run.outputs = graph.output.iter().map(|output| output.name.clone()).collect();
        run.bind_inputs(graph, &mut scope, network);
        for node in run.functions.flatten_model(model.proto()) {
            run.node(&node, &mut scope, network);
        }
        run.bind_outputs(graph, &mut scope, network);
        if self.strict
            && run.errors.is_empty()
            && let Err(refusal) = strict::check_network(network)
        {
            run.model(refusal.code, refusal.message);
        }
        if network.graph().name.is_empty() {
            network.graph_mut().name.clone_from(&graph.name);
        }
        run
    }
}

/// What comes of a step.
type Outcome<T> = Result<T, Refusal>;

#[derive(Debug, Default)]
struct Run<'m> {
    strict: bool,
    functions: Functions<'m>,
    /// How many graphs are around the present one.
    depth: usize,
    errors: Vec<ParserError>,
    names: HashSet<String>,
    /// The names of the model's outputs.
    outputs: HashSet<String>,
    node_outputs: HashMap<String, Vec<TensorId>>,
}

impl Run<'_> {
    fn model(&mut self, code: ParserErrorCode, message: impl Into<String>) {
        self.errors.push(ParserError::model(code, message));
    }

    fn check_versions(&mut self, model: &Model) {
        let ir = model.proto().ir_version.unwrap_or(0);
        if ir > MAX_IR_VERSION {
            self.model(
                ParserErrorCode::UnsupportedGraph,
                format!("IR version {ir} is newer than {MAX_IR_VERSION}, the newest that is supported"),
            );
        }
        let opset = model.opset();
        if opset > *OPSETS.end() {
            let newest = OPSETS.end();
            self.model(
                ParserErrorCode::UnsupportedGraph,
                format!("opset version {opset} is newer than {newest}, the newest that is supported"),
            );
        }
    }

    fn bind_inputs<'a>(&mut self, graph: &'a GraphProto, scope: &mut Scope<'a>, network: &mut Network) {
        for initializer in &graph.initializer {
            if !scope.bind_initializer(initializer) {
                let message = format!("there are two initializers \"{}\"", initializer.name);
                self.model(ParserErrorCode::InvalidGraph, message);
            }
        }
        for sparse in &graph.sparse_initializer {
            let name = sparse.values.as_ref().map_or("", |values| values.name.as_str());
            self.model(
                ParserErrorCode::UnsupportedGraph,
                format!("the sparse initializer \"{name}\" is not supported"),
            );
            scope.poison(name);
        }
        let initializers: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        for input in &graph.input {
            if initializers.contains(input.name.as_str()) {
                continue;
            }
            if scope.contains(&input.name) {
                self.model(ParserErrorCode::InvalidGraph, format!("there are two inputs \"{}\"", input.name));
                continue;
            }
            match add_input(input, network) {
                Ok(id) => {
                    scope.bind(&input.name, Value::Tensor(id));
                }
                Err(refusal) => {
                    self.model(refusal.code, format!("input \"{}\": {}", input.name, refusal.message));
                    scope.poison(&input.name);
                }
            }
        }
    }

    /// Imports a node of the model's graph; why it is refused is kept.
    fn node(&mut self, flat: &FlatNode<'_>, scope: &mut Scope<'_>, network: &mut Network) {
        if let Err(refusal) = self.import(flat, scope, network) {
            self.refuse(flat, refusal);
            for name in &flat.node.output {
                if !scope.contains(name) {
                    scope.poison(name);
                }
            }
        }
    }

    /// Imports a node and binds its outputs; to nothing where an input is so bound.
    fn import(&mut self, flat: &FlatNode<'_>, scope: &mut Scope<'_>, network: &mut Network) -> Outcome<()> {
        let first_layer = network.graph().layers.len();
        let first_tensor = network.graph().tensors.len();
        match self.convert(flat, scope, network)? {
            Some(outputs) => {
                self.name_layers(&flat.node, first_layer, &outputs, network);
                self.bind_node(flat, outputs, first_tensor, scope, network)
            }
            None => {
                flat.node.output.iter().for_each(|name| scope.poison(name));
                Ok(())
            }
        }
    }

    fn refuse(&mut self, flat: &FlatNode<'_>, refusal: Refusal) {
        self.errors.push(ParserError {
            code: refusal.code,
            message: refusal.message,
            node: Some(flat.index),
            node_name: flat.node.name.clone(),
            operator: flat.node.op_type.clone(),
            domain: flat.node.domain.clone(),
            functions: flat.functions.clone(),
        });
    }

    /// The node's name for the layer that makes its first output, numbered names for the others.
    fn name_layers(&mut self, node: &NodeProto, first: usize, outputs: &[Value], network: &mut Network) {
        let base = match (node.name.as_str(), node.output.first()) {
            ("", Some(output)) => format!("node_of_{output}"),
            (name, _) => name.to_owned(),
        };
        let main = outputs.iter().find_map(|output| match output {
            Value::Tensor(id) => network.graph().tensor(*id).producer.map(|(layer, _)| layer.0 as usize),
            Value::Weights(_) => None,
        });
        let graph = network.graph_mut();
        let mut renamed = Vec::new();
        let unnamed = "(Unnamed Layer* ";
        // Those that have metadata are of nodes in graphs of this one, and have their names.
        for index in (first..graph.layers.len()).filter(|&index| graph.layers[index].metadata.is_empty()) {
            let layer = &graph.layers[index];
            let wanted = if Some(index) == main {
                base.clone()
            } else if layer.name.starts_with(unnamed) {
                let kind = layer.kind.layer_type().name();
                format!("{base}_{}_{}", kind.trim_start_matches('k').to_lowercase(), index - first)
            } else {
                layer.name.clone()
            };
            renamed.push((index, self.unique(wanted)));
        }
        for (index, name) in renamed {
            let layer = &mut graph.layers[index];
            layer.metadata = format!("[ONNX Layer: {base}]");
            let outputs = layer.outputs.clone();
            let constant = !layer.name.starts_with(unnamed);
            layer.name = name;
            let name = layer.name.clone();
            for (i, id) in outputs.into_iter().enumerate() {
                let suffix = if i == 0 { String::new() } else { format!("_{i}") };
                let tensor = graph.tensor_mut(id);
                tensor.name = if constant { format!("{name}{suffix}") } else { format!("{name}_output{suffix}") };
            }
        }
    }

    fn unique(&mut self, name: String) -> String {
        if self.names.insert(name.clone()) {
            return name;
        }
        let mut number = 1u64;
        loop {
            let candidate = format!("{name}_{number}");
            if self.names.insert(candidate.clone()) {
                return candidate;
            }
            number += 1;
        }
    }

    fn bind_node(
        &mut self,
        flat: &FlatNode<'_>,
        outputs: Vec<Value>,
        first_tensor: usize,
        scope: &mut Scope<'_>,
        network: &mut Network,
    ) -> Outcome<()> {
        let mut outputs = outputs.into_iter();
        let mut tensors = Vec::new();
        let mut named = HashSet::new();
        let mut bound = Ok(());
        for name in &flat.node.output {
            let value = outputs.next();
            if name.is_empty() {
                continue;
            }
            let Some(value) = value else {
                bound = bound.and(Err(Refusal::node(format!("output \"{name}\" is not supported"))));
                continue;
            };
            if scope.contains(name) {
                let text = format!("the name \"{name}\" is already taken (not in SSA form)");
                bound = bound.and(Err(Refusal::graph(text)));
                continue;
            }
            if let Value::Tensor(id) = value {
                if id.0 as usize >= first_tensor && named.insert(id) {
                    network.graph_mut().tensor_mut(id).name.clone_from(name);
                }
                if self.strict
                    && let Err(refusal) = strict::check_made(network, id, self.outputs.contains(name))
                {
                    self.refuse(flat, refusal);
                }
                tensors.push(id);
            }
            scope.bind(name, value);
        }
        if !flat.node.name.is_empty() {
            self.node_outputs.entry(flat.node.name.clone()).or_insert(tensors);
        }
        bound
    }

    fn bind_outputs<'a>(&mut self, graph: &'a GraphProto, scope: &mut Scope<'a>, network: &mut Network) {
        if graph.output.is_empty() {
            self.model(ParserErrorCode::InvalidGraph, "the graph has no outputs");
        }
        let mut seen = HashSet::new();
        for output in &graph.output {
            if !seen.insert(output.name.as_str()) {
                self.model(ParserErrorCode::InvalidGraph, format!("there are two outputs \"{}\"", output.name));
                continue;
            }
            if let Err(refusal) = mark_output(&output.name, scope, network) {
                self.model(refusal.code, format!("output \"{}\": {}", output.name, refusal.message));
            }
        }
    }
}

fn mark_output(name: &str, scope: &mut Scope<'_>, network: &mut Network) -> Result<(), Refusal> {
    let id = match scope.find(name)? {
        Found::Poisoned => return Ok(()),
        Found::Missing => return Err(Refusal::graph("nothing makes it")),
        Found::Value(Value::Weights(weights)) => network.add_constant(&weights.name, &weights.tensor)?,
        Found::Value(Value::Tensor(id)) => id,
    };
    let graph = network.graph();
    let own = graph.tensor(id).producer.is_some() && graph.tensor(id).name == name && !graph.outputs.contains(&id);
    let id = if own { id } else { network.add_one(crate::graph::LayerKind::Identity, vec![Some(id)])? };
    name.clone_into(&mut network.graph_mut().tensor_mut(id).name);
    scope.rebind(name, Value::Tensor(id));
    network.mark_output(id);
    Ok(())
}

fn add_input(input: &ValueInfoProto, network: &mut Network) -> Result<TensorId, Refusal> {
    let missing = || Refusal::graph("the type is missing");
    let tensor = match input.r#type.as_ref().and_then(|t| t.value.as_ref()).ok_or_else(missing)? {
        type_proto::Value::TensorType(tensor) => tensor,
        _ => return Err(Refusal::datatype("sequences, maps, optionals and sparse tensors are not supported")),
    };
    let dtype = data_type::convert(tensor.elem_type)?;
    let shape = tensor.shape.as_ref().ok_or_else(|| Refusal::shape("the rank is not known"))?;
    let mut extents = Vec::new();
    let mut names = Vec::new();
    for dim in &shape.dim {
        let (extent, name) = match &dim.value {
            Some(dimension::Value::DimValue(extent)) if *extent >= 0 => (*extent, String::new()),
            Some(dimension::Value::DimParam(name)) => (Dims::DYNAMIC, name.clone()),
            Some(dimension::Value::DimValue(_)) | None => (Dims::DYNAMIC, String::new()),
        };
        extents.push(extent);
        names.push(name);
    }
    let id = network.add_input(&input.name, dtype, Dims::new(&extents)?)?;
    network.graph_mut().tensor_mut(id).dim_names = names;
    Ok(id)
}

impl Run<'_> {
    /// The node's outputs; `None` where an input is poisoned.
    fn convert(
        &mut self,
        flat: &FlatNode<'_>,
        scope: &mut Scope<'_>,
        network: &mut Network,
    ) -> Outcome<Option<Vec<Value>>> {
        let node = &*flat.node;
        let mut inputs = Vec::with_capacity(node.input.len());
        let mut poisoned = false;
        for name in &node.input {
            inputs.push(match name.as_str() {
                "" => None,
                name => match scope.find(name)? {
                    Found::Value(value) => Some(value),
                    Found::Poisoned => {
                        poisoned = true;
                        None
                    }
                    Found::Missing => {
                        return Err(Refusal::graph(format!("input \"{name}\" is used before anything makes it")));
                    }
                },
            });
        }
        if let Some(refusal) = &flat.refusal {
            return Err(refusal.clone());
        }
        if !is_onnx(&node.domain) {
            let (domain, op) = (&node.domain, &node.op_type);
            return Err(Refusal::node(format!("the operator {op} of the domain {domain} is not supported")));
        }
        let graphs = subgraph::has_graphs(&node.op_type);
        let converter = ops::converter(&node.op_type);
        if converter.is_none() && !graphs {
            return Err(ops::unsupported(&node.op_type));
        }
        if flat.opset > *OPSETS.end() {
            return Err(Refusal::node(format!("opset version {} is not supported", flat.opset)));
        }
        if poisoned {
            return Ok(None);
        }
        let external = scope.external();
        let (opset, strict, within) = (flat.opset, self.strict, self.depth > 0);
        let mut context = Context { network, node, opset, inputs, external, strict, within, materialized: Vec::new() };
        if context.strict {
            strict::check(&context)?;
        }
        let outputs = match converter {
            Some(converter) if !graphs => converter(&mut context),
            _ => self.with_graphs(flat, &mut context, scope),
        };
        for (name, id) in context.materialized {
            scope.rebind(&name, Value::Tensor(id));
        }
        outputs.map(Some)
    }
}
