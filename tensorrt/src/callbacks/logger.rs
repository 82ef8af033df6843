//! The logger object of a library.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;

use tensorrt_sys::{Family, ILogger, ILoggerFns, Library, Severity};

use super::panic::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::logger;

/// Receives a line; the user pointer is unused, for the numbers of the severities are the same in every family.
unsafe extern "C" fn log(_user: *mut c_void, severity: i32, message: *const c_char) {
    if message.is_null() {
        return;
    }
    // SAFETY: TensorRT passes a C string that lives during the call, and it is not null.
    let message = unsafe { CStr::from_ptr(message) };
    contain((), || logger::receive(Severity::from_raw(Family::Trt11, severity), &message.to_string_lossy()));
}

/// Makes the logger of a library. It needs nothing that could go away, so it may live for ever.
pub(crate) fn create(library: &Library) -> Result<NonNull<ILogger>> {
    let functions = ILoggerFns { log: Some(log) };
    // SAFETY: the functions are copied; they are those of a logger and take any user pointer.
    let made = unsafe { tensorrt_sys::call!(library, ILogger_new(&raw const functions, std::ptr::null_mut())) }?;
    NonNull::new(made).ok_or_else(|| Error::new(ErrorKind::OutOfMemory, "create the logger", "the library made none"))
}
