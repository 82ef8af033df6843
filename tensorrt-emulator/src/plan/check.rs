//! The references inside a plan that was read.

use super::Profile;
use super::format::broken;
use crate::graph::{Graph, LayerKind, TensorId, WeightsId};
use crate::{Error, Result};

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

/// Checks that every index leads somewhere and that layers follow what they read.
///
/// # Errors
/// The first broken reference.
pub(super) fn graph(graph: &Graph) -> Result<()> {
    let mut made = vec![false; graph.tensors.len()];
    let refuse = |what: &str| -> Error { broken(format!("its network has {what}")) };
    for &id in &graph.inputs {
        let slot = made.get_mut(id.0 as usize).ok_or_else(|| refuse("an input that does not exist"))?;
        *slot = true;
    }
    let is_made = |made: &[bool], id: TensorId| made.get(id.0 as usize).copied().unwrap_or(false);
    for (index, layer) in graph.layers.iter().enumerate() {
        if layer.inputs.iter().flatten().any(|&id| !is_made(&made, id)) {
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
    if graph.outputs.iter().any(|&id| !is_made(&made, id)) {
        return Err(refuse("an output that no layer makes"));
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
