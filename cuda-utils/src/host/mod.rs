//! The emulated device: streams that are worker threads, and "device" memory that is the host's.
//!
//! It behaves as a GPU does where a program can tell: work enqueued on a stream runs later, in order, on the stream's own thread, so
//! that a synchronisation that a program forgot shows as a wrong result; streams wait for each other's events, and a wait means the
//! record that the event had when the wait was enqueued; memory can be limited. Work that fails poisons its stream as a sticky CUDA
//! error does: what is enqueued behind it does not run, streams that wait for it are poisoned too, and every later call reports it.
//! [`Faults`] makes it fail on request: allocations, copies, inferences, the device itself.
//!
//! A library that implements NVIDIA's interface on this device is handed raw `cudaStream_t` and `cudaEvent_t` handles, which
//! [`HostStreamRef`] and [`HostEventRef`] turn back.

mod core;
mod current;
mod device;
mod event;
mod faults;
mod graph;
mod handle;
mod operation;
mod options;

pub use self::current::current_device;
pub use self::event::HostEventRef;
pub use self::faults::Faults;
pub use self::handle::HostStreamRef;
pub use self::operation::Operation;
pub use self::options::HostOptions;

pub(crate) use self::current::set_current_device;
pub(crate) use self::device::HostDevice;
pub(crate) use self::event::HostEvent;
pub(crate) use self::graph::HostGraph;
pub(crate) use self::handle::HostStream;
pub(crate) use self::operation::Work;
