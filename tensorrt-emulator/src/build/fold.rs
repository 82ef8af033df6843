//! Layers whose outputs are known at build time become constants.

use smallvec::SmallVec;
use tensorrt_sys::{DataType, FillOperation};

use super::progress::Phase;
use crate::graph::{ConditionalId, Graph, Layer, LayerKind, TensorId, ValueInfo, Weights};
use crate::memory::Storage;
use crate::ops::{self, Call};
use crate::plan::{Settings, is_refittable};
use crate::run::{element_bytes, prepare};
use crate::tensor::{Tensor, byte_len};
use crate::{Result, shape};

/// Results up to this many bytes are kept whatever they are computed from.
const SMALL: usize = 64 << 10;

/// Larger results are kept while they are at most this many times the bytes they are computed from.
const GROWTH: usize = 4;

/// Folds layer by layer; inference with what was folded so far also sharpens the dimensions of the rest.
///
/// A result much larger than what it is computed from (a filled or expanded tensor) stays a layer, so that plans do not grow. Weights that
/// may be refitted stay as they are.
///
/// # Errors
/// What shape inference or a kernel refuses, with the layer's name.
pub(super) fn fold(graph: &mut Graph, settings: &Settings, phase: &mut Phase<'_>) -> Result<()> {
    let mut values: Vec<Option<ValueInfo>> = vec![None; graph.tensors.len()];
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        values[id.0 as usize] = Some(ValueInfo::new(tensor.dtype, tensor.dims));
    }
    for index in 0..graph.layers.len() {
        let layer = &graph.layers[index];
        let known = graph.known_inputs(&layer.kind, &layer.inputs);
        let known: Vec<Option<&ValueInfo>> =
            known.iter().map(|id| id.and_then(|id| values[id.0 as usize].as_ref())).collect();
        let mut outputs = shape::infer(&layer.kind, graph, &known).map_err(|error| error.at(&layer.name))?;
        if settings.refittable && is_refitted(graph, layer) {
            outputs.iter_mut().for_each(|value| value.floats = None);
        }
        let folded = if is_foldable(layer) { fold_layer(graph, index, &outputs, settings)? } else { None };
        for (&id, value) in graph.layers[index].outputs.clone().iter().zip(&outputs) {
            let tensor = graph.tensor_mut(id);
            (tensor.dtype, tensor.dims) = (value.dtype, value.dims);
        }
        let ids = graph.layers[index].outputs.clone();
        for (id, value) in ids.into_iter().zip(outputs) {
            values[id.0 as usize] = Some(value);
        }
        if let Some(tensor) = folded {
            let id = replace(graph, index, &tensor);
            let kind = &graph.layers[index].kind;
            values[id.0 as usize] = shape::infer(kind, graph, &[])?.pop();
        }
        phase.step()?;
    }
    decide(graph, &values);
    Ok(())
}

/// Takes away conditionals whose condition is known: what is left is the branch that it names.
fn decide(graph: &mut Graph, values: &[Option<ValueInfo>]) {
    let verdict = |graph: &Graph, id: ConditionalId| -> Option<bool> {
        let condition = graph.condition(id)?;
        let known = values[condition.0 as usize].as_ref()?.known_elements()?;
        known.first().map(|&element| element != 0)
    };
    for index in 0..graph.layers.len() {
        let kind = &graph.layers[index].kind;
        let Some(taken) = kind.conditional_id().and_then(|id| verdict(graph, id)) else { continue };
        let layer = &mut graph.layers[index];
        match layer.kind {
            LayerKind::ConditionalInput { .. } => {}
            LayerKind::ConditionalOutput { .. } => layer.inputs = vec![layer.input(usize::from(!taken))],
            _ => continue,
        }
        layer.kind = LayerKind::Identity;
    }
}

/// Whether a layer gives elements that a refitter may set: nothing that follows from them, integers neither, is known before.
fn is_refitted(graph: &Graph, layer: &Layer) -> bool {
    matches!(layer.kind, LayerKind::Constant { weights, .. } if is_refittable(graph.weights(weights)))
}

fn is_foldable(layer: &Layer) -> bool {
    match &layer.kind {
        LayerKind::Constant { .. } | LayerKind::Assertion { .. } => false,
        // What these give is known only where inference follows it.
        LayerKind::ConditionalOutput { .. }
        | LayerKind::Iterator { .. }
        | LayerKind::LoopOutput { .. }
        | LayerKind::Recurrence { .. } => false,
        LayerKind::Fill(fill) => fill.op == FillOperation::Linspace,
        _ => layer.outputs.len() == 1,
    }
}

/// The output of a layer with one output, where it is known and worth keeping.
fn fold_layer(graph: &Graph, index: usize, outputs: &[ValueInfo], settings: &Settings) -> Result<Option<Tensor>> {
    let layer = &graph.layers[index];
    let [value] = outputs else { return Ok(None) };
    // TensorRT has no constants of uint8.
    if value.dtype == DataType::Uint8 {
        return Ok(None);
    }
    // A refitter sets weights that are no integers: what follows from them is not known before.
    if settings.refittable && crate::tensor::is_float(value.dtype) {
        return Ok(None);
    }
    if let Some(storage) = element_bytes(value) {
        return Ok(Some(Tensor::new(value.dtype, value.dims, storage)?));
    }
    if settings.refittable {
        return Ok(None);
    }
    let constants: Option<Vec<Option<Tensor>>> = layer
        .inputs
        .iter()
        .map(|id| id.map(|id| graph.constant(id)).map_or(Some(None), |tensor| tensor.map(Some)))
        .collect();
    let Some(inputs) = constants else { return Ok(None) };
    let read: usize = inputs.iter().flatten().map(|tensor| tensor.storage().len()).sum();
    let bytes = value.dims.volume().and_then(|count| byte_len(value.dtype, count));
    let Some(bytes) = bytes.filter(|&bytes| bytes <= SMALL.max(read.saturating_mul(GROWTH))) else { return Ok(None) };
    debug_assert_eq!(byte_len(value.dtype, value.dims.volume().unwrap_or(0)), Some(bytes));
    let Some(kernel) = prepare(graph, layer)? else { return Ok(None) };
    let described: SmallVec<[_; 8]> =
        inputs.iter().map(|tensor| tensor.as_ref().map(|t| (t.dtype(), *t.dims()))).collect();
    let mut scratch = Storage::try_zeroed(kernel.scratch_bytes(&described))?;
    let views: SmallVec<[_; 8]> = inputs.iter().map(|tensor| tensor.as_ref().map(Tensor::view)).collect();
    let mut output = Tensor::zeroed(value.dtype, value.dims)?;
    let mut targets = [output.view_mut()];
    let mut call = Call { inputs: &views, outputs: &mut targets, scratch: scratch.make_mut() };
    ops::run(&*kernel, &mut call).map_err(|error| error.at(&layer.name))?;
    Ok(Some(output))
}

/// Makes the layer a constant of `tensor` and returns its output.
fn replace(graph: &mut Graph, index: usize, tensor: &Tensor) -> TensorId {
    let weights = graph.add_weights(Weights {
        name: String::new(),
        dtype: tensor.dtype(),
        count: tensor.dims().volume().unwrap_or(0),
        storage: tensor.storage().clone(),
        stripped: false,
    });
    let layer = &mut graph.layers[index];
    layer.kind = LayerKind::Constant { weights, dims: *tensor.dims() };
    layer.inputs.clear();
    layer.outputs[0]
}
