//! Borrowed tensors: what operators read and write.

use tensorrt_sys::DataType;

use super::{Dims, Element, check_len};
use crate::{Error, Result};

/// A read-only tensor.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'a> {
    dtype: DataType,
    dims: Dims,
    bytes: &'a [u8],
}

/// A writable tensor.
#[derive(Debug)]
pub struct TensorMut<'a> {
    dtype: DataType,
    dims: Dims,
    bytes: &'a mut [u8],
}

fn slice_error(dtype: DataType, wanted: DataType) -> Error {
    Error::internal(format!("a tensor of {} was read as {}", dtype.name(), wanted.name()))
}

impl<'a> TensorView<'a> {
    /// A view of `bytes`.
    ///
    /// # Errors
    /// The byte count is not what `dtype` and `dims` ask for.
    pub fn new(dtype: DataType, dims: Dims, bytes: &'a [u8]) -> Result<Self> {
        check_len(dtype, &dims, bytes.len())?;
        Ok(Self { dtype, dims, bytes })
    }

    pub(super) fn trusted(dtype: DataType, dims: Dims, bytes: &'a [u8]) -> Self {
        Self { dtype, dims, bytes }
    }

    /// The data type.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The extents, all known.
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.dims.volume().unwrap_or(0)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packed bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements; `bool` tensors are read as `u8`.
    ///
    /// # Errors
    /// `T` is not the type of the elements.
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T]> {
        let same = self.dtype == T::DTYPE || (self.dtype == DataType::Bool && T::DTYPE == DataType::Uint8);
        if !same {
            return Err(slice_error(self.dtype, T::DTYPE));
        }
        bytemuck::try_cast_slice(self.bytes).map_err(|e| Error::internal(format!("tensor bytes: {e}")))
    }

    /// The elements as integers: int32, int64, uint8, int8 and bool tensors.
    ///
    /// # Errors
    /// The elements are not integers.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        Ok(match self.dtype {
            DataType::Int64 => self.as_slice::<i64>()?.to_vec(),
            DataType::Int32 => self.as_slice::<i32>()?.iter().map(|&v| v.into()).collect(),
            DataType::Int8 => self.as_slice::<i8>()?.iter().map(|&v| v.into()).collect(),
            DataType::Uint8 | DataType::Bool => self.as_slice::<u8>()?.iter().map(|&v| v.into()).collect(),
            other => return Err(slice_error(other, DataType::Int64)),
        })
    }

    /// The same elements under other dimensions.
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshaped(&self, dims: Dims) -> Result<Self> {
        Self::new(self.dtype, dims, self.bytes)
    }
}

impl<'a> TensorMut<'a> {
    /// A view of `bytes`.
    ///
    /// # Errors
    /// The byte count is not what `dtype` and `dims` ask for.
    pub fn new(dtype: DataType, dims: Dims, bytes: &'a mut [u8]) -> Result<Self> {
        check_len(dtype, &dims, bytes.len())?;
        Ok(Self { dtype, dims, bytes })
    }

    pub(super) fn trusted(dtype: DataType, dims: Dims, bytes: &'a mut [u8]) -> Self {
        Self { dtype, dims, bytes }
    }

    /// The data type.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The extents, all known.
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.dims.volume().unwrap_or(0)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A read-only view of the same elements.
    pub fn view(&self) -> TensorView<'_> {
        TensorView::trusted(self.dtype, self.dims, self.bytes)
    }

    /// The packed bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// The elements; `bool` tensors are written as `u8`, 0 or 1.
    ///
    /// # Errors
    /// `T` is not the type of the elements.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        let same = self.dtype == T::DTYPE || (self.dtype == DataType::Bool && T::DTYPE == DataType::Uint8);
        if !same {
            return Err(slice_error(self.dtype, T::DTYPE));
        }
        bytemuck::try_cast_slice_mut(self.bytes).map_err(|e| Error::internal(format!("tensor bytes: {e}")))
    }
}
