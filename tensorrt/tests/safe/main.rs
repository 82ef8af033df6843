//! The safe interface over the emulator and over NVIDIA's own library.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attention;
mod builds;
mod caches;
mod contexts;
mod control;
mod emulator;
mod engines;
mod graphs;
mod layers;
mod outputs;
mod real;
mod refit;
mod support;
mod wrapped;
