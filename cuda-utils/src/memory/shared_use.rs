//! One record for the use of many memories, made once and renewed at each use.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::device_memory::DeviceMemory;
use super::order::{order_shared, settle};
use crate::callback;
use crate::device::Device;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventInner;
use crate::stream::Stream;

/// The use of a set of memories by something that runs again and again, such as an execution context with its bound buffers.
///
/// The memories are [attached](SharedUse::attach) once, when they are bound. Each run is then bracketed by [`SharedUse::begin`] and
/// [`SharedUseGuard::finish`]: `begin` makes the stream wait for whatever other streams did with any of the memories, `finish` records
/// one event that stands for the use of all of them. An attached memory is kept alive.
///
/// While everything happens on one stream, `begin` and `finish` cost a compare-and-swap, a handful of atomic loads and stores and the
/// record of the event, whatever the number of memories: no allocation, and no lock (another thread that copies to or from an attached
/// memory at that very moment is waited for).
#[derive(Debug)]
pub struct SharedUse {
    device: Device,
    inner: Arc<SharedInner>,
    memories: Vec<Arc<DeviceMemory>>,
}

/// The part that the attached memories refer to.
#[derive(Debug)]
pub(crate) struct SharedInner {
    /// The thread that is enqueueing work on the attached memories, through this use or otherwise; 0 if none is.
    claimed_by: AtomicUsize,
    /// The stream that the event was last recorded on; 0 if it never was.
    stream: AtomicU64,
    /// Whether another stream may have used an attached memory since.
    dirty: AtomicBool,
    /// Whether a use could neither be recorded nor waited for.
    lost: AtomicBool,
    /// Whether a use has begun and is not recorded: for good if its guard was forgotten.
    open: AtomicBool,
    event: Arc<EventInner>,
}

impl SharedInner {
    pub(super) fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// The fields other than the claim are read and written under the claim, or under the lock of an attached memory.
    pub(super) fn stream(&self) -> u64 {
        self.stream.load(Ordering::Acquire)
    }

    pub(super) fn event(&self) -> &Arc<EventInner> {
        &self.event
    }

    pub(super) fn set_dirty(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Keeps other threads from enqueueing work on the attached memories.
    pub(super) fn claim(&self) -> Result<()> {
        let me = thread_token();
        let mut tries = 0_u32;
        while let Err(owner) = self.claimed_by.compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed) {
            if owner == me {
                return Err(Error::new(
                    ErrorKind::NotPermitted,
                    "use memory on a stream: this thread is in the middle of enqueueing work on it",
                ));
            }
            tries = tries.saturating_add(1);
            match tries {
                0..64 => std::hint::spin_loop(),
                64..256 => std::thread::yield_now(),
                _ => std::thread::sleep(std::time::Duration::from_micros(50)),
            }
        }
        Ok(())
    }

    pub(super) fn release(&self) {
        self.claimed_by.store(0, Ordering::Release);
    }
}

/// A number that no other living thread has; never 0.
fn thread_token() -> usize {
    thread_local! {
        static TOKEN: Cell<u8> = const { Cell::new(0) };
    }
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}

impl SharedUse {
    /// Makes a shared use with nothing attached.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn new(device: &Device) -> Result<Self> {
        callback::refuse("create a shared use")?;
        device.check()?;
        Ok(SharedUse {
            device: device.clone(),
            inner: Arc::new(SharedInner {
                claimed_by: AtomicUsize::new(0),
                stream: AtomicU64::new(0),
                dirty: AtomicBool::new(false),
                lost: AtomicBool::new(false),
                open: AtomicBool::new(false),
                event: Arc::new(EventInner::new(device.backend(), false)?),
            }),
            memories: Vec::new(),
        })
    }

    /// The memories attached, in no particular order; one that was attached twice is in it twice.
    #[must_use]
    pub fn memories(&self) -> &[Arc<DeviceMemory>] {
        &self.memories
    }

    /// Attaches a memory, which is kept alive until it is detached as often as it was attached, or this use is dropped.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the memory is of another device.
    pub fn attach(&mut self, memory: &Arc<DeviceMemory>) -> Result<()> {
        self.device.same_as(memory.device(), "attach memory to a shared use")?;
        memory.allocation().tracker().attach(&self.inner);
        self.memories.push(Arc::clone(memory));
        Ok(())
    }

    /// Detaches a memory that is bound no longer. Work that is in flight goes on, and the memory remembers it. Does nothing if the
    /// memory is not attached.
    pub fn detach(&mut self, memory: &Arc<DeviceMemory>) {
        let Some(index) = self.memories.iter().position(|attached| Arc::ptr_eq(attached, memory)) else { return };
        let removed = self.memories.swap_remove(index);
        if !self.memories.iter().any(|attached| Arc::ptr_eq(attached, &removed)) {
            removed.allocation().tracker().detach(&self.inner);
        }
    }

    /// Begins a run on the stream: makes it wait for what other streams do with the attached memories. Until the guard is finished or
    /// dropped, other threads that want to use the memories wait, so only the enqueueing itself belongs in between.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is of another device, or what the driver reports.
    #[inline]
    pub fn begin<'a>(&'a mut self, stream: &'a Stream) -> Result<SharedUseGuard<'a>> {
        callback::refuse("enqueue work on a stream")?;
        stream.inner.not_capturing("use memory on a stream")?;
        self.device.same_as(stream.device(), "use memory on a stream")?;
        self.device.check()?;
        self.inner.claim()?;
        let inner = &*self.inner;
        if inner.stream() == stream.inner.id && !inner.dirty.load(Ordering::Acquire) {
            return Ok(SharedUseGuard::open(inner, stream));
        }
        inner.release();
        self.begin_anew(stream)
    }

    #[cold]
    fn begin_anew<'a>(&'a self, stream: &'a Stream) -> Result<SharedUseGuard<'a>> {
        let mut allocations: Vec<_> = self.memories.iter().map(|memory| memory.allocation()).collect();
        if allocations.is_empty() {
            self.inner.claim()?;
            if ![0, stream.inner.id].contains(&self.inner.stream()) {
                stream.inner.wait(self.inner.event()).inspect_err(|_| self.inner.release())?;
            }
        } else {
            order_shared(stream, &self.inner, &mut allocations)?;
        }
        self.inner.dirty.store(false, Ordering::Release);
        Ok(SharedUseGuard::open(&self.inner, stream))
    }

    /// Whether the newest run is over, or there was none.
    ///
    /// # Errors
    ///
    /// The error with which it failed.
    pub fn is_complete(&self) -> Result<bool> {
        self.inner.event.query()
    }

    /// Blocks until the newest run is over.
    ///
    /// # Errors
    ///
    /// The error with which it failed.
    pub fn synchronize(&self) -> Result<()> {
        self.inner.event.synchronize()
    }
}

impl Drop for SharedUse {
    fn drop(&mut self) {
        while let Some(memory) = self.memories.last().map(Arc::clone) {
            self.detach(&memory);
        }
    }
}

/// A run that is being enqueued; see [`SharedUse::begin`].
#[derive(Debug)]
#[must_use = "dropping the guard ends the run, with errors reported late"]
pub struct SharedUseGuard<'a> {
    inner: &'a SharedInner,
    stream: &'a Stream,
    recorded: bool,
}

impl<'a> SharedUseGuard<'a> {
    #[inline]
    fn open(inner: &'a SharedInner, stream: &'a Stream) -> Self {
        inner.open.store(true, Ordering::Relaxed);
        SharedUseGuard { inner, stream, recorded: false }
    }

    /// Ends the run: records that all attached memories are used by what the stream holds now. Dropping the guard does the same, but
    /// an error then surfaces on the device's next call.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[inline]
    pub fn finish(mut self) -> Result<()> {
        self.record()
    }

    #[inline]
    fn record(&mut self) -> Result<()> {
        self.recorded = true;
        let outcome = self.inner.event.record(&self.stream.inner);
        if outcome.is_ok() {
            self.inner.stream.store(self.stream.inner.id, Ordering::Release);
        } else {
            // What ran before is waited for, too: the stream was ordered behind it.
            self.inner.lost.store(!settle(self.stream), Ordering::Release);
        }
        self.inner.open.store(false, Ordering::Relaxed);
        self.inner.release();
        outcome
    }
}

impl Drop for SharedUseGuard<'_> {
    fn drop(&mut self) {
        if !self.recorded
            && let Err(error) = self.record()
        {
            self.stream.device().backend().deferred().record(error);
        }
    }
}
