//! Graphs within nodes: the branches of If, the bodies of Loop and Scan.

use tensorrt_sys::TripLimit;

use super::context::Context;
use super::scope::{Found, Scope, Value};
use super::{Outcome, Run};
use crate::graph::{LayerKind, TensorId};
use crate::network::Network;
use crate::onnx::error::Refusal;
use crate::onnx::external::ExternalData;
use crate::onnx::function::FlatNode;
use crate::onnx::proto::GraphProto;
use crate::onnx::tensor;
use crate::tensor::{Dims, Tensor};

/// How deep graphs may lie within one another.
const MAX_DEPTH: usize = 32;

/// The operators that have graphs.
pub(super) fn has_graphs(operator: &str) -> bool {
    matches!(operator, "If" | "Loop" | "Scan")
}

/// A value as a tensor of the network.
fn tensor_of(value: Value, network: &mut Network) -> Outcome<TensorId> {
    match value {
        Value::Tensor(id) => Ok(id),
        Value::Weights(weights) => Ok(network.add_constant(&weights.name, &weights.tensor)?),
    }
}

fn graph<'n>(flat: &'n FlatNode<'_>, name: &str) -> Outcome<&'n GraphProto> {
    let attribute = flat.node.attribute.iter().find(|attribute| attribute.name == name);
    let graph = attribute.and_then(|attribute| attribute.g.as_ref());
    graph.ok_or_else(|| Refusal::invalid(format!("the graph {name} is missing")))
}

impl Run<'_> {
    /// Imports an operator that has graphs.
    pub(super) fn with_graphs(
        &mut self,
        flat: &FlatNode<'_>,
        c: &mut Context<'_>,
        scope: &mut Scope<'_>,
    ) -> Outcome<Vec<Value>> {
        match flat.node.op_type.as_str() {
            "If" => self.conditional(flat, c, scope),
            "Loop" => self.repeat(flat, c, scope),
            _ => self.scan(flat, c, scope),
        }
    }

    /// Imports a graph whose inputs are given; its outputs.
    fn graph(
        &mut self,
        flat: &FlatNode<'_>,
        name: &str,
        given: Vec<Value>,
        network: &mut Network,
        scope: &mut Scope<'_>,
    ) -> Outcome<Vec<Value>> {
        let graph = graph(flat, name)?;
        if self.depth >= MAX_DEPTH {
            return Err(Refusal::graph(format!("graphs lie within one another more than {MAX_DEPTH} deep")));
        }
        if graph.input.len() != given.len() {
            let (has, wants) = (graph.input.len(), given.len());
            return Err(Refusal::graph(format!("the graph {name} has {has} inputs, the operator gives {wants}")));
        }
        self.depth += 1;
        scope.push();
        let outputs = self.inside(flat, graph, given, network, scope);
        scope.pop();
        self.depth -= 1;
        outputs.map_err(|refusal| refusal.within(&format!("in the graph {name}")))
    }

    fn inside(
        &mut self,
        flat: &FlatNode<'_>,
        graph: &GraphProto,
        given: Vec<Value>,
        network: &mut Network,
        scope: &mut Scope<'_>,
    ) -> Outcome<Vec<Value>> {
        if !graph.sparse_initializer.is_empty() {
            return Err(Refusal::graph("sparse initializers are not supported"));
        }
        for (input, value) in graph.input.iter().zip(given) {
            if !scope.bind(&input.name, value) {
                return Err(Refusal::graph(format!("there are two inputs \"{}\"", input.name)));
            }
        }
        let external: &ExternalData = scope.external();
        for initializer in &graph.initializer {
            let value = Value::weights(&initializer.name, tensor::tensor(initializer, external)?);
            if !scope.bind(&initializer.name, value) {
                return Err(Refusal::graph(format!("the name \"{}\" is already taken", initializer.name)));
            }
        }
        let nodes = self.functions.flatten(&graph.node, flat.imports, flat.index, &flat.functions);
        for node in &nodes {
            let place = || format!("node \"{}\" ({})", node.node.name, node.node.op_type);
            self.import(node, scope, network).map_err(|refusal| refusal.within(&place()))?;
        }
        let mut outputs = Vec::with_capacity(graph.output.len());
        for output in &graph.output {
            outputs.push(match scope.find(&output.name)? {
                Found::Value(value) => value,
                Found::Poisoned | Found::Missing => {
                    return Err(Refusal::graph(format!("nothing makes the output \"{}\"", output.name)));
                }
            });
        }
        Ok(outputs)
    }

    fn conditional(&mut self, flat: &FlatNode<'_>, c: &mut Context<'_>, scope: &mut Scope<'_>) -> Outcome<Vec<Value>> {
        // A condition that is known leaves one branch; NVIDIA's parser takes both always.
        if let Some(&[known]) = c.known_ints(0).as_deref()
            && !c.strict
        {
            let name = if known == 0 { "else_branch" } else { "then_branch" };
            return self.graph(flat, name, Vec::new(), c.network, scope);
        }
        let condition = c.input(0)?;
        let condition = c.scalar(condition)?;
        let on_true = self.graph(flat, "then_branch", Vec::new(), c.network, scope)?;
        let on_false = self.graph(flat, "else_branch", Vec::new(), c.network, scope)?;
        if on_true.len() != on_false.len() {
            return Err(Refusal::graph(format!("the branches have {} and {} outputs", on_true.len(), on_false.len())));
        }
        let conditional = c.network.add_conditional();
        c.network.set_condition(conditional, condition)?;
        let mut outputs = Vec::with_capacity(on_true.len());
        for (on_true, on_false) in on_true.into_iter().zip(on_false) {
            let (on_true, on_false) = (tensor_of(on_true, c.network)?, tensor_of(on_false, c.network)?);
            if c.rank(on_true) != c.rank(on_false) {
                let text = format!(
                    "the branches give tensors of {} and {} dimensions, which only a condition known before the run \
                     allows: fix the extents that it depends on in the model",
                    c.rank(on_true),
                    c.rank(on_false)
                );
                return Err(Refusal::shape(text));
            }
            outputs.push(c.add(LayerKind::ConditionalOutput { conditional }, &[on_true, on_false])?.into());
        }
        Ok(outputs)
    }

    fn repeat(&mut self, flat: &FlatNode<'_>, c: &mut Context<'_>, scope: &mut Scope<'_>) -> Outcome<Vec<Value>> {
        let carried = c.inputs.len().saturating_sub(2);
        let always = c.known_ints(1).is_none_or(|known| known != [0]);
        let count = match c.optional(0)? {
            Some(count) => Some(c.scalar(count)?),
            None => None,
        };
        let loop_id = c.network.add_loop();
        if let Some(count) = count {
            c.trip_limit(loop_id, TripLimit::Count, count)?;
        }
        let zero = c.int_scalar(0)?;
        let at = c.recurrence(loop_id, zero)?;
        let step = c.int_scalar(1)?;
        let next = c.binary(tensorrt_sys::ElementWiseOperation::Sum, at, step)?;
        c.carry(at, next)?;
        // Whatever runs inside runs because the condition holds.
        let holds = Tensor::new(tensorrt_sys::DataType::Bool, Dims::scalar(), crate::memory::Storage::copy_of(&[1]))?;
        let mut given = vec![Value::Tensor(at), Value::weights("", holds.clone())];
        let mut values = Vec::with_capacity(carried);
        for index in 0..carried {
            let first = c.input(index + 2)?;
            values.push(c.recurrence(loop_id, first)?);
        }
        given.extend(values.iter().map(|&id| Value::Tensor(id)));
        let outputs = self.graph(flat, "body", given, c.network, scope)?;
        let mut outputs = outputs.into_iter();
        let goes_on = outputs.next().ok_or_else(|| Refusal::graph("the body has no outputs"))?;
        let goes_on = tensor_of(goes_on, c.network)?;
        let known = c.known_elements(goes_on).is_some_and(|known| known == [1]);
        let whole = known && always && (!c.has(1) || c.known_ints(1).is_some());
        if whole && count.is_none() {
            let text = "nothing ends the loop: give it a trip count, or a condition that its body may make false";
            return Err(Refusal::graph(text));
        }
        if !whole {
            let first = if c.has(1) { c.input(1)? } else { c.constant(&holds)? };
            let first = c.scalar(first)?;
            let condition = c.recurrence(loop_id, first)?;
            let goes_on = c.scalar(goes_on)?;
            c.carry(condition, goes_on)?;
            c.trip_limit(loop_id, TripLimit::While, condition)?;
        }
        let mut made = Vec::with_capacity(c.node.output.len());
        for &value in &values {
            let next = outputs.next().ok_or_else(|| Refusal::graph("the body has too few outputs"))?;
            let next = tensor_of(next, c.network)?;
            c.carry(value, next)?;
            made.push(c.last(loop_id, value)?.into());
        }
        // NVIDIA's parser takes the trip count for the length; where the loop may end before, the length is that of the run.
        let length = count.filter(|_| whole || c.strict);
        for value in outputs {
            let value = tensor_of(value, c.network)?;
            made.push(c.collect(loop_id, value, 0, false, length)?.into());
        }
        Ok(made)
    }

    fn scan(&mut self, flat: &FlatNode<'_>, c: &mut Context<'_>, scope: &mut Scope<'_>) -> Outcome<Vec<Value>> {
        let batched = c.opset < 9;
        let first = usize::from(batched);
        if batched && c.has(0) {
            return Err(Refusal::input("sequence_lens is not supported"));
        }
        let scans = usize::try_from(c.required_int("num_scan_inputs")?).unwrap_or(usize::MAX);
        let all = c.inputs.len().saturating_sub(first);
        let states = all.checked_sub(scans).ok_or_else(|| Refusal::invalid("num_scan_inputs exceeds the inputs"))?;
        if scans == 0 {
            return Err(Refusal::invalid("a scan without scan inputs does not end"));
        }
        let mut tensors = Vec::with_capacity(all);
        for index in 0..all {
            tensors.push(c.input(index + first)?);
        }
        let flags = |c: &Context<'_>, name: &str| -> Outcome<Vec<i64>> { Ok(c.ints(name)?.unwrap_or_default()) };
        let directions = flags(c, if batched { "directions" } else { "scan_input_directions" })?;
        let outer = if batched {
            let length = c.extent(tensors[0], 0)?;
            let outer = c.counted_loop(length)?;
            for tensor in &mut tensors {
                *tensor = c.iterate(outer, *tensor, 0, false)?;
            }
            Some((outer, length))
        } else {
            None
        };
        let axes = flags(c, "scan_input_axes")?;
        let mut axis = Vec::with_capacity(scans);
        for (index, &tensor) in tensors[states..].iter().enumerate() {
            axis.push(c.axis(axes.get(index).copied().unwrap_or(0), c.rank(tensor))?);
        }
        let length = c.extent(tensors[states], axis[0])?;
        let loop_id = c.counted_loop(length)?;
        let mut given = Vec::with_capacity(all);
        let mut values = Vec::with_capacity(states);
        for &tensor in &tensors[..states] {
            values.push(c.recurrence(loop_id, tensor)?);
        }
        given.extend(values.iter().map(|&id| Value::Tensor(id)));
        for (index, &tensor) in tensors[states..].iter().enumerate() {
            let reverse = directions.get(index).copied().unwrap_or(0) != 0;
            given.push(c.iterate(loop_id, tensor, axis[index], reverse)?.into());
        }
        let outputs = self.graph(flat, "body", given, c.network, scope)?;
        let (output_axes, output_directions) = (flags(c, "scan_output_axes")?, flags(c, "scan_output_directions")?);
        let mut made = Vec::with_capacity(outputs.len());
        for (index, value) in outputs.into_iter().enumerate() {
            let value = tensor_of(value, c.network)?;
            let Some(index) = index.checked_sub(states) else {
                c.carry(values[index], value)?;
                made.push(c.last(loop_id, values[index])?);
                continue;
            };
            let axis = c.axis(output_axes.get(index).copied().unwrap_or(0), c.rank(value) + 1)?;
            let reverse = output_directions.get(index).copied().unwrap_or(0) != 0;
            made.push(c.collect(loop_id, value, axis, reverse, Some(length))?);
        }
        if let Some((outer, length)) = outer {
            for value in &mut made {
                *value = c.collect(outer, *value, 0, false, Some(length))?;
            }
        }
        Ok(made.into_iter().map(Value::Tensor).collect())
    }
}
