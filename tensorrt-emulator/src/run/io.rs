//! An engine's inputs and outputs.

use tensorrt_sys::{DataType, TripLimit};

use crate::graph::{Graph, LayerKind, TensorId};
use crate::tensor::Dims;
use crate::{Error, Result};

/// An input or output of an engine; inputs come first, each kind in the network's order.
#[derive(Debug, Clone, PartialEq)]
pub struct IoTensor {
    /// The name.
    pub name: String,
    /// The type.
    pub dtype: DataType,
    /// The extents, −1 where they vary.
    pub dims: Dims,
    /// Whether it is an input.
    pub is_input: bool,
    /// Whether shapes depend on its values (`isShapeInferenceIO`); such inputs are read on the host.
    pub is_shape: bool,
    /// The input whose memory an output has (`getAliasedInputTensor`), as an index among all.
    pub aliased_input: Option<usize>,
    /// The tensor in the graph.
    pub(super) id: TensorId,
}

/// Which inputs of a layer are read to know shapes.
fn read_as_shape(kind: &LayerKind) -> &[usize] {
    match kind {
        LayerKind::Region(region) => &region.sizes,
        LayerKind::TripLimit { limit: TripLimit::Count, .. } => &[0],
        LayerKind::LoopOutput { .. } => &[1],
        LayerKind::Shuffle(_) | LayerKind::Resize(_) | LayerKind::TopK(_) => &[1],
        LayerKind::Slice(_) => &[1, 2, 3, 5],
        LayerKind::Fill(_) => &[0],
        LayerKind::OneHot { .. } => &[2],
        LayerKind::Squeeze | LayerKind::Unsqueeze | LayerKind::Cumulative { .. } => &[1],
        _ => &[],
    }
}

/// For each tensor, whether shapes depend on its elements: it is read as a shape, or such a tensor is computed from it.
pub(crate) fn shape_tensors(graph: &Graph) -> Vec<bool> {
    let mut found = vec![false; graph.tensors.len()];
    for layer in graph.layers.iter().rev() {
        for &index in read_as_shape(&layer.kind) {
            if let Some(id) = layer.input(index) {
                found[id.0 as usize] = true;
            }
        }
        let is_shape = layer.outputs.iter().any(|id| found[id.0 as usize]);
        // The extents of a tensor do not depend on its elements, nor does how many elements are not zero depend on the host.
        if is_shape && !matches!(layer.kind, LayerKind::Shape | LayerKind::NonZero { .. } | LayerKind::Nms { .. }) {
            for id in layer.inputs.iter().flatten() {
                found[id.0 as usize] = true;
            }
        }
    }
    found
}

/// For each input, whether shapes depend on its elements.
pub(crate) fn shape_inputs(graph: &Graph) -> Vec<bool> {
    let shapes = shape_tensors(graph);
    graph.inputs.iter().map(|id| shapes[id.0 as usize]).collect()
}

/// The input whose memory output `id` has: that of a cache which a layer updates in place.
fn aliased_input(graph: &Graph, id: TensorId) -> Option<usize> {
    let (layer, _) = graph.tensor(id).producer?;
    let layer = graph.layer(layer);
    let cache = layer.input(0).filter(|_| matches!(layer.kind, LayerKind::KvCacheUpdate(_)))?;
    graph.inputs.iter().position(|&input| input == cache)
}

/// The inputs and outputs of a graph.
///
/// # Errors
/// Two outputs would have the memory of one input.
pub(super) fn tensors(graph: &Graph) -> Result<Vec<IoTensor>> {
    let shapes = shape_tensors(graph);
    let list = |ids: &[TensorId], is_input: bool| {
        let make = |&id: &TensorId| {
            let tensor = graph.tensor(id);
            let (name, dtype, dims) = (tensor.name.clone(), tensor.dtype, tensor.dims);
            let aliased_input = if is_input { None } else { aliased_input(graph, id) };
            IoTensor { name, dtype, dims, is_input, is_shape: shapes[id.0 as usize], aliased_input, id }
        };
        ids.iter().map(make).collect::<Vec<_>>()
    };
    let mut all = list(&graph.inputs, true);
    all.extend(list(&graph.outputs, false));
    let mut updated = vec![false; graph.inputs.len()];
    for tensor in &all {
        let Some(input) = tensor.aliased_input else { continue };
        if std::mem::replace(&mut updated[input], true) {
            let name = &all[input].name;
            return Err(Error::unsupported(format!("two layers update the cache \"{name}\" in place")));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{AttentionIOForm, DataType, Family, KVCacheMode, Version};

    use super::*;
    use crate::build::{BuildConfig, Quiet, build_engine};
    use crate::graph::KvCacheUpdate;
    use crate::memory::Storage;
    use crate::network::Network;
    use crate::plan::Identity;

    fn dims(extents: &[i64]) -> Dims {
        Dims::new(extents).unwrap()
    }

    /// A network that writes two tokens into a cache of three positions.
    fn cached() -> (Network, [TensorId; 2]) {
        let mut network = Network::new();
        let cache = network.add_input("cache", DataType::Float, dims(&[1, 1, 3, 1])).unwrap();
        let update = network.add_input("update", DataType::Float, dims(&[1, 1, 2, 1])).unwrap();
        let at = network.add_input("at", DataType::Int32, dims(&[1])).unwrap();
        let kind =
            LayerKind::KvCacheUpdate(KvCacheUpdate { mode: KVCacheMode::Linear, form: AttentionIOForm::PaddedBhnd });
        let new = network.add_one(kind, vec![Some(cache), Some(update), Some(at)]).unwrap();
        network.graph_mut().tensor_mut(new).name = "present".into();
        network.mark_output(new);
        (network, [cache, new])
    }

    fn config() -> BuildConfig {
        BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)))
    }

    #[test]
    fn caches_are_updated_in_place_or_from_a_copy() {
        let (mut network, [_, new]) = cached();
        let doubled = network.add_one(LayerKind::Identity, vec![Some(new)]).unwrap();
        network.mark_output(doubled);
        let engine = build_engine(&network, &config(), &mut Quiet).unwrap();
        let aliases: Vec<_> = engine.io_tensors().iter().map(|tensor| tensor.aliased_input).collect();
        assert_eq!(aliases, [None, None, None, Some(0), None]);
        let mut context = engine.create_context(None).unwrap();
        let update = Storage::copy_of(bytemuck::cast_slice(&[7f32, 8.]));
        let at = Storage::copy_of(bytemuck::cast_slice(&[1i32]));
        // One element more than the cache has.
        let mut present = Storage::copy_of(bytemuck::cast_slice(&[1f32, 2., 3., 9.]));
        let mut other = Storage::zeroed(16);
        context.run(&[&[], &update, &at], &mut [present.make_mut(), other.make_mut()], None).unwrap();
        assert_eq!(*present, *bytemuck::cast_slice::<f32, u8>(&[1., 7., 8., 9.]));
        assert_eq!(*other, *bytemuck::cast_slice::<f32, u8>(&[1., 7., 8., 0.]));
        let cache = Storage::copy_of(bytemuck::cast_slice(&[4f32, 5., 6.]));
        let outputs = context.run_dynamic(&[&cache, &update, &at]).unwrap();
        assert_eq!(outputs[0].view().as_slice::<f32>().unwrap(), [4., 7., 8.]);
        assert!(context.run_dynamic(&[&[], &[], &at]).is_err());
    }

    #[test]
    fn a_cache_is_updated_once_and_not_read_later() {
        let (mut network, [cache, _]) = cached();
        let copy = network.add_one(LayerKind::Identity, vec![Some(cache)]).unwrap();
        network.mark_output(copy);
        let refused = build_engine(&network, &config(), &mut Quiet).map(|engine| engine.create_context(None).map(drop));
        let message = match refused {
            Err(error) | Ok(Err(error)) => error.to_string(),
            Ok(Ok(())) => panic!("the cache is read after its update"),
        };
        assert!(message.contains("after its update"), "{message}");
        let (mut network, [cache, _]) = cached();
        let graph = network.graph();
        let layer = graph.layers.last().unwrap();
        let (kind, inputs) = (layer.kind.clone(), layer.inputs.clone());
        assert_eq!(inputs[0], Some(cache));
        let again = network.add_one(kind, inputs).unwrap();
        network.mark_output(again);
        assert!(build_engine(&network, &config(), &mut Quiet).unwrap_err().to_string().contains("two layers update"));
    }
}
