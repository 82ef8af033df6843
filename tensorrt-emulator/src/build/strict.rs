//! What NVIDIA's builder (TensorRT for RTX 1.7.1) refuses although the emulator could run it: the rules of the strict setting.

use tensorrt_sys::{AttentionIOForm, CausalMaskKind, DataType, LoopOutput};

use crate::graph::{Graph, Layer, LayerKind, TensorId};
use crate::{Error, Result};

/// Refuses a network that NVIDIA's builder refuses.
///
/// # Errors
/// The first rule that the network breaks.
pub(super) fn check(graph: &Graph) -> Result<()> {
    graph.inputs.iter().chain(&graph.outputs).try_for_each(|&id| network_io(graph, id))?;
    graph.layers.iter().try_for_each(|layer| {
        let rules = [attention_kernel, cache_io, collected, no_suppression, zero_point];
        rules.iter().try_for_each(|rule| rule(graph, layer)).map_err(|error| error.at(&layer.name))
    })
}

/// What a loop collects has a length that is known before.
fn collected(_: &Graph, layer: &Layer) -> Result<()> {
    match &layer.kind {
        LayerKind::LoopOutput { output, .. } if *output != LoopOutput::LastValue && layer.input(1).is_none() => {
            Err(Error::config("an output of all values of a loop needs their number as its second input"))
        }
        _ => Ok(()),
    }
}

/// There is a layer for it, and no kernel behind it.
fn no_suppression(_: &Graph, layer: &Layer) -> Result<()> {
    if matches!(layer.kind, LayerKind::Nms { .. }) {
        return Err(Error::config("NVIDIA's builder for RTX has no kernel for non-maximum suppression"));
    }
    Ok(())
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

/// An attention that may not be decomposed needs a kernel of its own: there are some for one query at a time, for half types with heads of
/// 9 to 256 elements, and for heads that were split off [batch, tokens, width] where every query sees every key.
fn attention_kernel(graph: &Graph, layer: &Layer) -> Result<()> {
    let LayerKind::AttentionInput(attention) = &layer.kind else { return Ok(()) };
    let packed = attention.query_form == AttentionIOForm::PackedNhd;
    if attention.decomposable && !packed {
        return Ok(());
    }
    let tensor = |index: usize| layer.input(index).map(|id| graph.tensor(id));
    let (Some(query), Some(key)) = (tensor(0), tensor(1)) else { return Ok(()) };
    let extent = |dim: usize| query.dims.get(dim).copied().unwrap_or(-1);
    let half = matches!(query.dtype, DataType::Half | DataType::Bf16) && (9..=256).contains(&extent(3));
    let sees_all = attention.causal == CausalMaskKind::None && layer.inputs.iter().skip(3).all(Option::is_none);
    let transposed = || (0..3).all(|index| layer.input(index).is_some_and(|id| is_transposed(graph, id)));
    let plain = sees_all && key.dims.get(1) == Some(&extent(1)) && transposed();
    if !packed && (extent(2) == 1 || half || plain) {
        return Ok(());
    }
    Err(Error::config("NVIDIA's builder has no kernel for this attention: see IAttention::setDecomposable"))
}

/// Whether a tensor, before it was scaled, was split into heads and had its tokens and heads exchanged.
fn is_transposed(graph: &Graph, mut id: TensorId) -> bool {
    let mut exchanged = false;
    while let Some((layer, _)) = graph.tensor(id).producer {
        let layer = graph.layer(layer);
        let Some(from) = layer.input(0) else { return false };
        match &layer.kind {
            LayerKind::ElementWise { .. } if !exchanged => {}
            LayerKind::Shuffle(shuffle) => {
                let exchange = Some(vec![0, 2, 1, 3]);
                exchanged |= [shuffle.first, shuffle.second].iter().any(|order| order.order(4) == exchange);
                if graph.tensor(from).dims.rank() == 3 {
                    return exchanged;
                }
            }
            _ => return false,
        }
        id = from;
    }
    false
}

/// A zero point is a constant, unless it is of fp8.
fn zero_point(graph: &Graph, layer: &Layer) -> Result<()> {
    if !matches!(layer.kind, LayerKind::Quantize(_) | LayerKind::Dequantize(_)) {
        return Ok(());
    }
    match layer.input(2) {
        Some(id) if graph.tensor(id).dtype != DataType::Fp8 && graph.constant(id).is_none() => {
            Err(Error::config("the zero point is not a constant"))
        }
        _ => Ok(()),
    }
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
            readers.any(|layer| !reads_quantized(&layer.kind) && !makes_zero_point(graph, layer))
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

/// Whether a layer reshapes a zero point.
fn makes_zero_point(graph: &Graph, layer: &Layer) -> bool {
    let is_zero_point = |reader: &Layer| {
        matches!(reader.kind, LayerKind::Quantize(_) | LayerKind::Dequantize(_))
            && reader.input(2).is_some_and(|id| layer.outputs.contains(&id))
    };
    matches!(layer.kind, LayerKind::Shuffle(_)) && graph.layers.iter().any(is_zero_point)
}
