//! Elements computed before a run, because shapes depend on them.

use smallvec::SmallVec;

use super::engine::Engine;
use super::shapes::{Shapes, is_constant, learn};
use crate::graph::{LayerKind, TensorId};
use crate::memory::Storage;
use crate::ops::{self, Call};
use crate::tensor::{Tensor, TensorView};
use crate::{Error, Result};

/// Tensors above this many bytes are no shape computations: they are left to the run.
const LARGEST: usize = 1 << 20;

/// Computes tensors from what the host knows: constants, extents, and the values of shape inputs.
#[derive(Debug)]
pub(super) struct Evaluator<'e, 's> {
    engine: &'e Engine,
    shapes: &'s mut Shapes,
}

impl<'e, 's> Evaluator<'e, 's> {
    pub(super) fn new(engine: &'e Engine, shapes: &'s mut Shapes) -> Self {
        Self { engine, shapes }
    }

    /// Computes a tensor and keeps its elements in the shapes; false where it depends on data of the run.
    ///
    /// # Errors
    /// A layer on the way refuses its inputs.
    pub(super) fn evaluate(&mut self, id: TensorId) -> Result<bool> {
        let Some(layers) = self.needed(id) else { return Ok(false) };
        for layer in layers {
            self.run(layer)?;
        }
        Ok(self.shapes.host_bytes(id).is_some())
    }

    /// The layers to run for a tensor, in order; `None` where one needs data of the run.
    fn needed(&self, id: TensorId) -> Option<Vec<usize>> {
        let graph = self.engine.graph();
        let mut pending = vec![id];
        let mut layers = std::collections::BTreeSet::new();
        while let Some(id) = pending.pop() {
            if self.shapes.host_bytes(id).is_some() {
                continue;
            }
            let (layer, _) = graph.tensor(id).producer?;
            let index = layer.0 as usize;
            let kind = &graph.layers[index].kind;
            if is_constant(kind) || !layers.insert(index) {
                continue;
            }
            let outputs = &graph.layers[index].outputs;
            let small = outputs.iter().all(|&id| {
                let value = &self.shapes.values[id.0 as usize];
                let bytes = value.dims.volume().and_then(|n| crate::tensor::byte_len(value.dtype, n));
                bytes.is_some_and(|bytes| bytes <= LARGEST)
            });
            // Extents that are known are followed by inference: those of `Shape` here are not.
            if !small || matches!(kind, LayerKind::Assertion { .. } | LayerKind::Shape) {
                return None;
            }
            pending.extend(graph.layers[index].inputs.iter().flatten());
        }
        Some(layers.into_iter().collect())
    }

    fn run(&mut self, index: usize) -> Result<()> {
        let graph = self.engine.graph();
        let layer = &graph.layers[index];
        let mut inputs: Vec<Option<Tensor>> = Vec::with_capacity(layer.inputs.len());
        for id in &layer.inputs {
            inputs.push(match id {
                Some(id) => Some(self.tensor(*id)?),
                None => None,
            });
        }
        let mut outputs: Vec<Tensor> = Vec::with_capacity(layer.outputs.len());
        for &id in &layer.outputs {
            let value = &self.shapes.values[id.0 as usize];
            outputs.push(Tensor::zeroed(value.dtype, value.dims)?);
        }
        run_layer(self.engine, index, &inputs, &mut outputs)?;
        for (&id, tensor) in layer.outputs.iter().zip(&outputs) {
            learn(&mut self.shapes.values[id.0 as usize], tensor.storage());
            self.shapes.computed[id.0 as usize] = Some(tensor.storage().clone());
        }
        Ok(())
    }

    fn tensor(&self, id: TensorId) -> Result<Tensor> {
        let value = &self.shapes.values[id.0 as usize];
        let storage = self.shapes.host_bytes(id).or_else(|| constant(self.engine, id));
        let storage = storage.ok_or_else(|| Error::internal("a tensor is read before it is computed"))?;
        Tensor::new(value.dtype, value.dims, storage)
    }
}

/// The bytes of a constant of the network.
pub(super) fn constant(engine: &Engine, id: TensorId) -> Option<Storage> {
    Some(engine.graph().constant(id)?.storage().clone())
}

/// Runs one layer on tensors of its own.
///
/// # Errors
/// What the layer refuses, with its name.
pub(super) fn run_layer(
    engine: &Engine,
    index: usize,
    inputs: &[Option<Tensor>],
    outputs: &mut [Tensor],
) -> Result<()> {
    let kernel = engine.kernel(index)?;
    let described: SmallVec<[_; 8]> =
        inputs.iter().map(|tensor| tensor.as_ref().map(|t| (t.dtype(), *t.dims()))).collect();
    let mut scratch = Storage::try_zeroed(kernel.scratch_bytes(&described))?;
    let views: SmallVec<[Option<TensorView<'_>>; 8]> =
        inputs.iter().map(|tensor| tensor.as_ref().map(Tensor::view)).collect();
    let mut targets: SmallVec<[_; 2]> = outputs.iter_mut().map(Tensor::view_mut).collect();
    let mut call = Call { inputs: &views, outputs: &mut targets, scratch: scratch.make_mut() };
    ops::run(kernel, &mut call).map_err(|error| error.at(&engine.graph().layers[index].name))
}
