//! Plans: built networks, and the file format that keeps them.
//!
//! ```text
//! identity   which TensorRT the plan was built as      settings   what an engine answers about its build
//! profile    ranges of shapes                          format     header, section table, checksums
//! read       bytes or a mapped file to a plan          write      a plan to a stream
//! ```

mod check;
mod format;
mod identity;
mod profile;
mod read;
mod settings;
#[cfg(test)]
mod tests;
mod write;

pub use identity::Identity;
pub use profile::{Profile, Selector};
pub use settings::Settings;
pub(crate) use write::is_refittable;

use crate::graph::Graph;

/// A built network (`nvinfer1::IHostMemory` of `buildSerializedNetwork`): what an engine is made from.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which TensorRT it was built as.
    pub identity: Identity,
    /// The network after folding and pruning.
    pub graph: Graph,
    /// The optimization profiles; a network without dynamic inputs has one.
    pub profiles: Vec<Profile>,
    /// What the engine answers about how it was built.
    pub settings: Settings,
}
