//! The values of a layer.

use std::sync::Arc;

use tensorrt_sys::Library;

use crate::DataType;
use crate::element::{TensorElement, bytes_of};
use crate::error::{Error, ErrorKind, Result};
use crate::value::Value;

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
        Weights { data_type: T::DATA_TYPE, count: values.len(), words: words_of(bytemuck::cast_slice(values)) }
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

    /// Values of any type, as bytes in the order that TensorRT stores them: little-endian, and two elements of four bits a byte, the first
    /// in the low half.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of bytes is not that of the elements.
    pub fn from_bytes(data_type: DataType, count: usize, bytes: &[u8]) -> Result<Self> {
        if bytes_of(data_type, count)? != bytes.len() {
            let tried = format!("take {} bytes as {count} weights of type {}", bytes.len(), data_type.name());
            return Err(Error::new(ErrorKind::ShapeMismatch, tried, "the number of bytes does not fit"));
        }
        Ok(Weights { data_type, count, words: words_of(bytes) })
    }

    /// The bytes of the values, as [`from_bytes`](Self::from_bytes) takes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        bytes_of(self.data_type, self.count).ok().and_then(|len| bytes.get(..len)).unwrap_or_default()
    }

    /// The values; none if they are not of the type.
    #[must_use]
    pub fn to_vec<T: TensorElement>(&self) -> Option<Vec<T>> {
        let values = || bytemuck::checked::try_cast_slice(self.as_bytes()).ok().map(<[T]>::to_vec);
        (T::DATA_TYPE == self.data_type).then(values).flatten()
    }

    /// As TensorRT takes them; valid while these weights or a clone of them live.
    pub(crate) fn to_raw(&self, library: &Library) -> Result<tensorrt_sys::Weights> {
        let values = if self.count == 0 { std::ptr::null() } else { self.words.as_ptr().cast() };
        Ok(tensorrt_sys::Weights {
            type_: self.data_type.cross(library)?,
            values,
            count: i64::try_from(self.count).unwrap_or(i64::MAX),
        })
    }

    /// A copy of what TensorRT gives.
    ///
    /// # Safety
    ///
    /// The values live during this call.
    pub(crate) unsafe fn copy_of(library: &Library, raw: &tensorrt_sys::Weights, method: &'static str) -> Result<Self> {
        let data_type = DataType::read(library, raw.type_, method)?;
        let count = usize::try_from(raw.count).unwrap_or(0);
        if raw.values.is_null() || count == 0 {
            return Ok(Weights::empty(data_type));
        }
        let len = bytes_of(data_type, count)?;
        // SAFETY: the caller vouches for the values, of which there are `count`.
        let bytes = unsafe { std::slice::from_raw_parts(raw.values.cast::<u8>(), len) };
        Ok(Weights { data_type, count, words: words_of(bytes) })
    }
}

impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        (self.data_type, self.as_bytes()) == (other.data_type, other.as_bytes())
    }
}

fn words_of(bytes: &[u8]) -> Arc<[u64]> {
    let mut words = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words.into()
}

#[cfg(test)]
mod tests {
    use super::Weights;
    use crate::DataType;

    #[test]
    fn values_are_kept_aligned() {
        let weights = Weights::new(&[1_i8, 2, 3]);
        assert_eq!((weights.len(), weights.data_type()), (3, DataType::Int8));
        assert_eq!(weights.words.as_ptr().align_offset(8), 0);
        assert_eq!(weights.to_vec::<i8>().unwrap(), [1, 2, 3]);
        assert_eq!(weights.to_vec::<u8>(), None);
        assert!(Weights::empty(DataType::Float).as_bytes().is_empty());
    }

    #[test]
    fn bytes_must_fit_the_elements() {
        let weights = Weights::from_bytes(DataType::Int4, 3, &[0x21, 0x03]).unwrap();
        assert_eq!((weights.len(), weights.as_bytes()), (3, &[0x21, 0x03][..]));
        assert!(Weights::from_bytes(DataType::Half, 3, &[0; 5]).is_err());
    }
}
