//! The extents of every tensor for concrete inputs.

use tensorrt_sys::DataType;

use super::engine::Engine;
use super::evaluate::Evaluator;
use crate::graph::{LayerKind, TensorId, ValueInfo};
use crate::memory::Storage;
use crate::tensor::{Dims, is_float};
use crate::{Error, Result};

/// What a context knows of an input before a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct InputShape {
    /// The extents, all known.
    pub(crate) dims: Dims,
    /// The elements, of shape inputs.
    pub(crate) values: Option<Vec<i64>>,
}

/// Every tensor's type, extents, and, where the host can know them, elements.
#[derive(Debug)]
pub(crate) struct Shapes {
    /// One a tensor.
    pub(super) values: Vec<ValueInfo>,
    /// Tensors that were computed to know a shape.
    pub(super) computed: Vec<Option<Storage>>,
}

impl Shapes {
    /// Infers layer by layer; where a layer's extents depend on elements that inference does not follow, computes those.
    ///
    /// # Errors
    /// What a layer refuses, with its name.
    pub(crate) fn infer(engine: &Engine, inputs: &[InputShape]) -> Result<Self> {
        let graph = engine.graph();
        let unknown = |id: usize| ValueInfo::new(graph.tensors[id].dtype, graph.tensors[id].dims);
        let mut shapes =
            Self { values: (0..graph.tensors.len()).map(unknown).collect(), computed: vec![None; graph.tensors.len()] };
        for (&id, input) in graph.inputs.iter().zip(inputs) {
            shapes.values[id.0 as usize] = input_value(graph.tensor(id).dtype, input)?;
        }
        for index in 0..graph.layers.len() {
            shapes.infer_layer(engine, index).map_err(|error| error.at(&graph.layers[index].name))?;
        }
        Ok(shapes)
    }

    fn infer_layer(&mut self, engine: &Engine, index: usize) -> Result<()> {
        let layer = &engine.graph().layers[index];
        let mut outputs = self.outputs(engine, index)?;
        if outputs.iter().any(|value| !value.dims.is_static()) {
            // Known extents of all inputs and still unknown ones of an output: elements decide.
            let mut learnt = false;
            for id in layer.inputs.iter().flatten() {
                let value = &self.values[id.0 as usize];
                if value.dims.is_static() && value.known_elements().is_none() {
                    learnt |= Evaluator::new(engine, self).evaluate(*id)?;
                }
            }
            if learnt {
                outputs = self.outputs(engine, index)?;
            }
        }
        for (&id, value) in layer.outputs.iter().zip(outputs) {
            self.values[id.0 as usize] = value;
        }
        Ok(())
    }

    fn outputs(&self, engine: &Engine, index: usize) -> Result<Vec<ValueInfo>> {
        let layer = &engine.graph().layers[index];
        let inputs = engine.graph().known_inputs(&layer.kind, &layer.inputs);
        let inputs: Vec<Option<&ValueInfo>> =
            inputs.iter().map(|id| id.map(|id| &self.values[id.0 as usize])).collect();
        engine.infer(index, &inputs)
    }

    /// What is known of a tensor.
    pub(super) fn value(&self, id: TensorId) -> &ValueInfo {
        &self.values[id.0 as usize]
    }

    /// The extents of a tensor.
    pub(super) fn dims(&self, id: TensorId) -> Dims {
        self.values[id.0 as usize].dims
    }

    /// Whether every tensor's extents are known: nothing depends on data.
    pub(crate) fn is_static(&self) -> bool {
        self.values.iter().all(|value| value.dims.is_static())
    }

    /// The bytes of a tensor whose elements the host knows: computed, or followed through inference.
    pub(super) fn host_bytes(&self, id: TensorId) -> Option<Storage> {
        if let Some(storage) = &self.computed[id.0 as usize] {
            return Some(storage.clone());
        }
        element_bytes(&self.values[id.0 as usize])
    }
}

fn input_value(dtype: DataType, input: &InputShape) -> Result<ValueInfo> {
    let mut value = ValueInfo::new(dtype, input.dims);
    if let Some(values) = input.values.as_ref().filter(|_| !is_float(dtype)) {
        if input.dims.volume() != Some(values.len()) {
            return Err(Error::invalid(format!("{} values do not fill dimensions {}", values.len(), input.dims)));
        }
        if values.len() <= ValueInfo::MAX_ELEMENTS {
            value.elements = Some(values.iter().map(|&v| Some(v)).collect());
        }
    }
    Ok(value)
}

/// The elements of a value as bytes, where all are known.
pub(crate) fn element_bytes(value: &ValueInfo) -> Option<Storage> {
    value.dims.volume()?;
    if let Some(floats) = value.floats.as_ref().filter(|_| value.dtype == DataType::Float) {
        let floats: Vec<f32> = floats.iter().copied().collect::<Option<_>>()?;
        return Some(Storage::copy_of(bytemuck::cast_slice(&floats)));
    }
    let elements = value.known_elements()?;
    let bytes: Vec<u8> = match value.dtype {
        DataType::Int64 => elements.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DataType::Int32 => {
            let narrow: Vec<i32> = elements.iter().map(|&v| i32::try_from(v)).collect::<Result<_, _>>().ok()?;
            narrow.iter().flat_map(|v| v.to_le_bytes()).collect()
        }
        DataType::Bool => elements.iter().map(|&v| u8::from(v != 0)).collect(),
        _ => return None,
    };
    Some(Storage::copy_of(&bytes))
}

/// Sets what is known of a value from its bytes, where they are few.
pub(super) fn learn(value: &mut ValueInfo, storage: &Storage) {
    let Some(count) = value.dims.volume().filter(|&n| n <= ValueInfo::MAX_ELEMENTS) else { return };
    if value.dtype == DataType::Float {
        let floats: Vec<Option<f32>> =
            storage.chunks_exact(4).take(count).map(|raw| Some(bytemuck::pod_read_unaligned(raw))).collect();
        value.floats = Some(floats);
        return;
    }
    let elements: Vec<Option<i64>> = match value.dtype {
        DataType::Int64 => storage.chunks_exact(8).map(|raw| Some(bytemuck::pod_read_unaligned(raw))).collect(),
        DataType::Int32 => {
            storage.chunks_exact(4).map(|raw| Some(bytemuck::pod_read_unaligned::<i32>(raw).into())).collect()
        }
        DataType::Bool => storage.iter().map(|&raw| Some((raw != 0).into())).collect(),
        _ => return,
    };
    value.elements = Some(elements);
}

/// Whether a layer's elements come from the network's weights.
pub(super) fn is_constant(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Constant { .. })
}
