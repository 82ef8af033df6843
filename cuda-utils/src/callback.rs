//! Where the current thread is: CUDA forbids calling it from inside a host callback, and waiting there would never end.

use std::cell::Cell;

use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread as running a callback until dropped.
pub(crate) struct Inside(bool);

impl Inside {
    pub(crate) fn enter() -> Self {
        Inside(IN_CALLBACK.replace(true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IN_CALLBACK.set(self.0);
    }
}

/// Whether the current thread is running a host callback or an operation of an emulated stream.
pub(crate) fn is_inside() -> bool {
    IN_CALLBACK.try_with(Cell::get).unwrap_or(false)
}

/// Refuses a call that would deadlock, or that CUDA forbids, inside a callback.
pub(crate) fn refuse(what: &str) -> Result<()> {
    if is_inside() {
        return Err(Error::new(
            ErrorKind::NotPermitted,
            format!("{what}: not permitted inside a host callback, where CUDA must not be called"),
        ));
    }
    Ok(())
}

/// Runs `release` now, or on a thread of its own when this one is inside a callback.
pub(crate) fn run_outside(release: impl FnOnce() + Send + 'static) {
    if is_inside() {
        // If no thread can be had, the closure is dropped by `spawn` and what it would have released leaks, which is sound.
        let _ = std::thread::Builder::new().name("cuda-release".to_owned()).spawn(release);
    } else {
        release();
    }
}
