//! Layers on their way into engines: those of the network, and those that stand for loops and conditionals.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Kernels;
use crate::graph::{Graph, Layer, LayerId, TensorId};
use crate::ops::Kernel;
use crate::{Error, Result};

/// A layer, over the tensors of the network.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) layer: Layer,
    /// The kernel of what stands for a loop or conditional.
    pub(super) kernel: Option<Arc<dyn Kernel>>,
    /// How many loops and conditionals lie within one another inside.
    pub(super) depth: usize,
}

impl Node {
    pub(super) fn of(layer: &Layer) -> Self {
        Self { layer: layer.clone(), kernel: None, depth: 0 }
    }
}

/// A graph of some nodes, with tensors, layers and weights of their own, each layer after those that make its inputs.
///
/// # Errors
/// A tensor is read that no node makes, or nodes depend on one another in a circle.
pub(super) fn assemble(
    source: &Graph,
    nodes: Vec<Node>,
    inputs: &[TensorId],
    outputs: &[TensorId],
) -> Result<(Graph, Kernels)> {
    let mut graph = Graph { name: source.name.clone(), ..Graph::default() };
    let mut tensors: HashMap<TensorId, TensorId> = HashMap::new();
    for &id in inputs {
        let info = source.tensor(id);
        // Names are unique among inputs, and a tensor is an input once.
        let name = format!("{} #{}", info.name, id.0);
        let new = graph.add_input(if info.producer.is_none() { &info.name } else { &name }, info.dtype, info.dims)?;
        graph.tensor_mut(new).dim_names.clone_from(&info.dim_names);
        tensors.insert(id, new);
    }
    let mut weights = HashMap::new();
    let mut kernels = Kernels::new();
    for node in sort(source, nodes)? {
        let mut kind = node.layer.kind.clone();
        for id in kind.weights_mut() {
            let new = *weights.entry(*id).or_insert_with(|| graph.add_weights(source.weights(*id).clone()));
            *id = new;
        }
        let mut read = Vec::with_capacity(node.layer.inputs.len());
        for id in &node.layer.inputs {
            read.push(match id {
                Some(id) => Some(*tensors.get(id).ok_or_else(|| unmade(source, *id))?),
                None => None,
            });
        }
        let made: Vec<_> =
            node.layer.outputs.iter().map(|&id| (source.tensor(id).dtype, source.tensor(id).dims)).collect();
        let new = graph.add_layer(kind, read, &made);
        graph.layer_mut(new).name.clone_from(&node.layer.name);
        graph.layer_mut(new).metadata.clone_from(&node.layer.metadata);
        rename(source, &mut graph, &node.layer, new, &mut tensors);
        if let Some(kernel) = node.kernel {
            kernels.insert(new.0 as usize, kernel);
        }
    }
    for id in outputs {
        graph.outputs.push(*tensors.get(id).ok_or_else(|| unmade(source, *id))?);
    }
    Ok((graph, kernels))
}

/// Gives the outputs of a new layer the names of those of the old one.
fn rename(source: &Graph, graph: &mut Graph, old: &Layer, new: LayerId, tensors: &mut HashMap<TensorId, TensorId>) {
    let made = graph.layer(new).outputs.clone();
    for (&old, new) in old.outputs.iter().zip(made) {
        graph.tensor_mut(new).name.clone_from(&source.tensor(old).name);
        tensors.insert(old, new);
    }
}

fn unmade(source: &Graph, id: TensorId) -> Error {
    let name = &source.tensor(id).name;
    Error::config(format!("the tensor \"{name}\" is read outside of the loop or conditional that computes it"))
}

/// The nodes in an order in which each comes after those that make what it reads, else in the order given.
fn sort(source: &Graph, nodes: Vec<Node>) -> Result<Vec<Node>> {
    let mut producers: HashMap<TensorId, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        producers.extend(node.layer.outputs.iter().map(|&id| (id, index)));
    }
    let mut waits = vec![0usize; nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for producer in node.layer.inputs.iter().flatten().filter_map(|id| producers.get(id)) {
            waits[index] += 1;
            readers[*producer].push(index);
        }
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&index| waits[index] == 0).collect();
    let mut sorted = Vec::with_capacity(nodes.len());
    while let Some(index) = ready.pop_first() {
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert(reader);
            }
        }
        sorted.extend(nodes[index].take());
    }
    match nodes.iter().flatten().next() {
        None => Ok(sorted),
        Some(node) => {
            let reads = node.layer.inputs.iter().flatten().map(|&id| source.tensor(id).name.as_str());
            let reads = reads.collect::<Vec<_>>().join("\", \"");
            let name = &node.layer.name;
            Err(Error::config(format!("the layer \"{name}\", which reads \"{reads}\", depends on itself")))
        }
    }
}
