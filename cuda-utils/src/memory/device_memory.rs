//! Device memory without an element type.

use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use super::allocation::{Allocation, Place};
use super::order::Ordered;
use crate::device::Device;
use crate::error::Result;
use crate::stream::Stream;

/// A piece of device memory, shared by the buffer that allocated it and by whatever has it bound.
#[derive(Debug)]
#[doc(alias = "CUdeviceptr")]
pub struct DeviceMemory {
    allocation: Allocation,
}

impl DeviceMemory {
    /// Allocates `bytes` bytes, aligned to 256. The contents are unspecified (zero on the emulated device).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the device has not that much left.
    #[doc(alias = "cuMemAlloc")]
    pub fn alloc(device: &Device, bytes: usize) -> Result<Arc<Self>> {
        Ok(Arc::new(DeviceMemory { allocation: Allocation::new(device, Place::Device, bytes)? }))
    }

    /// The device that the memory is on.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.allocation.device()
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.allocation.bytes()
    }

    /// The address on the device; never null, valid while the memory lives. Whoever enqueues work that uses it brackets that with
    /// [`DeviceMemory::begin_use`] or a [`SharedUse`](super::SharedUse).
    #[must_use]
    pub fn as_device_ptr(&self) -> *mut c_void {
        self.allocation.pointer().as_ptr().cast()
    }

    /// Whether no stream uses the memory.
    ///
    /// # Errors
    ///
    /// The error with which a use failed.
    pub fn is_idle(&self) -> Result<bool> {
        self.allocation.is_idle()
    }

    /// Begins a use by the stream: makes it wait for what other streams do with the memory. What is enqueued on the stream until the
    /// guard is finished or dropped becomes the memory's last use. Other threads that want to use the memory wait meanwhile, and this
    /// thread must not use it in another way.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is of another device, or what the driver reports.
    pub fn begin_use<'a>(&'a self, stream: &'a Stream) -> Result<UseGuard<'a>> {
        Ok(UseGuard(Ordered::begin(stream, &self.allocation, None)?))
    }

    pub(crate) fn allocation(&self) -> &Allocation {
        &self.allocation
    }
}

/// A use of memory that is being enqueued; see [`DeviceMemory::begin_use`].
#[must_use = "dropping the guard ends the use, with errors reported late"]
pub struct UseGuard<'a>(Ordered<'a>);

impl UseGuard<'_> {
    /// Ends the use: records that the memory is used by what the stream holds now. Dropping the guard does the same, but an error then
    /// surfaces on the device's next call.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

impl fmt::Debug for UseGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseGuard").finish_non_exhaustive()
    }
}
