//! Weights that are kept on the host and streamed to the device.

use super::{Engine, EngineInner};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use std::sync::Arc;

impl Engine {
    /// Sets how many bytes of the streamable weights stay on the device: 0 to
    /// [`Engine::streamable_weights_size`], of an engine built with [`WeightStreaming`](crate::BuilderFlag::WeightStreaming).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the engine is shared (it was cloned or has contexts), `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ICudaEngine::setWeightStreamingBudgetV2")]
    pub fn set_weight_streaming_budget(&mut self, bytes: u64) -> Result<()> {
        let tried = format!("keep {bytes} bytes of weights on the device");
        let budget = i64::try_from(bytes).map_err(|_| Error::invalid(&tried, "more than the address space holds"))?;
        let inner = self.exclusive(&tried)?;
        let operation = Operation::begin();
        // SAFETY: the engine is alive, and nobody else has a handle to it or a context of it.
        let taken = unsafe { call!(inner.raw, ICudaEngine_setWeightStreamingBudgetV2(budget)) }?;
        operation.truth(inner.raw.library(), ErrorKind::Setting, tried, taken)
    }

    /// How many bytes of the streamable weights stay on the device.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getWeightStreamingBudgetV2")]
    pub fn weight_streaming_budget(&self) -> Result<i64> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getWeightStreamingBudgetV2()) }
    }

    /// The budget that TensorRT would choose for the memory that is free now.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getWeightStreamingAutomaticBudget")]
    pub fn weight_streaming_automatic_budget(&self) -> Result<i64> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getWeightStreamingAutomaticBudget()) }
    }

    /// The bytes of a context's memory that streaming takes with the present budget.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getWeightStreamingScratchMemorySize")]
    pub fn weight_streaming_scratch_memory_size(&self) -> Result<i64> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getWeightStreamingScratchMemorySize()) }
    }

    /// The engine, if this is the only handle to it and it has no contexts.
    pub(crate) fn exclusive(&mut self, tried: &str) -> Result<&mut EngineInner> {
        let said = "the engine is shared: drop its clones and contexts first";
        Arc::get_mut(&mut self.inner).ok_or_else(|| Error::invalid(tried, said))
    }
}
