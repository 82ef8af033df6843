//! An emulated stream as a stream's backend, and as the raw handle a library is passed.

use std::ffi::c_void;
use std::sync::{Arc, Weak};

use super::core::StreamCore;
use super::device::HostDevice;
use super::operation::{Operation, Work};
use crate::callback;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::stream::{Stream, StreamInner};

const MAGIC: u64 = u64::from_le_bytes(*b"custream");

/// The emulated side of a stream. Its address is the stream's raw handle.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct HostStream {
    magic: u64,
    core: Arc<StreamCore>,
    owner: Weak<StreamInner>,
    closes: bool,
}

impl HostStream {
    pub(crate) fn new(device: &HostDevice, id: u64, owner: Weak<StreamInner>) -> Self {
        HostStream { magic: MAGIC, core: device.new_core(id), owner, closes: true }
    }

    pub(crate) fn default_of(device: &HostDevice, owner: Weak<StreamInner>) -> Self {
        HostStream { magic: MAGIC, core: Arc::clone(device.default_core()), owner, closes: false }
    }

    pub(crate) fn core(&self) -> &Arc<StreamCore> {
        &self.core
    }
}

impl Drop for HostStream {
    fn drop(&mut self) {
        // A handle that outlives its stream is then refused, for as long as the memory is not used again.
        self.magic = 0;
        if self.closes {
            self.core.close();
        }
    }
}

/// An emulated stream, from the raw `cudaStream_t` that a library was handed.
#[derive(Debug, Clone, Copy)]
pub struct HostStreamRef<'a>(&'a HostStream);

impl<'a> HostStreamRef<'a> {
    /// Turns a raw handle back; `None` if it does not carry the mark of an emulated stream. A null handle means the default stream of
    /// whichever device the library works on: see [`Device::default_stream`].
    ///
    /// # Safety
    ///
    /// `raw` is null, one of CUDA's special handles (1 and 2), or a handle from [`Stream::as_raw`] whose stream lives for `'a`, or
    /// points to 8 or more readable bytes.
    #[must_use]
    pub unsafe fn from_raw(raw: *mut c_void) -> Option<Self> {
        // SAFETY: the caller passes null, a small number, a stream or readable bytes.
        let known = unsafe { carries(raw, MAGIC) };
        // SAFETY: the mark says that this is an emulated stream, and the caller that it lives for 'a.
        known.then(|| HostStreamRef(unsafe { &*raw.cast::<HostStream>() }))
    }

    /// The stream itself, if it is an emulated one.
    #[must_use]
    pub fn of(stream: &'a Stream) -> Option<Self> {
        match &stream.inner.raw {
            crate::stream::RawStream::Host(stream) => Some(HostStreamRef(stream)),
            crate::stream::RawStream::Cuda(_) => None,
        }
    }

    /// A handle that keeps the stream alive.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is being dropped.
    pub fn to_stream(&self) -> Result<Stream> {
        match self.0.owner.upgrade() {
            Some(inner) => Ok(Stream { inner }),
            None => Err(Error::invalid("use a raw stream handle: the stream is being dropped")),
        }
    }

    /// The device the stream belongs to.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is being dropped.
    pub fn device(&self) -> Result<Device> {
        self.to_stream().map(|stream| stream.device().clone())
    }

    /// Enqueues an operation, which runs once on the stream's thread.
    ///
    /// # Errors
    ///
    /// The error with which earlier work failed.
    pub fn enqueue(&self, operation: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        callback::refuse("enqueue an operation")?;
        self.0.core.push(Work::Once(Box::new(operation))).map(drop)
    }

    /// Enqueues an operation that is shared, so that enqueueing it again allocates nothing.
    ///
    /// # Errors
    ///
    /// The error with which earlier work failed.
    pub fn enqueue_shared(&self, operation: Arc<dyn Operation>) -> Result<()> {
        callback::refuse("enqueue an operation")?;
        self.0.core.push(Work::Shared(operation)).map(drop)
    }

    /// Whether what is enqueued is recorded into a [`Graph`](crate::Graph) rather than run.
    #[must_use]
    #[doc(alias = "cuStreamIsCapturing")]
    pub fn is_capturing(&self) -> bool {
        self.0.core.is_capturing()
    }

    /// Fails if work of the stream has failed.
    ///
    /// # Errors
    ///
    /// The error with which it failed.
    pub fn check(&self) -> Result<()> {
        self.0.core.check()
    }

    pub(crate) fn core(&self) -> &'a Arc<StreamCore> {
        &self.0.core
    }
}

/// Whether a raw handle points to something that begins with `magic`.
///
/// # Safety
///
/// `raw` is below 4096, or points to 8 or more readable bytes.
pub(super) unsafe fn carries(raw: *mut c_void, magic: u64) -> bool {
    if raw.addr() < 4096 || !raw.cast::<u64>().is_aligned() {
        return false;
    }
    // SAFETY: it is neither null nor small, it is aligned for u64, and the caller says that 8 bytes can be read.
    unsafe { raw.cast::<u64>().read_volatile() == magic }
}
