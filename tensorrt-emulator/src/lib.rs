//! A CPU emulation of TensorRT behind the same function table: it computes the right answers without a GPU.
//!
//! Layers of the crate, lowest first: [`memory`] and [`tensor`] (bytes and dense tensors), [`graph`] (TensorRT's layers),
//! `shape` (output dimensions), `ops` over `kernels` (what layers compute), `onnx` (the importer), `build` and `plan` (from network to plan),
//! `run` (from plan to answers), `ffi` (the function table).

pub mod build;
mod error;
mod ffi;
pub mod graph;
pub mod kernels;
mod library;
pub mod memory;
pub mod network;
pub mod onnx;
pub mod ops;
pub mod plan;
pub mod run;
pub mod shape;
pub mod tensor;

pub use error::{Error, Result};
pub use library::{Emulator, library, library_as};
