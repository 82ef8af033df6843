//! Optimization profiles: the shapes that an engine is built for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::tensor::Dims;

/// Which of a profile's three shapes (`nvinfer1::OptProfileSelector`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// The smallest.
    Min,
    /// What the engine is tuned for.
    Opt,
    /// The largest.
    Max,
}

impl Selector {
    /// All three, smallest first.
    pub const ALL: [Self; 3] = [Self::Min, Self::Opt, Self::Max];

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "minimum",
            Self::Opt => "optimum",
            Self::Max => "maximum",
        }
    }
}

/// A profile (`nvinfer1::IOptimizationProfile`): minimum, optimum and maximum of the inputs' dimensions, and of the values of those that
/// are shape tensors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Minimum, optimum and maximum dimensions by the input's name.
    pub dims: BTreeMap<String, [Dims; 3]>,
    /// Minimum, optimum and maximum values by the shape input's name.
    pub values: BTreeMap<String, [Vec<i64>; 3]>,
}

impl Profile {
    /// The dimensions of an input.
    pub fn dims(&self, name: &str, selector: Selector) -> Option<Dims> {
        Some(self.dims.get(name)?[selector as usize])
    }

    /// The values of a shape input.
    pub fn values(&self, name: &str, selector: Selector) -> Option<&[i64]> {
        Some(&self.values.get(name)?[selector as usize])
    }
}
