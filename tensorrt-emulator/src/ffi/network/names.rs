//! Names of layers and tensors: no two layers, and no two tensors, of a network have the same one.

use super::State;
use crate::graph::{LayerId, LayerKind, TensorId};
use crate::{Error, Result};

/// The longest name, in bytes.
const LONGEST: usize = 4096;

impl State {
    /// Refuses a name that another tensor has.
    ///
    /// # Errors
    /// The name is taken or too long.
    pub(super) fn free_tensor_name(&self, name: &str, own: Option<TensorId>) -> Result<()> {
        check_length(name)?;
        let graph = self.network().graph();
        let taken =
            graph.tensors.iter().enumerate().any(|(at, tensor)| tensor.name == name && Some(at) != own.map(position));
        if taken && !name.is_empty() {
            return Err(Error::invalid(format!("another tensor is named \"{name}\"")));
        }
        Ok(())
    }

    /// Renames a tensor.
    ///
    /// # Errors
    /// The name is taken or too long.
    pub(super) fn rename_tensor(&mut self, id: TensorId, name: String) -> Result<()> {
        self.free_tensor_name(&name, Some(id))?;
        self.importing().graph_mut().tensor_mut(id).name = name;
        Ok(())
    }

    /// Renames a layer, and with it the outputs that are named after it.
    ///
    /// # Errors
    /// The name is taken or too long.
    pub(super) fn rename_layer(&mut self, id: LayerId, name: String) -> Result<()> {
        check_length(&name)?;
        let graph = self.importing().graph_mut();
        let taken = graph.layers.iter().enumerate().any(|(at, layer)| layer.name == name && at != id.0 as usize);
        if taken && !name.is_empty() {
            return Err(Error::invalid(format!("another layer is named \"{name}\"")));
        }
        let prefix = format!("{}_output", graph.layer(id).name);
        for output in graph.layer(id).outputs.clone() {
            let tensor = graph.tensor_mut(output);
            if let Some(suffix) = tensor.name.strip_prefix(&prefix) {
                tensor.name = format!("{name}_output{suffix}");
            }
        }
        graph.layer_mut(id).name = name;
        Ok(())
    }

    /// Gives a new layer and its outputs other default names where theirs are taken.
    pub(super) fn settle_names(&mut self, id: LayerId) {
        let graph = self.network.graph_mut();
        let label = graph.layer(id).kind.label();
        // An attention has a number of its own, before those of its two layers.
        let attentions = graph.layers[..=position_of(id)].iter();
        let attentions = attentions.filter(|layer| matches!(layer.kind, LayerKind::AttentionInput(_))).count();
        let mut number = id.0 + u32::try_from(attentions).unwrap_or(0);
        let mut name = format!("(Unnamed Layer* {number}) [{label}]");
        while graph.layers.iter().enumerate().any(|(at, layer)| layer.name == name && at != id.0 as usize) {
            number += 1;
            name = format!("(Unnamed Layer* {number}) [{label}]");
        }
        let outputs = graph.layer(id).outputs.clone();
        for (index, output) in (0_u32..).zip(outputs) {
            let mut tensor = format!("{name}{}", graph.layer(id).kind.output_suffix(index));
            let taken = |name: &str, graph: &crate::graph::Graph| {
                graph.tensors.iter().enumerate().any(|(at, tensor)| tensor.name == name && at != position(output))
            };
            let numbered = index > 0 && tensor == format!("{name}_output_{index}");
            if numbered || taken(&tensor, graph) {
                self.collisions += 1;
                tensor = format!("{name}_output_{}", self.collisions);
            }
            graph.tensor_mut(output).name = tensor;
        }
        graph.layer_mut(id).name = name;
    }
}

fn position_of(id: LayerId) -> usize {
    id.0 as usize
}

fn position(id: TensorId) -> usize {
    id.0 as usize
}

fn check_length(name: &str) -> Result<()> {
    if name.len() > LONGEST {
        return Err(Error::invalid(format!("a name of {} bytes is longer than {LONGEST}", name.len())));
    }
    Ok(())
}
