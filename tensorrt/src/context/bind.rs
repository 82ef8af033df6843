//! The buffers that an inference reads and writes.

use std::sync::Arc;

use cuda_utils::{DeviceBuffer, DeviceMemory};
use tensorrt_sys::TensorUpdate;

use super::ExecutionContext;
use crate::TensorLocation;
use crate::element::DeviceElement;
use crate::engine::TensorSelector;
use crate::error::{Error, ErrorKind, Result};

impl ExecutionContext {
    /// Binds a buffer to an input or output, in place of an earlier one. Its contents are what they are when an inference runs.
    ///
    /// The context keeps the buffer's memory alive. The buffer may be larger than the tensor.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such tensor, `TypeMismatch` if the buffer has other elements, `InvalidArgument` if it is on another
    /// device. A buffer that is too small, or is bound to an output whose shape depends on the data, is an error of the next inference,
    /// when all shapes are known.
    #[doc(alias = "nvinfer1::IExecutionContext::setTensorAddress")]
    pub fn set_tensor<T: DeviceElement>(
        &mut self,
        tensor: impl TensorSelector,
        buffer: &DeviceBuffer<T>,
    ) -> Result<()> {
        let index = self.engine.tensor_id(tensor)?.index();
        let info = &self.engine.io_tensors()[index];
        if !T::holds(info.data_type()) {
            let tried = format!("bind a buffer of {} to {:?}", std::any::type_name::<T>(), info.name());
            let said = format!("its elements are {}", info.data_type().name());
            return Err(Error::new(ErrorKind::TypeMismatch, tried, said));
        }
        self.bind(index, buffer.memory())
    }

    /// Binds memory to an input or output, whatever its elements; else as [`ExecutionContext::set_tensor`].
    ///
    /// # Errors
    ///
    /// As for [`ExecutionContext::set_tensor`].
    #[doc(alias = "nvinfer1::IExecutionContext::setTensorAddress")]
    pub fn set_tensor_memory(&mut self, tensor: impl TensorSelector, memory: &Arc<DeviceMemory>) -> Result<()> {
        let index = self.engine.tensor_id(tensor)?.index();
        self.bind(index, memory)
    }

    fn bind(&mut self, index: usize, memory: &Arc<DeviceMemory>) -> Result<()> {
        let binding = &self.bindings[index];
        if binding.memory.as_ref().is_some_and(|known| Arc::ptr_eq(known, memory)) {
            return Ok(());
        }
        let info = &self.engine.io_tensors()[index];
        if info.location() == TensorLocation::Host {
            let tried = format!("bind a buffer to {:?}", info.name());
            let said = "its values are on the host; inputs of that kind take `set_input_values`";
            return Err(Error::invalid(tried, said));
        }
        if binding.allocator.is_some() {
            let tried = format!("bind a buffer to {:?}", info.name());
            let said = "its shape depends on the data, so TensorRT allocates it; see `ExecutionContext::output`";
            return Err(Error::invalid(tried, said));
        }
        self.device_use.attach(memory)?;
        if let Some(old) = self.bindings[index].memory.replace(Arc::clone(memory)) {
            self.device_use.detach(&old);
        }
        self.send_again(index);
        self.sizes_checked = false;
        Ok(())
    }

    /// Has the next inference tell TensorRT where a tensor is.
    pub(super) fn send_again(&mut self, index: usize) {
        let binding = &self.bindings[index];
        let Some(memory) = binding.memory.as_ref().filter(|_| binding.allocator.is_none()) else { return };
        let info = &self.engine.io_tensors()[index];
        self.pending.set(TensorUpdate {
            name: info.c_name().as_ptr(),
            address: memory.as_device_ptr(),
            shape: std::ptr::null(),
            isInput: info.is_input(),
        });
    }

    /// Refuses memories that are missing, too small, or written while another tensor uses them.
    pub(super) fn check_sizes(&mut self) -> Result<()> {
        self.set_allocators()?;
        self.check_device_memory()?;
        let tensors = self.engine.io_tensors();
        for (info, binding) in tensors.iter().zip(&self.bindings) {
            let tried = || format!("enqueue an inference: use the buffer of {:?}", info.name());
            if info.location() == TensorLocation::Host {
                if !info.is_input() {
                    let kind =
                        ErrorKind::Unsupported { method: "IExecutionContext_setOutputTensorAddress", since: None };
                    return Err(Error::new(kind, tried(), "outputs on the host are not supported"));
                }
                continue;
            }
            if binding.allocator.is_some() {
                continue;
            }
            let Some(memory) = &binding.memory else {
                return Err(Error::new(ErrorKind::MissingInput, tried(), "no buffer was bound"));
            };
            if self.kept.memory.as_ref().is_some_and(|activations| Arc::ptr_eq(activations, memory)) {
                return Err(Error::invalid(
                    tried(),
                    "it is the context's device memory as well, which holds activations",
                ));
            }
            if memory.bytes() < binding.needed {
                let said = format!("it has {} bytes, {} are needed", memory.bytes(), binding.needed);
                return Err(Error::new(ErrorKind::ShapeMismatch, tried(), said));
            }
            if info.is_input() {
                continue;
            }
            if let Some(input) = info.aliased_input() {
                let bound = tensors.iter().zip(&self.bindings).find(|(other, _)| other.name() == input);
                let same = bound
                    .and_then(|(_, binding)| binding.memory.as_ref())
                    .is_some_and(|known| Arc::ptr_eq(known, memory));
                if !same {
                    let said = format!("it is {input:?} updated in place: bind one memory to both");
                    return Err(Error::invalid(tried(), said));
                }
            }
            let shares = |other: &super::Binding| other.memory.as_ref().is_some_and(|known| Arc::ptr_eq(known, memory));
            let clash = tensors.iter().zip(&self.bindings).find(|(other, used)| {
                !std::ptr::eq(*other, info) && shares(used) && info.aliased_input() != Some(other.name())
            });
            if let Some((other, _)) = clash {
                let said = format!("{:?} is bound to the same memory", other.name());
                return Err(Error::invalid(tried(), said));
            }
        }
        self.sizes_checked = true;
        Ok(())
    }
}
