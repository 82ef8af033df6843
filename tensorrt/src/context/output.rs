//! Outputs whose shapes depend on the data: TensorRT asks for their memory when it knows how large they are.

use std::sync::Arc;

use cuda_utils::{DeviceBuffer, DeviceMemory, PinnedBuffer, Stream};
use tensorrt_sys::DataType;

use super::ExecutionContext;
use crate::callbacks::OutputAllocator;
use crate::dims::Dims;
use crate::element::DeviceElement;
use crate::engine::TensorSelector;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;

/// An output that TensorRT sized: its shape, and device memory of its own.
///
/// It stays what it is for as long as it is held: later inferences then write elsewhere.
#[derive(Debug, Clone)]
pub struct OutputTensor {
    name: String,
    data_type: DataType,
    shape: Dims,
    bytes: usize,
    memory: Arc<DeviceMemory>,
}

impl OutputTensor {
    /// The shape, which has no dynamic extent.
    #[must_use]
    pub fn shape(&self) -> Dims {
        self.shape
    }

    /// The type of the elements.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory, which may be larger.
    #[must_use]
    pub fn memory(&self) -> &Arc<DeviceMemory> {
        &self.memory
    }

    /// The elements as a buffer over the same memory, to copy from.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` if the elements are of another type.
    pub fn buffer<T: DeviceElement>(&self) -> Result<DeviceBuffer<T>> {
        let tried = || format!("use the output {:?} as a buffer of {}", self.name, std::any::type_name::<T>());
        if !T::holds(self.data_type) {
            let said = format!("its elements are {}", self.data_type.name());
            return Err(Error::new(ErrorKind::TypeMismatch, tried(), said));
        }
        DeviceBuffer::from_memory(&self.memory, self.bytes / size_of::<T>())
            .map_err(|error| Error::cuda(tried(), error))
    }

    /// Copies the elements to the host, and blocks until they are there.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` if the elements are of another type, `Cuda` if the inference or the copy failed.
    pub fn to_vec<T: DeviceElement>(&self, stream: &Stream) -> Result<Vec<T>> {
        Ok(self.buffer::<T>()?.to_vec(stream)?)
    }

    /// Enqueues a copy of the bytes to pinned memory that has room for them.
    pub(crate) fn copy_to(&self, pinned: &mut PinnedBuffer<u8>, stream: &Stream) -> Result<()> {
        let bytes = DeviceBuffer::<u8>::from_memory(&self.memory, self.bytes)?;
        Ok(stream.copy_range_to_host(&bytes, 0..self.bytes, pinned, 0)?)
    }
}

impl ExecutionContext {
    /// An output of the newest inference whose shape depends on the data (such as the boxes that are left).
    ///
    /// Memory for such outputs is not bound but allocated during the inference, whose enqueueing then waits until shapes are known.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output, `InvalidArgument` if its shape does not depend on the data, `MissingInput` if there was
    /// no inference yet.
    #[doc(alias = "nvinfer1::IExecutionContext::setOutputAllocator")]
    #[doc(alias = "nvinfer1::IOutputAllocator")]
    pub fn output(&self, tensor: impl TensorSelector) -> Result<OutputTensor> {
        let index = self.engine.tensor_id(tensor)?.index();
        let info = &self.engine.io_tensors()[index];
        let tried = || format!("get the output {:?}", info.name());
        let Some(allocator) = &self.bindings[index].allocator else {
            let said = "its shape does not depend on the data (of an inference before): it is in the buffer that is bound to it";
            return Err(Error::invalid(tried(), said));
        };
        let Some((memory, Some(shape))) = allocator.output() else {
            return Err(Error::new(ErrorKind::MissingInput, tried(), "no inference made it yet"));
        };
        let bytes = info.bytes(&shape)?;
        Ok(OutputTensor { name: info.name().to_owned(), data_type: info.data_type(), shape, bytes, memory })
    }

    /// Whether TensorRT allocates the memory of a tensor.
    pub(crate) fn is_allocated(&self, index: usize) -> bool {
        self.bindings[index].allocator.is_some()
    }

    /// Has TensorRT allocate the memory of the outputs whose shapes it cannot infer.
    pub(super) fn set_allocators(&mut self) -> Result<()> {
        for (index, info) in self.engine.io_tensors().iter().enumerate() {
            if info.is_input() || self.bindings[index].shape.is_some() || self.bindings[index].allocator.is_some() {
                continue;
            }
            if let Some(memory) = self.bindings[index].memory.take() {
                // It would never be written. Without it the next inference goes through.
                self.pending.forget(info.c_name().as_ptr());
                self.device_use.detach(&memory);
                let said = "its shape depends on the data, so TensorRT allocates it: bind nothing to it, and see `ExecutionContext::output`";
                let tried = format!("enqueue an inference: use the buffer of {:?}", info.name());
                return Err(Error::invalid(tried, said));
            }
            let allocator = OutputAllocator::new(self.engine.library(), self.engine.device())?;
            let operation = Operation::begin();
            let (name, object) = (info.c_name().as_ptr(), allocator.as_ptr());
            // SAFETY: the context is alive as long as `self`; the name lives during the call, and the allocator is dropped after the context.
            let taken = unsafe { call!(self.raw, IExecutionContext_setOutputAllocator(name, object)) }?;
            let tried = format_args!("have the output {:?} allocated", info.name());
            operation.truth(self.engine.library(), ErrorKind::Setting, tried, taken)?;
            self.bindings[index].allocator = Some(allocator);
            self.allocates = true;
        }
        Ok(())
    }

    /// Forgets the shapes of allocated outputs, before an inference.
    pub(super) fn forget_outputs(&self) {
        self.bindings.iter().filter_map(|binding| binding.allocator.as_ref()).for_each(OutputAllocator::forget_shape);
    }

    /// Orders the uses of the memories that an inference allocated, after it was enqueued.
    pub(super) fn keep_outputs(&mut self) -> Result<()> {
        for binding in &mut self.bindings {
            let Some((memory, shape)) = binding.allocator.as_ref().and_then(OutputAllocator::output) else { continue };
            binding.shape = shape;
            if binding.memory.as_ref().is_some_and(|known| Arc::ptr_eq(known, &memory)) {
                continue;
            }
            self.device_use.attach(&memory)?;
            if let Some(old) = binding.memory.replace(memory) {
                self.device_use.detach(&old);
            }
        }
        Ok(())
    }

    /// Why an allocator had no memory in the inference that failed.
    pub(super) fn allocation_error(&self) -> Option<Error> {
        let mut tensors = self.engine.io_tensors().iter().zip(&self.bindings);
        tensors.find_map(|(info, binding)| {
            let error = binding.allocator.as_ref()?.take_error()?;
            Some(Error::cuda(format_args!("enqueue an inference: allocate the output {:?}", info.name()), error))
        })
    }
}
