//! How long each layer takes.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{IProfiler, IProfilerFns, Library};

use super::panic::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::value::text;

/// Is told the time of each layer of an inference.
///
/// TensorRT calls it from the thread that enqueues, once a layer, and waits for the inference to do so. A panic goes on once the call
/// that enqueued has returned. Closures of a layer's name and its milliseconds are profilers.
#[doc(alias = "nvinfer1::IProfiler")]
pub trait Profiler: Send {
    /// A layer took this many milliseconds.
    #[doc(alias = "nvinfer1::IProfiler::reportLayerTime")]
    fn layer(&mut self, name: &str, milliseconds: f32);
}

impl<F: FnMut(&str, f32) + Send> Profiler for F {
    fn layer(&mut self, name: &str, milliseconds: f32) {
        self(name, milliseconds);
    }
}

/// What the C function reaches.
type State = Mutex<Box<dyn Profiler>>;

unsafe extern "C" fn report(user: *mut c_void, layer: *const c_char, milliseconds: f32) {
    // SAFETY: `user` is the state that `ProfilerObject::new` leaked; the object that calls this is deleted before the state is freed.
    let state = unsafe { &*user.cast_const().cast::<State>() };
    // SAFETY: TensorRT passes a C string that lives during the call.
    let layer = unsafe { text(layer) };
    contain((), || state.lock().unwrap_or_else(PoisonError::into_inner).layer(&layer, milliseconds));
}

/// The object that TensorRT calls, and the profiler that it tells.
pub(crate) struct ProfilerObject {
    object: NonNull<IProfiler>,
    /// Made by `Box::leak`, freed in `drop`.
    state: NonNull<State>,
    library: Library,
}

// SAFETY: the state is a mutex over a `Send` value, the object only calls it, and both are only touched through `&mut` of their owner or
// by TensorRT during a call of the context that has them set.
unsafe impl Send for ProfilerObject {}

impl ProfilerObject {
    pub(crate) fn new(library: &Library, profiler: Box<dyn Profiler>) -> Result<Self> {
        let functions = IProfilerFns { reportLayerTime: Some(report) };
        let Some(new) = library.api().IProfiler_new else {
            return Err(library.missing("IProfiler_new").into());
        };
        let state: NonNull<State> = NonNull::from(Box::leak(Box::new(Mutex::new(profiler))));
        // SAFETY: the functions are copied; the user pointer is what they ask for, and lives until the object is deleted in `drop`.
        let made = unsafe { new(&raw const functions, state.as_ptr().cast()) };
        let Some(object) = NonNull::new(made) else {
            // SAFETY: the state was leaked above, and nobody else knows of it.
            drop(unsafe { Box::from_raw(state.as_ptr()) });
            return Err(Error::new(ErrorKind::OutOfMemory, "create a profiler", "none was made"));
        };
        Ok(Self { object, state, library: library.clone() })
    }

    pub(crate) fn as_ptr(&self) -> *mut IProfiler {
        self.object.as_ptr()
    }
}

impl Drop for ProfilerObject {
    fn drop(&mut self) {
        if let Some(delete) = self.library.api().IProfiler_delete {
            // SAFETY: the object is this value's own; the context that had it set was destroyed, or had another set, before this.
            unsafe { delete(self.object.as_ptr()) };
        }
        // SAFETY: the state was leaked in `new`, the object that called it is gone, and it is freed once.
        drop(unsafe { Box::from_raw(self.state.as_ptr()) });
    }
}

impl fmt::Debug for ProfilerObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfilerObject").field("object", &self.object).finish_non_exhaustive()
    }
}
