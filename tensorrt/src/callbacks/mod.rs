//! Rust code that TensorRT calls: each a struct of C functions over a Rust value. No panic crosses into C++.

pub(crate) mod logger;
mod object;
mod output_allocator;
pub(crate) mod panic;
mod profiler;
mod progress;
pub(crate) mod recorder;
mod stream;

pub(crate) use self::output_allocator::OutputAllocator;
pub use self::profiler::Profiler;
pub(crate) use self::profiler::ProfilerObject;
pub(crate) use self::progress::Monitor;
pub use self::progress::{Progress, ProgressEvent, ProgressMonitor};
pub(crate) use self::stream::{StreamReader, StreamWriter};
