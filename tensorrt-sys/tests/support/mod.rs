//! What the tests on real libraries share: where the libraries are, and callback objects that remember what they were told.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use tensorrt_sys::{
    IErrorRecorder, IErrorRecorderFns, ILogger, ILoggerFns, IProgressMonitor, IProgressMonitorFns, IStreamWriter,
    IStreamWriterFns, Library, LoadOptions, call,
};

/// The library of the folder that a variable names; none, and a line that says so, when it is not set.
pub(crate) fn library(variable: &str, options: LoadOptions) -> Option<Library> {
    let Some(folder) = std::env::var_os(variable) else {
        println!("skipped: {variable} is not set");
        return None;
    };
    Some(Library::find(options.path(folder)).unwrap())
}

/// A file of the folder of models; none, and a line that says so, when the variable is not set.
pub(crate) fn model(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("TENSORRT_TEST_MODELS") else {
        println!("skipped: TENSORRT_TEST_MODELS is not set");
        return None;
    };
    Some(std::fs::read(PathBuf::from(folder).join(name)).unwrap())
}

/// The text of a C string that lives during a callback.
fn text(pointer: *const c_char) -> String {
    // SAFETY: TensorRT passes C strings that live during the call.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// The object behind a callback's user pointer.
///
/// # Safety
///
/// `user` is the address of a living `T`.
unsafe fn object<'o, T>(user: *mut c_void) -> &'o T {
    // SAFETY: the caller vouches for the pointer.
    unsafe { &*user.cast::<T>() }
}

/// A logger that keeps warnings and errors. It lives as long as the process: a library has one logger.
#[derive(Debug)]
pub(crate) struct Logger {
    pub(crate) raw: *mut ILogger,
    lines: &'static Lines,
}

#[derive(Debug, Default)]
struct Lines {
    count: AtomicUsize,
    serious: Mutex<Vec<String>>,
}

unsafe extern "C" fn log(user: *mut c_void, severity: i32, message: *const c_char) {
    // SAFETY: the user pointer of a Logger is its leaked Lines.
    let lines: &Lines = unsafe { object(user) };
    lines.count.fetch_add(1, Ordering::Relaxed);
    if severity <= 2 {
        lines.serious.lock().unwrap().push(text(message));
    }
}

impl Logger {
    pub(crate) fn new(library: &Library) -> Self {
        let lines: &'static Lines = Box::leak(Box::default());
        let functions = ILoggerFns { log: Some(log) };
        let user = std::ptr::from_ref(lines).cast_mut().cast();
        // SAFETY: the functions are copied; the user pointer is never freed.
        let raw = unsafe { call!(library, ILogger_new(&functions, user)) }.unwrap();
        assert!(!raw.is_null());
        Self { raw, lines }
    }

    pub(crate) fn count(&self) -> usize {
        self.lines.count.load(Ordering::Relaxed)
    }

    pub(crate) fn serious(&self) -> Vec<String> {
        self.lines.serious.lock().unwrap().clone()
    }
}

/// A progress monitor that counts, and cancels when told.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) started: AtomicUsize,
    pub(crate) steps: AtomicUsize,
    pub(crate) finished: AtomicUsize,
    pub(crate) cancel: AtomicBool,
}

unsafe extern "C" fn start(user: *mut c_void, phase: *const c_char, _parent: *const c_char, _steps: i32) {
    assert!(!text(phase).is_empty());
    // SAFETY: the user pointer is the Progress that outlives the build.
    unsafe { object::<Progress>(user) }.started.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn step(user: *mut c_void, _phase: *const c_char, _step: i32) -> bool {
    // SAFETY: as above.
    let progress = unsafe { object::<Progress>(user) };
    progress.steps.fetch_add(1, Ordering::Relaxed);
    !progress.cancel.load(Ordering::Relaxed)
}

unsafe extern "C" fn finish(user: *mut c_void, _phase: *const c_char) {
    // SAFETY: as above.
    unsafe { object::<Progress>(user) }.finished.fetch_add(1, Ordering::Relaxed);
}

impl Progress {
    pub(crate) fn object(&self, library: &Library) -> *mut IProgressMonitor {
        let functions =
            IProgressMonitorFns { phaseStart: Some(start), stepComplete: Some(step), phaseFinish: Some(finish) };
        let user = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the functions are copied; the tests keep the Progress alive as long as the object.
        unsafe { call!(library, IProgressMonitor_new(&functions, user)) }.unwrap()
    }
}

/// An error recorder that keeps the last error and counts its users.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) users: AtomicI32,
    pub(crate) errors: Mutex<Vec<(i32, CString)>>,
}

unsafe extern "C" fn nb_errors(user: *mut c_void) -> i32 {
    // SAFETY: the user pointer is the Recorder that outlives its object.
    i32::try_from(unsafe { object::<Recorder>(user) }.errors.lock().unwrap().len()).unwrap()
}

unsafe extern "C" fn error_code(user: *mut c_void, index: i32) -> i32 {
    // SAFETY: as above.
    let errors = unsafe { object::<Recorder>(user) }.errors.lock().unwrap();
    errors.get(usize::try_from(index).unwrap()).map_or(0, |error| error.0)
}

unsafe extern "C" fn error_desc(user: *mut c_void, index: i32) -> *const c_char {
    // SAFETY: as above.
    let errors = unsafe { object::<Recorder>(user) }.errors.lock().unwrap();
    errors.get(usize::try_from(index).unwrap()).map_or(c"".as_ptr(), |error| error.1.as_ptr())
}

unsafe extern "C" fn overflowed(_user: *mut c_void) -> bool {
    false
}

unsafe extern "C" fn clear(user: *mut c_void) {
    // SAFETY: as above.
    unsafe { object::<Recorder>(user) }.errors.lock().unwrap().clear();
}

unsafe extern "C" fn report(user: *mut c_void, code: i32, description: *const c_char) -> bool {
    let description = CString::new(text(description)).unwrap();
    // SAFETY: as above.
    unsafe { object::<Recorder>(user) }.errors.lock().unwrap().push((code, description));
    true
}

unsafe extern "C" fn inc(user: *mut c_void) -> i32 {
    // SAFETY: as above.
    unsafe { object::<Recorder>(user) }.users.fetch_add(1, Ordering::Relaxed) + 1
}

unsafe extern "C" fn dec(user: *mut c_void) -> i32 {
    // SAFETY: as above.
    unsafe { object::<Recorder>(user) }.users.fetch_sub(1, Ordering::Relaxed) - 1
}

impl Recorder {
    pub(crate) fn object(&self, library: &Library) -> *mut IErrorRecorder {
        let functions = IErrorRecorderFns {
            getNbErrors: Some(nb_errors),
            getErrorCode: Some(error_code),
            getErrorDesc: Some(error_desc),
            hasOverflowed: Some(overflowed),
            clear: Some(clear),
            reportError: Some(report),
            incRefCount: Some(inc),
            decRefCount: Some(dec),
        };
        let user = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the functions are copied; the tests keep the Recorder alive as long as the object.
        unsafe { call!(library, IErrorRecorder_new(&functions, user)) }.unwrap()
    }
}

/// A stream writer that keeps the bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Mutex<Vec<u8>>,
}

unsafe extern "C" fn write(user: *mut c_void, data: *const c_void, size: i64) -> i64 {
    // SAFETY: TensorRT passes `size` bytes that live during the call.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(size).unwrap()) };
    // SAFETY: the user pointer is the Writer that outlives its object.
    unsafe { object::<Writer>(user) }.bytes.lock().unwrap().extend_from_slice(data);
    size
}

impl Writer {
    pub(crate) fn object(&self, library: &Library) -> NonNull<IStreamWriter> {
        let functions = IStreamWriterFns { write: Some(write) };
        let user = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the functions are copied; the tests keep the Writer alive as long as the object.
        let made = unsafe { call!(library, IStreamWriter_new(&functions, user)) }.unwrap();
        NonNull::new(made).unwrap()
    }
}
