//! An event of a GPU.

use std::ffi::{c_uint, c_void};
use std::sync::Arc;

use cudarc::driver::sys::CUevent;

use super::context::Context;
use super::stream::Stream;
use crate::callback;
use crate::error::Result;

/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: c_uint = 2;

/// Owns a `CUevent`.
#[derive(Debug)]
pub(crate) struct Event {
    context: Arc<Context>,
    raw: CUevent,
}

// SAFETY: "The CUDA driver API is thread-safe"; an event handle may be used from any thread.
unsafe impl Send for Event {}
// SAFETY: as above; the handle itself does not change.
unsafe impl Sync for Event {}

impl Event {
    pub(crate) fn new(context: &Arc<Context>, timing: bool) -> Result<Self> {
        context.bind()?;
        let driver = context.driver();
        let mut raw: CUevent = std::ptr::null_mut();
        // SAFETY: a context is current, and `raw` can be written to.
        let code = unsafe { (driver.cuEventCreate)(&raw mut raw, if timing { 0 } else { DISABLE_TIMING }) };
        driver.check(code, "create an event")?;
        Ok(Event { context: Arc::clone(context), raw })
    }

    pub(crate) fn as_raw(&self) -> *mut c_void {
        self.raw.cast()
    }

    pub(super) fn raw(&self) -> CUevent {
        self.raw
    }

    pub(crate) fn record(&self, stream: &Stream) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, and both handles live.
        driver.check(unsafe { (driver.cuEventRecord)(self.raw, stream.raw()) }, "record an event")
    }

    pub(crate) fn query(&self) -> Result<bool> {
        let driver = self.context.driver();
        // SAFETY: the event lives.
        driver.ready(unsafe { (driver.cuEventQuery)(self.raw) }, "run the work before an event")
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        let driver = self.context.driver();
        // SAFETY: the event lives.
        driver.check(unsafe { (driver.cuEventSynchronize)(self.raw) }, "run the work before an event")
    }

    pub(crate) fn elapsed_ms(start: &Event, end: &Event) -> Result<f32> {
        let driver = start.context.driver();
        let mut milliseconds = 0.0_f32;
        // SAFETY: both events live, and `milliseconds` can be written to.
        let code = unsafe { (driver.cuEventElapsedTime)(&raw mut milliseconds, start.raw, end.raw) };
        if !driver.ready(code, "measure the time between events")? {
            return Err(crate::error::Error::invalid("measure the time between events: one is not reached yet"));
        }
        Ok(milliseconds)
    }
}

/// An event handle on its way to be destroyed, perhaps on another thread.
struct Handle(CUevent);

// SAFETY: an event handle may be used from any thread.
unsafe impl Send for Handle {}

impl Drop for Event {
    fn drop(&mut self) {
        let (context, handle) = (Arc::clone(&self.context), Handle(self.raw));
        callback::run_outside(move || {
            let Handle(raw) = { handle };
            // SAFETY: the event is destroyed once, by its owner; the driver lets work that waits for it go on.
            let code = unsafe { (context.driver().cuEventDestroy_v2)(raw) };
            context.keep(context.driver().check(code, "destroy an event"));
        });
    }
}
