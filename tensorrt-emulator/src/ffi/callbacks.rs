//! Callback objects: the user's functions behind `ILogger`, `IErrorRecorder` and the rest.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;

use tensorrt_sys::Api;

use super::object::drop_object;

/// The alignment that output allocators are asked for, in bytes.
const OUTPUT_ALIGNMENT: u64 = 256;

/// The user's functions and the pointer they are called with.
pub(super) struct Callback<F> {
    functions: F,
    user: *mut c_void,
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({:p})", self.user)
    }
}

// SAFETY: TensorRT's interfaces are documented to be called from any thread; whoever makes such an object promises that of its functions.
unsafe impl<F: Send> Send for Callback<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Callback<F> {}

macro_rules! callbacks {
    ($($interface:ident $fns:ident $new:ident $delete:ident $alias:ident;)*) => {
        $(
            /// The user's functions behind the interface.
            pub(super) type $alias = Callback<tensorrt_sys::$fns>;
        )*

        /// Fills the constructors and destructors of callback objects.
        pub(super) fn fill(api: &mut Api) {
            $({
                unsafe extern "C" fn new(
                    functions: *const tensorrt_sys::$fns,
                    user: *mut c_void,
                ) -> *mut tensorrt_sys::$interface {
                    // SAFETY: the table's contract: the struct is readable during the call, or the pointer is null.
                    match unsafe { functions.as_ref() } {
                        Some(&functions) => Box::into_raw(Box::new(Callback { functions, user })).cast(),
                        None => std::ptr::null_mut(),
                    }
                }
                unsafe extern "C" fn delete(object: *mut tensorrt_sys::$interface) {
                    // SAFETY: the table's contract: made by `new` above, not used again.
                    unsafe { drop_object::<Callback<tensorrt_sys::$fns>>(object.cast()) };
                }
                api.$new = Some(new);
                api.$delete = Some(delete);
            })*
        }
    };
}

callbacks! {
    ILogger ILoggerFns ILogger_new ILogger_delete Logger;
    IErrorRecorder IErrorRecorderFns IErrorRecorder_new IErrorRecorder_delete ErrorRecorder;
    IOutputAllocator IOutputAllocatorFns IOutputAllocator_new IOutputAllocator_delete OutputAllocator;
    IProgressMonitor IProgressMonitorFns IProgressMonitor_new IProgressMonitor_delete ProgressMonitor;
    IStreamReaderV2 IStreamReaderV2Fns IStreamReaderV2_new IStreamReaderV2_delete StreamReader;
    IStreamWriter IStreamWriterFns IStreamWriter_new IStreamWriter_delete StreamWriter;
    IProfiler IProfilerFns IProfiler_new IProfiler_delete Profiler;
}

impl Logger {
    /// Hands a line to the user.
    pub(super) fn log(&self, severity: i32, text: &CStr) {
        if let Some(log) = self.functions.log {
            // SAFETY: the user's function under its contract: the text is valid during the call.
            unsafe { log(self.user, severity, text.as_ptr()) };
        }
    }
}

impl ErrorRecorder {
    /// Counts a user more.
    pub(super) fn retain(&self) {
        if let Some(count) = self.functions.incRefCount {
            // SAFETY: the user's function under its contract.
            unsafe { count(self.user) };
        }
    }

    /// Counts a user less.
    pub(super) fn release(&self) {
        if let Some(count) = self.functions.decRefCount {
            // SAFETY: the user's function under its contract.
            unsafe { count(self.user) };
        }
    }

    /// Hands an error to the user.
    pub(super) fn report(&self, code: i32, text: &CStr) {
        if let Some(report) = self.functions.reportError {
            // SAFETY: the user's function under its contract: the text is valid during the call.
            unsafe { report(self.user, code, text.as_ptr()) };
        }
    }
}

impl ProgressMonitor {
    /// A phase starts; `parent` is `None` for a top-level one.
    pub(super) fn phase_start(&self, phase: &CStr, parent: Option<&CStr>, steps: i32) {
        if let Some(start) = self.functions.phaseStart {
            let parent: *const c_char = parent.map_or(std::ptr::null(), CStr::as_ptr);
            // SAFETY: the user's function under its contract: the texts are valid during the call.
            unsafe { start(self.user, phase.as_ptr(), parent, steps) };
        }
    }

    /// A step is done; false cancels the build.
    pub(super) fn step_complete(&self, phase: &CStr, step: i32) -> bool {
        // SAFETY: the user's function under its contract: the text is valid during the call.
        self.functions.stepComplete.is_none_or(|complete| unsafe { complete(self.user, phase.as_ptr(), step) })
    }

    /// A phase ends.
    pub(super) fn phase_finish(&self, phase: &CStr) {
        if let Some(finish) = self.functions.phaseFinish {
            // SAFETY: the user's function under its contract: the text is valid during the call.
            unsafe { finish(self.user, phase.as_ptr()) };
        }
    }
}

impl StreamReader {
    /// Reads up to `buffer.len()` bytes; `None` on the user's error.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        let read = self.functions.read?;
        let wanted = i64::try_from(buffer.len()).ok()?;
        // SAFETY: the user's function under its contract: it writes at most `wanted` bytes to the buffer, which has that many.
        let got = unsafe { read(self.user, buffer.as_mut_ptr().cast(), wanted, std::ptr::null_mut()) };
        usize::try_from(got).ok().filter(|&got| got <= buffer.len())
    }
}

impl StreamWriter {
    /// Writes all bytes; false on the user's error or a short write.
    pub(super) fn write(&self, bytes: &[u8]) -> bool {
        let (Some(write), Ok(size)) = (self.functions.write, i64::try_from(bytes.len())) else { return false };
        // SAFETY: the user's function under its contract: it reads at most `size` bytes.
        size == unsafe { write(self.user, bytes.as_ptr().cast(), size) }
    }
}

impl OutputAllocator {
    /// Memory of at least `size` bytes for an output, in place of `current`; null if the user has none.
    pub(super) fn reallocate(
        &self,
        tensor: &CStr,
        current: *mut c_void,
        size: usize,
        stream: *mut c_void,
    ) -> *mut c_void {
        let Some(reallocate) = self.functions.reallocateOutputAsync else { return std::ptr::null_mut() };
        // SAFETY: the user's function under its contract: the name is valid during the call, the stream is the one of the enqueue.
        unsafe { reallocate(self.user, tensor.as_ptr(), current, size as u64, OUTPUT_ALIGNMENT, stream) }
    }

    /// The output's shape.
    pub(super) fn notify(&self, tensor: &CStr, shape: &tensorrt_sys::Dims) {
        if let Some(notify) = self.functions.notifyShape {
            // SAFETY: the user's function under its contract: name and shape are valid during the call.
            unsafe { notify(self.user, tensor.as_ptr(), shape) };
        }
    }
}

impl Profiler {
    /// A layer's time in milliseconds.
    pub(super) fn report(&self, layer: &CStr, milliseconds: f32) {
        if let Some(report) = self.functions.reportLayerTime {
            // SAFETY: the user's function under its contract: the text is valid during the call.
            unsafe { report(self.user, layer.as_ptr(), milliseconds) };
        }
    }
}
