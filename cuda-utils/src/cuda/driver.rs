//! The functions of libcuda that are called, and what their result codes mean.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdeviceptr, CUevent, CUgraph, CUgraphExec, CUgraphNode, CUstream,
};

use crate::error::{Error, ErrorKind, Result};

/// `CUDA_ERROR_NOT_READY`: not a failure but the answer "not yet".
const NOT_READY: u32 = 600;

/// What `cuStreamAddCallback` calls. Declared here because cudarc's declaration has the status as an enum.
pub(super) type StreamCallback = unsafe extern "C" fn(CUstream, u32, *mut c_void);

macro_rules! driver_calls {
    ($($name:ident($($argument:ty),* $(,)?);)*) => {
        /// The functions, by NVIDIA's names.
        #[expect(non_snake_case, reason = "the fields carry the names of the driver's symbols")]
        pub(super) struct Driver {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> u32,)*
        }

        impl Driver {
            fn find() -> Result<Self> {
                Ok(Driver {
                    $($name: {
                        // SAFETY: the type is that of the function in NVIDIA's cuda.h.
                        unsafe { symbol::<unsafe extern "C" fn($($argument),*) -> u32>(stringify!($name)) }?
                    },)*
                })
            }
        }

        /// The names of all functions of the driver that this crate calls.
        #[cfg(test)]
        const CALLS: &[&str] = &[$(stringify!($name)),*];
    };
}

driver_calls! {
    cuInit(c_uint);
    cuDriverGetVersion(*mut c_int);
    cuGetErrorName(u32, *mut *const c_char);
    cuGetErrorString(u32, *mut *const c_char);
    cuDeviceGetCount(*mut c_int);
    cuDeviceGet(*mut CUdevice, c_int);
    cuDeviceGetName(*mut c_char, c_int, CUdevice);
    cuDeviceGetAttribute(*mut c_int, c_uint, CUdevice);
    cuDevicePrimaryCtxRetain(*mut CUcontext, CUdevice);
    cuDevicePrimaryCtxRelease_v2(CUdevice);
    cuCtxGetCurrent(*mut CUcontext);
    cuCtxSetCurrent(CUcontext);
    cuCtxSynchronize();
    cuMemGetInfo_v2(*mut usize, *mut usize);
    cuMemAlloc_v2(*mut CUdeviceptr, usize);
    cuMemFree_v2(CUdeviceptr);
    cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
    cuMemFreeHost(*mut c_void);
    cuPointerGetAttribute(*mut c_void, c_uint, CUdeviceptr);
    cuMemcpyHtoDAsync_v2(CUdeviceptr, *const c_void, usize, CUstream);
    cuMemcpyDtoHAsync_v2(*mut c_void, CUdeviceptr, usize, CUstream);
    cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, usize, CUstream);
    cuMemsetD8Async(CUdeviceptr, u8, usize, CUstream);
    cuStreamCreateWithPriority(*mut CUstream, c_uint, c_int);
    cuStreamDestroy_v2(CUstream);
    cuStreamSynchronize(CUstream);
    cuStreamQuery(CUstream);
    cuStreamWaitEvent(CUstream, CUevent, c_uint);
    cuStreamAddCallback(CUstream, StreamCallback, *mut c_void, c_uint);
    cuStreamBeginCapture_v2(CUstream, u32);
    cuStreamEndCapture(CUstream, *mut CUgraph);
    cuGraphGetNodes(CUgraph, *mut CUgraphNode, *mut usize);
    cuGraphInstantiateWithFlags(*mut CUgraphExec, CUgraph, u64);
    cuGraphLaunch(CUgraphExec, CUstream);
    cuGraphDestroy(CUgraph);
    cuGraphExecDestroy(CUgraphExec);
    cuEventCreate(*mut CUevent, c_uint);
    cuEventDestroy_v2(CUevent);
    cuEventRecord(CUevent, CUstream);
    cuEventQuery(CUevent);
    cuEventSynchronize(CUevent);
    cuEventElapsedTime(*mut f32, CUevent, CUevent);
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Driver")
    }
}

impl Driver {
    /// The driver, loaded and initialised once a process. A failure is not kept: the next call tries again.
    pub(super) fn get() -> Result<&'static Driver> {
        static DRIVER: OnceLock<Driver> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());
        if let Some(driver) = DRIVER.get() {
            return Ok(driver);
        }
        let _loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = DRIVER.get() {
            return Ok(driver);
        }
        // SAFETY: loads the CUDA driver's library, whose initialisation has no preconditions.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::new(
                ErrorKind::NoDriver,
                "load the CUDA driver: no libcuda (libcuda.so.1, nvcuda.dll) on this machine; install NVIDIA's driver, put its \
                 folder on the loader's path, or ask for the emulated device with Device::host()",
            ));
        }
        let driver = Driver::find()?;
        // SAFETY: `cuInit` may be called at any time and more than once.
        driver.check(unsafe { (driver.cuInit)(0) }, "initialise the CUDA driver").map_err(|error| {
            Error::new(error.kind(), format!("{error}; the emulated device, Device::host(), needs no GPU"))
        })?;
        Ok(DRIVER.get_or_init(|| driver))
    }

    /// Turns a result code into an error that says what was tried.
    pub(super) fn check(&self, code: u32, what: &str) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        Err(self.error(code, what))
    }

    /// As `check`, for a query: whether the work asked about is done.
    pub(super) fn ready(&self, code: u32, what: &str) -> Result<bool> {
        if code == NOT_READY {
            return Ok(false);
        }
        self.check(code, what).map(|()| true)
    }

    #[cold]
    pub(super) fn error(&self, code: u32, what: &str) -> Error {
        let name = text(self.cuGetErrorName, code).unwrap_or_else(|| format!("CUDA error {code}"));
        let meaning = text(self.cuGetErrorString, code).unwrap_or_else(|| "unknown to the driver".to_owned());
        Error::new(kind(code), format!("{what}: {name}: {meaning}"))
    }
}

fn text(function: unsafe extern "C" fn(u32, *mut *const c_char) -> u32, code: u32) -> Option<String> {
    let mut text = std::ptr::null();
    // SAFETY: `text` can be written to; the function takes any code.
    let outcome = unsafe { function(code, &raw mut text) };
    if outcome != 0 || text.is_null() {
        return None;
    }
    // SAFETY: on success the driver gives a constant string that ends in NUL.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// What kind of error a `CUresult` is.
pub(super) fn kind(code: u32) -> ErrorKind {
    match code {
        1 | 201 | 400 => ErrorKind::InvalidArgument,
        2 => ErrorKind::OutOfMemory,
        34..=36 => ErrorKind::NoDriver,
        3 | 100 | 101 => ErrorKind::NoDevice,
        800 => ErrorKind::NotPermitted,
        // What the driver says of work that cannot be captured, from "unsupported" to "wrong thread".
        900..=908 => ErrorKind::NotCapturable,
        801 => ErrorKind::Unsupported,
        // Illegal address or instruction, launch timeout or failure, hardware stack error, assertion and their like, ECC, NVLink.
        214 | 220 | 226 | 700 | 702 | 709 | 710 | 714..=719 | 721 => ErrorKind::DeviceLost,
        _ => ErrorKind::Driver(code),
    }
}

/// Looks a function up in the library that cudarc loaded.
///
/// # Safety
///
/// `F` is the function's type, and the library is present.
unsafe fn symbol<F: Copy>(name: &str) -> Result<F> {
    // SAFETY: the caller has seen that the library is present, so this does not panic.
    let library = unsafe { sys::culib() };
    // SAFETY: the caller gives the type of the function.
    let found = unsafe { library.get::<F>(name.as_bytes()) };
    found.map(|symbol| *symbol).map_err(|error| {
        Error::new(ErrorKind::NoDriver, format!("look up {name} in the CUDA driver, which may be too old: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_lists_every_call_and_no_other() {
        let mut listed: Vec<&str> = include_str!("mod.rs")
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .flat_map(|line| line.split('`'))
            .filter(|word| word.starts_with("cu") && !word.contains(' ') && *word != "cuda")
            .collect();
        let mut called = CALLS.to_vec();
        listed.sort_unstable();
        called.sort_unstable();
        assert_eq!(listed, called);
    }

    #[test]
    fn codes_have_kinds() {
        assert_eq!(kind(2), ErrorKind::OutOfMemory);
        assert_eq!(kind(700), ErrorKind::DeviceLost);
        assert_eq!(kind(98765), ErrorKind::Driver(98765));
    }

    /// Compiles only while the declarations above agree with cudarc's, which are generated from NVIDIA's header. Left out are the
    /// functions that take or give an enum there and an integer here, and the one that newer versions rename.
    #[test]
    fn declarations_agree_with_cudarc() {
        macro_rules! same {
            ($($name:ident($($argument:ty),*);)*) => {$(
                let _: unsafe fn($($argument),*) -> sys::CUresult = sys::$name;
                let _ = |driver: &Driver| -> unsafe extern "C" fn($($argument),*) -> u32 { driver.$name };
            )*};
        }
        same! {
            cuInit(c_uint);
            cuDriverGetVersion(*mut c_int);
            cuDeviceGetCount(*mut c_int);
            cuDeviceGet(*mut CUdevice, c_int);
            cuDeviceGetName(*mut c_char, c_int, CUdevice);
            cuDevicePrimaryCtxRetain(*mut CUcontext, CUdevice);
            cuDevicePrimaryCtxRelease_v2(CUdevice);
            cuCtxGetCurrent(*mut CUcontext);
            cuCtxSetCurrent(CUcontext);
            cuCtxSynchronize();
            cuMemGetInfo_v2(*mut usize, *mut usize);
            cuMemAlloc_v2(*mut CUdeviceptr, usize);
            cuMemFree_v2(CUdeviceptr);
            cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
            cuMemFreeHost(*mut c_void);
            cuMemcpyHtoDAsync_v2(CUdeviceptr, *const c_void, usize, CUstream);
            cuMemcpyDtoHAsync_v2(*mut c_void, CUdeviceptr, usize, CUstream);
            cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, usize, CUstream);
            cuMemsetD8Async(CUdeviceptr, u8, usize, CUstream);
            cuStreamCreateWithPriority(*mut CUstream, c_uint, c_int);
            cuStreamDestroy_v2(CUstream);
            cuStreamSynchronize(CUstream);
            cuStreamQuery(CUstream);
            cuStreamWaitEvent(CUstream, CUevent, c_uint);
            cuStreamEndCapture(CUstream, *mut CUgraph);
            cuGraphGetNodes(CUgraph, *mut CUgraphNode, *mut usize);
            cuGraphInstantiateWithFlags(*mut CUgraphExec, CUgraph, u64);
            cuGraphLaunch(CUgraphExec, CUstream);
            cuGraphDestroy(CUgraph);
            cuGraphExecDestroy(CUgraphExec);
            cuEventCreate(*mut CUevent, c_uint);
            cuEventDestroy_v2(CUevent);
            cuEventRecord(CUevent, CUstream);
            cuEventQuery(CUevent);
            cuEventSynchronize(CUevent);
        }
    }
}
