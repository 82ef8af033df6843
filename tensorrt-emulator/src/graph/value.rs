//! What shape inference knows of a tensor.

use tensorrt_sys::DataType;

use crate::tensor::Dims;

/// A tensor's type, its extents as far as known, and, for small tensors, its elements as far as known.
///
/// Elements are followed because shapes are computed by layers: `Shape`, `Gather`, `Concatenation`, arithmetic, then a reshape.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// The type.
    pub dtype: DataType,
    /// The extents; −1 where unknown.
    pub dims: Dims,
    /// The elements of an int32, int64 or bool tensor with at most [`ValueInfo::MAX_ELEMENTS`], in row-major order, each `None` where
    /// unknown; `None` where nothing is followed.
    pub elements: Option<Vec<Option<i64>>>,
    /// The same for float tensors: some exporters compute shapes by way of float scales.
    pub floats: Option<Vec<Option<f32>>>,
}

impl ValueInfo {
    /// The longest shape computation that is followed.
    pub const MAX_ELEMENTS: usize = 64;

    /// A tensor of which only type and extents are known.
    pub fn new(dtype: DataType, dims: Dims) -> Self {
        Self { dtype, dims, elements: None, floats: None }
    }

    /// All elements, where every one is known.
    pub fn known_elements(&self) -> Option<Vec<i64>> {
        self.elements.as_ref()?.iter().copied().collect()
    }
}
