//! What no output needs is left out.

use crate::graph::{Conditional, Graph, Layer, LayerId, LayerKind, TensorId, WeightsId};
use crate::{Error, Result};

/// The graph with only the layers, tensors and weights that outputs, debug tensors and assertions need, each layer after those that make what it reads
/// (but for the second inputs of recurrences); inputs, loops and conditionals stay.
///
/// # Errors
/// A layer depends on itself other than by way of a recurrence.
pub(super) fn prune(graph: &Graph) -> Result<Graph> {
    let live = live_layers(graph);
    let order = graph.order(|index| live[index])?;
    let unconditional = |old: &Conditional| Conditional { name: old.name.clone(), condition: None };
    let mut pruned = Graph {
        name: graph.name.clone(),
        loops: graph.loops.clone(),
        conditionals: graph.conditionals.iter().map(unconditional).collect(),
        refittable: graph.refittable.clone(),
        ..Graph::default()
    };
    let mut tensors: Vec<Option<TensorId>> = vec![None; graph.tensors.len()];
    let mut weights: Vec<Option<WeightsId>> = vec![None; graph.weights.len()];
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        let new = pruned.add_input(&tensor.name, tensor.dtype, tensor.dims)?;
        pruned.tensor_mut(new).dim_names.clone_from(&tensor.dim_names);
        tensors[id.0 as usize] = Some(new);
    }
    let mut carried = Vec::new();
    for index in order {
        let layer = &graph.layers[index];
        let mut kind = layer.kind.clone();
        for slot in kind.weights_mut() {
            *slot = match weights[slot.0 as usize] {
                Some(id) => id,
                None => {
                    let id = pruned.add_weights(graph.weights(*slot).clone());
                    weights[slot.0 as usize] = Some(id);
                    id
                }
            };
        }
        let new = add_layer(graph, layer, kind, &mut pruned, &mut tensors)?;
        if let Some(next) = layer.next_value() {
            carried.push((new, next));
        }
    }
    for (layer, next) in carried {
        let next = tensors[next.0 as usize].ok_or_else(|| out_of_order(graph, next))?;
        pruned.layer_mut(layer).inputs[1] = Some(next);
    }
    for &id in &graph.outputs {
        let new = tensors[id.0 as usize];
        pruned.outputs.push(new.ok_or_else(|| out_of_order(graph, id))?);
    }
    pruned.debug = graph.debug.iter().filter_map(|id| tensors[id.0 as usize]).collect();
    Ok(pruned)
}

fn add_layer(
    graph: &Graph,
    layer: &Layer,
    kind: LayerKind,
    pruned: &mut Graph,
    tensors: &mut [Option<TensorId>],
) -> Result<LayerId> {
    let mut inputs = Vec::with_capacity(layer.inputs.len());
    for (at, id) in layer.inputs.iter().enumerate() {
        let carried = at == 1 && layer.next_value().is_some();
        inputs.push(match id.filter(|_| !carried) {
            Some(id) => Some(tensors[id.0 as usize].ok_or_else(|| out_of_order(graph, id))?),
            None => None,
        });
    }
    let outputs: Vec<_> = layer.outputs.iter().map(|&id| (graph.tensor(id).dtype, graph.tensor(id).dims)).collect();
    let new = pruned.add_layer(kind, inputs, &outputs);
    let made = pruned.layer(new).outputs.clone();
    for (&old, made) in layer.outputs.iter().zip(made) {
        let old_info = graph.tensor(old);
        let info = pruned.tensor_mut(made);
        info.name.clone_from(&old_info.name);
        info.dim_names.clone_from(&old_info.dim_names);
        tensors[old.0 as usize] = Some(made);
    }
    let copy = pruned.layer_mut(new);
    copy.name.clone_from(&layer.name);
    copy.metadata.clone_from(&layer.metadata);
    copy.precision = layer.precision;
    copy.output_types.clone_from(&layer.output_types);
    Ok(new)
}

/// The layers that decide whether, or how often, a layer runs.
fn deciders(graph: &Graph, trip_limits: &[Vec<usize>], layer: &Layer) -> Vec<usize> {
    match &layer.kind {
        LayerKind::ConditionalInput { conditional } | LayerKind::ConditionalOutput { conditional } => {
            graph.conditional(*conditional).condition.iter().map(|id| id.0 as usize).collect()
        }
        LayerKind::Iterator { loop_id, .. }
        | LayerKind::LoopOutput { loop_id, .. }
        | LayerKind::Recurrence { loop_id } => trip_limits[loop_id.0 as usize].clone(),
        _ => Vec::new(),
    }
}

/// The trip limits of each loop.
fn trip_limits(graph: &Graph) -> Vec<Vec<usize>> {
    let mut limits = vec![Vec::new(); graph.loops.len()];
    for (index, layer) in graph.layers.iter().enumerate() {
        if let LayerKind::TripLimit { loop_id, .. } = &layer.kind {
            limits[loop_id.0 as usize].push(index);
        }
    }
    limits
}

fn live_layers(graph: &Graph) -> Vec<bool> {
    let trip_limits = trip_limits(graph);
    let producer = |id: TensorId| graph.tensor(id).producer.map(|(layer, _)| layer.0 as usize);
    let mut pending: Vec<usize> = graph.outputs.iter().chain(&graph.debug).filter_map(|&id| producer(id)).collect();
    let asserts = |layer: &Layer| matches!(layer.kind, LayerKind::Assertion { .. });
    pending.extend(graph.layers.iter().enumerate().filter(|(_, layer)| asserts(layer)).map(|(index, _)| index));
    let mut live = vec![false; graph.layers.len()];
    while let Some(index) = pending.pop() {
        if std::mem::replace(&mut live[index], true) {
            continue;
        }
        let layer = &graph.layers[index];
        pending.extend(layer.inputs.iter().flatten().filter_map(|&id| producer(id)));
        pending.extend(deciders(graph, &trip_limits, layer));
    }
    live
}

fn out_of_order(graph: &Graph, id: TensorId) -> Error {
    Error::config(format!("the tensor \"{}\" is read before a layer makes it", graph.tensor(id).name))
}
