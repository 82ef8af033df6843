//! The safe interface over the emulator and over NVIDIA's own library.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contexts;
mod emulator;
mod graphs;
mod real;
mod support;
