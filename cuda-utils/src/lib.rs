//! CUDA devices, streams, events and buffers that stay sound when dropped early, on a GPU or on an emulated host device.
//!
//! ```
//! use cuda_utils::{Device, DeviceBuffer, PinnedBuffer, Stream};
//!
//! # fn main() -> cuda_utils::Result<()> {
//! # pollster::block_on(async {
//! let device = Device::host(); // or Device::cuda(0)?
//! let stream = Stream::new(&device)?;
//! let input = PinnedBuffer::from_slice(&device, &[1.0_f32, 2.0, 3.0])?;
//! let mut on_device = DeviceBuffer::alloc(&device, 3)?;
//! let mut output = PinnedBuffer::alloc(&device, 3)?;
//!
//! stream.copy_to_device(&input, &mut on_device)?; // these return at once
//! stream.copy_to_host(&on_device, &mut output)?;
//! drop((input, on_device)); // sound: the stream still uses them, so they are freed later
//! stream.completion()?.await?;
//! assert_eq!(output.as_slice()?, [1.0, 2.0, 3.0]);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Two kinds of device
//!
//! [`Device::cuda`] opens a GPU through NVIDIA's driver, which is loaded when the program runs; nothing of NVIDIA's is needed to build.
//! A machine without a driver gets an error that says so. [`Device::host`] is an emulated device: its streams are threads, its memory
//! is the host's, and it is as asynchronous as a GPU, so that a synchronisation that a program forgot shows in its tests. See [`host`].
//! One is never taken silently for the other.
//!
//! # What is sound, and why
//!
//! A stream works on memory after the call that told it to has returned. In safe code it can nevertheless not happen that memory is
//! freed, or seen by the host, while a stream uses it:
//!
//! - Every memory knows its last use: the stream, and an event behind the work. An operation first makes its stream wait for the use by
//!   another stream, then records its own. On one stream there is nothing to wait for.
//! - [`PinnedBuffer::as_slice`] and [`PinnedBuffer::as_mut_slice`] wait for that event.
//! - A buffer that is dropped while in use is freed once the event is reached; the drop does not block.
//! - None of this depends on a destructor: a future or a buffer that is forgotten leaks, and the stream's work goes on.
//!
//! So two streams that use the same memory take turns, even if both only read; for streams to overlap, give them buffers of their own.
//!
//! Libraries that enqueue work by themselves, on raw addresses, take part with [`DeviceMemory::begin_use`], or with a [`SharedUse`]
//! which stands for many memories and costs next to nothing each time. Their calls are `unsafe` for this reason.
//!
//! # Threads, errors and drops
//!
//! All types are `Send` and `Sync` (guards of a use in progress excepted); the context is made current on whichever thread calls. No
//! call panics on bad arguments or a missing driver. An error that a destructor or callback met is kept, and returned by the next call
//! on the device. In a host callback CUDA must not be called; calls that would are refused with [`ErrorKind::NotPermitted`].
//!
//! # Features
//!
//! - `cuda-12000` (default): the version of cudarc's types. The calls made are the same in all versions; a program that uses cudarc
//!   with another version turns this off, since cudarc takes only one.

mod backend;
mod callback;
mod completion;
mod copy;
mod cuda;
mod device;
mod element;
mod error;
mod event;
mod graph;
pub mod host;
mod memory;
mod stream;

pub use self::completion::Completion;
pub use self::device::{Device, MemoryInfo};
pub use self::element::Element;
pub use self::error::{Error, ErrorKind, Result};
pub use self::event::Event;
pub use self::graph::Graph;
pub use self::host::HostOptions;
pub use self::memory::{DeviceBuffer, DeviceMemory, PinnedBuffer, SharedUse, SharedUseGuard, UseGuard};
pub use self::stream::Stream;
