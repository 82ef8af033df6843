//! The inner loops: packed and indirect matrix products and vectorised functions, with one code path per instruction set.
//!
//! Every kernel is generic over [`simd::Simd`] and compiled once per instruction set; the set is chosen at run time. Only this folder and
//! the C interface hold `unsafe` code: what leaves it is a safe function over slices that checks its bounds once, before its loops.

pub mod dot;
pub mod gemm;
pub mod image;
pub mod math;
pub mod normalize;
pub mod plane;
pub mod pool;
pub mod simd;
pub mod softmax;
pub mod workspace;
