//! The layers of a loop's body, or of a branch, as an engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::nodes::{Node, assemble};
use crate::Result;
use crate::graph::{Graph, TensorId, ValueInfo};
use crate::plan::{Identity, Plan, Profile, Settings};
use crate::run::context::Context;
use crate::run::engine::Engine;
use crate::run::shapes::{InputShape, Shapes};
use crate::tensor::{Dims, Tensor, TensorView, is_float};

/// An engine over some of the slots that whoever runs it fills.
pub(super) struct Body {
    engine: Arc<Engine>,
    /// The slot of each input.
    reads: Vec<usize>,
    /// Contexts that nobody uses at the moment.
    idle: Mutex<Vec<Context>>,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("engine", &self.engine).field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl Body {
    /// An engine that computes `outputs` from those of `slots` that it needs. Constants of the network are constants of it, too.
    ///
    /// # Errors
    /// A layer is not supported, or reads what is neither in a slot nor made by `nodes`.
    pub(super) fn new(
        source: &Graph,
        identity: &Identity,
        nodes: &[Node],
        slots: &[TensorId],
        outputs: &[TensorId],
    ) -> Result<Self> {
        let needed = needed(nodes, outputs);
        let mut own: Vec<Node> = needed.iter().map(|&index| nodes[index].clone()).collect();
        let made: Vec<TensorId> = own.iter().flat_map(|node| node.layer.outputs.iter().copied()).collect();
        let mut read: Vec<TensorId> = own.iter().flat_map(|node| node.layer.inputs.iter().flatten().copied()).collect();
        read.extend(outputs);
        read.retain(|id| !made.contains(id));
        read.sort_unstable();
        read.dedup();
        own.extend(read.iter().filter_map(|&id| constant(source, id)));
        read.retain(|&id| constant(source, id).is_none());
        let reads: Vec<usize> =
            slots.iter().enumerate().filter(|(_, id)| read.binary_search(id).is_ok()).map(|(slot, _)| slot).collect();
        let inputs: Vec<TensorId> = reads.iter().map(|&slot| slots[slot]).collect();
        let (graph, kernels) = assemble(source, own, &inputs, outputs)?;
        let dims = graph.inputs.iter().map(|&id| {
            let tensor = graph.tensor(id);
            let bound = |unknown: i64| {
                Dims::new(&tensor.dims.iter().map(|&d| if d < 0 { unknown } else { d }).collect::<Vec<_>>())
            };
            Ok((tensor.name.clone(), [bound(0)?, bound(1)?, bound(i64::MAX)?]))
        });
        let profile = Profile { dims: dims.collect::<Result<BTreeMap<_, _>>>()?, values: BTreeMap::new() };
        let plan = Plan { identity: identity.clone(), graph, profiles: vec![profile], settings: Settings::default() };
        Ok(Self { engine: Engine::of_region(plan, kernels)?, reads, idle: Mutex::default() })
    }

    /// The slots that it reads.
    pub(super) fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// What is known of the outputs, from what is known of the slots.
    ///
    /// # Errors
    /// A layer refuses its inputs.
    pub(super) fn infer(&self, slots: &[ValueInfo]) -> Result<Vec<ValueInfo>> {
        let graph = self.engine.graph();
        let declared = || graph.outputs.iter().map(|&id| ValueInfo::new(graph.tensor(id).dtype, graph.tensor(id).dims));
        let mut inputs = Vec::with_capacity(self.reads.len());
        for &slot in &self.reads {
            let value = &slots[slot];
            if !value.dims.is_static() {
                return Ok(declared().collect());
            }
            let values = if is_float(value.dtype) { None } else { value.known_elements() };
            inputs.push(InputShape { dims: value.dims, values });
        }
        let shapes = Shapes::infer(&self.engine, &inputs)?;
        Ok(graph.outputs.iter().map(|&id| shapes.value(id).clone()).collect())
    }

    /// A context, to be given back.
    pub(super) fn context(&self) -> Result<Borrowed<'_>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let context = match idle {
            Some(context) => context,
            None => self.engine.create_context(None)?,
        };
        Ok(Borrowed { body: self, context: Some(context) })
    }
}

/// A context of a body, which is given back when dropped.
pub(super) struct Borrowed<'b> {
    body: &'b Body,
    context: Option<Context>,
}

impl Borrowed<'_> {
    /// Computes the outputs from the slots; `outputs` are used again where they fit.
    ///
    /// # Errors
    /// What a layer refuses.
    pub(super) fn run(&mut self, slots: &[TensorView<'_>], outputs: &mut Vec<Tensor>) -> Result<()> {
        let Some(context) = &mut self.context else { return Ok(()) };
        let mut inputs: smallvec::SmallVec<[&[u8]; 8]> = smallvec::SmallVec::new();
        for (index, &slot) in self.body.reads.iter().enumerate() {
            let dims = *slots[slot].dims();
            if context.input_shape(index) != Some(dims) {
                context.set_input_shape(index, dims)?;
            }
            inputs.push(slots[slot].bytes());
        }
        context.run_reusing(&inputs, outputs)
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            self.body.idle.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        }
    }
}

/// The nodes that the outputs, and assertions, need.
fn needed(nodes: &[Node], outputs: &[TensorId]) -> Vec<usize> {
    let producer = |id: &TensorId| nodes.iter().position(|node| node.layer.outputs.contains(id));
    let mut pending: Vec<usize> = outputs.iter().filter_map(producer).collect();
    let asserts = |node: &Node| node.layer.outputs.is_empty() && node.kernel.is_none();
    pending.extend(nodes.iter().enumerate().filter(|(_, node)| asserts(node)).map(|(index, _)| index));
    let mut needed = vec![false; nodes.len()];
    while let Some(index) = pending.pop() {
        if !std::mem::replace(&mut needed[index], true) {
            pending.extend(nodes[index].layer.inputs.iter().flatten().filter_map(producer));
        }
    }
    (0..nodes.len()).filter(|&index| needed[index]).collect()
}

/// The layer of a tensor that is a constant of the network.
fn constant(source: &Graph, id: TensorId) -> Option<Node> {
    let (layer, _) = source.tensor(id).producer?;
    let layer = source.layer(layer);
    matches!(layer.kind, crate::graph::LayerKind::Constant { .. }).then(|| Node::of(layer))
}
