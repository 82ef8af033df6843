//! The loader and the shipped shim on the stand-in libraries that `cargo xtask abi` makes from NVIDIA's headers: every entry of
//! the table that the loader fills reaches its own method.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking and says what it skips")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use tensorrt_sys::{Api, Family, Library, call};

/// What the driver found; as `trtabi::Outcome` of the driver's C++.
#[repr(C)]
struct Outcome {
    methods: c_int,
    destructors: c_int,
    functions: c_int,
    exceptions: c_int,
    interfaces: c_int,
    callbacks: c_int,
    failures: c_int,
    message: [u8; 8192],
}

type Control = unsafe extern "C" fn() -> *mut c_void;
type Make = unsafe extern "C" fn(*const c_char) -> *mut c_void;
type Drive = unsafe extern "C" fn(*const Api, *mut c_void, Make, *mut Outcome) -> c_int;
type Fingerprint = unsafe extern "C" fn() -> u64;

/// FNV-1a over the entries' names, each with a zero behind it: as the driver's generator has it.
fn fingerprint() -> u64 {
    Api::entry_names()
        .flat_map(|name| name.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn open(path: &Path) -> libloading::Library {
    // SAFETY: `cargo xtask abi` made the library; its initialisers fill memory of their own.
    unsafe { libloading::Library::new(path) }.unwrap()
}

/// Drives every entry of a family's library; false, with a message, when `cargo xtask abi` has not made it.
fn drive(family: Family, id: &str, library_name: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/abi").join(id);
    let (stand_in, driver) = (folder.join(library_name), folder.join("libdriver.so"));
    if !stand_in.exists() || !driver.exists() {
        println!("skipped: {id} has no stand-in (cargo xtask abi)");
        return false;
    }
    let driver = open(&driver);
    // SAFETY: the driver's source defines the function with this type.
    let of_driver = unsafe { driver.get::<Fingerprint>(b"trtabi_fingerprint") };
    // SAFETY: it has no preconditions.
    let of_driver = of_driver.map(|function| unsafe { function() }).ok();
    if of_driver != Some(fingerprint()) {
        println!("skipped: the stand-in of {id} was made for another table (cargo xtask abi)");
        return false;
    }
    let library = Library::load_from(&folder).unwrap();
    assert_eq!(library.family(), family);
    assert!(library.has_builder() && library.has_onnx_parser() && !library.is_emulated());
    assert_eq!(library.path().unwrap().file_name().unwrap(), library_name);

    let stand_in = open(&stand_in);
    // SAFETY: the stand-in's source defines the functions with these types.
    let control = unsafe { stand_in.get::<Control>(b"trtabi_control") }.unwrap();
    // SAFETY: as above.
    let make = unsafe { stand_in.get::<Make>(b"trtabi_make") }.unwrap();
    // SAFETY: as above, of the driver.
    let drive = unsafe { driver.get::<Drive>(b"trtabi_drive") }.unwrap();
    // SAFETY: every field of the struct may be zero.
    let mut outcome: Outcome = unsafe { std::mem::zeroed() };
    // SAFETY: it returns the address of a static.
    let control = unsafe { control() };
    // SAFETY: the driver was made for this table, whose entries call the library that `make` makes objects of.
    let failures = unsafe { drive(library.api(), control, *make, &raw mut outcome) };
    let message = CStr::from_bytes_until_nul(&outcome.message).unwrap().to_string_lossy();
    assert_eq!(failures, 0, "{id}:\n{message}");
    let reached = outcome.methods + outcome.destructors + outcome.functions;
    assert!(reached > 750 && outcome.interfaces > 8, "{id}: {reached} entries");
    // Everything that the loader filled was called, but for the exception's reader and the callback objects, which have two
    // entries an interface.
    let rest = 1 + 2 * outcome.interfaces;
    assert_eq!(usize::try_from(reached + rest).unwrap(), library.api().filled(), "{id}");

    // SAFETY: the stand-in's functions look at no argument.
    let builder = unsafe { library.create_builder(std::ptr::null_mut()) }.unwrap();
    // SAFETY: the builder was just made.
    let network = unsafe { call!(library, IBuilder_createNetworkV2(builder.as_ptr(), 0)) }.unwrap();
    assert!(!network.is_null());
    // SAFETY: the builder is alive and nothing uses it afterwards.
    unsafe { call!(library, IBuilder_destroy(builder.as_ptr())) }.unwrap();
    println!("{id}: {reached} entries of the loaded table reach their slot");
    true
}

#[test]
fn every_entry_of_a_loaded_table_reaches_its_slot() {
    let families = [
        (Family::Trt10, "trt10", "libnvinfer.so.10"),
        (Family::Trt11, "trt11", "libnvinfer.so.11"),
        (Family::RtxOld, "rtx1_old", "libtensorrt_rtx.so.1"),
        (Family::RtxNew, "rtx1_new", "libtensorrt_rtx.so.1"),
    ];
    let driven = families.into_iter().filter(|(family, id, name)| drive(*family, id, name)).count();
    if std::env::var_os("TENSORRT_TEST_HEADERS").is_some_and(|value| !value.is_empty()) {
        assert!(
            driven >= 3,
            "only {driven} families have a stand-in, though the headers are here: run `cargo xtask abi`"
        );
    }
}
