//! From boundary layers to single layers, innermost first.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tensorrt_sys::{LayerType, LoopOutput, TripLimit};

use super::body::Body;
use super::conditional::ConditionalKernel;
use super::loops::{Iterator, LoopKernel, Output};
use super::nodes::{Node, assemble};
use super::{Kernels, is_boundary};
use crate::graph::{ConditionalId, Graph, Layer, LayerKind, LoopId, Region, TensorId};
use crate::ops::Kernel;
use crate::plan::Identity;
use crate::{Error, Result};

/// How many loops and conditionals may lie within one another: each takes a part of the stack when it runs.
const MAX_DEPTH: usize = 32;

/// The layers that are left, while loops and conditionals become single ones.
pub(super) struct Lowering<'g> {
    graph: &'g Graph,
    identity: &'g Identity,
    /// `None` where a layer became part of another.
    nodes: Vec<Option<Node>>,
    /// For each tensor, the nodes that read it and by which input.
    readers: HashMap<TensorId, Vec<(usize, usize)>>,
    /// For each tensor, the node that makes it.
    producers: HashMap<TensorId, usize>,
}

/// The boundary layers of a loop, as indices of nodes.
#[derive(Debug, Default)]
struct Boundary {
    recurrences: Vec<usize>,
    iterators: Vec<usize>,
    outputs: Vec<usize>,
    count: Option<TensorId>,
    goes_on: Option<TensorId>,
    /// All of them, the trip limits too.
    all: BTreeSet<usize>,
}

impl<'g> Lowering<'g> {
    pub(super) fn new(graph: &'g Graph, identity: &'g Identity) -> Self {
        let mut lowering =
            Self { graph, identity, nodes: Vec::new(), readers: HashMap::new(), producers: HashMap::new() };
        graph.layers.iter().for_each(|layer| lowering.enter(Node::of(layer)));
        lowering
    }

    pub(super) fn run(mut self) -> Result<(Graph, Kernels)> {
        while let Some(open) = self.open() {
            let mut done = false;
            for id in &open.0 {
                done |= self.close_loop(*id)?;
            }
            if done {
                continue;
            }
            for id in &open.1 {
                done |= self.close_conditional(*id)?;
            }
            if !done {
                let mut names: Vec<&str> = open.0.iter().map(|id| self.graph.loop_of(*id).name.as_str()).collect();
                names.extend(open.1.iter().map(|id| self.graph.conditional(*id).name.as_str()));
                let names = names.join("\", \"");
                return Err(Error::config(format!("\"{names}\" overlap: none of them lies within another")));
            }
        }
        let nodes = self.nodes.into_iter().flatten().collect();
        assemble(self.graph, nodes, &self.graph.inputs, &self.graph.outputs)
    }

    /// The loops and conditionals that are still to be closed; `None` where there are none.
    fn open(&self) -> Option<(BTreeSet<LoopId>, BTreeSet<ConditionalId>)> {
        let (mut loops, mut conditionals) = (BTreeSet::new(), BTreeSet::new());
        for node in self.nodes.iter().flatten() {
            loops.extend(node.layer.kind.loop_id());
            conditionals.extend(node.layer.kind.conditional_id());
        }
        (!loops.is_empty() || !conditionals.is_empty()).then_some((loops, conditionals))
    }

    fn layer(&self, index: usize) -> Option<&Layer> {
        self.nodes.get(index)?.as_ref().map(|node| &node.layer)
    }

    fn enter(&mut self, node: Node) {
        let index = self.nodes.len();
        for (input, id) in node.layer.inputs.iter().enumerate() {
            if let Some(id) = id {
                self.readers.entry(*id).or_default().push((index, input));
            }
        }
        self.producers.extend(node.layer.outputs.iter().map(|&id| (id, index)));
        self.nodes.push(Some(node));
    }

    fn leave(&mut self, index: usize) -> Option<Node> {
        let node = self.nodes.get_mut(index)?.take()?;
        for id in node.layer.inputs.iter().flatten() {
            if let Some(readers) = self.readers.get_mut(id) {
                readers.retain(|&(reader, _)| reader != index);
            }
        }
        for id in &node.layer.outputs {
            self.producers.remove(id);
        }
        Some(node)
    }

    fn boundary(&self, id: LoopId) -> Result<Boundary> {
        let name = &self.graph.loop_of(id).name;
        let twice = |what: &str| Error::config(format!("the loop \"{name}\" has two trip limits of the kind {what}"));
        let mut found = Boundary::default();
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(layer) = node.as_ref().map(|node| &node.layer).filter(|layer| layer.kind.loop_id() == Some(id))
            else {
                continue;
            };
            found.all.insert(index);
            match &layer.kind {
                LayerKind::Recurrence { .. } => found.recurrences.push(index),
                LayerKind::Iterator { .. } => found.iterators.push(index),
                LayerKind::LoopOutput { .. } => found.outputs.push(index),
                LayerKind::TripLimit { limit: TripLimit::While, .. } => {
                    if found.goes_on.is_some() {
                        return Err(twice("kWHILE"));
                    }
                    found.goes_on = layer.input(0);
                }
                _ => {
                    if found.count.is_some() {
                        return Err(twice("kCOUNT"));
                    }
                    found.count = layer.input(0);
                }
            }
        }
        if found.count.is_none() && found.goes_on.is_none() {
            return Err(Error::config(format!("the loop \"{name}\" has no trip limit")));
        }
        Ok(found)
    }

    /// The tensors and nodes inside of a loop: what depends on a recurrence or an iterator of it.
    fn inside(&self, id: LoopId, boundary: &Boundary) -> Result<(HashSet<TensorId>, BTreeSet<usize>)> {
        let name = &self.graph.loop_of(id).name;
        let starts = boundary.recurrences.iter().chain(&boundary.iterators);
        let mut pending: Vec<TensorId> =
            starts.filter_map(|&index| self.layer(index)?.outputs.first().copied()).collect();
        let (mut tensors, mut nodes) = (HashSet::new(), BTreeSet::new());
        while let Some(tensor) = pending.pop() {
            if !tensors.insert(tensor) {
                continue;
            }
            let label = &self.graph.tensor(tensor).name;
            if self.graph.outputs.contains(&tensor) {
                let text = format!("\"{label}\", inside of the loop \"{name}\", is an output of the network");
                return Err(Error::config(text));
            }
            for &(reader, input) in self.readers.get(&tensor).into_iter().flatten() {
                let Some(layer) = self.layer(reader) else { continue };
                if !boundary.all.contains(&reader) {
                    if nodes.insert(reader) {
                        pending.extend(&layer.outputs);
                    }
                    continue;
                }
                let allowed = match &layer.kind {
                    LayerKind::Recurrence { .. } => input == 1,
                    LayerKind::LoopOutput { .. } => input == 0,
                    LayerKind::TripLimit { limit, .. } => *limit == TripLimit::While,
                    _ => false,
                };
                if !allowed {
                    let text = format!(
                        "\"{label}\", inside of the loop \"{name}\", is read by \"{}\", which wants a tensor from outside",
                        layer.name
                    );
                    return Err(Error::config(text));
                }
            }
        }
        Ok((tensors, nodes))
    }

    /// Takes nodes out, and says how deep what they stand for is.
    fn take(&mut self, indices: &BTreeSet<usize>, name: &str) -> Result<(Vec<Node>, usize)> {
        let taken: Vec<Node> = indices.iter().filter_map(|&index| self.leave(index)).collect();
        let depth = taken.iter().map(|node| node.depth).max().unwrap_or(0) + 1;
        if depth > MAX_DEPTH {
            let text = format!("more than {MAX_DEPTH} loops and conditionals lie within one another, at \"{name}\"");
            return Err(Error::unsupported(text));
        }
        Ok((taken, depth))
    }

    fn put(
        &mut self,
        name: &str,
        region: Region,
        inputs: Vec<TensorId>,
        outputs: Vec<TensorId>,
        kernel: Arc<dyn Kernel>,
        depth: usize,
    ) {
        let layer = Layer {
            name: name.to_owned(),
            metadata: String::new(),
            kind: LayerKind::Region(region),
            inputs: inputs.into_iter().map(Some).collect(),
            output_types: vec![None; outputs.len()],
            outputs,
            precision: None,
        };
        self.enter(Node { layer, kernel: Some(kernel), depth });
    }

    /// Makes a loop a single layer; false where it has others inside that are still open.
    fn close_loop(&mut self, id: LoopId) -> Result<bool> {
        let boundary = self.boundary(id)?;
        let (tensors, nodes) = self.inside(id, &boundary)?;
        if nodes.iter().any(|&index| self.layer(index).is_some_and(|layer| is_boundary(&layer.kind))) {
            return Ok(false);
        }
        let name = self.graph.loop_of(id).name.clone();
        let missing = |layer: &Layer, what: &str| {
            Error::config(format!("\"{}\" of the loop \"{name}\" has no {what}", layer.name))
        };
        let layers = |indices: &[usize]| -> Vec<Layer> {
            indices.iter().filter_map(|&index| self.layer(index).cloned()).collect()
        };
        let (recurrences, iterators, outputs) =
            (layers(&boundary.recurrences), layers(&boundary.iterators), layers(&boundary.outputs));
        let mut slots: Vec<TensorId> =
            recurrences.iter().chain(&iterators).filter_map(|layer| layer.outputs.first().copied()).collect();
        let (mut firsts, mut wanted) = (Vec::new(), Vec::new());
        for layer in &recurrences {
            firsts.push(layer.input(0).ok_or_else(|| missing(layer, "first value"))?);
            wanted.push(layer.input(1).ok_or_else(|| missing(layer, "value for the next iteration (input 1)"))?);
        }
        for layer in &iterators {
            firsts.push(layer.input(0).ok_or_else(|| missing(layer, "input"))?);
        }
        let (mut lengths, mut results, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for layer in &outputs {
            let LayerKind::LoopOutput { output, axis, .. } = &layer.kind else { continue };
            let from = layer.input(0).ok_or_else(|| missing(layer, "input"))?;
            results.extend(layer.outputs.first());
            if *output == LoopOutput::LastValue {
                let recurrence = slots[..recurrences.len()].iter().position(|&slot| slot == from);
                let text = || format!("\"{}\" gives the last value of what is no recurrence of its loop", layer.name);
                kinds.push(Output::Last(recurrence.ok_or_else(|| Error::config(text()))?));
                continue;
            }
            let axis = crate::shape::axis_of(*axis, self.graph.tensor(from).dims.rank() + 1)?;
            let source = wanted.len() - recurrences.len();
            wanted.push(from);
            let length = layer.input(1).map(|length| {
                lengths.push(length);
                lengths.len() - 1
            });
            kinds.push(Output::Collected { source, axis, reverse: *output == LoopOutput::Reverse, length });
        }
        let mut all = nodes;
        all.extend(&boundary.all);
        let (taken, depth) = self.take(&all, &name)?;
        let inner: Vec<Node> = taken.into_iter().filter(|node| !is_boundary(&node.layer.kind)).collect();
        let captured = self.captured(&inner, wanted.iter().chain(&boundary.goes_on), &tensors);
        slots.extend(&captured);
        let body = Body::new(self.graph, self.identity, &inner, &slots, &wanted)?;
        let condition = match boundary.goes_on {
            Some(goes_on) => {
                let pure: Vec<Node> = inner.iter().filter(|node| !node.layer.outputs.is_empty()).cloned().collect();
                Some(Body::new(self.graph, self.identity, &pure, &slots, &[goes_on])?)
            }
            None => None,
        };
        let mut inputs = firsts;
        inputs.extend(&captured);
        let mut sizes = Vec::new();
        let count = boundary.count.map(|count| {
            inputs.push(count);
            sizes.push(inputs.len() - 1);
            inputs.len() - 1
        });
        for kind in &mut kinds {
            if let Output::Collected { length: Some(length), .. } = kind {
                inputs.push(lengths[*length]);
                sizes.push(inputs.len() - 1);
                *length = inputs.len() - 1;
            }
        }
        let iterators = iterators.iter().filter_map(|layer| match &layer.kind {
            LayerKind::Iterator { axis, reverse, .. } => Some(Iterator { axis: *axis, reverse: *reverse }),
            _ => None,
        });
        let kernel = LoopKernel {
            name: name.clone(),
            body,
            condition,
            recurrences: recurrences.len(),
            iterators: iterators.collect(),
            captured: captured.len(),
            count,
            outputs: kinds,
        };
        let region = Region { layer_type: LayerType::LoopOutput, sizes };
        self.put(&name, region, inputs, results, Arc::new(kernel), depth);
        Ok(true)
    }

    /// What nodes read of what is outside; constants of the network are not among it.
    fn captured<'t>(
        &self,
        nodes: &'t [Node],
        more: impl IntoIterator<Item = &'t TensorId>,
        inside: &HashSet<TensorId>,
    ) -> Vec<TensorId> {
        let made: HashSet<TensorId> = nodes.iter().flat_map(|node| node.layer.outputs.iter().copied()).collect();
        let read = nodes.iter().flat_map(|node| node.layer.inputs.iter().flatten()).chain(more);
        let outside: BTreeSet<TensorId> = read
            .copied()
            .filter(|id| !made.contains(id) && !inside.contains(id) && self.graph.constant(*id).is_none())
            .collect();
        outside.into_iter().collect()
    }

    /// Makes a conditional a single layer; false where a branch has others inside that are still open.
    fn close_conditional(&mut self, id: ConditionalId) -> Result<bool> {
        let name = self.graph.conditional(id).name.clone();
        let own = |kind: &LayerKind| match kind {
            LayerKind::Condition { conditional } | LayerKind::ConditionalOutput { conditional } => *conditional == id,
            _ => false,
        };
        let boundary: BTreeSet<usize> = self.indices(own);
        let outputs: Vec<Layer> = boundary.iter().filter_map(|&index| self.layer(index).cloned()).collect();
        let outputs: Vec<Layer> =
            outputs.into_iter().filter(|layer| matches!(layer.kind, LayerKind::ConditionalOutput { .. })).collect();
        let Some(condition) = self.graph.condition(id) else {
            return Err(Error::config(format!("the conditional \"{name}\" has no condition")));
        };
        let mut branches = [Vec::new(), Vec::new()];
        for layer in &outputs {
            for (branch, wanted) in branches.iter_mut().enumerate() {
                let text = || format!("\"{}\" of the conditional \"{name}\" has no input {branch}", layer.name);
                wanted.push(layer.input(branch).ok_or_else(|| Error::config(text()))?);
            }
        }
        for layer in &outputs {
            let ranks = [0, 1].map(|branch| layer.input(branch).map(|id| self.graph.tensor(id).dims.rank()));
            if ranks[0] != ranks[1] {
                return Err(Error::config(format!(
                    "the branches of \"{}\" have different ranks, and its condition is not known when the network is built",
                    layer.name
                )));
            }
        }
        let Some(inside) = self.behind_inputs(id)? else { return Ok(false) };
        let sets = [0, 1].map(|branch| self.branch(&boundary, &branches[branch], branch));
        let open = |index: &usize| self.layer(*index).is_some_and(|layer| is_open(&layer.kind, id));
        if sets.iter().flatten().any(open) {
            return Ok(false);
        }
        if let Some(index) = inside.iter().find(|index| !sets.iter().any(|set| set.contains(index))) {
            let layer = self.layer(*index).map_or("", |layer| &layer.name);
            return Err(Error::config(format!(
                "\"{layer}\", inside of the conditional \"{name}\", is read by both of its branches or by what is outside of it"
            )));
        }
        let [on_true, on_false] = sets;
        let (on_true, depth) = self.take(&on_true, &name)?;
        let (on_false, other_depth) = self.take(&on_false, &name)?;
        // What both branches use runs before: the inputs of the conditional pass it on.
        for index in
            self.indices(|kind| matches!(kind, LayerKind::ConditionalInput { conditional } if *conditional == id))
        {
            if let Some(Some(node)) = self.nodes.get_mut(index) {
                node.layer.kind = LayerKind::Identity;
            }
        }
        self.take(&boundary, &name)?;
        let mut captured: BTreeSet<TensorId> = BTreeSet::new();
        for (nodes, wanted) in [(&on_true, &branches[0]), (&on_false, &branches[1])] {
            captured.extend(self.captured(nodes, wanted, &HashSet::new()));
        }
        let captured: Vec<TensorId> = captured.into_iter().collect();
        let body = |mut nodes: Vec<Node>, wanted: &[TensorId]| {
            for node in &mut nodes {
                if matches!(node.layer.kind, LayerKind::ConditionalInput { .. }) {
                    node.layer.kind = LayerKind::Identity;
                }
            }
            Body::new(self.graph, self.identity, &nodes, &captured, wanted)
        };
        let branches = [body(on_true, &branches[0])?, body(on_false, &branches[1])?];
        if outputs.is_empty() {
            return Ok(true);
        }
        let mut inputs = vec![condition];
        inputs.extend(&captured);
        let results = outputs.iter().filter_map(|layer| layer.outputs.first().copied()).collect();
        let region = Region { layer_type: LayerType::ConditionalOutput, sizes: Vec::new() };
        let kernel = Arc::new(ConditionalKernel { branches });
        self.put(&name, region, inputs, results, kernel, depth.max(other_depth));
        Ok(true)
    }

    /// The nodes that depend on an input of a conditional; `None` while others inside are open.
    fn behind_inputs(&self, id: ConditionalId) -> Result<Option<BTreeSet<usize>>> {
        let name = &self.graph.conditional(id).name;
        let starts =
            self.indices(|kind| matches!(kind, LayerKind::ConditionalInput { conditional } if *conditional == id));
        let mut pending: Vec<TensorId> =
            starts.iter().filter_map(|&index| self.layer(index)?.outputs.first().copied()).collect();
        let mut nodes = BTreeSet::new();
        let mut open = false;
        while let Some(tensor) = pending.pop() {
            let label = &self.graph.tensor(tensor).name;
            if self.graph.outputs.contains(&tensor) {
                let text = format!("\"{label}\", inside of the conditional \"{name}\", is an output of the network");
                return Err(Error::config(text));
            }
            for &(reader, _) in self.readers.get(&tensor).into_iter().flatten() {
                let Some(layer) = self.layer(reader) else { continue };
                match &layer.kind {
                    LayerKind::ConditionalOutput { conditional } if *conditional == id => {}
                    LayerKind::Condition { conditional } if *conditional == id => {
                        let text = format!("the condition of \"{name}\" depends on an input of it");
                        return Err(Error::config(text));
                    }
                    kind if is_open(kind, id) => open = true,
                    _ if nodes.insert(reader) => pending.extend(&layer.outputs),
                    _ => {}
                }
            }
        }
        Ok((!open).then_some(nodes))
    }

    fn indices(&self, which: impl Fn(&LayerKind) -> bool) -> BTreeSet<usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| node.as_ref().is_some_and(|node| which(&node.layer.kind)))
            .map(|(index, _)| index)
            .collect()
    }

    /// The nodes that only one branch of a conditional reads.
    fn branch(&self, boundary: &BTreeSet<usize>, wanted: &[TensorId], branch: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut pending: Vec<usize> = wanted.iter().filter_map(|id| self.producers.get(id).copied()).collect();
        while let Some(index) = pending.pop() {
            let Some(layer) = self.layer(index).filter(|_| !found.contains(&index)) else { continue };
            // What an iteration starts from is of a loop around; an output of one that is still open is inside.
            let stays = matches!(
                layer.kind,
                LayerKind::Constant { .. }
                    | LayerKind::Iterator { .. }
                    | LayerKind::Recurrence { .. }
                    | LayerKind::TripLimit { .. }
            ) || layer.outputs.iter().any(|id| self.graph.outputs.contains(id));
            let exclusive = |id: &TensorId| {
                self.readers.get(id).into_iter().flatten().all(|(reader, input)| {
                    found.contains(reader)
                        || (boundary.contains(reader) && *input == branch && !self.is_condition(*reader))
                })
            };
            if !stays && layer.outputs.iter().all(exclusive) {
                found.insert(index);
                pending.extend(layer.inputs.iter().flatten().filter_map(|id| self.producers.get(id).copied()));
            }
        }
        found
    }

    fn is_condition(&self, index: usize) -> bool {
        self.layer(index).is_some_and(|layer| matches!(layer.kind, LayerKind::Condition { .. }))
    }
}

/// Whether a layer is at the border of another conditional than `id`, or of a loop.
fn is_open(kind: &LayerKind, id: ConditionalId) -> bool {
    kind.loop_id().is_some() || kind.conditional_id().is_some_and(|other| other != id)
}
