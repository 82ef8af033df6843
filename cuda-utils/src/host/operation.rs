//! What an emulated stream's queue holds.

use std::fmt;
use std::sync::Arc;

use super::core::StreamCore;
use super::event::Stamp;
use super::faults::FaultState;
use super::graph::HostGraph;
use crate::error::Result;

/// An operation that can be enqueued on an emulated stream again and again without an allocation.
pub trait Operation: Send + Sync {
    /// Does the work, on the stream's thread.
    ///
    /// # Errors
    ///
    /// An error (see [`Error::operation`](crate::Error::operation)) poisons the stream. So does a panic.
    fn run(&self) -> Result<()>;

    /// How many items it works on, such as the batch of an inference: what [`Faults::set_latency`](super::Faults::set_latency) counts.
    fn items(&self) -> u64 {
        1
    }
}

/// A step of an emulated stream.
pub(crate) enum Work {
    Copy { from: *const u8, to: *mut u8, bytes: usize },
    Fill { to: *mut u8, value: u8, bytes: usize },
    Wait { core: Arc<StreamCore>, step: u64 },
    Stamp { stamp: Arc<Stamp>, record: u64 },
    Once(Box<dyn FnOnce() -> Result<()> + Send>),
    Callback(Box<dyn FnOnce() + Send>),
    Shared(Arc<dyn Operation>),
    Graph(HostGraph),
}

// SAFETY: the pointers of a copy or fill are addresses of device or pinned memory, which may be used from any thread; whoever
// enqueues such a step sees to it that the memory outlives it and is not used meanwhile (`memory::order`).
unsafe impl Send for Work {}

impl Work {
    /// Whether it is an operation of a library, which faults are counted by.
    pub(super) fn is_operation(&self) -> bool {
        matches!(self, Work::Once(_) | Work::Shared(_) | Work::Graph(_))
    }

    pub(super) fn run(self, faults: &FaultState) -> Result<()> {
        match self {
            Work::Copy { from, to, bytes } => {
                faults.copy()?;
                // SAFETY: whoever enqueued the copy keeps both ranges allocated, and off limits for others, until this step is done;
                // `copy` allows them to overlap.
                unsafe { std::ptr::copy(from, to, bytes) };
                Ok(())
            }
            Work::Fill { to, value, bytes } => {
                faults.copy()?;
                // SAFETY: whoever enqueued the fill keeps the range allocated, and off limits for others, until this step is done.
                unsafe { std::ptr::write_bytes(to, value, bytes) };
                Ok(())
            }
            Work::Wait { core, step } => core.wait_for(step),
            Work::Stamp { stamp, record } => {
                stamp.reach(record);
                Ok(())
            }
            Work::Once(function) => faults.operation(1, function),
            Work::Callback(function) => {
                function();
                Ok(())
            }
            Work::Shared(operation) => faults.operation(operation.items(), || operation.run()),
            Work::Graph(graph) => graph
                .operations()
                .iter()
                .try_for_each(|operation| faults.operation(operation.items(), || operation.run())),
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Copy { .. } => "Copy",
            Work::Fill { .. } => "Fill",
            Work::Wait { .. } => "Wait",
            Work::Stamp { .. } => "Stamp",
            Work::Once(_) => "Once",
            Work::Callback(_) => "Callback",
            Work::Shared(_) => "Shared",
            Work::Graph(_) => "Graph",
        })
    }
}
