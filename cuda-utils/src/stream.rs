//! A queue of work that a device carries out in order.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::backend::Backend;
use crate::callback;
use crate::completion::{Completion, Notify};
use crate::cuda;
use crate::device::Device;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventInner, RawEvent};
use crate::host::HostStream;

/// A stream: what is enqueued on it runs in order, later, and beside the work of other streams.
///
/// Handles are cheap to clone and may be used from any thread. Dropping the last one lets the work that is enqueued finish.
#[derive(Debug, Clone)]
#[doc(alias = "CUstream")]
#[doc(alias = "cudaStream_t")]
pub struct Stream {
    pub(crate) inner: Arc<StreamInner>,
}

#[derive(Debug)]
pub(crate) struct StreamInner {
    pub(crate) device: Device,
    /// Unlike an address, never used twice in a process.
    pub(crate) id: u64,
    pub(crate) raw: RawStream,
    events: Mutex<Vec<Arc<EventInner>>>,
    completions: AtomicU64,
    capturing: AtomicBool,
}

#[derive(Debug)]
pub(crate) enum RawStream {
    Cuda(cuda::Stream),
    Host(HostStream),
}

impl Stream {
    /// Makes a stream that does not wait for the default stream.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[doc(alias = "cuStreamCreate")]
    pub fn new(device: &Device) -> Result<Self> {
        Self::with_priority(device, 0)
    }

    /// Makes a stream whose waiting work is preferred over that of streams with a higher number; the driver clamps the number to what
    /// the device offers (often -5 to 0). The emulated device takes any number and treats all streams alike.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[doc(alias = "cuStreamCreateWithPriority")]
    pub fn with_priority(device: &Device, priority: i32) -> Result<Self> {
        callback::refuse("create a stream")?;
        device.check()?;
        let id = StreamInner::next_id();
        Ok(match device.backend() {
            Backend::Cuda(context) => {
                let raw = RawStream::Cuda(cuda::Stream::new(context, priority)?);
                Stream { inner: Arc::new(StreamInner::over(device, id, raw)) }
            }
            Backend::Host(host) => Stream {
                inner: Arc::new_cyclic(|owner| {
                    StreamInner::over(device, id, RawStream::Host(HostStream::new(host, id, Weak::clone(owner))))
                }),
            },
        })
    }

    pub(crate) fn over_default(device: &Device, id: u64) -> Self {
        Stream {
            inner: Arc::new_cyclic(|owner| {
                let raw = match device.backend() {
                    Backend::Cuda(context) => RawStream::Cuda(cuda::Stream::default_of(context)),
                    Backend::Host(host) => RawStream::Host(HostStream::default_of(host, Weak::clone(owner))),
                };
                StreamInner::over(device, id, raw)
            }),
        }
    }

    /// The device the stream belongs to.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.inner.device
    }

    /// Blocks until all work enqueued so far is done.
    ///
    /// # Errors
    ///
    /// The error with which the work failed.
    #[doc(alias = "cuStreamSynchronize")]
    pub fn synchronize(&self) -> Result<()> {
        callback::refuse("synchronize a stream")?;
        self.inner.not_capturing("synchronize a stream")?;
        self.device().check()?;
        match &self.inner.raw {
            RawStream::Cuda(stream) => stream.synchronize(),
            RawStream::Host(stream) => stream.core().synchronize(),
        }?;
        self.device().check()
    }

    /// Whether all work enqueued so far is done.
    ///
    /// # Errors
    ///
    /// The error with which the work failed.
    #[doc(alias = "cuStreamQuery")]
    pub fn is_idle(&self) -> Result<bool> {
        callback::refuse("ask whether a stream is idle")?;
        self.inner.not_capturing("ask whether a stream is idle")?;
        match &self.inner.raw {
            RawStream::Cuda(stream) => stream.is_idle(),
            RawStream::Host(stream) => stream.core().is_idle(),
        }
    }

    /// Makes work that is enqueued from now on wait until the event's newest record is reached. What counts is the record at the time
    /// of this call; an event that was never recorded is not waited for.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the event is of another kind of device, or what the driver reports.
    #[doc(alias = "cuStreamWaitEvent")]
    pub fn wait(&self, event: &Event) -> Result<()> {
        callback::refuse("make a stream wait for an event")?;
        self.inner.wait(&event.inner)
    }

    /// Runs a closure on a thread of the driver (or of the emulated stream) once the work enqueued so far is done; later work waits for
    /// it. The closure must not call CUDA, so must not use this crate: such calls return `NotPermitted`. If earlier work
    /// failed the closure is dropped without being called. A panic in it is contained and becomes an error of the stream.
    ///
    /// # Errors
    ///
    /// The error with which earlier work failed, or what the driver reports.
    #[doc(alias = "cuLaunchHostFunc")]
    #[doc(alias = "cuStreamAddCallback")]
    pub fn launch_host(&self, function: impl FnOnce() + Send + 'static) -> Result<()> {
        callback::refuse("launch a host function")?;
        self.inner.not_capturing("launch a host function")?;
        self.device().check()?;
        match &self.inner.raw {
            RawStream::Cuda(stream) => stream.launch_host(Box::new(function)),
            RawStream::Host(stream) => stream.core().launch_host(Box::new(function)),
        }
    }

    /// The moment at which everything enqueued so far is done, as a future and something to wait on.
    ///
    /// # Errors
    ///
    /// The error with which earlier work failed, or what the driver reports.
    pub fn completion(&self) -> Result<Completion> {
        callback::refuse("ask for a completion")?;
        let event = self.inner.recorded_event()?;
        let sequence = self.inner.completions.fetch_add(1, Ordering::Relaxed);
        Ok(Completion::new(self.clone(), event, sequence))
    }

    /// The stream as CUDA's `cudaStream_t`; null for a GPU's default stream. It is valid while this stream or a clone of it lives.
    ///
    /// On the emulated device it is a handle that [`host::HostStreamRef::from_raw`](crate::host::HostStreamRef::from_raw) understands.
    #[must_use]
    pub fn as_raw(&self) -> *mut c_void {
        match &self.inner.raw {
            RawStream::Cuda(stream) => stream.as_raw(),
            RawStream::Host(stream) => std::ptr::from_ref(stream).cast_mut().cast(),
        }
    }
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        self.inner.id == other.inner.id
    }
}

impl Eq for Stream {}

impl StreamInner {
    fn over(device: &Device, id: u64, raw: RawStream) -> Self {
        StreamInner {
            device: device.clone(),
            id,
            raw,
            events: Mutex::default(),
            completions: AtomicU64::new(0),
            capturing: AtomicBool::new(false),
        }
    }

    /// Marks the stream as capturing until the guard is dropped.
    pub(crate) fn begin_capture(&self) -> Result<Capturing<'_>> {
        if self.capturing.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorKind::NotPermitted, "capture a graph: the stream is capturing already"));
        }
        Ok(Capturing(&self.capturing))
    }

    /// Refuses what would be recorded into a graph, or cannot be done meanwhile.
    #[inline]
    pub(crate) fn not_capturing(&self, what: &str) -> Result<()> {
        if self.capturing.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::NotPermitted, format!("{what}: the stream is capturing a graph")));
        }
        Ok(())
    }

    /// A number that no other stream of this process has or will have; never 0.
    pub(crate) fn next_id() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn wait(&self, event: &EventInner) -> Result<()> {
        self.not_capturing("make a stream wait for an event")?;
        match (&self.raw, &event.raw) {
            (RawStream::Cuda(stream), RawEvent::Cuda(event)) => stream.wait(event),
            (RawStream::Host(stream), RawEvent::Host(event)) => stream.core().wait_event(event),
            _ => Err(Error::invalid("make a stream wait: event and stream are of two kinds of device")),
        }
    }

    /// An event recorded behind the work enqueued so far. It comes from the stream's pool, to which it returns when the last other
    /// reference to it is dropped, so nothing is allocated once the pool is warm.
    pub(crate) fn recorded_event(&self) -> Result<Arc<EventInner>> {
        let event = self.pooled_event()?;
        event.record(self)?;
        Ok(event)
    }

    fn pooled_event(&self) -> Result<Arc<EventInner>> {
        let mut pool = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        // A count of one means that only the pool refers to it, and nobody else can make it two without this lock.
        if let Some(event) = pool.iter_mut().find_map(|slot| Arc::get_mut(slot).is_some().then_some(&*slot)) {
            return Ok(Arc::clone(event));
        }
        let event = Arc::new(EventInner::new(self.device.backend(), false)?);
        pool.push(Arc::clone(&event));
        Ok(event)
    }

    /// Has `notify` fired once the event, a record of this stream made by the completion with this sequence number, is reached.
    pub(crate) fn notify_when(&self, event: &EventInner, sequence: u64, notify: &Arc<Notify>) -> Result<()> {
        match (&self.raw, &event.raw) {
            (RawStream::Cuda(stream), RawEvent::Cuda(event)) => stream.notify_when(event, sequence, notify),
            (RawStream::Host(_), RawEvent::Host(event)) => {
                event.notify_when(notify);
                Ok(())
            }
            _ => Err(Error::invalid("wait for a completion: event and stream are of two kinds of device")),
        }
    }
}

/// A stream that is capturing.
pub(crate) struct Capturing<'s>(&'s AtomicBool);

impl Drop for Capturing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
