//! What NVIDIA's builder (TensorRT for RTX 1.7.1) refuses although the emulator could run it: the rules of the strict setting.

use tensorrt_sys::DataType;

use crate::graph::{Graph, Layer, LayerKind, TensorId};
use crate::{Error, Result};

/// Refuses a network that NVIDIA's builder refuses.
///
/// # Errors
/// The first rule that the network breaks.
pub(super) fn check(graph: &Graph) -> Result<()> {
    graph.inputs.iter().chain(&graph.outputs).try_for_each(|&id| network_io(graph, id))?;
    graph.layers.iter().try_for_each(|layer| cache_io(graph, layer).map_err(|error| error.at(&layer.name)))
}

/// A cache of keys or values is the network's input, and what it becomes is the network's output.
fn cache_io(graph: &Graph, layer: &Layer) -> Result<()> {
    if !matches!(layer.kind, LayerKind::KvCacheUpdate(_)) {
        return Ok(());
    }
    if !layer.input(0).is_some_and(|cache| graph.inputs.contains(&cache)) {
        return Err(Error::config("the cache must be an input of the network"));
    }
    if !layer.outputs.iter().all(|output| graph.outputs.contains(output)) {
        return Err(Error::config("the updated cache must be an output of the network"));
    }
    Ok(())
}

/// The types of eight bits and fewer that only quantizing layers make and read: a network's input of such a type must be read, and an
/// output must be made, by one of them.
fn network_io(graph: &Graph, id: TensorId) -> Result<()> {
    let tensor = graph.tensor(id);
    if !matches!(tensor.dtype, DataType::Fp8 | DataType::Int4 | DataType::Fp4) {
        return Ok(());
    }
    let dtype = tensor.dtype.name();
    let (name, makes) = (&tensor.name, "NVIDIA's builder wants a quantizing layer");
    let wrong = match tensor.producer {
        Some((layer, _)) => !makes_quantized(&graph.layer(layer).kind),
        None => {
            let mut readers = graph.layers.iter().filter(|layer| layer.inputs.contains(&Some(id)));
            readers.any(|layer| !reads_quantized(&layer.kind))
        }
    };
    if wrong {
        return Err(Error::config(format!("the tensor \"{name}\" of {dtype} is the network's own: {makes} beside it")));
    }
    Ok(())
}

fn makes_quantized(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Quantize(_) | LayerKind::DynamicQuantize { .. } | LayerKind::Constant { .. })
}

fn reads_quantized(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Dequantize(_) | LayerKind::Concatenation { .. })
}
