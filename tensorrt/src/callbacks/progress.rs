//! How far a build is.

use std::any::Any;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{IProgressMonitor, IProgressMonitorFns, Library};

use super::object::{Object, state};
use crate::error::Result;
use crate::value::text;

/// What happened in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressEvent {
    /// A phase begins.
    PhaseStart {
        /// Its name.
        phase: String,
        /// The phase that it is part of; none for one of the top level.
        parent: Option<String>,
        /// The number of its steps.
        steps: u32,
    },
    /// A step of a phase is done.
    StepComplete {
        /// The phase.
        phase: String,
        /// The step, from 0.
        step: u32,
    },
    /// A phase is over.
    PhaseFinish {
        /// The phase.
        phase: String,
    },
}

/// Whether a build goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Continue,
    /// It stops at the next step; the build returns an error of kind [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    Cancel,
}

/// Is told how far a build is, and may cancel it.
///
/// TensorRT calls it from the threads of the build, "which may be multiple threads simultaneously" (NVIDIA's documentation of
/// `IProgressMonitor`), hence `&self` and `Send + Sync`. A panic stops the build, and goes on in the thread that called it. Closures of
/// one event are monitors.
#[doc(alias = "nvinfer1::IProgressMonitor")]
pub trait ProgressMonitor: Send + Sync {
    /// Something happened.
    fn event(&self, event: ProgressEvent) -> Progress;
}

impl<F: Fn(ProgressEvent) -> Progress + Send + Sync> ProgressMonitor for F {
    fn event(&self, event: ProgressEvent) -> Progress {
        self(event)
    }
}

/// What the C functions reach.
struct State {
    monitor: Box<dyn ProgressMonitor>,
    cancelled: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl State {
    /// Tells the monitor; false when the build is to stop.
    fn tell(&self, event: impl FnOnce() -> ProgressEvent) -> bool {
        if self.cancelled.load(Ordering::Relaxed) {
            return false;
        }
        let verdict = catch_unwind(AssertUnwindSafe(|| self.monitor.event(event())));
        match verdict {
            Ok(Progress::Continue) => return true,
            Ok(Progress::Cancel) => {}
            Err(payload) => {
                self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(payload);
            }
        }
        self.cancelled.store(true, Ordering::Relaxed);
        false
    }
}

unsafe extern "C" fn phase_start(user: *mut c_void, phase: *const c_char, parent: *const c_char, steps: i32) {
    // SAFETY: TensorRT calls a monitor only while it is set, and the configuration that has it set keeps it alive.
    let state = unsafe { state::<State>(user) };
    // SAFETY: TensorRT passes a C string that lives during the call.
    let phase = unsafe { text(phase) };
    // SAFETY: TensorRT passes null or a C string that lives during the call.
    let parent = Some(unsafe { text(parent) }).filter(|parent| !parent.is_empty());
    state.tell(|| ProgressEvent::PhaseStart { phase, parent, steps: u32::try_from(steps).unwrap_or(0) });
}

unsafe extern "C" fn step_complete(user: *mut c_void, phase: *const c_char, step: i32) -> bool {
    // SAFETY: as in `phase_start`.
    let state = unsafe { state::<State>(user) };
    // SAFETY: as in `phase_start`.
    let phase = unsafe { text(phase) };
    state.tell(|| ProgressEvent::StepComplete { phase, step: u32::try_from(step).unwrap_or(0) })
}

unsafe extern "C" fn phase_finish(user: *mut c_void, phase: *const c_char) {
    // SAFETY: as in `phase_start`.
    let state = unsafe { state::<State>(user) };
    // SAFETY: as in `phase_start`.
    let phase = unsafe { text(phase) };
    state.tell(|| ProgressEvent::PhaseFinish { phase });
}

/// The object that TensorRT calls, and the monitor that it tells.
#[derive(Debug)]
pub(crate) struct Monitor(Object<IProgressMonitor, State>);

impl Monitor {
    pub(crate) fn new(library: &Library, monitor: Box<dyn ProgressMonitor>) -> Result<Self> {
        let state = State { monitor, cancelled: AtomicBool::new(false), panic: Mutex::default() };
        let functions = IProgressMonitorFns {
            phaseStart: Some(phase_start),
            stepComplete: Some(step_complete),
            phaseFinish: Some(phase_finish),
        };
        let entries = (library.api().IProgressMonitor_new, library.api().IProgressMonitor_delete);
        // SAFETY: the entries are the library's for the interface, and the functions take the state.
        unsafe { Object::new(library, "IProgressMonitor_new", entries, &functions, state) }.map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut IProgressMonitor {
        self.0.as_ptr()
    }

    fn state(&self) -> &State {
        self.0.state()
    }

    /// Forgets an earlier build.
    pub(crate) fn reset(&self) {
        self.state().cancelled.store(false, Ordering::Relaxed);
    }

    /// Goes on with a panic of the monitor; whether it cancelled the build.
    pub(crate) fn finish(&self) -> bool {
        if let Some(payload) = self.state().panic.lock().unwrap_or_else(PoisonError::into_inner).take() {
            resume_unwind(payload);
        }
        self.state().cancelled.load(Ordering::Relaxed)
    }
}
