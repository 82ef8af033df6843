//! A piece of device or pinned memory with the record of its uses.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

use super::order::Tracker;
use crate::backend::Backend;
use crate::callback;
use crate::device::Device;
use crate::error::{Error, ErrorKind, Result};

/// Where memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the device.
    Device,
    /// On the host, at a fixed physical address, so that a device can copy from and to it by itself.
    Pinned,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Device => "device",
            Place::Pinned => "pinned",
        })
    }
}

/// Memory that is freed when dropped; whoever drops it knows that nothing uses it.
#[derive(Debug)]
pub(super) struct Block {
    backend: Backend,
    place: Place,
    pointer: NonNull<u8>,
    bytes: usize,
}

// SAFETY: device and pinned memory may be used, and freed, from any thread.
unsafe impl Send for Block {}
// SAFETY: a shared block gives out nothing but its address.
unsafe impl Sync for Block {}

impl Block {
    fn new(backend: &Backend, place: Place, bytes: usize) -> Result<Self> {
        let pointer = match backend {
            Backend::Cuda(context) => context.allocate(place, bytes),
            Backend::Host(device) => device.allocate(place, bytes),
        }?;
        Ok(Block { backend: backend.clone(), place, pointer, bytes })
    }
}

/// The address of memory on its way to be freed, perhaps on another thread.
struct Address(NonNull<u8>);

// SAFETY: as for `Block`.
unsafe impl Send for Address {}

impl Drop for Block {
    fn drop(&mut self) {
        match &self.backend {
            Backend::Cuda(context) => {
                let (context, place, address) = (Arc::clone(context), self.place, Address(self.pointer));
                callback::run_outside(move || {
                    let Address(pointer) = { address };
                    // SAFETY: `Block::new` allocated it there, it is freed only here, and whoever drops a block knows it to be unused.
                    unsafe { context.free(place, pointer) };
                });
            }
            Backend::Host(device) => {
                // SAFETY: `Block::new` allocated it there, it is freed only here, and whoever drops a block knows it to be unused.
                unsafe { device.free(self.place, self.pointer, self.bytes) };
            }
        }
    }
}

/// Memory in use by streams; dropping it at any time is sound.
#[derive(Debug)]
pub(crate) struct Allocation {
    device: Device,
    block: ManuallyDrop<Block>,
    tracker: Tracker,
}

impl Allocation {
    /// Allocates memory; if there is none, memory that was dropped while in use is waited for and freed first.
    pub(crate) fn new(device: &Device, place: Place, bytes: usize) -> Result<Self> {
        callback::refuse("allocate memory")?;
        device.check()?;
        device.inner.graves.reap();
        if let Backend::Host(host) = device.backend() {
            host.admit(place, bytes)?;
        }
        let block = match Block::new(device.backend(), place, bytes) {
            Err(error) if error.kind() == ErrorKind::OutOfMemory && device.inner.graves.wait() => {
                Block::new(device.backend(), place, bytes)
            }
            outcome => outcome,
        }?;
        Ok(Allocation { device: device.clone(), block: ManuallyDrop::new(block), tracker: Tracker::default() })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes
    }

    pub(crate) fn pointer(&self) -> NonNull<u8> {
        self.block.pointer
    }

    pub(super) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Waits until no stream uses the memory.
    pub(crate) fn wait(&self) -> Result<()> {
        self.tracker.wait()
    }

    /// Whether no stream uses the memory.
    pub(crate) fn is_idle(&self) -> Result<bool> {
        self.tracker.is_idle()
    }

    /// The address of a part that lies within the memory.
    pub(crate) fn part(&self, offset: usize, bytes: usize) -> Result<NonNull<u8>> {
        if offset.checked_add(bytes).is_none_or(|end| end > self.bytes()) {
            return Err(Error::invalid(format!("use {bytes} bytes at {offset} of a memory of {} bytes", self.bytes())));
        }
        // SAFETY: the offset was just seen to lie within the allocation, or one past its end.
        Ok(unsafe { self.pointer().add(offset) })
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: the block is taken here only, and an allocation is dropped once.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        self.device.inner.graves.bury(block, self.tracker.end());
    }
}
