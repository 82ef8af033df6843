//! Bytes and who owns them.

mod file;
mod regions;
mod storage;

pub use file::map_file;
pub use regions::{Lease, Regions, Span};
pub use storage::{ALIGNMENT, Storage};
