//! What this crate keeps with each loaded library: its one logger, its error recorder, and the lock of its builds.

use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tensorrt_sys::{IErrorRecorder, ILogger, Library};

use crate::callbacks::{logger, recorder};
use crate::error::{Error, ErrorKind, Result};

/// The state of one library file.
#[derive(Debug)]
pub(crate) struct State {
    logger: NonNull<ILogger>,
    recorder: Option<NonNull<IErrorRecorder>>,
    building: Mutex<()>,
}

// SAFETY: NVIDIA's documentation of ILogger and IErrorRecorder asks that both may be called from any thread at once; theirs are (they lock,
// or use atomics). The pointers themselves are only handed to TensorRT, and the objects are never deleted.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

impl State {
    fn new(library: &Library) -> Result<Self> {
        // A library without error recorders still logs.
        let recorder = match recorder::create(library) {
            Ok(recorder) => Some(recorder),
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(State { logger: logger::create(library)?, recorder, building: Mutex::default() })
    }

    /// The state of a library, made when it is first asked for. It stays for the rest of the process, as TensorRT asks of its logger.
    pub(crate) fn of(library: &Library) -> Result<&State> {
        /// One state is made at a time, so that a library never sees two loggers.
        static MAKING: Mutex<()> = Mutex::new(());
        if library.extension().get().is_none() {
            let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
            if library.extension().get().is_none() {
                let state = State::new(library)?;
                let _ = library.extension().set(Box::new(state));
            }
        }
        let state = library.extension().get().and_then(|state| state.downcast_ref::<State>());
        state.ok_or_else(|| {
            Error::invalid("use a library", "its extension slot holds something that is not of this crate")
        })
    }

    pub(crate) fn logger(&self) -> *mut ILogger {
        self.logger.as_ptr()
    }

    pub(crate) fn recorder(&self) -> Option<*mut IErrorRecorder> {
        self.recorder.map(NonNull::as_ptr)
    }

    /// The right to build, where builds have to take turns: TensorRT for RTX mixes up the targets of two builds that run at once.
    pub(crate) fn alone(&self, library: &Library) -> Option<MutexGuard<'_, ()>> {
        library.family().is_rtx().then(|| self.building.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
