//! The function table of NVIDIA TensorRT: a C++ shim for four ABI families, generated from fact tables, and the loader that fills it.

mod family;
#[path = "generated/enums.rs"]
mod enums;

pub use enums::*;
pub use family::Family;
