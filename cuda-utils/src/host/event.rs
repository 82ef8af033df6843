//! An event of the emulated device: the number of a step of a stream.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::core::StreamCore;
use super::handle::HostStreamRef;
use super::operation::Work;
use crate::callback;
use crate::completion::Notify;
use crate::error::{Error, Result};

const MAGIC: u64 = u64::from_le_bytes(*b"cuevent\x01");

/// An event of the emulated device. Its address is its raw handle.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct HostEvent {
    magic: u64,
    newest: Mutex<Option<Mark>>,
    stamp: Option<Arc<Stamp>>,
}

/// The last step that a stream held when an event was recorded on it.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) core: Arc<StreamCore>,
    pub(crate) step: u64,
}

/// The time at which the newest record of an event was reached.
#[derive(Debug, Default)]
pub(crate) struct Stamp(Mutex<StampState>);

#[derive(Debug, Default)]
struct StampState {
    newest: u64,
    reached: Option<Instant>,
}

impl Stamp {
    fn begin(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.newest += 1;
        state.reached = None;
        state.newest
    }

    pub(crate) fn reach(&self, record: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.newest == record {
            state.reached = Some(Instant::now());
        }
    }

    fn time(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reached
    }
}

impl HostEvent {
    pub(crate) fn new(timing: bool) -> Self {
        HostEvent { magic: MAGIC, newest: Mutex::default(), stamp: timing.then(Arc::default) }
    }

    pub(crate) fn record(&self, core: &Arc<StreamCore>) -> Result<()> {
        core.check()?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let step = match &self.stamp {
            Some(stamp) => core.push(Work::Stamp { stamp: Arc::clone(stamp), record: stamp.begin() })?,
            None => core.last_step(),
        };
        match &mut *newest {
            Some(mark) if Arc::ptr_eq(&mark.core, core) => mark.step = step,
            other => *other = Some(Mark { core: Arc::clone(core), step }),
        }
        Ok(())
    }

    /// The newest record.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn query(&self) -> Result<bool> {
        match &*self.newest.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(mark) => mark.core.status(mark.step),
            None => Ok(true),
        }
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        self.mark().map_or(Ok(()), |mark| mark.core.wait_for(mark.step))
    }

    pub(crate) fn notify_when(&self, notify: &Arc<Notify>) {
        match self.mark() {
            Some(mark) => mark.core.notify_when(mark.step, notify),
            None => notify.fire(Ok(())),
        }
    }

    pub(crate) fn elapsed_ms(start: &HostEvent, end: &HostEvent) -> Result<f32> {
        let (start, end) = (start.time()?, end.time()?);
        let milliseconds = match end.checked_duration_since(start) {
            Some(after) => after.as_secs_f64() * 1e3,
            None => -(start - end).as_secs_f64() * 1e3,
        };
        #[expect(clippy::cast_possible_truncation, reason = "CUDA gives milliseconds as f32 too")]
        Ok(milliseconds as f32)
    }

    fn time(&self) -> Result<Instant> {
        let what = "measure the time between events";
        let stamp = self
            .stamp
            .as_ref()
            .ok_or_else(|| Error::invalid(format!("{what}: an event was made without Event::with_timing")))?;
        stamp.time().ok_or_else(|| Error::invalid(format!("{what}: an event was not recorded, or is not reached yet")))
    }
}

impl Drop for HostEvent {
    fn drop(&mut self) {
        // A handle that outlives its event is then refused, for as long as the memory is not used again.
        self.magic = 0;
    }
}

/// An event of the emulated device, from the raw `cudaEvent_t` that a library was handed.
#[derive(Debug, Clone, Copy)]
pub struct HostEventRef<'a>(&'a HostEvent);

impl<'a> HostEventRef<'a> {
    /// Turns a raw handle back; `None` if it does not carry the mark of an emulated event.
    ///
    /// # Safety
    ///
    /// `raw` is null, or a handle from [`Event::as_raw`](crate::Event::as_raw) whose event lives for `'a`, or points to 8 or more
    /// readable bytes.
    #[must_use]
    pub unsafe fn from_raw(raw: *mut c_void) -> Option<Self> {
        // SAFETY: the caller passes null, an event or readable bytes.
        let known = unsafe { super::handle::carries(raw, MAGIC) };
        // SAFETY: the mark says that this is an emulated event, and the caller that it lives for 'a.
        known.then(|| HostEventRef(unsafe { &*raw.cast::<HostEvent>() }))
    }

    /// Records the event behind the work that the stream holds now.
    ///
    /// # Errors
    ///
    /// The error with which the stream's work failed.
    pub fn record(&self, stream: &HostStreamRef<'_>) -> Result<()> {
        callback::refuse("record an event")?;
        StreamCore::refuse_in_capture(&mut stream.core().queue(), "recording an event")?;
        self.0.record(stream.core())
    }

    /// Makes later work of the stream wait for the event's newest record.
    ///
    /// # Errors
    ///
    /// The error with which the stream's work failed.
    pub fn make_wait(&self, stream: &HostStreamRef<'_>) -> Result<()> {
        callback::refuse("make a stream wait for an event")?;
        stream.core().wait_event(self.0)
    }
}
