//! Memory that streams work on, and the record of who uses it.
//!
//! Each allocation knows its last uses: which stream, and an event behind the work. Whoever enqueues work on it first makes the stream
//! wait for the uses by other streams, and then leaves a record of its own, both under the allocation's lock, so that no use is ever
//! lost ([`order`]). The host waits for the record before it reads or writes pinned memory, and memory that is dropped while in use
//! goes to the device's [`Graveyard`], from which it is freed once the record is reached. Nothing here depends on a destructor running:
//! what is forgotten is leaked.

mod allocation;
mod device_buffer;
mod device_memory;
mod graveyard;
mod order;
mod pinned_buffer;
mod shared_use;

pub use self::device_buffer::DeviceBuffer;
pub use self::device_memory::{DeviceMemory, UseGuard};
pub use self::pinned_buffer::PinnedBuffer;
pub use self::shared_use::{SharedUse, SharedUseGuard};

pub(crate) use self::allocation::{Allocation, Place};
pub(crate) use self::graveyard::Graveyard;
pub(crate) use self::order::Ordered;
