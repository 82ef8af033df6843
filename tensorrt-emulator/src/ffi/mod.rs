//! The function table: every emulated entry of `tensorrt_sys::Api`, one file an interface.
//!
//! An object of the C++ API is a Rust value on the heap, and its C pointer is that value's address. Entries are written with
//! the `entries!` macro: the body is safe code over a reference to the object and returns a `Result`; the macro adds the C
//! signature, stops panics, and reports errors to the object's logger and error recorder as TensorRT words them. An entry that
//! the emulator does not fill is null, and the safe crate says `Unsupported` with its name.

mod builder;
mod callbacks;
mod config;
mod context;
mod dims;
mod engine;
mod entries;
mod host_memory;
mod inspector;
mod job;
mod network;
mod object;
mod parser;
mod parser_refitter;
mod profile;
mod refitter;
mod runtime;
mod runtime_config;
mod scope;
mod serialization;
mod text;
mod timing_cache;
mod value;

use tensorrt_sys::Api;

/// The table with every emulated entry filled; `strict` is what its builders and parsers are.
pub(crate) fn table(strict: bool) -> Api {
    let mut api = Api::empty();
    builder::fill(&mut api, strict);
    callbacks::fill(&mut api);
    config::fill(&mut api);
    context::fill(&mut api);
    engine::fill(&mut api);
    host_memory::fill(&mut api);
    inspector::fill(&mut api);
    network::fill(&mut api);
    parser::fill(&mut api);
    parser_refitter::fill(&mut api);
    refitter::fill(&mut api);
    profile::fill(&mut api);
    runtime::fill(&mut api);
    runtime_config::fill(&mut api);
    serialization::fill(&mut api);
    timing_cache::fill(&mut api);
    api
}
