//! CUDA devices, streams, events and buffers that stay sound when dropped early, on a GPU or on an emulated host device.

mod backend;
mod callback;
mod completion;
mod copy;
mod cuda;
mod device;
mod element;
mod error;
mod event;
pub mod host;
mod memory;
mod stream;

pub use self::completion::Completion;
pub use self::device::{Device, MemoryInfo};
pub use self::element::Element;
pub use self::error::{Error, ErrorKind, Result};
pub use self::event::Event;
pub use self::host::HostOptions;
pub use self::memory::{DeviceBuffer, DeviceMemory, PinnedBuffer, SharedUse, SharedUseGuard, UseGuard};
pub use self::stream::Stream;
