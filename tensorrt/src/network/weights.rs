//! The values of a layer.

use std::sync::Arc;

use bytemuck::NoUninit;
use tensorrt_sys::Family;

use crate::DataType;
use crate::element::TensorElement;

/// The values of a layer: of a constant, of a convolution's kernel. Cloning shares them.
///
/// TensorRT does not copy weights until an engine is built; the network that they are given to keeps them.
#[derive(Debug, Clone)]
#[doc(alias = "nvinfer1::Weights")]
pub struct Weights {
    data_type: DataType,
    count: usize,
    /// The values, in whole words so that they are aligned for every element type.
    words: Arc<[u64]>,
}

impl Weights {
    /// A copy of some values.
    #[must_use]
    pub fn new<T: TensorElement>(values: &[T]) -> Self {
        let bytes = bytes_of(values);
        let mut words = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Weights { data_type: T::DATA_TYPE, count: values.len(), words: words.into() }
    }

    /// No values of a type: what an optional argument, such as a bias, takes for "none".
    #[must_use]
    pub fn empty(data_type: DataType) -> Self {
        Weights { data_type, count: 0, words: Arc::default() }
    }

    /// The type of the values.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// As TensorRT takes them; valid while these weights or a clone of them live.
    pub(crate) fn to_raw(&self, family: Family) -> tensorrt_sys::Weights {
        let values = if self.count == 0 { std::ptr::null() } else { self.words.as_ptr().cast() };
        tensorrt_sys::Weights {
            // The numbers of the types that `TensorElement` has are the same in every family.
            type_: self.data_type.to_raw(family).unwrap_or(0),
            values,
            count: i64::try_from(self.count).unwrap_or(i64::MAX),
        }
    }
}

fn bytes_of<T: NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

#[cfg(test)]
mod tests {
    use super::Weights;
    use crate::DataType;
    use tensorrt_sys::Family;

    #[test]
    fn values_are_kept_aligned() {
        let weights = Weights::new(&[1_i8, 2, 3]);
        let raw = weights.to_raw(Family::Trt11);
        assert_eq!((raw.count, weights.len(), weights.data_type()), (3, 3, DataType::Int8));
        assert_eq!(raw.values.align_offset(8), 0);
        assert!(Weights::empty(DataType::Float).to_raw(Family::Trt10).values.is_null());
    }
}
