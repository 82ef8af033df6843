//! Loops and conditionals: what boundary layers of a kind belong to.

use serde::{Deserialize, Serialize};

use super::LayerId;

/// The index of a loop in its [`Graph`](super::Graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LoopId(pub u32);

/// The index of a conditional in its [`Graph`](super::Graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConditionalId(pub u32);

/// A loop (`nvinfer1::ILoop`): its trip limits, recurrences, iterators and outputs are layers that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loop {
    /// The name that errors use.
    pub name: String,
}

/// An if-conditional (`nvinfer1::IIfConditional`): its inputs and outputs are layers that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditional {
    /// The name that errors use.
    pub name: String,
    /// The layer whose input decides between the branches.
    pub condition: Option<LayerId>,
}
