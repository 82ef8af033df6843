//! A stream of a GPU.

use std::ffi::{c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::{CUdeviceptr, CUstream};

use super::context::Context;
use super::driver::kind;
use super::event::Event;
use crate::callback;
use crate::completion::Notify;
use crate::error::{Error, Result};

/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: c_uint = 1;

/// Owns a `CUstream`, or stands for the default stream.
#[derive(Debug)]
pub(crate) struct Stream {
    context: Arc<Context>,
    raw: CUstream,
    wakers: Mutex<Vec<WakerStream>>,
}

/// A stream that does nothing but wake futures, so that a callback never holds up the work of the stream that it tells about.
#[derive(Debug)]
struct WakerStream {
    stream: Stream,
    /// The newest completion that it was given; an older one would have to wait for that one here.
    newest: u64,
}

// SAFETY: "The CUDA driver API is thread-safe"; a stream handle may be used from any thread.
unsafe impl Send for Stream {}
// SAFETY: as above; what else changes is behind a mutex.
unsafe impl Sync for Stream {}

impl Stream {
    pub(crate) fn new(context: &Arc<Context>, priority: i32) -> Result<Self> {
        context.bind()?;
        let driver = context.driver();
        let mut raw: CUstream = std::ptr::null_mut();
        // SAFETY: a context is current, and `raw` can be written to.
        let code = unsafe { (driver.cuStreamCreateWithPriority)(&raw mut raw, NON_BLOCKING, c_int::from(priority)) };
        driver.check(code, "create a stream")?;
        Ok(Stream { context: Arc::clone(context), raw, wakers: Mutex::default() })
    }

    pub(crate) fn default_of(context: &Arc<Context>) -> Self {
        Stream { context: Arc::clone(context), raw: std::ptr::null_mut(), wakers: Mutex::default() }
    }

    pub(crate) fn as_raw(&self) -> *mut c_void {
        self.raw.cast()
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(super) fn raw(&self) -> CUstream {
        self.raw
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, and the stream lives.
        driver.check(unsafe { (driver.cuStreamSynchronize)(self.raw) }, "run the work of a stream")
    }

    pub(crate) fn is_idle(&self) -> Result<bool> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, and the stream lives.
        driver.ready(unsafe { (driver.cuStreamQuery)(self.raw) }, "run the work of a stream")
    }

    pub(crate) fn wait(&self, event: &Event) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, and both handles live.
        driver.check(unsafe { (driver.cuStreamWaitEvent)(self.raw, event.raw(), 0) }, "make a stream wait for an event")
    }

    /// Copies from pinned to device memory.
    ///
    /// # Safety
    ///
    /// Both ranges stay allocated, and are used by nothing else, until the copy is done.
    pub(crate) unsafe fn copy_to_device(&self, from: NonNull<u8>, to: NonNull<u8>, bytes: usize) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        let from = from.as_ptr().cast_const().cast();
        // SAFETY: a context is current, the stream lives, and the caller vouches for the ranges.
        let code = unsafe { (driver.cuMemcpyHtoDAsync_v2)(address(to), from, bytes, self.raw) };
        driver.check(code, "copy to the device")
    }

    /// Copies from device to pinned memory.
    ///
    /// # Safety
    ///
    /// Both ranges stay allocated, and are used by nothing else, until the copy is done.
    pub(crate) unsafe fn copy_to_host(&self, from: NonNull<u8>, to: NonNull<u8>, bytes: usize) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, the stream lives, and the caller vouches for the ranges.
        let code = unsafe { (driver.cuMemcpyDtoHAsync_v2)(to.as_ptr().cast(), address(from), bytes, self.raw) };
        driver.check(code, "copy to the host")
    }

    /// Copies within device memory.
    ///
    /// # Safety
    ///
    /// Both ranges stay allocated, and are used by nothing else, until the copy is done.
    pub(crate) unsafe fn copy_device(&self, from: NonNull<u8>, to: NonNull<u8>, bytes: usize) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, the stream lives, and the caller vouches for the ranges.
        let code = unsafe { (driver.cuMemcpyDtoDAsync_v2)(address(to), address(from), bytes, self.raw) };
        driver.check(code, "copy within the device")
    }

    /// Fills device memory with a byte.
    ///
    /// # Safety
    ///
    /// The range stays allocated, and is used by nothing else, until the fill is done.
    pub(crate) unsafe fn fill(&self, to: NonNull<u8>, value: u8, bytes: usize) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, the stream lives, and the caller vouches for the range.
        driver.check(unsafe { (driver.cuMemsetD8Async)(address(to), value, bytes, self.raw) }, "fill device memory")
    }

    pub(crate) fn launch_host(&self, function: Box<dyn FnOnce() + Send>) -> Result<()> {
        self.add_callback(Box::new(move |outcome| {
            if outcome.is_ok() {
                function();
            }
        }))
    }

    /// Wakes a future once an event is reached. `sequence` numbers the completions of this stream.
    pub(crate) fn notify_when(&self, event: &Event, sequence: u64, notify: &Arc<Notify>) -> Result<()> {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let free =
            wakers.iter().position(|waker| waker.newest <= sequence || matches!(waker.stream.is_idle(), Ok(true)));
        let index = match free {
            Some(index) => index,
            None => {
                wakers.push(WakerStream { stream: Stream::new(&self.context, 0)?, newest: 0 });
                wakers.len() - 1
            }
        };
        let waker = &mut wakers[index];
        waker.newest = sequence;
        waker.stream.wait(event)?;
        let notify = Arc::clone(notify);
        waker.stream.add_callback(Box::new(move |outcome| notify.fire(outcome)))
    }

    fn add_callback(&self, function: Callback) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        let data = Box::into_raw(Box::new(Called { function, context: Arc::clone(&self.context) }));
        // SAFETY: a context is current and the stream lives; `call` has the type that CUDA calls, and gets the box that it expects.
        let code = unsafe { (driver.cuStreamAddCallback)(self.raw, call, data.cast(), 0) };
        driver.check(code, "enqueue a host function").inspect_err(|_| {
            // SAFETY: the driver refused the callback, so the box is still ours.
            drop(unsafe { Box::from_raw(data) });
        })
    }
}

type Callback = Box<dyn FnOnce(Result<()>) + Send>;

/// What a callback of the driver is given.
struct Called {
    function: Callback,
    context: Arc<Context>,
}

/// Called by the driver, once for each callback that it accepted, with the status of the work before it.
///
/// # Safety
///
/// `data` is a `Called` from `Box::into_raw` that nothing else owns.
unsafe extern "C" fn call(_stream: CUstream, status: u32, data: *mut c_void) {
    let _inside = callback::Inside::enter();
    // SAFETY: the driver passes back what `add_callback` gave it, once.
    let called = unsafe { Box::from_raw(data.cast::<Called>()) };
    let Called { function, context } = *called;
    // The driver must not be called here, not even for the name of an error.
    let outcome = match status {
        0 => Ok(()),
        code => Err(Error::new(kind(code), format!("run the work of a stream: CUDA error {code}"))),
    };
    if catch_unwind(AssertUnwindSafe(|| function(outcome))).is_err() {
        context.deferred().record(Error::operation("run a host function on a stream: it panicked"));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.raw.is_null() {
            return;
        }
        let (context, handle) = (Arc::clone(&self.context), Handle(self.raw));
        callback::run_outside(move || {
            let Handle(raw) = { handle };
            let outcome = context.bind().and_then(|()| {
                // SAFETY: the stream is destroyed once, by its owner; the driver finishes the work that it holds.
                let code = unsafe { (context.driver().cuStreamDestroy_v2)(raw) };
                context.driver().check(code, "destroy a stream")
            });
            context.keep(outcome);
        });
    }
}

/// A stream handle on its way to be destroyed, perhaps on another thread.
struct Handle(CUstream);

// SAFETY: a stream handle may be used from any thread.
unsafe impl Send for Handle {}

/// The address of device memory as the driver's functions take it.
fn address(pointer: NonNull<u8>) -> CUdeviceptr {
    pointer.as_ptr().expose_provenance() as CUdeviceptr
}
