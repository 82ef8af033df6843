//! The primary context of a GPU, and its memory.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::NonNull;

use cudarc::driver::sys::{CUcontext, CUdevice, CUdevice_attribute, CUdeviceptr};

use super::driver::Driver;
use crate::callback;
use crate::device::MemoryInfo;
use crate::error::{Deferred, Error, ErrorKind, Result};
use crate::memory::Place;

/// A retained primary context: the one that CUDA's runtime, and so TensorRT, works in.
#[derive(Debug)]
pub(crate) struct Context {
    driver: &'static Driver,
    device: CUdevice,
    raw: CUcontext,
    ordinal: usize,
    name: String,
    compute_capability: (u32, u32),
    driver_version: (u32, u32),
    deferred: Deferred,
}

// SAFETY: "The CUDA driver API is thread-safe", and a context may be current on any number of threads at a time; what else is in here
// does not change.
unsafe impl Send for Context {}
// SAFETY: as above; the only part that changes, `deferred`, is Sync itself.
unsafe impl Sync for Context {}

impl Context {
    pub(crate) fn count() -> Result<usize> {
        count(Driver::get()?)
    }

    pub(crate) fn new(ordinal: usize) -> Result<Self> {
        let driver = Driver::get()?;
        let count = count(driver)?;
        if ordinal >= count {
            return Err(Error::new(
                ErrorKind::NoDevice,
                format!(
                    "open CUDA device {ordinal}: the driver sees {count} devices; the emulated device, Device::host(), needs none"
                ),
            ));
        }
        let number =
            c_int::try_from(ordinal).map_err(|_| Error::invalid("open a CUDA device: the ordinal is too large"))?;
        let mut device: CUdevice = 0;
        // SAFETY: `device` can be written to.
        driver.check(unsafe { (driver.cuDeviceGet)(&raw mut device, number) }, "open a CUDA device")?;
        let name = name(driver, device)?;
        let compute_capability = (
            attribute(driver, device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(driver, device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        );
        let mut version: c_int = 0;
        // SAFETY: `version` can be written to.
        let code = unsafe { (driver.cuDriverGetVersion)(&raw mut version) };
        driver.check(code, "ask for the driver's version")?;
        let version = version.unsigned_abs();
        let mut raw: CUcontext = std::ptr::null_mut();
        // SAFETY: `device` came from `cuDeviceGet`, and `raw` can be written to.
        let code = unsafe { (driver.cuDevicePrimaryCtxRetain)(&raw mut raw, device) };
        driver.check(code, "retain the primary context")?;
        Ok(Context {
            driver,
            device,
            raw,
            ordinal,
            name,
            compute_capability,
            driver_version: (version / 1000, version % 1000 / 10),
            deferred: Deferred::default(),
        })
    }

    pub(super) fn driver(&self) -> &'static Driver {
        self.driver
    }

    pub(crate) fn deferred(&self) -> &Deferred {
        &self.deferred
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub(crate) fn compute_capability(&self) -> (u32, u32) {
        self.compute_capability
    }

    pub(crate) fn driver_version(&self) -> (u32, u32) {
        self.driver_version
    }

    /// Makes the context current on this thread, unless it is.
    pub(crate) fn bind(&self) -> Result<()> {
        let what = "make the context current";
        let mut current: CUcontext = std::ptr::null_mut();
        // SAFETY: `current` can be written to.
        self.driver.check(unsafe { (self.driver.cuCtxGetCurrent)(&raw mut current) }, what)?;
        if current == self.raw {
            return Ok(());
        }
        // SAFETY: `raw` is the primary context, retained until this is dropped.
        self.driver.check(unsafe { (self.driver.cuCtxSetCurrent)(self.raw) }, what)
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        self.bind()?;
        // SAFETY: a context is current.
        self.driver.check(unsafe { (self.driver.cuCtxSynchronize)() }, "synchronize the device")
    }

    pub(crate) fn memory_info(&self) -> Result<MemoryInfo> {
        self.bind()?;
        let (mut free, mut total) = (0_usize, 0_usize);
        // SAFETY: a context is current, and both numbers can be written to.
        let code = unsafe { (self.driver.cuMemGetInfo_v2)(&raw mut free, &raw mut total) };
        self.driver.check(code, "ask for the device's memory")?;
        Ok(MemoryInfo::new(free as u64, total as u64))
    }

    /// Allocates memory with unspecified contents (device) or zeroes (pinned).
    pub(crate) fn allocate(&self, place: Place, bytes: usize) -> Result<NonNull<u8>> {
        self.bind()?;
        let size = bytes.max(1);
        let pointer = match place {
            Place::Device => {
                let mut address: CUdeviceptr = 0;
                // SAFETY: a context is current, and `address` can be written to.
                let code = unsafe { (self.driver.cuMemAlloc_v2)(&raw mut address, size) };
                self.driver.check(code, &format!("allocate {bytes} bytes of device memory on {}", self.name))?;
                usize::try_from(address).ok().map(std::ptr::with_exposed_provenance_mut::<u8>)
            }
            Place::Pinned => {
                let mut pointer: *mut c_void = std::ptr::null_mut();
                /// `CU_MEMHOSTALLOC_PORTABLE`: pinned for every context, not only this one.
                const PORTABLE: c_uint = 1;
                // SAFETY: a context is current, and `pointer` can be written to.
                let code = unsafe { (self.driver.cuMemHostAlloc)(&raw mut pointer, size, PORTABLE) };
                self.driver.check(code, &format!("allocate {bytes} bytes of pinned memory"))?;
                if !pointer.is_null() {
                    // SAFETY: the driver gave `size` bytes at `pointer`.
                    unsafe { std::ptr::write_bytes(pointer.cast::<u8>(), 0, size) };
                }
                Some(pointer.cast())
            }
        };
        pointer.and_then(NonNull::new).ok_or_else(|| {
            Error::new(
                ErrorKind::OutOfMemory,
                format!("allocate {bytes} bytes of {place} memory: the driver gave no address"),
            )
        })
    }

    /// Whether an address is of device memory.
    pub(crate) fn holds(&self, address: *const c_void) -> Result<bool> {
        /// `CU_POINTER_ATTRIBUTE_MEMORY_TYPE`.
        const MEMORY_TYPE: c_uint = 2;
        /// `CU_MEMORYTYPE_DEVICE`.
        const DEVICE: c_uint = 2;
        /// `CUDA_ERROR_INVALID_VALUE`: the driver does not know the address, so it is the host's.
        const UNKNOWN: u32 = 1;
        self.bind()?;
        let mut kind: c_uint = 0;
        let pointer = address.expose_provenance() as CUdeviceptr;
        // SAFETY: a context is current, and the attribute has the size of `kind`, which can be written to.
        let code = unsafe { (self.driver.cuPointerGetAttribute)((&raw mut kind).cast(), MEMORY_TYPE, pointer) };
        if code == UNKNOWN {
            return Ok(false);
        }
        self.driver.check(code, "ask what memory an address is of")?;
        Ok(kind == DEVICE)
    }

    /// Copies bytes to device memory on a raw stream, and waits until they are there.
    ///
    /// # Safety
    ///
    /// There is room for the bytes, which nothing else uses meanwhile; the stream is one of this context.
    pub(crate) unsafe fn write(&self, to: *mut c_void, bytes: &[u8], stream: *mut c_void) -> Result<()> {
        self.bind()?;
        let to = to.expose_provenance() as CUdeviceptr;
        let from = bytes.as_ptr().cast();
        // SAFETY: a context is current; the caller vouches for destination and stream.
        let code = unsafe { (self.driver.cuMemcpyHtoDAsync_v2)(to, from, bytes.len(), stream.cast()) };
        self.driver.check(code, "copy to the device")?;
        // SAFETY: a context is current; the caller vouches for the stream.
        self.driver.check(unsafe { (self.driver.cuStreamSynchronize)(stream.cast()) }, "copy to the device")
    }

    /// Frees memory; a failure surfaces on the device's next call.
    ///
    /// # Safety
    ///
    /// `pointer` came from `allocate` of this context with the same place, is freed once, and is used by nothing any more.
    pub(crate) unsafe fn free(&self, place: Place, pointer: NonNull<u8>) {
        let outcome = self.bind().and_then(|()| {
            let code = match place {
                Place::Device => {
                    let address = pointer.as_ptr().expose_provenance() as CUdeviceptr;
                    // SAFETY: a context is current; the caller says that the memory is this context's and unused.
                    unsafe { (self.driver.cuMemFree_v2)(address) }
                }
                // SAFETY: a context is current; the caller says that the memory is this context's and unused.
                Place::Pinned => unsafe { (self.driver.cuMemFreeHost)(pointer.as_ptr().cast()) },
            };
            self.driver.check(code, &format!("free {place} memory"))
        });
        self.keep(outcome);
    }

    /// Keeps an error that cannot be returned for the device's next call.
    pub(super) fn keep(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.deferred.record(error);
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let (driver, device) = (self.driver, self.device);
        callback::run_outside(move || {
            // SAFETY: this context retained the primary context once. There is nobody left to report a failure to.
            unsafe { (driver.cuDevicePrimaryCtxRelease_v2)(device) };
        });
    }
}

fn count(driver: &Driver) -> Result<usize> {
    let mut count: c_int = 0;
    // SAFETY: `count` can be written to.
    driver.check(unsafe { (driver.cuDeviceGetCount)(&raw mut count) }, "count CUDA devices")?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn name(driver: &Driver, device: CUdevice) -> Result<String> {
    let mut name: [c_char; 256] = [0; 256];
    // SAFETY: `name` has room for 256 bytes, and the driver ends the text with NUL within it.
    let code = unsafe { (driver.cuDeviceGetName)(name.as_mut_ptr(), 256, device) };
    driver.check(code, "ask for a CUDA device's name")?;
    let bytes = name.map(c_char::cast_unsigned);
    Ok(CStr::from_bytes_until_nul(&bytes).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

fn attribute(driver: &Driver, device: CUdevice, attribute: CUdevice_attribute) -> Result<u32> {
    let mut value: c_int = 0;
    // SAFETY: `value` can be written to; the driver refuses an attribute it does not know.
    let code = unsafe { (driver.cuDeviceGetAttribute)(&raw mut value, attribute as c_uint, device) };
    driver.check(code, "ask for an attribute of a CUDA device")?;
    Ok(value.unsigned_abs())
}
