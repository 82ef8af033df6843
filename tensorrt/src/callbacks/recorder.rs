//! The error recorder of a library: its entries become part of the error of the call that caused them.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tensorrt_sys::{ErrorCode, Family, IErrorRecorder, IErrorRecorderFns, Library};

use super::panic::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::logger::{LogLine, keep};

/// How many errors a recorder keeps until TensorRT clears it.
const CAPACITY: usize = 64;

#[derive(Debug, Default)]
struct Recorder {
    users: AtomicI32,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    list: VecDeque<(i32, CString)>,
    overflowed: bool,
}

impl Recorder {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The recorder behind a user pointer.
///
/// # Safety
///
/// `user` came with the functions of [`create`], whose recorder is never freed.
unsafe fn recorder(user: *mut c_void) -> &'static Recorder {
    // SAFETY: the caller vouches that the pointer is the leaked recorder.
    unsafe { &*user.cast_const().cast::<Recorder>() }
}

unsafe extern "C" fn nb_errors(user: *mut c_void) -> i32 {
    // SAFETY: TensorRT passes the user pointer of `create`.
    let recorder = unsafe { recorder(user) };
    i32::try_from(recorder.entries().list.len()).unwrap_or(i32::MAX)
}

unsafe extern "C" fn error_code(user: *mut c_void, index: i32) -> i32 {
    // SAFETY: TensorRT passes the user pointer of `create`.
    let recorder = unsafe { recorder(user) };
    let entries = recorder.entries();
    usize::try_from(index).ok().and_then(|index| entries.list.get(index)).map_or(0, |entry| entry.0)
}

unsafe extern "C" fn error_desc(user: *mut c_void, index: i32) -> *const c_char {
    // SAFETY: TensorRT passes the user pointer of `create`.
    let recorder = unsafe { recorder(user) };
    let entries = recorder.entries();
    // A C string's bytes stay where they are until `clear`, even if the list moves.
    usize::try_from(index).ok().and_then(|index| entries.list.get(index)).map_or(c"".as_ptr(), |entry| entry.1.as_ptr())
}

unsafe extern "C" fn has_overflowed(user: *mut c_void) -> bool {
    // SAFETY: TensorRT passes the user pointer of `create`.
    unsafe { recorder(user) }.entries().overflowed
}

unsafe extern "C" fn clear(user: *mut c_void) {
    // SAFETY: TensorRT passes the user pointer of `create`.
    *unsafe { recorder(user) }.entries() = Entries::default();
}

unsafe extern "C" fn report_error(user: *mut c_void, code: i32, description: *const c_char) -> bool {
    // SAFETY: TensorRT passes the user pointer of `create`.
    let recorder = unsafe { recorder(user) };
    let description = if description.is_null() {
        CString::default()
    } else {
        // SAFETY: TensorRT passes a C string that lives during the call.
        unsafe { CStr::from_ptr(description) }.to_owned()
    };
    contain((), || {
        // The numbers of the error codes are the same in every family.
        keep(LogLine::recorded(ErrorCode::from_raw(Family::Trt11, code), description.to_string_lossy()));
        let mut entries = recorder.entries();
        if entries.list.len() == CAPACITY {
            entries.overflowed = true;
        } else {
            entries.list.push_back((code, description));
        }
    });
    true
}

unsafe extern "C" fn inc_ref_count(user: *mut c_void) -> i32 {
    // SAFETY: TensorRT passes the user pointer of `create`.
    unsafe { recorder(user) }.users.fetch_add(1, Ordering::Relaxed) + 1
}

unsafe extern "C" fn dec_ref_count(user: *mut c_void) -> i32 {
    // SAFETY: TensorRT passes the user pointer of `create`.
    unsafe { recorder(user) }.users.fetch_sub(1, Ordering::Relaxed) - 1
}

/// Makes the error recorder of a library. It is never freed: TensorRT's objects hold on to it.
pub(crate) fn create(library: &Library) -> Result<NonNull<IErrorRecorder>> {
    let functions = IErrorRecorderFns {
        getNbErrors: Some(nb_errors),
        getErrorCode: Some(error_code),
        getErrorDesc: Some(error_desc),
        hasOverflowed: Some(has_overflowed),
        clear: Some(clear),
        reportError: Some(report_error),
        incRefCount: Some(inc_ref_count),
        decRefCount: Some(dec_ref_count),
    };
    let user: &'static Recorder = Box::leak(Box::default());
    let user = std::ptr::from_ref(user).cast_mut().cast();
    // SAFETY: the functions are copied; the user pointer is what they ask for, and lives for ever.
    let made = unsafe { tensorrt_sys::call!(library, IErrorRecorder_new(&raw const functions, user)) }?;
    NonNull::new(made).ok_or_else(|| Error::new(ErrorKind::OutOfMemory, "create the error recorder", "none was made"))
}
