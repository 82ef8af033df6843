//! `IEngineInspector`: what an engine is made of, as text or JSON.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tensorrt_sys::{Api, IEngineInspector, IExecutionContext, LayerInformationFormat, ProfilingVerbosity};

use super::entries::entries;
use super::object::{Object, drop_object, into_raw, lock};
use super::scope::Scope;
use super::text::Text;
use super::value::Value;
use crate::graph::{Layer, TensorId};
use crate::run::Engine;
use crate::{Error, Result};

/// The object behind `IEngineInspector`.
#[derive(Debug)]
pub(super) struct InspectorObject {
    scope: Scope,
    engine: Arc<Engine>,
    context: Mutex<usize>,
    text: Text,
}

impl Object for InspectorObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl InspectorObject {
    /// A new inspector of an engine.
    pub(super) fn hand_out(scope: Scope, engine: Arc<Engine>) -> *mut IEngineInspector {
        into_raw(Self { scope, engine, context: Mutex::default(), text: Text::default() })
    }

    /// A layer as the engine's profiling verbosity allows it to be told.
    fn layer(&self, layer: &Layer) -> Json {
        match self.engine.plan().settings.profiling_verbosity {
            ProfilingVerbosity::None => Json::String(String::new()),
            ProfilingVerbosity::Detailed => json!({
                "Name": layer.name,
                "LayerType": layer.kind.layer_type().name().trim_start_matches('k'),
                "Inputs": layer.inputs.iter().flatten().map(|&id| self.tensor(id)).collect::<Vec<_>>(),
                "Outputs": layer.outputs.iter().map(|&id| self.tensor(id)).collect::<Vec<_>>(),
                "Parameters": format!("{:?}", layer.kind),
                "Metadata": layer.metadata,
            }),
            _ => Json::String(layer.name.clone()),
        }
    }

    fn tensor(&self, id: TensorId) -> Json {
        let tensor = self.engine.plan().graph.tensor(id);
        json!({ "Name": tensor.name, "Dimensions": tensor.dims.to_vec(), "Format/Datatype": tensor.dtype.name().trim_start_matches('k') })
    }

    fn show(&self, value: &Json, format: i32) -> Result<*const c_char> {
        let text = match LayerInformationFormat::read(self.scope.family, format)? {
            LayerInformationFormat::Json => serde_json::to_string_pretty(value).unwrap_or_default(),
            _ => match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            },
        };
        Ok(self.text.show(&text))
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IEngineInspector) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<InspectorObject>(object.cast::<c_void>()) };
    }
    api.IEngineInspector_destroy = Some(destroy);
    entries! { api;
        IEngineInspector: InspectorObject {
            fn IEngineInspector_getLayerInformation(inspector, index: i32, format: i32) -> *const c_char {
                let layers = &inspector.engine.plan().graph.layers;
                let layer = usize::try_from(index).ok().and_then(|index| layers.get(index));
                let layer = layer.ok_or_else(|| Error::invalid(format!("there is no layer {index}, the engine has {}", layers.len())))?;
                inspector.show(&inspector.layer(layer), format)
            }
            fn IEngineInspector_getEngineInformation(inspector, format: i32) -> *const c_char {
                let layers = inspector.engine.plan().graph.layers.iter().map(|layer| inspector.layer(layer));
                let names = inspector.engine.io_tensors().iter().map(|tensor| tensor.name.as_str());
                let engine = json!({ "Layers": layers.collect::<Vec<_>>(), "Bindings": names.collect::<Vec<_>>() });
                inspector.show(&engine, format)
            }
            fn IEngineInspector_setExecutionContext(inspector, context: *mut IExecutionContext) -> bool {
                *lock(&inspector.context) = context.addr();
                Ok(true)
            }
            fn IEngineInspector_getExecutionContext(inspector) -> *mut IExecutionContext {
                Ok(std::ptr::without_provenance_mut(*lock(&inspector.context)))
            }
            fn IEngineInspector_setErrorRecorder(inspector, recorder: *mut tensorrt_sys::IErrorRecorder) {
                inspector.scope.set_recorder(recorder);
                Ok(())
            }
            fn IEngineInspector_getErrorRecorder(inspector) -> *mut tensorrt_sys::IErrorRecorder { Ok(inspector.scope.recorder()) }
        }
    }
}
