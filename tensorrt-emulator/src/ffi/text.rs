//! Strings to and from C.

use std::ffi::{CStr, CString, c_char};
use std::sync::Mutex;

use super::object::lock;
use super::scope::c_text;
use crate::{Error, Result};

/// A string that C reads through a pointer: the pointer stays valid until the string changes.
#[derive(Debug, Default)]
pub(super) struct Text(Mutex<CString>);

impl Text {
    /// The pointer to `text`, which is kept here.
    pub(super) fn show(&self, text: &str) -> *const c_char {
        let mut kept = lock(&self.0);
        if kept.to_str() != Ok(text) {
            *kept = c_text(text);
        }
        kept.as_ptr()
    }
}

/// A string from C.
///
/// # Errors
/// The pointer is null or the bytes are not UTF-8.
pub(super) fn read(text: *const c_char, what: &str) -> Result<String> {
    if text.is_null() {
        return Err(Error::invalid(format!("{what} is null")));
    }
    // SAFETY: the table's contract: strings are NUL-terminated and readable during the call.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(str::to_owned).map_err(|_| Error::invalid(format!("{what} is not UTF-8")))
}

/// A string from C that may be absent.
///
/// # Errors
/// The bytes are not UTF-8.
pub(super) fn read_optional(text: *const c_char, what: &str) -> Result<Option<String>> {
    if text.is_null() { Ok(None) } else { read(text, what).map(Some) }
}
