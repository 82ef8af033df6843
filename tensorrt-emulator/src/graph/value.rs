//! What shape inference knows of a tensor.

use tensorrt_sys::DataType;

use crate::tensor::Dims;

/// A tensor's type, its extents as far as known, and, for small integer tensors, its elements as far as known.
///
/// Elements are followed because shapes are computed by layers: `Shape`, `Gather`, `Concatenation`, arithmetic, then a reshape.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// The type.
    pub dtype: DataType,
    /// The extents; −1 where unknown.
    pub dims: Dims,
    /// The elements of an int32, int64 or bool tensor of rank 0 or 1 with at most [`ValueInfo::MAX_ELEMENTS`], each `None` where unknown;
    /// `None` where nothing is followed.
    pub elements: Option<Vec<Option<i64>>>,
}

impl ValueInfo {
    /// The longest shape computation that is followed.
    pub const MAX_ELEMENTS: usize = 64;

    /// A tensor of which only type and extents are known.
    pub fn new(dtype: DataType, dims: Dims) -> Self {
        Self { dtype, dims, elements: None }
    }

    /// All elements, where every one is known.
    pub fn known_elements(&self) -> Option<Vec<i64>> {
        self.elements.as_ref()?.iter().copied().collect()
    }
}
