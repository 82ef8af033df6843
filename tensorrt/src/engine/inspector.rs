//! What an engine tells about its layers.

use tensorrt_sys::{IEngineInspector, LayerInformationFormat};

use super::Engine;
use crate::context::ExecutionContext;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, text};

/// Tells about an engine's layers, as much as the engine was [built](crate::BuilderConfig::set_profiling_verbosity) to tell.
#[derive(Debug)]
#[doc(alias = "nvinfer1::IEngineInspector")]
pub struct EngineInspector {
    // Destroyed before the engine: fields are dropped in order.
    raw: Raw<IEngineInspector>,
    engine: Engine,
}

impl Engine {
    /// Makes an inspector.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT makes none.
    #[doc(alias = "nvinfer1::ICudaEngine::createEngineInspector")]
    pub fn inspector(&self) -> Result<EngineInspector> {
        let operation = Operation::begin();
        // SAFETY: the engine is alive as long as `self`.
        let made = unsafe { call!(self.raw(), ICudaEngine_createEngineInspector()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Setting, "create an engine inspector", made)?;
        // SAFETY: the inspector was just made by this library and is given to nobody else; it keeps the engine, which must outlive it.
        Ok(EngineInspector { raw: unsafe { Raw::new(self.library(), pointer) }, engine: self.clone() })
    }
}

impl ExecutionContext {
    /// About all layers of the engine with this context's shapes, as JSON or as lines.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT tells nothing.
    #[doc(alias = "nvinfer1::IEngineInspector::setExecutionContext")]
    pub fn inspect(&self, format: LayerInformationFormat) -> Result<String> {
        let inspector = self.engine().inspector()?;
        let operation = Operation::begin();
        // SAFETY: the inspector is alive, and is gone before the context is.
        let taken = unsafe { call!(inspector.raw, IEngineInspector_setExecutionContext(self.as_ptr())) }?;
        operation.truth(self.engine().library(), ErrorKind::Setting, "inspect an execution context", taken)?;
        inspector.engine_information(format)
    }
}

impl EngineInspector {
    /// About all layers, as JSON or as lines.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT tells nothing.
    #[doc(alias = "nvinfer1::IEngineInspector::getEngineInformation")]
    pub fn engine_information(&self, format: LayerInformationFormat) -> Result<String> {
        let raw = format.cross(self.engine.library())?;
        let operation = Operation::begin();
        // SAFETY: the inspector is alive as long as `self`.
        let information = unsafe { call!(self.raw, IEngineInspector_getEngineInformation(raw)) }?;
        let tried = "inspect the engine";
        let pointer = operation.object(self.engine.library(), ErrorKind::Setting, tried, information.cast_mut())?;
        // SAFETY: the C string lives until the inspector is asked again; it is copied at once, and an inspector is not shared by threads.
        Ok(unsafe { text(pointer.as_ptr()) })
    }

    /// About one layer, as JSON or as a line.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such layer, `Setting` if TensorRT tells nothing.
    #[doc(alias = "nvinfer1::IEngineInspector::getLayerInformation")]
    pub fn layer_information(&self, index: usize, format: LayerInformationFormat) -> Result<String> {
        let tried = format!("inspect layer {index}");
        let layers = self.engine.num_layers()?;
        let Some(position) = i32::try_from(index).ok().filter(|_| index < layers) else {
            return Err(Error::new(ErrorKind::UnknownName, tried, format_args!("the engine has {layers}")));
        };
        let raw = format.cross(self.engine.library())?;
        let operation = Operation::begin();
        // SAFETY: the inspector is alive as long as `self`, and the index is below the number of layers.
        let information = unsafe { call!(self.raw, IEngineInspector_getLayerInformation(position, raw)) }?;
        let pointer = operation.object(self.engine.library(), ErrorKind::Setting, tried, information.cast_mut())?;
        // SAFETY: as in `engine_information`.
        Ok(unsafe { text(pointer.as_ptr()) })
    }
}
