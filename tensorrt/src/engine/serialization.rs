//! What is left out when an engine becomes a plan again.

use tensorrt_sys::{ISerializationConfig, SerializationFlag};

use super::Engine;
use crate::error::{ErrorKind, Result};
use crate::operation::Operation;
use crate::plan::Plan;
use crate::raw::{Raw, call};
use crate::value::{bits, flags};

impl Engine {
    /// The engine as a plan again, without what the flags leave out.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such flag, `Build` if TensorRT cannot serialize the engine so.
    #[doc(alias = "nvinfer1::ICudaEngine::serializeWithConfig")]
    #[doc(alias = "nvinfer1::ISerializationConfig")]
    pub fn serialize_with(&self, leave_out: &[SerializationFlag]) -> Result<Plan> {
        let config = SerializationConfig::new(self, leave_out)?;
        let operation = Operation::begin();
        // SAFETY: engine and configuration are alive.
        let made = unsafe { call!(self.raw(), ICudaEngine_serializeWithConfig(config.raw.as_ptr())) }?;
        let tried = format!("serialize the engine with {:?}", config.flags()?);
        let pointer = operation.object(self.library(), ErrorKind::Build, tried, made)?;
        // SAFETY: the memory was just made by this library for the caller, who owns it.
        Plan::from_host_memory(unsafe { Raw::new(self.library(), pointer) })
    }
}

/// The object that has the flags.
struct SerializationConfig {
    raw: Raw<ISerializationConfig>,
}

impl SerializationConfig {
    fn new(engine: &Engine, leave_out: &[SerializationFlag]) -> Result<Self> {
        let library = engine.library();
        let bits = bits(library, leave_out)?;
        let operation = Operation::begin();
        // SAFETY: the engine is alive during the call.
        let made = unsafe { call!(engine.raw(), ICudaEngine_createSerializationConfig()) }?;
        let tried = "create a serialization configuration";
        let pointer = operation.object(library, ErrorKind::Setting, tried, made)?;
        // SAFETY: the configuration was just made by this library and is given to nobody else; the engine outlives it.
        let config = SerializationConfig { raw: unsafe { Raw::new(library, pointer) } };
        let operation = Operation::begin();
        // SAFETY: the configuration is alive.
        let taken = unsafe { call!(config.raw, ISerializationConfig_setFlags(bits)) }?;
        operation.truth(library, ErrorKind::Setting, "set the serialization flags", taken)?;
        Ok(config)
    }

    fn flags(&self) -> Result<Vec<SerializationFlag>> {
        // SAFETY: the configuration is alive.
        let bits = unsafe { call!(self.raw, ISerializationConfig_getFlags()) }?;
        Ok(flags(self.raw.library(), bits))
    }
}
