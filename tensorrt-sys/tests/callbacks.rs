//! Every callback object, called through its vtable as TensorRT calls it: each slot of the fact tables reaches its function
//! with its arguments, in every family.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::borrow_as_ptr, reason = "a test fails by panicking, and the calls are C's")]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use tensorrt_sys::{
    Api, Dims, Family, IDebugListenerFns, IErrorRecorderFns, IGpuAsyncAllocatorFns, IInt8CalibratorFns,
    IInt8LegacyCalibratorFns, ILoggerFns, IOutputAllocatorFns, IProfilerFns, IProgressMonitorFns, IRefitterObserverFns,
    IStreamReaderV2Fns, IStreamWriterFns, InterfaceInfo, RefitRecord,
};

thread_local! {
    /// What the callbacks of this thread were told.
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn tell(line: String) {
    TOLD.with_borrow_mut(|told| told.push(line));
}

fn told() -> Vec<String> {
    TOLD.with_borrow_mut(std::mem::take)
}

fn text(pointer: *const c_char) -> String {
    // SAFETY: the tests pass C strings.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// A pointer that is only compared.
fn at(address: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(address)
}

/// An object of a callback interface in a family, reached through its vtable.
struct Object {
    pointer: *mut c_void,
    slots: Vec<String>,
}

impl Object {
    /// The object and its slots; the destructor takes two.
    fn new<T>(pointer: *mut T, classes: &[&str], family: Family) -> Self {
        assert!(!pointer.is_null());
        let id = ["trt10", "trt11", "rtx1_old", "rtx1_new"][family as usize];
        let facts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("facts/vtables.tsv");
        let mut slots = Vec::new();
        for line in std::fs::read_to_string(facts).unwrap().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            if classes.contains(&fields[0]) && fields[1] == id {
                slots.push(fields[3].to_owned());
                if fields[3] == "~dtor" {
                    slots.push("~dtor (deleting)".to_owned());
                }
            }
        }
        Self { pointer: pointer.cast(), slots }
    }

    fn has(&self, method: &str) -> bool {
        self.slots.iter().any(|slot| slot == method)
    }

    /// The function in a slot.
    fn slot(&self, method: &str) -> *const c_void {
        let index = self.slots.iter().position(|slot| slot == method).unwrap();
        // SAFETY: an object of a C++ class with virtual functions begins with the pointer to its vtable.
        let vtable = unsafe { *self.pointer.cast::<*const *const c_void>() };
        // SAFETY: the vtable has a function for each slot of the class.
        let slot = unsafe { vtable.add(index) };
        // SAFETY: as above.
        unsafe { *slot }
    }
}

/// Calls a slot with the given C type.
macro_rules! virtual_call {
    ($object:expr, $method:literal, ($($type:ty = $value:expr),*) -> $returns:ty) => {{
        let object = &$object;
        type Function = unsafe extern "C" fn(*mut c_void $(, $type)*) -> $returns;
        // SAFETY: the slot has a function of this type: NVIDIA's signature in C types.
        let function = unsafe { std::mem::transmute::<*const c_void, Function>(object.slot($method)) };
        // SAFETY: the object is alive, the callbacks accept the values.
        unsafe { function(object.pointer $(, $value)*) }
    }};
}

fn assert_info(object: &Object, kind: &str) {
    if !object.has("getInterfaceInfo") {
        return;
    }
    let info = virtual_call!(object, "getInterfaceInfo", () -> InterfaceInfo);
    assert_eq!((text(info.kind).as_str(), info.major, info.minor), (kind, 1, 0));
    assert_eq!(virtual_call!(object, "getAPILanguage", () -> i32), 0);
}

const USER: usize = 77;

fn user(pointer: *mut c_void) {
    assert_eq!(pointer.addr(), USER);
}

unsafe extern "C" fn log(u: *mut c_void, severity: i32, message: *const c_char) {
    user(u);
    tell(format!("log {severity} {}", text(message)));
}

#[test]
fn logger() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions = ILoggerFns { log: Some(log) };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.ILogger_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::ILogger", "nvinfer1::v_1_0::ILogger"], family);
        let versioned = matches!(family, Family::Trt11 | Family::RtxNew);
        assert_eq!(object.has("getInterfaceInfo"), versioned);
        assert_info(&object, "ILogger");
        virtual_call!(object, "log", (i32 = 2, *const c_char = c"hot".as_ptr()) -> ());
        assert_eq!(told(), ["log 2 hot"]);
        // SAFETY: the object is not used again.
        unsafe { api.ILogger_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn count(_: *mut c_void) -> i32 {
    3
}
unsafe extern "C" fn code(_: *mut c_void, index: i32) -> i32 {
    index + 10
}
unsafe extern "C" fn desc(_: *mut c_void, index: i32) -> *const c_char {
    if index == 0 { c"zero".as_ptr() } else { c"other".as_ptr() }
}
unsafe extern "C" fn overflowed(_: *mut c_void) -> bool {
    true
}
unsafe extern "C" fn clear(_: *mut c_void) {
    tell("clear".into());
}
unsafe extern "C" fn report(u: *mut c_void, code: i32, text_: *const c_char) -> bool {
    user(u);
    tell(format!("report {code} {}", text(text_)));
    true
}
unsafe extern "C" fn inc(_: *mut c_void) -> i32 {
    1
}
unsafe extern "C" fn dec(_: *mut c_void) -> i32 {
    0
}

#[test]
fn error_recorder() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions = IErrorRecorderFns {
            getNbErrors: Some(count),
            getErrorCode: Some(code),
            getErrorDesc: Some(desc),
            hasOverflowed: Some(overflowed),
            clear: Some(clear),
            reportError: Some(report),
            incRefCount: Some(inc),
            decRefCount: Some(dec),
        };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IErrorRecorder_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IErrorRecorder"], family);
        assert_info(&object, "IErrorRecorder");
        assert_eq!(virtual_call!(object, "getNbErrors", () -> i32), 3);
        assert_eq!(virtual_call!(object, "getErrorCode", (i32 = 2) -> i32), 12);
        assert_eq!(text(virtual_call!(object, "getErrorDesc", (i32 = 0) -> *const c_char)), "zero");
        assert!(virtual_call!(object, "hasOverflowed", () -> bool));
        virtual_call!(object, "clear", () -> ());
        assert!(virtual_call!(object, "reportError", (i32 = 5, *const c_char = c"bad".as_ptr()) -> bool));
        assert_eq!(virtual_call!(object, "incRefCount", () -> i32), 1);
        assert_eq!(virtual_call!(object, "decRefCount", () -> i32), 0);
        assert_eq!(told(), ["clear", "report 5 bad"]);
        // SAFETY: the object is not used again.
        unsafe { api.IErrorRecorder_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn start(_: *mut c_void, phase: *const c_char, parent: *const c_char, steps: i32) {
    tell(format!("start {} {} {steps}", text(phase), text(parent)));
}
unsafe extern "C" fn step(_: *mut c_void, phase: *const c_char, step: i32) -> bool {
    tell(format!("step {} {step}", text(phase)));
    step < 5
}
unsafe extern "C" fn finish(u: *mut c_void, phase: *const c_char) {
    user(u);
    tell(format!("finish {}", text(phase)));
}
unsafe extern "C" fn layer_time(_: *mut c_void, layer: *const c_char, milliseconds: f32) {
    tell(format!("layer {} {milliseconds}", text(layer)));
}

#[test]
fn progress_monitor_and_profiler() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions =
            IProgressMonitorFns { phaseStart: Some(start), stepComplete: Some(step), phaseFinish: Some(finish) };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IProgressMonitor_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IProgressMonitor"], family);
        assert_info(&object, "IProgressMonitor");
        let (a, b) = (c"a".as_ptr(), c"b".as_ptr());
        virtual_call!(object, "phaseStart", (*const c_char = a, *const c_char = b, i32 = 9) -> ());
        assert!(virtual_call!(object, "stepComplete", (*const c_char = a, i32 = 4) -> bool));
        assert!(!virtual_call!(object, "stepComplete", (*const c_char = a, i32 = 5) -> bool));
        virtual_call!(object, "phaseFinish", (*const c_char = a) -> ());
        assert_eq!(told(), ["start a b 9", "step a 4", "step a 5", "finish a"]);
        // SAFETY: the object is not used again.
        unsafe { api.IProgressMonitor_delete.unwrap()(raw) };

        // SAFETY: the functions are copied.
        let raw = unsafe { api.IProfiler_new.unwrap()(&IProfilerFns { reportLayerTime: Some(layer_time) }, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IProfiler"], family);
        assert_info(&object, "IProfiler");
        virtual_call!(object, "reportLayerTime", (*const c_char = a, f32 = 1.5) -> ());
        assert_eq!(told(), ["layer a 1.5"]);
        // SAFETY: the object is not used again.
        unsafe { api.IProfiler_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn read(_: *mut c_void, destination: *mut c_void, size: i64, stream: *mut c_void) -> i64 {
    tell(format!("read {} {size} {}", destination.addr(), stream.addr()));
    size - 1
}
unsafe extern "C" fn seek(_: *mut c_void, offset: i64, place: i32) -> bool {
    tell(format!("seek {offset} {place}"));
    true
}
unsafe extern "C" fn write(_: *mut c_void, data: *const c_void, size: i64) -> i64 {
    tell(format!("write {} {size}", data.addr()));
    size
}

#[test]
fn streams() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions = IStreamReaderV2Fns { read: Some(read), seek: Some(seek) };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IStreamReaderV2_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IStreamReaderV2"], family);
        assert_info(&object, "IStreamReaderV2");
        let got = virtual_call!(object, "read", (*mut c_void = at(64), i64 = 8, *mut c_void = at(5)) -> i64);
        assert_eq!(got, 7);
        assert!(virtual_call!(object, "seek", (i64 = -3, i32 = 2) -> bool));
        // SAFETY: the object is not used again.
        unsafe { api.IStreamReaderV2_delete.unwrap()(raw) };

        // SAFETY: the functions are copied.
        let raw = unsafe { api.IStreamWriter_new.unwrap()(&IStreamWriterFns { write: Some(write) }, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IStreamWriter"], family);
        assert_info(&object, "IStreamWriter");
        assert_eq!(virtual_call!(object, "write", (*const c_void = at(32), i64 = 6) -> i64), 6);
        assert_eq!(told(), ["read 64 8 5", "seek -3 2", "write 32 6"]);
        // SAFETY: the object is not used again.
        unsafe { api.IStreamWriter_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn output(
    _: *mut c_void,
    tensor: *const c_char,
    current: *mut c_void,
    size: u64,
    alignment: u64,
    stream: *mut c_void,
) -> *mut c_void {
    tell(format!("output {} {} {size} {alignment} {}", text(tensor), current.addr(), stream.addr()));
    at(4096)
}
unsafe extern "C" fn shape(_: *mut c_void, tensor: *const c_char, shape: *const Dims) {
    // SAFETY: the test passes a shape.
    let shape = unsafe { *shape };
    tell(format!("shape {} {} {}", text(tensor), shape.nbDims, shape.d[0]));
}
unsafe extern "C" fn debug(
    _: *mut c_void,
    address: *const c_void,
    location: i32,
    kind: i32,
    shape: *const Dims,
    name: *const c_char,
    stream: *mut c_void,
) -> bool {
    // SAFETY: the test passes a shape.
    let dims = unsafe { *shape };
    tell(format!("debug {} {location} {kind} {} {} {}", address.addr(), dims.d[0], text(name), stream.addr()));
    true
}

#[test]
fn output_allocator_and_debug_listener() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions = IOutputAllocatorFns { reallocateOutputAsync: Some(output), notifyShape: Some(shape) };
        let (name, dims) = (c"y".as_ptr(), Dims { nbDims: 1, d: [6, 0, 0, 0, 0, 0, 0, 0] });
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IOutputAllocator_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IOutputAllocator"], family);
        assert_info(&object, "IOutputAllocator");
        let got = virtual_call!(
            object,
            "reallocateOutputAsync",
            (*const c_char = name, *mut c_void = at(1), u64 = 2, u64 = 3, *mut c_void = at(4)) -> *mut c_void
        );
        assert_eq!(got.addr(), 4096);
        virtual_call!(object, "notifyShape", (*const c_char = name, *const Dims = &dims) -> ());
        if object.has("reallocateOutput") {
            let old = virtual_call!(
                object,
                "reallocateOutput",
                (*const c_char = name, *mut c_void = at(1), u64 = 2, u64 = 3) -> *mut c_void
            );
            assert!(old.is_null());
        }
        // SAFETY: the object is not used again.
        unsafe { api.IOutputAllocator_delete.unwrap()(raw) };

        // SAFETY: the functions are copied.
        let raw = unsafe {
            api.IDebugListener_new.unwrap()(&IDebugListenerFns { processDebugTensor: Some(debug) }, at(USER))
        };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IDebugListener"], family);
        assert_info(&object, "IDebugListener");
        assert!(virtual_call!(
            object,
            "processDebugTensor",
            (*const c_void = at(8), i32 = 1, i32 = 2, *const Dims = &dims, *const c_char = name, *mut c_void = at(9)) -> bool
        ));
        assert_eq!(told(), ["output y 1 2 3 4", "shape y 1 6", "debug 8 1 2 6 y 9"]);
        // SAFETY: the object is not used again.
        unsafe { api.IDebugListener_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn allocate(
    _: *mut c_void,
    size: u64,
    alignment: u64,
    flags: u32,
    stream: *mut c_void,
) -> *mut c_void {
    tell(format!("allocate {size} {alignment} {flags} {}", stream.addr()));
    at(512)
}
unsafe extern "C" fn deallocate(_: *mut c_void, memory: *mut c_void, stream: *mut c_void) -> bool {
    tell(format!("deallocate {} {}", memory.addr(), stream.addr()));
    true
}

#[test]
fn gpu_allocator() {
    for family in Family::ALL {
        let api = Api::shim(family);
        let functions = IGpuAsyncAllocatorFns {
            allocateAsync: Some(allocate),
            deallocateAsync: Some(deallocate),
            reallocate: None,
        };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IGpuAsyncAllocator_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvinfer1::v_1_0::IGpuAsyncAllocator"], family);
        assert_info(&object, "IGpuAllocator");
        let got =
            virtual_call!(object, "allocateAsync", (u64 = 1, u64 = 2, u32 = 3, *mut c_void = at(4)) -> *mut c_void);
        assert_eq!(got.addr(), 512);
        // The calls without a stream come to the same functions.
        let got = virtual_call!(object, "allocate", (u64 = 5, u64 = 6, u32 = 0) -> *mut c_void);
        assert_eq!(got.addr(), 512);
        assert!(virtual_call!(object, "deallocateAsync", (*mut c_void = at(512), *mut c_void = at(4)) -> bool));
        assert!(virtual_call!(object, "deallocate", (*mut c_void = at(512)) -> bool));
        assert!(
            virtual_call!(object, "reallocate", (*mut c_void = at(512), u64 = 1, u64 = 9) -> *mut c_void).is_null()
        );
        assert_eq!(told(), ["allocate 1 2 3 4", "allocate 5 6 0 0", "deallocate 512 4", "deallocate 512 0"]);
        // SAFETY: the object is not used again.
        unsafe { api.IGpuAsyncAllocator_delete.unwrap()(raw) };
    }
}

unsafe extern "C" fn weight(_: *mut c_void, record: *const RefitRecord) {
    // SAFETY: the test passes a record.
    let record = unsafe { *record };
    tell(format!("weight {} {}", text(record.trtName), record.count));
}

#[test]
fn refitter_observer() {
    for family in [Family::Trt11, Family::RtxNew] {
        let api = Api::shim(family);
        let functions = IRefitterObserverFns { onRefittableWeight: Some(weight) };
        // SAFETY: the functions are copied.
        let raw = unsafe { api.IRefitterObserver_new.unwrap()(&functions, at(USER)) };
        let object = Object::new(raw, &["nvonnxparser::IRefitterObserver"], family);
        let record = RefitRecord { trtName: c"w".as_ptr(), count: 12, ..RefitRecord::default() };
        virtual_call!(object, "onRefittableWeight", (*const RefitRecord = &record) -> ());
        assert_eq!(told(), ["weight w 12"]);
        // SAFETY: the object is not used again.
        unsafe { api.IRefitterObserver_delete.unwrap()(raw) };
    }
    assert!(Api::shim(Family::Trt10).IRefitterObserver_new.is_none());
    assert!(Api::shim(Family::RtxOld).IRefitterObserver_new.is_none());
}

unsafe extern "C" fn batch(_: *mut c_void, _: *mut *mut c_void, names: *mut *const c_char, count: i32) -> bool {
    // SAFETY: the test passes one name.
    let name = unsafe { *names };
    tell(format!("batch {} {count}", text(name)));
    false
}
unsafe extern "C" fn read_cache(_: *mut c_void, length: *mut usize) -> *const c_void {
    // SAFETY: the test passes a length.
    unsafe { *length = 21 };
    at(88)
}
unsafe extern "C" fn write_cache(_: *mut c_void, data: *const c_void, length: usize) {
    tell(format!("cache {} {length}", data.addr()));
}
unsafe extern "C" fn half(_: *mut c_void) -> f64 {
    0.5
}

#[test]
fn int8_calibrators() {
    let api = Api::shim(Family::Trt10);
    let functions = IInt8CalibratorFns {
        getBatchSize: Some(count),
        getBatch: Some(batch),
        readCalibrationCache: Some(read_cache),
        writeCalibrationCache: Some(write_cache),
    };
    let legacy = IInt8LegacyCalibratorFns {
        calibrator: functions,
        getQuantile: Some(half),
        getRegressionCutoff: Some(half),
        readHistogramCache: Some(read_cache),
        writeHistogramCache: Some(write_cache),
    };
    // SAFETY: the functions are copied.
    let entropy = unsafe { api.IInt8EntropyCalibrator_new.unwrap()(&functions, at(USER)) };
    // SAFETY: as above.
    let entropy2 = unsafe { api.IInt8EntropyCalibrator2_new.unwrap()(&functions, at(USER)) };
    // SAFETY: as above.
    let min_max = unsafe { api.IInt8MinMaxCalibrator_new.unwrap()(&functions, at(USER)) };
    // SAFETY: as above.
    let legacy = unsafe { api.IInt8LegacyCalibrator_new.unwrap()(&legacy, at(USER)) };
    let family = Family::Trt10;
    let objects = [
        (Object::new(entropy, &["nvinfer1::v_1_0::IInt8EntropyCalibrator"], family), "IInt8EntropyCalibrator", 1),
        (Object::new(entropy2, &["nvinfer1::v_1_0::IInt8EntropyCalibrator2"], family), "IInt8EntropyCalibrator2", 2),
        (Object::new(min_max, &["nvinfer1::v_1_0::IInt8MinMaxCalibrator"], family), "IInt8MinMaxCalibrator", 3),
        (Object::new(legacy, &["nvinfer1::v_1_0::IInt8LegacyCalibrator"], family), "IInt8Calibrator", 0),
    ];
    for (object, kind, algorithm) in &objects {
        assert_info(object, kind);
        assert_eq!(virtual_call!(object, "getAlgorithm", () -> i32), *algorithm);
        assert_eq!(virtual_call!(object, "getBatchSize", () -> i32), 3);
        let mut names = [c"x".as_ptr()];
        let mut bindings = [at(0)];
        assert!(!virtual_call!(
            object,
            "getBatch",
            (*mut *mut c_void = bindings.as_mut_ptr(), *mut *const c_char = names.as_mut_ptr(), i32 = 1) -> bool
        ));
        let mut length = 0;
        let cache = virtual_call!(object, "readCalibrationCache", (*mut usize = &mut length) -> *const c_void);
        assert_eq!((cache.addr(), length), (88, 21));
        virtual_call!(object, "writeCalibrationCache", (*const c_void = at(7), usize = 4) -> ());
        assert_eq!(told(), ["batch x 1", "cache 7 4"]);
    }
    let legacy_object = &objects[3].0;
    assert!(virtual_call!(legacy_object, "getQuantile", () -> f64) == 0.5);
    assert!(virtual_call!(legacy_object, "getRegressionCutoff", () -> f64) == 0.5);
    virtual_call!(legacy_object, "writeHistogramCache", (*const c_void = at(9), usize = 2) -> ());
    assert_eq!(told(), ["cache 9 2"]);
    // SAFETY: the objects are not used again.
    unsafe { api.IInt8EntropyCalibrator_delete.unwrap()(entropy) };
    // SAFETY: as above.
    unsafe { api.IInt8EntropyCalibrator2_delete.unwrap()(entropy2) };
    // SAFETY: as above.
    unsafe { api.IInt8MinMaxCalibrator_delete.unwrap()(min_max) };
    // SAFETY: as above.
    unsafe { api.IInt8LegacyCalibrator_delete.unwrap()(legacy) };
}
