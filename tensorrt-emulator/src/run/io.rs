//! An engine's inputs and outputs.

use tensorrt_sys::DataType;

use crate::graph::{Graph, LayerKind, TensorId};
use crate::tensor::Dims;

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
    /// The tensor in the graph.
    pub(super) id: TensorId,
}

/// Which inputs of a layer are read to know shapes.
fn read_as_shape(kind: &LayerKind) -> &'static [usize] {
    match kind {
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

/// The inputs and outputs of a graph.
pub(super) fn tensors(graph: &Graph) -> Vec<IoTensor> {
    let shapes = shape_tensors(graph);
    let list = |ids: &[TensorId], is_input: bool| {
        let make = |&id: &TensorId| {
            let tensor = graph.tensor(id);
            let (name, dtype, dims) = (tensor.name.clone(), tensor.dtype, tensor.dims);
            IoTensor { name, dtype, dims, is_input, is_shape: shapes[id.0 as usize], id }
        };
        ids.iter().map(make).collect::<Vec<_>>()
    };
    let mut all = list(&graph.inputs, true);
    all.extend(list(&graph.outputs, false));
    all
}
