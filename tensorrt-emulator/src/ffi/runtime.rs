//! `IRuntime`: from plans to engines.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::Mutex;

use tensorrt_sys::{Api, ICudaEngine, ILogger, IRuntime, IStreamReaderV2};

use super::callbacks::StreamReader;
use super::engine::EngineObject;
use super::entries::entries;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::Scope;
use super::text::{Text, read};
use crate::plan::Plan;
use crate::{Error, Result};

/// The object behind `IRuntime`.
#[derive(Debug)]
pub(super) struct RuntimeObject {
    scope: Scope,
    max_threads: Mutex<i32>,
    settings: Mutex<Settings>,
    directory: Text,
}

/// Settings that concern TensorRT's own files and code, of which the emulator has none.
#[derive(Debug, Default)]
struct Settings {
    host_code: bool,
    directory: String,
    tempfiles: u32,
}

impl Object for RuntimeObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Makes a runtime; the version says which TensorRT the emulator is.
pub(super) unsafe extern "C" fn create(logger: *mut c_void, version: i32) -> *mut c_void {
    let Some(scope) = Scope::of_version(logger.cast(), version) else { return std::ptr::null_mut() };
    into_raw(RuntimeObject {
        scope,
        max_threads: Mutex::new(1),
        settings: Mutex::new(Settings { tempfiles: 3, ..Settings::default() }),
        directory: Text::default(),
    })
}

impl RuntimeObject {
    fn engine(&self, plan: Plan) -> Result<*mut ICudaEngine> {
        plan.identity.check(&self.scope.identity())?;
        EngineObject::hand_out(self.scope.clone(), plan)
    }

    /// Everything a reader has.
    fn read_all(reader: &StreamReader) -> Result<Vec<u8>> {
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 20]);
        loop {
            match reader.read(&mut chunk) {
                Some(0) => return Ok(bytes),
                Some(got) => bytes.extend_from_slice(&chunk[..got]),
                None => return Err(Error::invalid("the stream reader failed")),
            }
        }
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IRuntime) {
        // SAFETY: the table's contract: made by `create`, not used again.
        unsafe { drop_object::<RuntimeObject>(object.cast::<c_void>()) };
    }
    api.createInferRuntime_INTERNAL = Some(create);
    api.IRuntime_destroy = Some(destroy);
    entries! { api;
        IRuntime: RuntimeObject {
            fn IRuntime_deserializeCudaEngine(runtime, blob: *const c_void, size: usize) -> *mut ICudaEngine {
                if blob.is_null() || isize::try_from(size).is_err() {
                    return Err(Error::invalid("the plan is null or too large"));
                }
                // SAFETY: the table's contract: `size` bytes, readable during the call.
                let bytes = unsafe { std::slice::from_raw_parts(blob.cast::<u8>(), size) };
                runtime.engine(Plan::from_bytes(bytes)?)
            }
            fn IRuntime_deserializeCudaEngineV2(runtime, reader: *mut IStreamReaderV2) -> *mut ICudaEngine {
                // SAFETY: the table's contract: the reader is alive during the call.
                let reader: Option<&StreamReader> = unsafe { borrow(reader) };
                let reader = reader.ok_or_else(|| Error::invalid("the reader is null"))?;
                runtime.engine(Plan::from_bytes(&RuntimeObject::read_all(reader)?)?)
            }
            fn IRuntime_deserializeCudaEngineFromFile(runtime, path: *const c_char) -> *mut ICudaEngine {
                runtime.engine(Plan::from_file(Path::new(&read(path, "the plan's path")?))?)
            }
            fn IRuntime_getNbDLACores(runtime) -> i32 { Ok(0) }
            fn IRuntime_setDLACore(runtime, core: i32) { Err(Error::unsupported("the emulator has no DLA")) }
            fn IRuntime_getDLACore(runtime) -> i32 { Ok(-1) }
            fn IRuntime_setMaxThreads(runtime, threads: i32) -> bool {
                if threads < 1 {
                    return Err(Error::invalid(format!("{threads} threads")));
                }
                *lock(&runtime.max_threads) = threads;
                Ok(true)
            }
            fn IRuntime_getMaxThreads(runtime) -> i32 { Ok(*lock(&runtime.max_threads)) }
            fn IRuntime_setEngineHostCodeAllowed(runtime, allowed: bool) {
                lock(&runtime.settings).host_code = allowed;
                Ok(())
            }
            fn IRuntime_getEngineHostCodeAllowed(runtime) -> bool { Ok(lock(&runtime.settings).host_code) }
            fn IRuntime_setTemporaryDirectory(runtime, path: *const c_char) {
                lock(&runtime.settings).directory = if path.is_null() { String::new() } else { read(path, "the folder")? };
                Ok(())
            }
            fn IRuntime_getTemporaryDirectory(runtime) -> *const c_char {
                Ok(runtime.directory.show(&lock(&runtime.settings).directory))
            }
            fn IRuntime_setTempfileControlFlags(runtime, flags: u32) {
                lock(&runtime.settings).tempfiles = flags;
                Ok(())
            }
            fn IRuntime_getTempfileControlFlags(runtime) -> u32 { Ok(lock(&runtime.settings).tempfiles) }
            fn IRuntime_loadRuntime(runtime, path: *const c_char) -> *mut IRuntime {
                Err(Error::unsupported(format!("loading the runtime {}: the emulator has one only", read(path, "the path")?)))
            }
            fn IRuntime_setErrorRecorder(runtime, recorder: *mut tensorrt_sys::IErrorRecorder) {
                runtime.scope.set_recorder(recorder);
                Ok(())
            }
            fn IRuntime_getErrorRecorder(runtime) -> *mut tensorrt_sys::IErrorRecorder { Ok(runtime.scope.recorder()) }
            fn IRuntime_getLogger(runtime) -> *mut ILogger { Ok(runtime.scope.logger()) }
        }
    }
}
