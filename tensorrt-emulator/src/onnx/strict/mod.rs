//! What NVIDIA's parser (TensorRT for RTX 1.7.1) refuses although the emulator could do it: the rules of the strict setting.

mod attention;
mod operators;
mod recurrent;
mod rules;
mod types;

use tensorrt_sys::DataType;

use super::error::{Refusal, Result};
use super::importer::Context;
use crate::graph::{LayerKind, TensorId};
use crate::network::Network;

/// Whether NVIDIA's parser has a converter for an operator of ONNX's own domain.
pub(crate) fn has_operator(name: &str) -> bool {
    !operators::MISSING.contains(&name)
}

/// Refuses a node that NVIDIA's parser refuses.
pub(crate) fn check(context: &Context<'_>) -> Result<()> {
    let operator = context.node.op_type.as_str();
    if !has_operator(operator) {
        return Err(Refusal::node(format!(
            "NVIDIA's parser has no converter for the operator {operator}, and no plugin is registered"
        )));
    }
    if operators::PLUGINS.contains(&operator) {
        return Err(Refusal::node(format!("NVIDIA's parser makes a plugin of {operator}, and none is registered")));
    }
    types::check(context)?;
    rules::check(context)?;
    match operator {
        "Attention" => attention::attention(context),
        "GRU" | "LSTM" | "RNN" => recurrent::recurrent(context),
        "TensorScatter" => attention::tensor_scatter(context),
        _ => Ok(()),
    }
}

/// Refuses a tensor that a node made and that is no output of the model: of uint8, but for what a quantizing layer makes.
pub(crate) fn check_made(network: &Network, id: TensorId, is_output: bool) -> Result<()> {
    let tensor = network.graph().tensor(id);
    let Some((layer, _)) = tensor.producer else { return Ok(()) };
    let quantized = matches!(network.graph().layer(layer).kind, LayerKind::Quantize(_));
    if tensor.dtype == DataType::Uint8 && !is_output && !quantized {
        return Err(Refusal::datatype("NVIDIA's parser takes uint8 as inputs and outputs of the model only"));
    }
    Ok(())
}

/// Refuses a network whose shapes depend on the values of an input that is not of integers.
pub(crate) fn check_network(network: &Network) -> Result<()> {
    let graph = network.graph();
    let shapes = crate::run::shape_tensors(graph);
    for &id in graph.inputs.iter().filter(|id| shapes[id.0 as usize]) {
        let tensor = graph.tensor(id);
        if !matches!(tensor.dtype, DataType::Int32 | DataType::Int64 | DataType::Bool) {
            let (name, dtype) = (&tensor.name, tensor.dtype.name());
            return Err(Refusal::input(format!(
                "shapes depend on the input \"{name}\", which is of {dtype}, not integers"
            )));
        }
    }
    Ok(())
}
