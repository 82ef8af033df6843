//! A GPU, or the emulated device that stands in for one.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use crate::backend::Backend;
use crate::callback;
use crate::cuda;
use crate::error::{Error, Result};
use crate::host::{HostDevice, HostOptions};
use crate::memory::Graveyard;
use crate::stream::{Stream, StreamInner};

/// A CUDA device with its primary context, or an emulated device on the host.
///
/// Streams, events and buffers keep their device alive. Handles are cheap to clone and may be used from any thread: every call makes
/// the context current on the thread it is made on.
#[derive(Debug, Clone)]
#[doc(alias = "CUdevice")]
#[doc(alias = "CUcontext")]
pub struct Device {
    pub(crate) inner: Arc<DeviceInner>,
}

/// How much memory a device has, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryInfo {
    /// Memory that can still be allocated.
    pub free: u64,
    /// All memory of the device, or the emulated device's limit.
    pub total: u64,
}

impl MemoryInfo {
    pub(crate) fn new(free: u64, total: u64) -> Self {
        MemoryInfo { free, total }
    }
}

#[derive(Debug)]
pub(crate) struct DeviceInner {
    backend: Backend,
    pub(crate) graves: Graveyard,
    default_stream: Mutex<Weak<StreamInner>>,
    default_stream_id: u64,
}

impl Device {
    /// Opens the GPU with the given ordinal. Opening the same GPU again gives the same device while the first is alive.
    ///
    /// # Errors
    ///
    /// `NoDriver` if libcuda is not on this machine or too old, `NoDevice` if it finds no such GPU; never a panic, and never a silent
    /// change to the emulated device, which [`Device::host`] gives.
    #[doc(alias = "cuDevicePrimaryCtxRetain")]
    pub fn cuda(ordinal: usize) -> Result<Self> {
        static OPEN: OnceLock<Mutex<HashMap<usize, Weak<DeviceInner>>>> = OnceLock::new();
        callback::refuse("open a CUDA device")?;
        let mut open = OPEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = open.get(&ordinal).and_then(Weak::upgrade) {
            return Ok(Device { inner });
        }
        let device = Device::over(Backend::Cuda(Arc::new(cuda::Context::new(ordinal)?)));
        open.insert(ordinal, Arc::downgrade(&device.inner));
        Ok(device)
    }

    /// The number of GPUs that the CUDA driver sees.
    ///
    /// # Errors
    ///
    /// `NoDriver` if libcuda is not on this machine, or what the driver reports.
    #[doc(alias = "cuDeviceGetCount")]
    pub fn count() -> Result<usize> {
        callback::refuse("count CUDA devices")?;
        cuda::Context::count()
    }

    /// The emulated device that the whole process shares.
    #[must_use]
    pub fn host() -> Self {
        static SHARED: OnceLock<Device> = OnceLock::new();
        SHARED.get_or_init(|| Device::host_with(HostOptions::new())).clone()
    }

    /// A new emulated device with options of its own, such as a memory limit.
    #[must_use]
    pub fn host_with(options: HostOptions) -> Self {
        Device::over(Backend::Host(Arc::new(HostDevice::new(options))))
    }

    fn over(backend: Backend) -> Self {
        Device {
            inner: Arc::new(DeviceInner {
                default_stream_id: match &backend {
                    Backend::Cuda(_) => StreamInner::next_id(),
                    Backend::Host(device) => device.default_core().id(),
                },
                backend,
                graves: Graveyard::default(),
                default_stream: Mutex::default(),
            }),
        }
    }

    /// Whether this is an emulated device.
    #[must_use]
    pub fn is_host(&self) -> bool {
        matches!(self.inner.backend, Backend::Host(_))
    }

    /// The name the driver gives, such as `NVIDIA L4`, or that of the emulated device.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.inner.backend {
            Backend::Cuda(context) => context.name(),
            Backend::Host(device) => device.name(),
        }
    }

    /// The number with which the device was opened; 0 for an emulated device.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        match &self.inner.backend {
            Backend::Cuda(context) => context.ordinal(),
            Backend::Host(_) => 0,
        }
    }

    /// The compute capability, major and minor; `None` for an emulated device.
    #[must_use]
    pub fn compute_capability(&self) -> Option<(u32, u32)> {
        match &self.inner.backend {
            Backend::Cuda(context) => Some(context.compute_capability()),
            Backend::Host(_) => None,
        }
    }

    /// The newest CUDA version that the driver supports, major and minor; `None` for an emulated device.
    #[must_use]
    #[doc(alias = "cuDriverGetVersion")]
    pub fn driver_version(&self) -> Option<(u32, u32)> {
        match &self.inner.backend {
            Backend::Cuda(context) => Some(context.driver_version()),
            Backend::Host(_) => None,
        }
    }

    /// How much memory the device has, and how much of it is free.
    ///
    /// # Errors
    ///
    /// What the driver reports. `Unsupported` for an emulated device without a limit where the host's memory cannot be read.
    #[doc(alias = "cuMemGetInfo")]
    pub fn memory_info(&self) -> Result<MemoryInfo> {
        callback::refuse("ask for the device's memory")?;
        self.check()?;
        self.inner.graves.reap();
        match &self.inner.backend {
            Backend::Cuda(context) => context.memory_info(),
            Backend::Host(device) => device.memory_info(),
        }
    }

    /// Blocks until all work on all streams of the device is done.
    ///
    /// # Errors
    ///
    /// The error with which the work of a stream failed, or one that could not be reported when it happened (in a drop).
    #[doc(alias = "cuCtxSynchronize")]
    pub fn synchronize(&self) -> Result<()> {
        callback::refuse("synchronize a device")?;
        self.check()?;
        match &self.inner.backend {
            Backend::Cuda(context) => context.synchronize(),
            Backend::Host(device) => device.synchronize(),
        }?;
        self.inner.graves.reap();
        self.check()
    }

    /// Makes the device's context current on the calling thread, for calls into other CUDA libraries (or of an emulated device, into
    /// libraries that ask [`host::current_device`](crate::host::current_device)). Nothing in this crate needs it.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[doc(alias = "cuCtxSetCurrent")]
    pub fn make_current(&self) -> Result<()> {
        callback::refuse("make a device current")?;
        match &self.inner.backend {
            Backend::Cuda(context) => context.bind(),
            Backend::Host(_) => {
                crate::host::set_current_device(self);
                Ok(())
            }
        }
    }

    /// Whether an address that a library passed is of device memory, which the host cannot write to. Always false for an emulated device,
    /// whose memory is the host's.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    #[doc(alias = "cuPointerGetAttribute")]
    pub fn holds(&self, address: *const c_void) -> Result<bool> {
        callback::refuse("ask what memory an address is of")?;
        match &self.inner.backend {
            Backend::Cuda(context) => context.holds(address),
            Backend::Host(_) => Ok(false),
        }
    }

    /// Copies bytes to an address of device memory that a library passed, and waits until they are there.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    ///
    /// # Safety
    ///
    /// There is room for the bytes, which nothing else uses meanwhile; the stream is null or a stream of this device.
    #[doc(alias = "cuMemcpyHtoDAsync")]
    pub unsafe fn write_raw(&self, to: *mut c_void, bytes: &[u8], stream: *mut c_void) -> Result<()> {
        callback::refuse("copy to the device")?;
        match &self.inner.backend {
            // SAFETY: the caller vouches for destination and stream.
            Backend::Cuda(context) => unsafe { context.write(to, bytes, stream) },
            Backend::Host(_) => {
                // SAFETY: the caller says that there is room for the bytes; the memory of an emulated device is the host's.
                unsafe { std::ptr::copy(bytes.as_ptr(), to.cast::<u8>(), bytes.len()) };
                Ok(())
            }
        }
    }

    /// The device's default stream: the one that a null `cudaStream_t` means.
    #[must_use]
    pub fn default_stream(&self) -> Stream {
        let mut slot = self.inner.default_stream.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = slot.upgrade() {
            return Stream { inner };
        }
        let stream = Stream::over_default(self, self.inner.default_stream_id);
        *slot = Arc::downgrade(&stream.inner);
        stream
    }

    /// A handle that does not keep the device.
    pub(crate) fn downgrade(&self) -> Weak<DeviceInner> {
        Arc::downgrade(&self.inner)
    }

    /// The device of a handle, while it exists.
    pub(crate) fn upgrade(inner: &Weak<DeviceInner>) -> Option<Self> {
        inner.upgrade().map(|inner| Self { inner })
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.inner.backend
    }

    /// Surfaces an error that could not be reported when it happened.
    pub(crate) fn check(&self) -> Result<()> {
        if let Backend::Host(host) = &self.inner.backend {
            host.faults().check()?;
        }
        self.inner.backend.deferred().take()
    }

    /// Fails unless both are the same device.
    pub(crate) fn same_as(&self, other: &Device, what: &str) -> Result<()> {
        if self == other {
            return Ok(());
        }
        Err(Error::invalid(format!("{what}: objects of two devices, {} and {}", self.name(), other.name())))
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Device {}
