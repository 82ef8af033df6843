//! Bytes and who owns them.

mod storage;

pub use storage::Storage;
