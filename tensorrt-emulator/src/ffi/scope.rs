//! What every object inherits from the one that made it: which TensorRT it belongs to, and where its errors go.

use std::ffi::CString;
use std::sync::atomic::{AtomicPtr, Ordering};

use tensorrt_sys::{ErrorCode, Family, IErrorRecorder, ILogger, Severity, Version};

use super::callbacks::{ErrorRecorder, Logger};
use super::object::borrow;
use crate::Error;
use crate::plan::Identity;

/// An object's surroundings. Children get a copy: error recorders are inherited as TensorRT inherits them.
#[derive(Debug)]
pub(super) struct Scope {
    /// The family that the library presents itself as.
    pub(super) family: Family,
    /// The version that the library presents itself as.
    pub(super) version: Version,
    /// Whether what NVIDIA's parser and builder refuse is refused.
    pub(super) strict: bool,
    logger: AtomicPtr<ILogger>,
    recorder: AtomicPtr<IErrorRecorder>,
}

impl Clone for Scope {
    fn clone(&self) -> Self {
        let copy = Self::new(self.family, self.version, self.logger()).with_strict(self.strict);
        copy.set_recorder(self.recorder());
        copy
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.set_recorder(std::ptr::null_mut());
    }
}

impl Scope {
    /// The surroundings of a factory's object; `logger` must outlive it, as TensorRT demands.
    pub(super) fn new(family: Family, version: Version, logger: *mut ILogger) -> Self {
        let (logger, recorder) = (AtomicPtr::new(logger), AtomicPtr::default());
        Self { family, version, strict: false, logger, recorder }
    }

    /// The same surroundings, strict or not.
    pub(super) fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The surroundings for a factory's version argument (TensorRT's numbering, which differs per family); `None` where the logger is
    /// null or no release has the number.
    pub(super) fn of_version(logger: *mut ILogger, version: i32) -> Option<Self> {
        let version = Version::from_number(version)?;
        let family = Family::of(version)?;
        (!logger.is_null()).then(|| Self::new(family, version, logger))
    }

    /// Which TensorRT this is, for plans.
    pub(super) fn identity(&self) -> Identity {
        Identity::new(self.family, self.version)
    }

    /// The logger object, possibly null.
    pub(super) fn logger(&self) -> *mut ILogger {
        self.logger.load(Ordering::Acquire)
    }

    /// The error recorder, possibly null.
    pub(super) fn recorder(&self) -> *mut IErrorRecorder {
        self.recorder.load(Ordering::Acquire)
    }

    /// Takes another recorder (or null), counting its users as TensorRT does.
    pub(super) fn set_recorder(&self, recorder: *mut IErrorRecorder) {
        // SAFETY: the table's contract: a recorder handed in stays alive while objects use it.
        if let Some(new) = unsafe { borrow::<ErrorRecorder, _>(recorder) } {
            new.retain();
        }
        let old = self.recorder.swap(recorder, Ordering::AcqRel);
        // SAFETY: as above; this object was one of its users until this line.
        if let Some(old) = unsafe { borrow::<ErrorRecorder, _>(old) } {
            old.release();
        }
    }

    /// Writes a line to the logger.
    pub(super) fn log(&self, severity: Severity, text: &str) {
        // SAFETY: the table's contract: the logger outlives every object made with it.
        let logger: Option<&Logger> = unsafe { borrow(self.logger()) };
        if let (Some(logger), Some(raw)) = (logger, severity.to_raw(self.family)) {
            logger.log(raw, &c_text(text));
        }
    }

    /// Reports an error of `entry` (`"IBuilder::buildSerializedNetwork"`) to the logger and the recorder, in TensorRT's words.
    pub(super) fn error(&self, entry: &str, error: &Error) {
        let code = error.code().to_raw(self.family).unwrap_or(1);
        let text = format!("{entry}: Error Code {code}: {} ({})", title(error.code()), error.message());
        self.log(Severity::Error, &text);
        // SAFETY: as in `set_recorder`.
        if let Some(recorder) = unsafe { borrow::<ErrorRecorder, _>(self.recorder()) } {
            recorder.report(code, &c_text(&text));
        }
    }
}

/// TensorRT's name for a kind of error in its log lines.
fn title(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InternalError => "Internal Error",
        ErrorCode::InvalidArgument | ErrorCode::InvalidConfig | ErrorCode::InvalidState => "API Usage Error",
        ErrorCode::FailedAllocation => "OutOfMemory",
        ErrorCode::FailedInitialization => "Initialization Error",
        ErrorCode::FailedExecution | ErrorCode::FailedComputation => "Execution Error",
        ErrorCode::UnsupportedState => "Unsupported",
        _ => "Error",
    }
}

/// Text for C; an inner NUL ends it.
pub(super) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
