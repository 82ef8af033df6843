//! An array in device memory.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Arc;

use super::device_memory::DeviceMemory;
use super::pinned_buffer::PinnedBuffer;
use crate::device::Device;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::Stream;

/// An array of numbers in device memory.
///
/// The host cannot see it; streams copy to and from it. It may be dropped at any time: memory that a stream still uses is freed
/// when that use is over.
#[derive(Debug)]
pub struct DeviceBuffer<T: Element> {
    memory: Arc<DeviceMemory>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Element> DeviceBuffer<T> {
    /// Allocates room for `len` elements, whose values are unspecified until something is copied to them.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the device has not that much left.
    pub fn alloc(device: &Device, len: usize) -> Result<Self> {
        let memory = DeviceMemory::alloc(device, bytes_of::<T>(len)?)?;
        Ok(DeviceBuffer { memory, len, element: PhantomData })
    }

    /// The first `len` elements of memory that is there already, which is shared.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the memory is smaller.
    pub fn from_memory(memory: &Arc<DeviceMemory>, len: usize) -> Result<Self> {
        let bytes = bytes_of::<T>(len)?;
        if bytes > memory.bytes() {
            return Err(Error::invalid(format!("use {bytes} bytes of a memory of {}", memory.bytes())));
        }
        Ok(DeviceBuffer { memory: Arc::clone(memory), len, element: PhantomData })
    }

    /// Allocates `len` elements and enqueues filling them with zero bytes.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the device has not that much left, or the error with which earlier work of the stream failed.
    pub fn zeroed(stream: &Stream, len: usize) -> Result<Self> {
        let mut buffer = Self::alloc(stream.device(), len)?;
        stream.fill_zero(&mut buffer)?;
        Ok(buffer)
    }

    /// Allocates a copy of a slice, enqueueing the copy through pinned memory of its own.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if device or host has not that much left, or the error with which earlier work of the stream failed.
    pub fn from_slice(stream: &Stream, values: &[T]) -> Result<Self> {
        let staging = PinnedBuffer::from_slice(stream.device(), values)?;
        let mut buffer = Self::alloc(stream.device(), values.len())?;
        stream.copy_to_device(&staging, &mut buffer)?;
        Ok(buffer)
    }

    /// Copies the elements to the host, and blocks until they are there.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the host has no pinned memory left, or the error with which the stream's work failed.
    pub fn to_vec(&self, stream: &Stream) -> Result<Vec<T>> {
        let mut staging = PinnedBuffer::alloc(stream.device(), self.len)?;
        stream.copy_to_host(self, &mut staging)?;
        Ok(staging.as_slice()?.to_vec())
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The size of the memory in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// The device that the buffer is on.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.memory.device()
    }

    /// The address on the device; never null. See [`DeviceMemory::as_device_ptr`].
    #[must_use]
    pub fn as_device_ptr(&self) -> *mut c_void {
        self.memory.as_device_ptr()
    }

    /// The memory itself, to be kept alive, and its uses in order, by whatever has it bound.
    #[must_use]
    pub fn memory(&self) -> &Arc<DeviceMemory> {
        &self.memory
    }
}

/// The size of `len` elements in bytes.
pub(super) fn bytes_of<T>(len: usize) -> Result<usize> {
    len.checked_mul(size_of::<T>()).ok_or_else(|| {
        let size = size_of::<T>();
        Error::new(
            ErrorKind::OutOfMemory,
            format!("allocate {len} elements of {size} bytes: more than the address space holds"),
        )
    })
}
