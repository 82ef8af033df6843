//! The error of this crate: what was tried, and what CUDA (or the emulated device) said.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The NVIDIA driver's library (libcuda) is not on this machine, or is too old to have a function that is needed.
    NoDriver,
    /// There is a driver, but no such device.
    NoDevice,
    /// The device, or the host for pinned memory, has not that much memory left.
    OutOfMemory,
    /// A thread or another resource of the operating system could not be had.
    OutOfResources,
    /// An argument does not make sense: a range outside its buffer, objects of two devices in one call.
    InvalidArgument,
    /// Two lengths that have to be equal differ.
    LengthMismatch,
    /// The call is not allowed where it was made, such as a wait inside a host callback.
    NotPermitted,
    /// Something was done, while a stream was capturing, that cannot be part of a graph.
    NotCapturable,
    /// The driver or the emulated device does not offer this.
    Unsupported,
    /// Work enqueued on a stream of the emulated device failed or panicked; that stream refuses all further work.
    OperationFailed,
    /// The CUDA context is broken for good (an illegal address, a failed launch, ...): only a new process helps.
    DeviceLost,
    /// Any other result code of the CUDA driver (`CUresult`).
    Driver(u32),
}

#[derive(Debug)]
struct Repr {
    kind: ErrorKind,
    message: String,
}

/// An error of a device, stream, event or buffer. It reads "what was tried: what CUDA said" and is cheap to clone.
#[derive(Debug, Clone)]
pub struct Error(Arc<Repr>);

impl Error {
    /// Makes an error of a given kind; the message should read "what was tried: what went wrong".
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Repr { kind, message: message.into() }))
    }

    /// Makes the error with which an operation on an emulated stream reports its failure.
    pub fn operation(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::OperationFailed, message)
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether every later call on the same stream or device will fail as well.
    #[must_use]
    pub fn is_sticky(&self) -> bool {
        matches!(self.0.kind, ErrorKind::DeviceLost | ErrorKind::OperationFailed)
    }

    /// Whether the error, as the answer of an event, means that the work before the event is over all the same.
    pub(crate) fn ends_work(&self) -> bool {
        self.is_sticky()
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidArgument, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// An error that nobody could be told when it happened (in a drop, in a callback): it surfaces on the next call on the device.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    present: AtomicBool,
    error: Mutex<Option<Error>>,
}

impl Deferred {
    /// Keeps the first error until it is taken.
    pub(crate) fn record(&self, error: Error) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.present.store(true, Ordering::Release);
    }

    /// Returns the recorded error, once. One atomic load when there is none.
    pub(crate) fn take(&self) -> Result<()> {
        if !self.present.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut slot = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        self.present.store(false, Ordering::Release);
        slot.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deferred_error_surfaces_once_and_the_first_wins() {
        let deferred = Deferred::default();
        assert!(deferred.take().is_ok());
        deferred.record(Error::operation("first"));
        deferred.record(Error::operation("second"));
        assert_eq!(deferred.take().unwrap_err().to_string(), "first");
        assert!(deferred.take().is_ok());
    }

    #[test]
    fn errors_say_whether_they_stick() {
        assert!(Error::operation("x").is_sticky());
        assert!(!Error::invalid("x").is_sticky());
        assert_eq!(Error::invalid("a: b").to_string(), "a: b");
    }
}
