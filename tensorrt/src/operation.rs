//! One call to TensorRT that may fail: what it logs meanwhile becomes part of the error.

use std::fmt;
use std::ptr::NonNull;

use tensorrt_sys::Library;

use crate::callbacks::panic;
use crate::error::{Error, ErrorKind, Result};
use crate::logger::{LogLine, Mark};

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation(Mark);

impl Operation {
    /// Begins watching what is logged.
    #[inline]
    pub(crate) fn begin() -> Self {
        Operation(Mark::now())
    }

    /// The warnings and errors that were logged since.
    pub(crate) fn lines(self) -> Vec<LogLine> {
        self.0.lines()
    }

    /// The error of the call, with TensorRT's words. A panic in a callback goes on here.
    #[cold]
    pub(crate) fn fail(self, library: &Library, kind: ErrorKind, tried: impl fmt::Display) -> Error {
        panic::resume();
        let said = library.take_exception().map(|text| format!("C++ exception: {text}")).unwrap_or_default();
        Error::new(kind, tried, said).with_lines(self.0.lines())
    }

    /// Takes a returned `false` for failure.
    pub(crate) fn truth(self, library: &Library, kind: ErrorKind, tried: impl fmt::Display, ok: bool) -> Result<()> {
        if ok {
            panic::resume();
            return Ok(());
        }
        Err(self.fail(library, kind, tried))
    }

    /// Takes a returned null for failure.
    pub(crate) fn object<T>(
        self,
        library: &Library,
        kind: ErrorKind,
        tried: impl fmt::Display,
        pointer: *mut T,
    ) -> Result<NonNull<T>> {
        match NonNull::new(pointer) {
            Some(object) => {
                panic::resume();
                Ok(object)
            }
            None => Err(self.fail(library, kind, tried)),
        }
    }

    /// Takes an error in the log for failure: all that a method without a return value says.
    pub(crate) fn silent(self, library: &Library, kind: ErrorKind, tried: impl fmt::Display) -> Result<()> {
        self.truth(library, kind, tried, !self.0.has_errors())
    }
}

/// What a setter returns.
pub(crate) trait Outcome {
    /// Turns it into a result, with what was logged since the operation began.
    fn check(self, operation: Operation, library: &Library, tried: &dyn fmt::Display) -> Result<()>;
}

impl Outcome for () {
    fn check(self, operation: Operation, library: &Library, tried: &dyn fmt::Display) -> Result<()> {
        operation.silent(library, ErrorKind::Setting, tried)
    }
}

impl Outcome for bool {
    fn check(self, operation: Operation, library: &Library, tried: &dyn fmt::Display) -> Result<()> {
        operation.truth(library, ErrorKind::Setting, tried, self)
    }
}
