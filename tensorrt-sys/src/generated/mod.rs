//! Written by `cargo xtask codegen` from the fact tables; not edited by hand.

#[rustfmt::skip]
#[allow(
    missing_debug_implementations,
    non_snake_case,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::ptr_as_ptr,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    reason = "bindgen's output, in which NVIDIA's names are kept"
)]
pub(crate) mod bindings;
#[rustfmt::skip]
pub(crate) mod enums;
#[rustfmt::skip]
pub(crate) mod since;
