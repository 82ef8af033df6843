//! What no output needs is left out.

use crate::graph::{Graph, Layer, LayerId, LayerKind, TensorId, WeightsId};
use crate::{Error, Result};

/// The graph with only the layers, tensors and weights that outputs and assertions need; inputs stay.
///
/// # Errors
/// A layer reads a tensor that comes after it.
pub(super) fn prune(graph: &Graph) -> Result<Graph> {
    let live = live_layers(graph);
    let mut pruned = Graph { name: graph.name.clone(), ..Graph::default() };
    let mut tensors: Vec<Option<TensorId>> = vec![None; graph.tensors.len()];
    let mut weights: Vec<Option<WeightsId>> = vec![None; graph.weights.len()];
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        let new = pruned.add_input(&tensor.name, tensor.dtype, tensor.dims)?;
        pruned.tensor_mut(new).dim_names.clone_from(&tensor.dim_names);
        tensors[id.0 as usize] = Some(new);
    }
    for (_, layer) in graph.layers.iter().enumerate().filter(|&(index, _)| live[index]) {
        let mut kind = layer.kind.clone();
        for slot in weights_mut(&mut kind) {
            *slot = match weights[slot.0 as usize] {
                Some(id) => id,
                None => {
                    let id = pruned.add_weights(graph.weights(*slot).clone());
                    weights[slot.0 as usize] = Some(id);
                    id
                }
            };
        }
        add_layer(graph, layer, kind, &mut pruned, &mut tensors)?;
    }
    for &id in &graph.outputs {
        let new = tensors[id.0 as usize];
        pruned.outputs.push(new.ok_or_else(|| out_of_order(graph, id))?);
    }
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
    for id in &layer.inputs {
        inputs.push(match id {
            Some(id) => Some(tensors[id.0 as usize].ok_or_else(|| out_of_order(graph, *id))?),
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

fn live_layers(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.tensors.len()];
    graph.outputs.iter().for_each(|id| needed[id.0 as usize] = true);
    let mut live = vec![false; graph.layers.len()];
    for (index, layer) in graph.layers.iter().enumerate().rev() {
        let asserts = matches!(layer.kind, LayerKind::Assertion { .. });
        if asserts || layer.outputs.iter().any(|id| needed[id.0 as usize]) {
            live[index] = true;
            layer.inputs.iter().flatten().for_each(|id| needed[id.0 as usize] = true);
        }
    }
    live
}

/// The weights that a layer names, to change.
fn weights_mut(kind: &mut LayerKind) -> Vec<&mut WeightsId> {
    match kind {
        LayerKind::Constant { weights, .. } => vec![weights],
        LayerKind::Convolution(conv) | LayerKind::Deconvolution(conv) => {
            conv.kernel.iter_mut().chain(&mut conv.bias).collect()
        }
        LayerKind::Scale(scale) => scale.shift.iter_mut().chain(&mut scale.scale).chain(&mut scale.power).collect(),
        _ => Vec::new(),
    }
}

fn out_of_order(graph: &Graph, id: TensorId) -> Error {
    Error::config(format!("the tensor \"{}\" is read before a layer makes it", graph.tensor(id).name))
}
