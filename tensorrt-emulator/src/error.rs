//! What went wrong, in TensorRT's own terms.

use std::fmt;

use tensorrt_sys::ErrorCode;

/// An error of the emulated library: one of TensorRT's error codes and a sentence.
///
/// The emulator's law: what it cannot do exactly is an error that names it, never a wrong answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

/// A result of the emulated library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with TensorRT's `code` and a sentence saying what was refused and why.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An argument that can never be right (`kINVALID_ARGUMENT`).
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// A combination of settings, shapes or types that TensorRT refuses (`kINVALID_CONFIG`).
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidConfig, message)
    }

    /// Something the emulator does not do (`kUNSUPPORTED_STATE`); the message names it.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedState, message)
    }

    /// A broken invariant of the emulator itself (`kINTERNAL_ERROR`).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InternalError, message)
    }

    /// The same error, its message prefixed with where it happened: `"place: message"`.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// TensorRT's error code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
