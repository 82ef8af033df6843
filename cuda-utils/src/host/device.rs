//! The emulated device: its memory and its streams.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::core::StreamCore;
use super::faults::FaultState;
use super::options::HostOptions;
use crate::device::MemoryInfo;
use crate::error::{Deferred, Error, ErrorKind, Result};
use crate::memory::Place;
use crate::stream::StreamInner;

/// The alignment of every allocation, in bytes; that of CUDA's own allocations.
const ALIGNMENT: usize = 256;

#[derive(Debug)]
pub(crate) struct HostDevice {
    options: HostOptions,
    used: AtomicU64,
    streams: Mutex<Vec<Weak<StreamCore>>>,
    default: Arc<StreamCore>,
    deferred: Deferred,
    faults: Arc<FaultState>,
}

impl HostDevice {
    pub(crate) fn new(options: HostOptions) -> Self {
        let faults = Arc::default();
        HostDevice {
            options,
            used: AtomicU64::new(0),
            streams: Mutex::default(),
            default: StreamCore::new(StreamInner::next_id(), &faults),
            deferred: Deferred::default(),
            faults,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    pub(crate) fn deferred(&self) -> &Deferred {
        &self.deferred
    }

    pub(crate) fn faults(&self) -> &Arc<FaultState> {
        &self.faults
    }

    pub(crate) fn default_core(&self) -> &Arc<StreamCore> {
        &self.default
    }

    pub(crate) fn new_core(&self, id: u64) -> Arc<StreamCore> {
        let core = StreamCore::new(id, &self.faults);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&core));
        core
    }

    /// Waits for all streams, and reports the first error among them.
    pub(crate) fn synchronize(&self) -> Result<()> {
        let streams: Vec<_> =
            self.streams.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
        let mut outcome = self.default.synchronize();
        for stream in streams {
            outcome = outcome.and(stream.synchronize());
        }
        outcome
    }

    pub(crate) fn memory_info(&self) -> Result<MemoryInfo> {
        let used = self.used.load(Ordering::Acquire);
        if let Some(limit) = self.options.memory_limit {
            return Ok(MemoryInfo::new(limit.saturating_sub(used), limit));
        }
        let (available, total) = host_memory().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "ask for the emulated device's memory: it has no limit (HostOptions::with_memory_limit), and the host's memory \
                 cannot be read here",
            )
        })?;
        Ok(MemoryInfo::new(available, total))
    }

    /// Fails where a fault is armed that says so; once an allocation, however often that is tried.
    pub(crate) fn admit(&self, place: Place, bytes: usize) -> Result<()> {
        self.faults.allocation().map_err(|why| {
            let text = format!("allocate {bytes} bytes of {place} memory on {}: {why}", self.name());
            Error::new(ErrorKind::OutOfMemory, text)
        })
    }

    /// Allocates zeroed memory. Device memory counts against the limit.
    pub(crate) fn allocate(&self, place: Place, bytes: usize) -> Result<NonNull<u8>> {
        let layout = layout(bytes)?;
        let out_of_memory = |left: &str| {
            Error::new(
                ErrorKind::OutOfMemory,
                format!("allocate {bytes} bytes of {place} memory on {}: {left}", self.name()),
            )
        };
        if place == Place::Device {
            let limit = self.options.memory_limit.unwrap_or(u64::MAX);
            self.used
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                    used.checked_add(layout.size() as u64).filter(|sum| *sum <= limit)
                })
                .map_err(|used| {
                    out_of_memory(&format!("{} of its {limit} bytes are free", limit.saturating_sub(used)))
                })?;
        }
        // SAFETY: `layout` never gives a size of zero.
        let pointer = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) });
        pointer.ok_or_else(|| {
            self.forget(place, layout.size());
            out_of_memory("the host has no more memory")
        })
    }

    /// Frees memory.
    ///
    /// # Safety
    ///
    /// `pointer` came from `allocate` of this device with the same place and size, is freed once, and is used by nothing any more.
    pub(crate) unsafe fn free(&self, place: Place, pointer: NonNull<u8>, bytes: usize) {
        if let Ok(layout) = layout(bytes) {
            // SAFETY: the caller says that it was allocated with this size, so with this layout, and that nothing uses it.
            unsafe { std::alloc::dealloc(pointer.as_ptr(), layout) };
            self.forget(place, layout.size());
        }
    }

    fn forget(&self, place: Place, bytes: usize) {
        if place == Place::Device {
            self.used.fetch_sub(bytes as u64, Ordering::AcqRel);
        }
    }
}

impl Drop for HostDevice {
    fn drop(&mut self) {
        self.default.close();
    }
}

/// The layout of an allocation; of one byte where none is asked for, so that every buffer has an address of its own.
fn layout(bytes: usize) -> Result<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGNMENT).map_err(|_| {
        Error::new(ErrorKind::OutOfMemory, format!("allocate {bytes} bytes: more than the address space holds"))
    })
}

/// The host's available and total memory in bytes, where the system tells.
fn host_memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some((field("MemAvailable")?, field("MemTotal")?))
}
