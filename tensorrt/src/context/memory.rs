//! Activation memory of the user's.

use std::sync::Arc;

use cuda_utils::DeviceMemory;

use super::ExecutionContext;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;

impl ExecutionContext {
    /// Gives the memory for activations to a context made with
    /// [`UserManaged`](crate::ExecutionContextAllocationStrategy::UserManaged) allocation. It is kept alive.
    ///
    /// Contexts may share memory: their inferences then take turns. How much is needed says [`ExecutionContext::needed_device_memory`],
    /// or for all shapes of a profile [`Engine::device_memory_size_for_profile`](crate::Engine::device_memory_size_for_profile).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the memory is of another device, `ShapeMismatch` if it is too small for the shapes that are set, `Setting` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::IExecutionContext::setDeviceMemoryV2")]
    #[doc(alias = "nvinfer1::IExecutionContext::setDeviceMemory")]
    pub fn set_device_memory(&mut self, memory: &Arc<DeviceMemory>) -> Result<()> {
        let tried = "set the device memory of a context";
        if !self.kept.user_managed {
            return Err(Error::invalid(tried, "the context was made with memory of its own"));
        }
        let needed = match self.missing_inputs().is_empty() {
            true => self.needed_device_memory()?,
            false => 0,
        };
        if memory.bytes() < needed {
            let said = format!("it has {} bytes, {needed} are needed", memory.bytes());
            return Err(Error::new(ErrorKind::ShapeMismatch, tried, said));
        }
        self.device_use.attach(memory)?;
        let operation = Operation::begin();
        let (address, bytes) = (memory.as_device_ptr(), i64::try_from(memory.bytes()).unwrap_or(i64::MAX));
        let set = if self.engine.library().api().IExecutionContext_setDeviceMemoryV2.is_some() {
            // SAFETY: the context is alive as long as `self`; the memory is attached to `device_use`, which keeps and orders it, until other
            // memory is set or the context is gone.
            unsafe { call!(self.raw, IExecutionContext_setDeviceMemoryV2(address, bytes)) }
        } else {
            // SAFETY: as above; it was seen to be large enough, or is checked before the next inference.
            unsafe { call!(self.raw, IExecutionContext_setDeviceMemory(address)) }
        };
        let taken = set.and_then(|()| operation.silent(self.engine.library(), ErrorKind::Setting, tried));
        if let Err(error) = taken {
            self.device_use.detach(memory);
            return Err(error);
        }
        if let Some(old) = self.kept.memory.replace(Arc::clone(memory)) {
            self.device_use.detach(&old);
        }
        self.sizes_checked = false;
        Ok(())
    }

    /// The bytes of activation memory that an inference with the shapes as they are needs.
    ///
    /// # Errors
    ///
    /// `MissingInput` if an input has no shape yet.
    #[doc(alias = "nvinfer1::IExecutionContext::updateDeviceMemorySizeForShapes")]
    pub fn needed_device_memory(&mut self) -> Result<usize> {
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        // SAFETY: the context is alive as long as `self`.
        unsafe { call!(self.raw, IExecutionContext_updateDeviceMemorySizeForShapes()) }
    }

    /// Refuses to run without memory, or with too little.
    pub(super) fn check_device_memory(&mut self) -> Result<()> {
        if !self.kept.user_managed {
            return Ok(());
        }
        let needed = self.needed_device_memory()?;
        let given = self.kept.memory.as_ref().map_or(0, |memory| memory.bytes());
        if given >= needed {
            return Ok(());
        }
        let said = format!("{given} bytes of device memory are set, {needed} are needed");
        Err(Error::new(ErrorKind::ShapeMismatch, "enqueue an inference", said))
    }
}
