//! The references inside a plan that was read.

use super::Profile;
use super::format::broken;
use crate::graph::{Graph, LayerKind, TensorId, ValueInfo, WeightsId};
use crate::tensor::Dims;
use crate::{Error, Result, shape};

/// The weights that a layer names.
fn weights_of(kind: &LayerKind) -> Vec<WeightsId> {
    match kind {
        LayerKind::Constant { weights, .. } => vec![*weights],
        LayerKind::Convolution(conv) | LayerKind::Deconvolution(conv) => {
            conv.kernel.into_iter().chain(conv.bias).collect()
        }
        LayerKind::Scale(scale) => scale.shift.into_iter().chain(scale.scale).chain(scale.power).collect(),
        _ => Vec::new(),
    }
}

/// Checks that every index leads somewhere, that layers follow what they read, and that tensors are what the layers make.
///
/// # Errors
/// The first broken reference, or layer that does not fit its tensors.
pub(super) fn graph(graph: &Graph) -> Result<()> {
    let mut made = vec![false; graph.tensors.len()];
    let refuse = |what: &str| -> Error { broken(format!("its network has {what}")) };
    for &id in &graph.inputs {
        let slot = made.get_mut(id.0 as usize).ok_or_else(|| refuse("an input that does not exist"))?;
        *slot = true;
    }
    let is_made = |made: &[bool], id: TensorId| made.get(id.0 as usize).copied().unwrap_or(false);
    for (index, layer) in graph.layers.iter().enumerate() {
        let carried = matches!(layer.kind, LayerKind::Recurrence { .. });
        let inputs = layer.inputs.iter().enumerate().filter(|&(at, _)| !carried || at != 1);
        if inputs.filter_map(|(_, id)| *id).any(|id| !is_made(&made, id)) {
            return Err(refuse("a layer before its inputs"));
        }
        if layer.outputs.len() != layer.kind.num_outputs() {
            return Err(refuse("a layer with too few outputs"));
        }
        for (at, &id) in layer.outputs.iter().enumerate() {
            let tensor = graph.tensors.get(id.0 as usize).ok_or_else(|| refuse("an output that does not exist"))?;
            let producer = tensor.producer.map(|(layer, output)| (layer.0 as usize, output as usize));
            if producer != Some((index, at)) || made[id.0 as usize] {
                return Err(refuse("a tensor with two makers"));
            }
            made[id.0 as usize] = true;
        }
        if weights_of(&layer.kind).iter().any(|id| id.0 as usize >= graph.weights.len()) {
            return Err(refuse("weights that do not exist"));
        }
    }
    for (at, layer) in graph.layers.iter().enumerate() {
        if layer.inputs.iter().flatten().any(|&id| !is_made(&made, id)) {
            return Err(refuse("a recurrence of a value that no layer makes"));
        }
        control(graph, at)?;
    }
    if graph.outputs.iter().chain(&graph.debug).any(|&id| !is_made(&made, id)) {
        return Err(refuse("an output or a debug tensor that no layer makes"));
    }
    tensors(graph)
}

/// The loop or conditional that a layer names exists.
fn control(graph: &Graph, at: usize) -> Result<()> {
    let exists = match &graph.layers[at].kind {
        LayerKind::Condition { conditional } => {
            let found = graph.conditionals.get(conditional.0 as usize).and_then(|found| found.condition);
            found.is_some_and(|layer| layer.0 as usize == at)
        }
        LayerKind::ConditionalInput { conditional } | LayerKind::ConditionalOutput { conditional } => {
            let found = graph.conditionals.get(conditional.0 as usize).and_then(|found| found.condition);
            let layer = found.and_then(|layer| graph.layers.get(layer.0 as usize));
            layer.is_some_and(|layer| layer.kind == LayerKind::Condition { conditional: *conditional })
        }
        LayerKind::Iterator { loop_id, .. }
        | LayerKind::LoopOutput { loop_id, .. }
        | LayerKind::Recurrence { loop_id }
        | LayerKind::TripLimit { loop_id, .. } => graph.loops.get(loop_id.0 as usize).is_some(),
        _ => true,
    };
    if exists { Ok(()) } else { Err(broken("its network has a loop or conditional that does not exist")) }
}

/// Infers every tensor and compares: kernels rely on types and ranks as declared.
fn tensors(graph: &Graph) -> Result<()> {
    let mut values: Vec<Option<ValueInfo>> = vec![None; graph.tensors.len()];
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        Dims::new(&tensor.dims).map_err(|error| broken(error.message()))?;
        values[id.0 as usize] = Some(ValueInfo::new(tensor.dtype, tensor.dims));
    }
    for layer in &graph.layers {
        let inputs = graph.known_inputs(&layer.kind, &layer.inputs);
        let inputs: Vec<Option<&ValueInfo>> =
            inputs.iter().map(|id| id.and_then(|id| values[id.0 as usize].as_ref())).collect();
        let made = shape::infer(&layer.kind, graph, &inputs)
            .map_err(|error| broken(format!("layer \"{}\": {}", layer.name, error.message())))?;
        for (&id, value) in layer.outputs.iter().zip(made) {
            let tensor = graph.tensor(id);
            let agree = |(&a, &b): (&i64, &i64)| a == b || a == Dims::DYNAMIC || b == Dims::DYNAMIC;
            let fits = tensor.dtype == value.dtype
                && tensor.dims.rank() == value.dims.rank()
                && tensor.dims.iter().zip(value.dims.iter()).all(agree);
            if !fits {
                return Err(broken(format!("layer \"{}\" does not make what it declares", layer.name)));
            }
            values[id.0 as usize] = Some(value);
        }
    }
    Ok(())
}

/// Checks that every profile has every input, with its rank.
///
/// # Errors
/// The first that does not.
pub(super) fn profiles(graph: &Graph, profiles: &[Profile]) -> Result<()> {
    if profiles.is_empty() {
        return Err(broken("it has no profile"));
    }
    for profile in profiles {
        for &id in &graph.inputs {
            let tensor = graph.tensor(id);
            let fits = profile
                .dims
                .get(&tensor.name)
                .is_some_and(|three| three.iter().all(|d| d.rank() == tensor.dims.rank()));
            if !fits {
                return Err(broken(format!("a profile lacks the input \"{}\"", tensor.name)));
            }
        }
    }
    Ok(())
}
