//! How long each layer takes.

use std::ffi::{c_char, c_void};
use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{IProfiler, IProfilerFns, Library};

use super::object::{Object, state};
use super::panic::contain;
use crate::error::Result;
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
    // SAFETY: TensorRT calls a profiler only while it is set, and the context that has it set keeps it.
    let state = unsafe { state::<State>(user) };
    // SAFETY: TensorRT passes a C string that lives during the call.
    let layer = unsafe { text(layer) };
    contain((), || state.lock().unwrap_or_else(PoisonError::into_inner).layer(&layer, milliseconds));
}

/// The object that TensorRT calls, and the profiler that it tells.
#[derive(Debug)]
pub(crate) struct ProfilerObject(Object<IProfiler, State>);

impl ProfilerObject {
    pub(crate) fn new(library: &Library, profiler: Box<dyn Profiler>) -> Result<Self> {
        let functions = IProfilerFns { reportLayerTime: Some(report) };
        let entries = (library.api().IProfiler_new, library.api().IProfiler_delete);
        // SAFETY: the entries are the library's for the interface, and the function takes the state.
        unsafe { Object::new(library, "IProfiler_new", entries, &functions, Mutex::new(profiler)) }.map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut IProfiler {
        self.0.as_ptr()
    }
}
