//! The function table of NVIDIA TensorRT and of TensorRT for RTX, and the loader that fills it.
//!
//! TensorRT's interface is C++ classes. This crate compiles a small C++ shim that reaches their methods through C functions,
//! one field of [`Api`] each, named as NVIDIA names class and method: [`Api::IBuilderConfig_setFlag`]. The shim's class
//! declarations are generated from tables of facts, for four families of releases whose binary interfaces differ
//! ([`Family`]); neither building nor linking needs NVIDIA's software. [`Library::load`] finds a library at run time, asks
//! its version *before* anything else, and picks the family's table; what the loaded release lacks is null in it.
//!
//! The crate `tensorrt` is the safe interface on top.
//!
//! # Loading
//!
//! A library that is not there is an error that says what to do, never a panic:
//!
//! ```
//! use tensorrt_sys::{LibraryKind, LoadErrorKind, LoadOptions, Library};
//!
//! let empty = std::env::temp_dir().join("no-tensorrt-here");
//! let error = Library::find(LoadOptions::new().kind(LibraryKind::Rtx).path(&empty)).unwrap_err();
//! assert_eq!(error.kind(), LoadErrorKind::NotFound);
//! assert!(error.to_string().contains("libtensorrt_rtx.so.1"));
//! assert!(error.to_string().contains("TENSORRT_LIB_DIR"));
//! ```
//!
//! # Calling
//!
//! [`call!`] calls an entry and says which method is missing when the library lacks it. The helpers of [`Library`] make the
//! first objects:
//!
//! ```no_run
//! use tensorrt_sys::{ILoggerFns, Library, call};
//! use std::ffi::{CStr, c_char, c_void};
//!
//! unsafe extern "C" fn log(_user: *mut c_void, severity: i32, message: *const c_char) {
//!     // TensorRT passes a C string that lives during the call.
//!     let message = unsafe { CStr::from_ptr(message) };
//!     eprintln!("{severity}: {}", message.to_string_lossy());
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let library = Library::load()?;
//! let functions = ILoggerFns { log: Some(log) };
//! // The functions are those of a logger and need no user pointer.
//! let logger = unsafe { call!(library, ILogger_new(&functions, std::ptr::null_mut())) }?;
//! // The logger was just made by this library's table and is never deleted.
//! let builder = unsafe { library.create_builder(logger) }?;
//! // The builder is alive.
//! let threads = unsafe { call!(library, IBuilder_getMaxThreads(builder.as_ptr())) }?;
//! println!("{}: {threads} threads", library.info());
//! // The builder is not used again.
//! unsafe { call!(library, IBuilder_destroy(builder.as_ptr())) }?;
//! # Ok(())
//! # }
//! ```
//!
//! Pointers to objects must not outlive what they came from; NVIDIA's documentation says what that is.
//!
//! # Rules of the table
//!
//! - An entry's name is `<Class>_<slot>`: the virtual slot that it calls, so overloads are told apart as NVIDIA itself does
//!   (`INetworkDefinition_addFillV2`). `<Class>_destroy` deletes what users own.
//! - Objects are pointers to opaque types, never const. A layer's pointer is also a pointer to its [`ILayer`].
//! - Enums cross as integers; the enums of this crate convert them for a family ([`DataType::to_raw`]). Flag sets are
//!   integers in which the bit of each enum value is set.
//! - Callback objects are made from a struct of C functions and a user pointer (`ILogger_new`), and deleted by
//!   `ILogger_delete`. A function must not unwind.
//! - A C++ exception stops in the shim: the entry returns zero, and [`Library::take_exception`] has the message.

mod api;
mod call;
mod create;
mod enums;
mod family;
mod generated;
mod guard;
mod info;
mod library;
mod loader;
mod missing;
mod plan_kind;
mod version;

pub use create::{CreateError, CreateErrorKind};
pub use family::Family;
#[allow(clippy::wildcard_imports, reason = "every type of the shim's C header is public")]
pub use generated::bindings::*;
#[allow(clippy::wildcard_imports, reason = "every enum is public")]
pub use generated::enums::*;
pub use info::{Info, LibraryKind};
pub use library::Library;
pub use loader::{LoadError, LoadErrorKind, LoadOptions};
pub use missing::MissingMethod;
pub use plan_kind::{EMULATOR_PLAN_MAGIC, PlanKind};
pub use version::Version;
