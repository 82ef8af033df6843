//! What a run reports to its user.

use std::fmt;

use crate::Result;

/// Receives each layer's time (`nvinfer1::IProfiler`).
pub trait LayerProfiler: fmt::Debug + Send {
    /// Called after each run of a layer with its name and milliseconds.
    fn report(&mut self, layer: &str, milliseconds: f32);
}

/// Accounts for the activations' memory: the emulated device charges it against its limit.
pub trait MemoryAccount: fmt::Debug + Send + Sync {
    /// Called before `bytes` more are allocated.
    ///
    /// # Errors
    /// There is no more memory: nothing is allocated.
    fn charge(&self, bytes: usize) -> Result<()>;

    /// Called after `bytes` were freed.
    fn release(&self, bytes: usize);
}
