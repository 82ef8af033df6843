//! What is marked in a network: outputs, debug tensors, weights to refit.

use std::ffi::c_char;

use tensorrt_sys::{Api, ITensor};

use super::{NetworkObject, State, tensor_id};
use crate::ffi::dims::data_type;
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::text::read;
use crate::graph::WeightsId;
use crate::tensor::byte_len;
use crate::{Error, Result};

/// Makes a tensor an output.
///
/// # Errors
/// It is an input, or an output already.
pub(super) fn mark_output(network: &NetworkObject, tensor: *mut ITensor) -> Result<()> {
    let id = tensor_id(&network.shared, tensor)?;
    let mut state = network.shared.state();
    let graph = state.network().graph();
    let name = &graph.tensor(id).name;
    if graph.inputs.contains(&id) {
        let text = format!("the tensor \"{name}\" is an input of the network: it cannot be an output, too");
        return Err(Error::config(text));
    }
    if graph.outputs.contains(&id) {
        return Err(Error::config(format!("the tensor \"{name}\" is an output of the network already")));
    }
    state.importing().mark_output(id);
    Ok(())
}

/// Takes back that a tensor is an output.
///
/// # Errors
/// It is none.
pub(super) fn unmark_output(network: &NetworkObject, tensor: *mut ITensor) -> Result<()> {
    let id = tensor_id(&network.shared, tensor)?;
    let mut state = network.shared.state();
    let graph = state.importing().graph_mut();
    let before = graph.outputs.len();
    graph.outputs.retain(|&output| output != id);
    if graph.outputs.len() == before {
        let name = &graph.tensor(id).name;
        return Err(Error::invalid(format!("the tensor \"{name}\" is no output of the network")));
    }
    Ok(())
}

/// Takes an input that nothing reads out of the network.
fn remove(network: &NetworkObject, tensor: *mut ITensor) -> Result<()> {
    let id = tensor_id(&network.shared, tensor)?;
    let mut state = network.shared.state();
    let graph = state.importing().graph_mut();
    let tensor = graph.tensor(id);
    let maker = tensor.producer.map(|(layer, _)| layer.0 as usize);
    let reader = || graph.layers.iter().position(|layer| layer.inputs.contains(&Some(id)));
    if let Some(layer) = maker.or_else(reader) {
        let (name, layer) = (&tensor.name, &graph.layers[layer].name);
        return Err(Error::invalid(format!("\"{name}\" cannot be removed: the layer \"{layer}\" refers to it")));
    }
    graph.tensor_mut(id).name.clear();
    graph.inputs.retain(|&input| input != id);
    graph.debug.remove(&id);
    Ok(())
}

/// The weights that the user has at the address of `blob`, or that were read from a layer.
fn find_weights(state: &State, blob: &tensorrt_sys::Weights, bytes: Option<usize>) -> Vec<WeightsId> {
    let graph = state.network().graph();
    let address = blob.values.addr();
    let given = state.origins.iter().filter(|(origin, _)| *origin == address).map(|&(_, id)| id);
    let read = graph.weights.iter().zip(0..).filter(|(weights, _)| weights.storage.as_ptr().addr() == address);
    let mut found: Vec<WeightsId> = given.chain(read.map(|(_, index)| WeightsId(index))).collect();
    found.retain(|&id| Some(graph.weights(id).storage.len()) == bytes);
    found
}

fn set_weights_name(network: &NetworkObject, blob: &tensorrt_sys::Weights, name: &str) -> Result<bool> {
    let dtype = data_type(network.scope().family, blob.type_)?;
    let bytes = usize::try_from(blob.count).ok().and_then(|count| byte_len(dtype, count));
    let mut state = network.shared.state();
    let found = find_weights(&state, blob, bytes);
    if found.is_empty() {
        return Err(Error::invalid(format!("the weights to name \"{name}\" are not used in the network")));
    }
    let graph = state.importing().graph_mut();
    let taken = graph
        .weights
        .iter()
        .zip(0..)
        .any(|(weights, index)| weights.name == name && !found.contains(&WeightsId(index)));
    if taken {
        return Err(Error::invalid(format!("other weights have the name \"{name}\" already")));
    }
    for id in found {
        name.clone_into(&mut graph.weights_mut(id).name);
    }
    Ok(true)
}

fn mark_refittable(network: &NetworkObject, name: &str) -> Result<bool> {
    let mut state = network.shared.state();
    let graph = state.importing().graph_mut();
    if !graph.weights.iter().any(|weights| weights.name == name) {
        return Err(Error::invalid(format!("there are no weights \"{name}\"")));
    }
    graph.refittable.insert(name.to_owned());
    Ok(true)
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_markOutputForShapes(network, tensor: *mut ITensor) -> bool {
            let id = tensor_id(&network.shared, tensor)?;
            if !network.shared.state().network().graph().outputs.contains(&id) {
                mark_output(network, tensor)?;
            }
            network.shared.state().shape_outputs.push(id);
            Ok(true)
        }
        fn INetworkDefinition_unmarkOutputForShapes(network, tensor: *mut ITensor) -> bool {
            unmark_output(network, tensor)?;
            let id = tensor_id(&network.shared, tensor)?;
            network.shared.state().shape_outputs.retain(|&marked| marked != id);
            Ok(true)
        }
        fn INetworkDefinition_removeTensor(network, tensor: *mut ITensor) { remove(network, tensor) }
        fn INetworkDefinition_markUnfusedTensorsAsDebugTensors(network) -> bool {
            network.shared.state().debugs_unfused = true;
            Ok(true)
        }
        fn INetworkDefinition_unmarkUnfusedTensorsAsDebugTensors(network) -> bool {
            network.shared.state().debugs_unfused = false;
            Ok(true)
        }
        fn INetworkDefinition_markDebug(network, tensor: *mut ITensor) -> bool {
            let id = tensor_id(&network.shared, tensor)?;
            network.shared.state().importing().graph_mut().debug.insert(id);
            Ok(true)
        }
        fn INetworkDefinition_unmarkDebug(network, tensor: *mut ITensor) -> bool {
            let id = tensor_id(&network.shared, tensor)?;
            network.shared.state().importing().graph_mut().debug.remove(&id);
            Ok(true)
        }
        fn INetworkDefinition_isDebugTensor(network, tensor: *mut ITensor) -> bool {
            let id = tensor_id(&network.shared, tensor)?;
            Ok(network.shared.state().network().graph().debug.contains(&id))
        }
        fn INetworkDefinition_setWeightsName(network, blob: tensorrt_sys::Weights, name: *const c_char) -> bool {
            set_weights_name(network, &blob, &read(name, "the name of the weights")?)
        }
        fn INetworkDefinition_markWeightsRefittable(network, name: *const c_char) -> bool {
            mark_refittable(network, &read(name, "the name of the weights")?)
        }
        fn INetworkDefinition_unmarkWeightsRefittable(network, name: *const c_char) -> bool {
            let name = read(name, "the name of the weights")?;
            network.shared.state().importing().graph_mut().refittable.remove(&name);
            Ok(true)
        }
        fn INetworkDefinition_areWeightsMarkedRefittable(network, name: *const c_char) -> bool {
            let name = read(name, "the name of the weights")?;
            Ok(network.shared.state().network().graph().refittable.contains(&name))
        }
        }
    }
}
