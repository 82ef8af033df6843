//! A point in a stream's work that can be waited for, and timed.

use std::ffi::c_void;
use std::sync::Arc;

use crate::backend::Backend;
use crate::callback;
use crate::cuda;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::host::HostEvent;
use crate::stream::{RawStream, Stream, StreamInner};

/// A marker in the work of a stream.
///
/// Recording puts the marker behind everything the stream holds at that moment; an event may be recorded again, and then stands for
/// the newest record. Cloning gives another handle to the same event.
#[derive(Debug, Clone)]
#[doc(alias = "CUevent")]
#[doc(alias = "cudaEvent_t")]
pub struct Event {
    device: Device,
    pub(crate) inner: Arc<EventInner>,
}

impl Event {
    /// Makes an event for ordering work, which costs less than one that keeps time.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[doc(alias = "cuEventCreate")]
    pub fn new(device: &Device) -> Result<Self> {
        Self::create(device, false)
    }

    /// Makes an event that also notes the time at which the stream reaches it.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn with_timing(device: &Device) -> Result<Self> {
        Self::create(device, true)
    }

    fn create(device: &Device, timing: bool) -> Result<Self> {
        callback::refuse("create an event")?;
        device.check()?;
        Ok(Event { device: device.clone(), inner: Arc::new(EventInner::new(device.backend(), timing)?) })
    }

    /// The device the event was made for.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Puts the event behind the work that the stream holds now.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is of another device, or the error with which the stream's work failed.
    #[doc(alias = "cuEventRecord")]
    pub fn record(&self, stream: &Stream) -> Result<()> {
        callback::refuse("record an event")?;
        self.device.same_as(stream.device(), "record an event")?;
        self.inner.record(&stream.inner)
    }

    /// Blocks until the newest record is reached; returns at once if there is none.
    ///
    /// # Errors
    ///
    /// The error with which the work before the event failed, or `NotPermitted` inside a host callback.
    #[doc(alias = "cuEventSynchronize")]
    pub fn synchronize(&self) -> Result<()> {
        self.inner.synchronize()
    }

    /// Whether the newest record has been reached; true if there is none.
    ///
    /// # Errors
    ///
    /// The error with which the work before the event failed.
    #[doc(alias = "cuEventQuery")]
    pub fn is_complete(&self) -> Result<bool> {
        self.inner.query()
    }

    /// The time between two events made by [`Event::with_timing`], in milliseconds.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if an event does not keep time, was never recorded, or is not reached yet.
    #[doc(alias = "cuEventElapsedTime")]
    pub fn elapsed_ms(start: &Event, end: &Event) -> Result<f32> {
        callback::refuse("measure the time between events")?;
        match (&start.inner.raw, &end.inner.raw) {
            (RawEvent::Cuda(start), RawEvent::Cuda(end)) => cuda::Event::elapsed_ms(start, end),
            (RawEvent::Host(start), RawEvent::Host(end)) => HostEvent::elapsed_ms(start, end),
            _ => Err(Error::invalid(
                "measure the time between events: one is of the GPU, the other of the emulated device",
            )),
        }
    }

    /// The event as CUDA's `cudaEvent_t`. It is valid while this event or a clone of it lives.
    ///
    /// On the emulated device it is a handle that [`host::HostEventRef::from_raw`](crate::host::HostEventRef::from_raw) understands.
    #[must_use]
    pub fn as_raw(&self) -> *mut c_void {
        match &self.inner.raw {
            RawEvent::Cuda(event) => event.as_raw(),
            RawEvent::Host(event) => std::ptr::from_ref(event).cast_mut().cast(),
        }
    }
}

/// The event itself, without the device: memory that waits to be freed holds these, and the device holds that memory.
#[derive(Debug)]
pub(crate) struct EventInner {
    pub(crate) raw: RawEvent,
}

#[derive(Debug)]
pub(crate) enum RawEvent {
    Cuda(cuda::Event),
    Host(HostEvent),
}

impl EventInner {
    pub(crate) fn new(backend: &Backend, timing: bool) -> Result<Self> {
        Ok(EventInner {
            raw: match backend {
                Backend::Cuda(context) => RawEvent::Cuda(cuda::Event::new(context, timing)?),
                Backend::Host(_) => RawEvent::Host(HostEvent::new(timing)),
            },
        })
    }

    pub(crate) fn record(&self, stream: &StreamInner) -> Result<()> {
        stream.not_capturing("record an event")?;
        match (&self.raw, &stream.raw) {
            (RawEvent::Cuda(event), RawStream::Cuda(stream)) => event.record(stream),
            (RawEvent::Host(event), RawStream::Host(stream)) => event.record(stream.core()),
            _ => Err(Error::invalid("record an event: event and stream are of two kinds of device")),
        }
    }

    pub(crate) fn query(&self) -> Result<bool> {
        callback::refuse("ask whether an event is reached")?;
        match &self.raw {
            RawEvent::Cuda(event) => event.query(),
            RawEvent::Host(event) => event.query(),
        }
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        callback::refuse("wait for an event")?;
        match &self.raw {
            RawEvent::Cuda(event) => event.synchronize(),
            RawEvent::Host(event) => event.synchronize(),
        }
    }
}
