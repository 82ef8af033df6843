//! `ILayer`: what all layers have.

use std::ffi::c_char;
use std::sync::{Arc, Mutex, Weak};

use tensorrt_sys::{Api, DataType, ITensor};

use super::{Shared, count, tensor_id, tensor_object, upgrade};
use crate::ffi::dims::data_type;
use crate::ffi::entries::entries;
use crate::ffi::object::{Object, lock};
use crate::ffi::scope::Scope;
use crate::ffi::text::{Text, read};
use crate::ffi::value::Value;
use crate::graph::{Layer, LayerId};
use crate::{Error, Result};

/// The object behind `ILayer` and every class derived from it; it lives in its network.
#[derive(Debug)]
pub(super) struct LayerObject {
    pub(super) shared: Weak<Shared>,
    pub(super) id: LayerId,
    scope: Scope,
    name: Text,
    metadata: Text,
    pub(super) text: Text,
    permutation: Mutex<Box<tensorrt_sys::Permutation>>,
}

impl Object for LayerObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl LayerObject {
    pub(super) fn new(shared: &Arc<Shared>, id: LayerId) -> Self {
        let scope = shared.scope.clone();
        Self {
            shared: Arc::downgrade(shared),
            id,
            scope,
            name: Text::default(),
            metadata: Text::default(),
            text: Text::default(),
            permutation: Mutex::new(Box::new(tensorrt_sys::Permutation { order: [0; 8] })),
        }
    }

    /// Looks at the layer.
    pub(super) fn read<R>(&self, look: impl FnOnce(&Layer) -> R) -> Result<R> {
        Ok(look(upgrade(&self.shared)?.state().network().graph().layer(self.id)))
    }

    /// Changes the layer; shapes are inferred anew when they are asked for.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Layer) -> R) -> Result<R> {
        Ok(change(upgrade(&self.shared)?.state().change().graph_mut().layer_mut(self.id)))
    }

    /// The address of a permutation, which is kept here.
    pub(super) fn show_permutation(&self, order: tensorrt_sys::Permutation) -> *const tensorrt_sys::Permutation {
        let mut kept = lock(&self.permutation);
        **kept = order;
        &raw const **kept
    }

    fn output(&self, index: i32) -> Result<usize> {
        let outputs = self.read(|layer| layer.outputs.len())?;
        let index = usize::try_from(index).ok().filter(|&index| index < outputs);
        index.ok_or_else(|| Error::invalid(format!("the layer has {outputs} outputs")))
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        ILayer: LayerObject {
        fn ILayer_getType(layer) -> i32 { layer.read(|it| it.kind.layer_type().show(layer.scope.family)) }
        fn ILayer_setName(layer, name: *const c_char) {
            let name = read(name, "the layer's name")?;
            upgrade(&layer.shared)?.state().rename_layer(layer.id, name)
        }
        fn ILayer_getName(layer) -> *const c_char { layer.read(|it| layer.name.show(&it.name)) }
        fn ILayer_setMetadata(layer, text: *const c_char) {
            let text = read(text, "the layer's metadata")?;
            upgrade(&layer.shared)?.state().importing().graph_mut().layer_mut(layer.id).metadata = text;
            Ok(())
        }
        fn ILayer_getMetadata(layer) -> *const c_char { layer.read(|it| layer.metadata.show(&it.metadata)) }
        fn ILayer_getNbInputs(layer) -> i32 { layer.read(|it| count(it.inputs.len())) }
        fn ILayer_getNbOutputs(layer) -> i32 { layer.read(|it| count(it.outputs.len())) }
        fn ILayer_getInput(layer, index: i32) -> *mut ITensor {
            let id = layer.read(|it| usize::try_from(index).ok().and_then(|index| it.input(index)))?;
            let shared = upgrade(&layer.shared)?;
            Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&shared, id)))
        }
        fn ILayer_getOutput(layer, index: i32) -> *mut ITensor {
            let id = layer.read(|it| usize::try_from(index).ok().and_then(|index| it.outputs.get(index).copied()))?;
            let shared = upgrade(&layer.shared)?;
            Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&shared, id)))
        }
        fn ILayer_setInput(layer, index: i32, tensor: *mut ITensor) {
            let id = tensor_id(&upgrade(&layer.shared)?, tensor)?;
            let most = layer.read(|it| it.kind.max_inputs(it.inputs.len()))?;
            let index = usize::try_from(index).ok().filter(|&index| index < most);
            let index = index.ok_or_else(|| Error::invalid(format!("the layer has inputs 0 to {}", most.saturating_sub(1))))?;
            layer.change(|it| {
                if it.inputs.len() <= index {
                    it.inputs.resize(index + 1, None);
                }
                it.inputs[index] = Some(id);
            })
        }
        fn ILayer_getOutputType(layer, index: i32) -> i32 {
            let index = layer.output(index)?;
            let id = layer.read(|it| it.outputs[index])?;
            let shared = upgrade(&layer.shared)?;
            let mut state = shared.state();
            Ok(state.inferred().value(id).dtype.show(layer.scope.family))
        }
        fn ILayer_setPrecision(layer, dtype: i32) {
            let dtype = data_type(layer.scope.family, dtype)?;
            layer.change(|it| it.precision = Some(dtype))
        }
        fn ILayer_getPrecision(layer) -> i32 {
            layer.read(|it| it.precision.unwrap_or(DataType::Float).show(layer.scope.family))
        }
        fn ILayer_precisionIsSet(layer) -> bool { layer.read(|it| it.precision.is_some()) }
        fn ILayer_resetPrecision(layer) { layer.change(|it| it.precision = None) }
        fn ILayer_setOutputType(layer, index: i32, dtype: i32) {
            let (index, dtype) = (layer.output(index)?, data_type(layer.scope.family, dtype)?);
            layer.change(|it| it.output_types[index] = Some(dtype))
        }
        fn ILayer_outputTypeIsSet(layer, index: i32) -> bool {
            let index = layer.output(index)?;
            layer.read(|it| it.output_types[index].is_some())
        }
        fn ILayer_resetOutputType(layer, index: i32) {
            let index = layer.output(index)?;
            layer.change(|it| it.output_types[index] = None)
        }
        }
    }
}
