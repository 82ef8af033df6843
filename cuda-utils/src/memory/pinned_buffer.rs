//! An array in pinned host memory.

use std::marker::PhantomData;

use super::allocation::{Allocation, Place};
use super::device_buffer::bytes_of;
use crate::device::Device;
use crate::element::Element;
use crate::error::Result;

/// An array of numbers in pinned host memory, from and to which a device copies by itself while the host does something else.
///
/// Reading or writing it waits for the copies that are in flight, so what is read is never half of two things. It may be dropped at any
/// time: memory that a copy still uses is freed when the copy is over.
#[derive(Debug)]
#[doc(alias = "cudaMallocHost")]
pub struct PinnedBuffer<T: Element> {
    allocation: Allocation,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Element> PinnedBuffer<T> {
    /// Allocates `len` elements of zero bytes.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the host has no more pinned memory.
    #[doc(alias = "cuMemHostAlloc")]
    pub fn alloc(device: &Device, len: usize) -> Result<Self> {
        let allocation = Allocation::new(device, Place::Pinned, bytes_of::<T>(len)?)?;
        Ok(PinnedBuffer { allocation, len, element: PhantomData })
    }

    /// Allocates a copy of a slice.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the host has no more pinned memory.
    pub fn from_slice(device: &Device, values: &[T]) -> Result<Self> {
        let mut buffer = Self::alloc(device, values.len())?;
        buffer.as_mut_slice()?.copy_from_slice(values);
        Ok(buffer)
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

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.allocation.bytes()
    }

    /// The device that copies from and to the buffer.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.allocation.device()
    }

    /// Whether no copy is in flight, so that reading or writing would not wait.
    ///
    /// # Errors
    ///
    /// The error with which a copy failed.
    pub fn is_idle(&self) -> Result<bool> {
        self.allocation.is_idle()
    }

    /// Waits for the copies in flight, and gives the elements to read.
    ///
    /// # Errors
    ///
    /// The error with which a copy failed; the elements are then unspecified, and on the emulated device the next call gives them.
    /// `NotPermitted` inside a host callback, if there is a copy to wait for.
    pub fn as_slice(&self) -> Result<&[T]> {
        self.allocation.wait()?;
        // SAFETY: the allocation holds `len` elements, aligned to at least 64 bytes and zeroed when allocated, and any bytes are a valid
        // `T`. No stream writes them: every copy has just been seen to be over, and enqueueing another that writes takes `&mut self`.
        Ok(unsafe { std::slice::from_raw_parts(self.allocation.pointer().as_ptr().cast::<T>(), self.len) })
    }

    /// Waits for the copies in flight, and gives the elements to read and write.
    ///
    /// # Errors
    ///
    /// As [`PinnedBuffer::as_slice`].
    pub fn as_mut_slice(&mut self) -> Result<&mut [T]> {
        self.allocation.wait()?;
        // SAFETY: as in `as_slice`; and no stream reads them either, since enqueueing any copy takes a reference to `self`, which is
        // borrowed exclusively as long as the slice lives.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.allocation.pointer().as_ptr().cast::<T>(), self.len) })
    }

    pub(crate) fn allocation(&self) -> &Allocation {
        &self.allocation
    }
}
