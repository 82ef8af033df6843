//! The shim's hand-written parts on objects of a small C++ library: the steady-state call, exceptions, callbacks.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::borrow_as_ptr, reason = "a test fails by panicking, and the calls are C's")]

mod compiled;

use compiled::{Folder, compile};
use std::ffi::{CStr, c_char, c_void};
use tensorrt_sys::{
    Api, Dims, Family, IExecutionContext, IInt8CalibratorFns, ILoggerFns, IParserError, Library, TensorUpdate, call,
};

/// The slots of a class, destructors counted twice as the vtable has them.
fn slots(class: &str, family: &str) -> Vec<String> {
    let facts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("facts/vtables.tsv");
    let mut slots = Vec::new();
    for line in std::fs::read_to_string(facts).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[0] == class && fields[1] == family {
            slots.push(fields[3].to_owned());
            if fields[3] == "~dtor" {
                slots.push("~dtor (deleting)".to_owned());
            }
        }
    }
    assert!(!slots.is_empty());
    slots
}

/// C++ for an object whose vtable traps everywhere but in the given slots, and a function that returns it.
fn object(class: &str, family: &str, functions: &[(&str, &str)], offset_of_implementation: bool) -> String {
    let slots = slots(class, family);
    let rows: Vec<&str> = slots
        .iter()
        .map(|slot| functions.iter().find(|(name, _)| name == slot).map_or("(void*)&trap", |(_, function)| *function))
        .collect();
    let object = if offset_of_implementation { "{(void*)vtable, &implementation}" } else { "{(void*)vtable, nullptr}" };
    format!(
        "static void trap() {{ __builtin_trap(); }}
         static void* vtable[] = {{ {} }};
         static void* implementation[] = {{ (void*)vtable, nullptr }};
         static void* object[] = {object};
         extern \"C\" void* made() {{ return object; }}",
        rows.join(", ")
    )
}

fn made(library: &std::path::Path) -> *mut c_void {
    // SAFETY: the library was just compiled from the test's source and has no initialisers.
    let handle = Box::leak(Box::new(unsafe { libloading::Library::new(library) }.unwrap()));
    // SAFETY: the source defines the function with this type.
    let function = unsafe { handle.get::<unsafe extern "C" fn() -> *mut c_void>(b"made") }.unwrap();
    // SAFETY: it returns the address of a static.
    unsafe { function() }
}

/// A context that accepts every tensor but `bad`, and enqueues on any stream but null. It notes what it was told.
const CONTEXT: &str = r#"
#include <cstring>
#include <cstdint>
extern "C" { char told[512]; }
struct Dims { int32_t n; int64_t d[8]; };
static bool note(char const* what, char const* name) {
    std::strcat(told, what); std::strcat(told, name); std::strcat(told, ";");
    return std::strcmp(name, "bad") != 0;
}
static bool shape(void*, char const* name, Dims const* d) { return note(d->n == 2 && d->d[1] == 7 ? "shape " : "wrong ", name); }
static bool input(void*, char const* name, void const*) { return note("input ", name); }
static bool address(void*, char const* name, void*) { return note("address ", name); }
static bool enqueue(void*, void* stream) { note("enqueue", ""); return stream != nullptr; }
extern "C" char const* notes() { return told; }
"#;

#[test]
fn the_steady_state_call_sets_what_changed_and_enqueues() {
    for (family, id) in
        [(Family::Trt10, "trt10"), (Family::Trt11, "trt11"), (Family::RtxOld, "rtx1_old"), (Family::RtxNew, "rtx1_new")]
    {
        let folder = Folder::new(&format!("context-{id}"));
        let functions = [
            ("setInputShape", "(void*)&shape"),
            ("setInputTensorAddress", "(void*)&input"),
            ("setTensorAddress", "(void*)&address"),
            ("enqueueV3", "(void*)&enqueue"),
        ];
        let source = CONTEXT.to_owned() + &object("nvinfer1::apiv::VExecutionContext", id, &functions, true);
        let path = compile(&folder, "context.so", &source);
        let context: *mut IExecutionContext = made(&path).cast();
        let run = |updates: &[TensorUpdate], stream: *mut c_void| {
            let entry = Api::shim(family).IExecutionContext_updateAndEnqueueV3.unwrap();
            let mut failed = 99;
            let count = i32::try_from(updates.len()).unwrap();
            // SAFETY: the context is a static of the compiled library with this family's vtable.
            let enqueued = unsafe { entry(context, updates.as_ptr(), count, stream, &mut failed) };
            (enqueued, failed)
        };
        let dims = Dims { nbDims: 2, d: [1, 7, 0, 0, 0, 0, 0, 0] };
        let memory = std::ptr::dangling_mut::<u8>().cast();
        let null = std::ptr::null_mut();
        let input = TensorUpdate { name: c"x".as_ptr(), address: memory, shape: &dims, isInput: true };
        let output = TensorUpdate { name: c"y".as_ptr(), address: memory, shape: std::ptr::null(), isInput: false };
        let bad = TensorUpdate { name: c"bad".as_ptr(), address: memory, shape: std::ptr::null(), isInput: false };
        let same = TensorUpdate { name: c"bad".as_ptr(), address: null, shape: std::ptr::null(), isInput: false };
        assert_eq!(run(&[input, output, same], memory), (true, -1));
        assert_eq!(run(&[input], null), (false, -1));
        assert_eq!(run(&[output, bad], memory), (false, 1));
        assert_eq!(notes(&path), "shape x;input x;address y;enqueue;shape x;input x;enqueue;address y;address bad;");
    }
}

/// What the compiled context was told.
fn notes(library: &std::path::Path) -> String {
    // SAFETY: the library is already open; it has no initialisers.
    let handle = unsafe { libloading::Library::new(library) }.unwrap();
    // SAFETY: the source defines the function with this type.
    let function = unsafe { handle.get::<unsafe extern "C" fn() -> *const c_char>(b"notes") }.unwrap();
    // SAFETY: it returns the address of a static.
    let text = unsafe { function() };
    // SAFETY: the text is a C string of the library.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[test]
fn an_exception_stops_in_the_shim() {
    let folder = Folder::new("exception");
    let source = "#include <stdexcept>
        static char const* desc(void*) { throw std::runtime_error(\"the model is odd\"); }
        static int code(void*) { throw 42; }\n"
        .to_owned()
        + &object("nvonnxparser::IParserError", "trt11", &[("desc", "(void*)&desc"), ("code", "(void*)&code")], false);
    let error: *mut IParserError = made(&compile(&folder, "error.so", &source)).cast();
    let library = stand_in(&folder, 110_400);
    // SAFETY: the error is a static of the compiled library with this family's vtable.
    let desc = unsafe { call!(library, IParserError_desc(error)) }.unwrap();
    assert!(desc.is_null());
    assert_eq!(library.take_exception().as_deref(), Some("the model is odd"));
    assert_eq!(library.take_exception(), None);
    // SAFETY: as above.
    let code = unsafe { call!(library, IParserError_code(error)) }.unwrap();
    assert_eq!(code, 0);
    assert_eq!(library.take_exception().as_deref(), Some("an exception that is no std::exception"));
}

/// A library that only tells its version.
fn stand_in(folder: &Folder, version: i32) -> Library {
    let source = format!("extern \"C\" int getInferLibVersion() {{ return {version}; }}");
    Library::load_from(compile(folder, &format!("lib{version}.so"), &source)).unwrap()
}

#[test]
fn a_callback_without_its_functions_is_not_made() {
    let folder = Folder::new("callbacks");
    let library = stand_in(&folder, 101_600);
    let user = std::ptr::null_mut();
    // SAFETY: the struct is alive and has no function.
    let logger = unsafe { call!(library, ILogger_new(&ILoggerFns { log: None }, user)) }.unwrap();
    assert!(logger.is_null());
    let none = IInt8CalibratorFns {
        getBatchSize: None,
        getBatch: None,
        readCalibrationCache: None,
        writeCalibrationCache: None,
    };
    // SAFETY: as above.
    let calibrator = unsafe { call!(library, IInt8EntropyCalibrator2_new(&none, user)) }.unwrap();
    assert!(calibrator.is_null());
    let eleven = stand_in(&folder, 110_000);
    // SAFETY: the entry is null in TensorRT 11, so nothing is called.
    let missing = unsafe { call!(eleven, IInt8EntropyCalibrator2_new(&none, user)) }.unwrap_err();
    assert!(missing.to_string().ends_with("only TensorRT 10.0+"), "{missing}");
    // SAFETY: as above: the observer came with 11.4.
    let missing = unsafe { call!(eleven, IRefitterObserver_delete(std::ptr::null_mut())) }.unwrap_err();
    assert!(missing.to_string().ends_with("it came with 11.4"), "{missing}");
}
