//! Runs whose shapes depend on data: layer by layer, each tensor allocated when its extents are known.

use std::time::Instant;

use super::engine::Engine;
use super::evaluate::run_layer;
use super::hooks::LayerProfiler;
use super::shapes::{is_constant, learn};
use super::view::is_view;
use crate::graph::{LayerKind, TensorId, ValueInfo};
use crate::tensor::{Dims, Tensor};
use crate::{Error, Result};

struct Interpreter<'e> {
    engine: &'e Engine,
    tensors: Vec<Option<Tensor>>,
    /// How many layers have yet to read each tensor; outputs count once more.
    readers: Vec<usize>,
}

/// Runs the network on `inputs` and returns its outputs.
///
/// # Errors
/// What a layer refuses, with its name.
pub(super) fn interpret(
    engine: &Engine,
    inputs: &[Tensor],
    mut profiler: Option<&mut (dyn LayerProfiler + 'static)>,
) -> Result<Vec<Tensor>> {
    let graph = engine.graph();
    let mut run = Interpreter { engine, tensors: vec![None; graph.tensors.len()], readers: readers(engine) };
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        run.tensors[id.0 as usize] = Some(tensor.clone());
    }
    for (index, layer) in graph.layers.iter().enumerate() {
        let wanted = layer.outputs.iter().any(|id| run.readers[id.0 as usize] > 0);
        if !wanted && !matches!(layer.kind, LayerKind::Assertion { .. }) {
            continue;
        }
        let started = Instant::now();
        run.layer(index)?;
        if let Some(profiler) = profiler.as_deref_mut() {
            profiler.report(&layer.name, started.elapsed().as_secs_f32() * 1e3);
        }
    }
    graph.outputs.iter().map(|&id| run.tensor(id)).collect()
}

/// Counts the readers of each tensor among the layers that the outputs need.
fn readers(engine: &Engine) -> Vec<usize> {
    let graph = engine.graph();
    let mut readers = vec![0; graph.tensors.len()];
    graph.outputs.iter().for_each(|id| readers[id.0 as usize] += 1);
    for layer in graph.layers.iter().rev() {
        let asserts = matches!(layer.kind, LayerKind::Assertion { .. });
        if asserts || layer.outputs.iter().any(|id| readers[id.0 as usize] > 0) {
            layer.inputs.iter().flatten().for_each(|id| readers[id.0 as usize] += 1);
        }
    }
    readers
}

impl Interpreter<'_> {
    fn tensor(&self, id: TensorId) -> Result<Tensor> {
        let found = self.tensors[id.0 as usize].clone();
        found.ok_or_else(|| {
            let name = &self.engine.graph().tensor(id).name;
            Error::internal(format!("\"{name}\" is read before it is made"))
        })
    }

    fn layer(&mut self, index: usize) -> Result<()> {
        let graph = self.engine.graph();
        let layer = &graph.layers[index];
        if is_constant(&layer.kind) {
            let id = layer.outputs[0];
            self.tensors[id.0 as usize] = graph.constant(id);
            return Ok(());
        }
        let mut inputs = Vec::with_capacity(layer.inputs.len());
        for id in &layer.inputs {
            inputs.push(match id {
                Some(id) => Some(self.tensor(*id)?),
                None => None,
            });
        }
        let outputs = self.outputs(index, &inputs)?;
        for (&id, tensor) in layer.outputs.iter().zip(outputs) {
            self.tensors[id.0 as usize] = Some(tensor);
        }
        for id in layer.inputs.iter().flatten() {
            let readers = &mut self.readers[id.0 as usize];
            *readers = readers.saturating_sub(1);
            if *readers == 0 {
                self.tensors[id.0 as usize] = None;
            }
        }
        Ok(())
    }

    fn outputs(&self, index: usize, inputs: &[Option<Tensor>]) -> Result<Vec<Tensor>> {
        let layer = &self.engine.graph().layers[index];
        let values: Vec<Option<ValueInfo>> = inputs.iter().map(|tensor| tensor.as_ref().map(value_of)).collect();
        let known: Vec<Option<&ValueInfo>> = values.iter().map(Option::as_ref).collect();
        let inferred = self.engine.infer(index, &known).map_err(|error| error.at(&layer.name))?;
        let mut dims: Vec<Dims> = inferred.iter().map(|value| value.dims).collect();
        if dims.iter().any(|d| !d.is_static()) {
            let views: Vec<_> = inputs.iter().map(|tensor| tensor.as_ref().map(Tensor::view)).collect();
            let kernel = self.engine.kernel(index)?;
            if let Some(outputs) = kernel.compute(&views).map_err(|error| error.at(&layer.name))? {
                return Ok(outputs);
            }
            let counted = kernel.output_dims(&views).map_err(|error| error.at(&layer.name))?;
            dims = counted.ok_or_else(|| {
                Error::unsupported(format!("{}: the extents of its output cannot be determined", layer.name))
            })?;
        }
        if let (Some(Some(input)), &[to]) = (inputs.first(), &dims[..])
            && is_view(layer, input.dtype() == inferred[0].dtype, input.dims(), &to)
        {
            return Ok(vec![Tensor::new(inferred[0].dtype, to, input.storage().clone())?]);
        }
        let mut outputs = Vec::with_capacity(dims.len());
        for (value, &dims) in inferred.iter().zip(&dims) {
            outputs.push(Tensor::zeroed(value.dtype, dims)?);
        }
        run_layer(self.engine, index, inputs, &mut outputs)?;
        Ok(outputs)
    }
}

fn value_of(tensor: &Tensor) -> ValueInfo {
    let mut value = ValueInfo::new(tensor.dtype(), *tensor.dims());
    learn(&mut value, tensor.storage());
    value
}
