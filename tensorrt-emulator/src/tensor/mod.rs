//! Tensors on the host: what constants, shape values and the operators' arguments are.
//!
//! All tensors are dense and row-major ([`TensorFormat::Linear`](tensorrt_sys::TensorFormat)); booleans are one byte, 0 or 1.

mod data_type;
mod dims;
mod view;

pub use data_type::{Element, bits, byte_len, is_float};
pub use dims::Dims;
pub use view::{TensorMut, TensorView};

use tensorrt_sys::DataType;

use crate::memory::Storage;
use crate::{Error, Result};

/// A tensor that owns (or shares) its bytes.
#[derive(Debug, Clone)]
pub struct Tensor {
    dtype: DataType,
    dims: Dims,
    storage: Storage,
}

impl Tensor {
    /// A tensor over `storage`, which must hold exactly the bytes that `dims` and `dtype` ask for.
    ///
    /// # Errors
    /// The dimensions are dynamic or overflow, or the byte count differs.
    pub fn new(dtype: DataType, dims: Dims, storage: Storage) -> Result<Self> {
        check_len(dtype, &dims, storage.len())?;
        Ok(Self { dtype, dims, storage })
    }

    /// A tensor of zero bytes.
    ///
    /// # Errors
    /// The dimensions are dynamic or overflow, or there is no memory for them.
    pub fn zeroed(dtype: DataType, dims: Dims) -> Result<Self> {
        let bytes = dims.volume().and_then(|count| byte_len(dtype, count));
        let bytes = bytes.ok_or_else(|| Error::invalid(format!("a tensor of dimensions {dims} has no size")))?;
        Ok(Self { dtype, dims, storage: Storage::try_zeroed(bytes)? })
    }

    /// A copy of `values`, one element each.
    ///
    /// # Errors
    /// `dims` does not have `values.len()` elements.
    pub fn from_slice<T: Element>(dims: Dims, values: &[T]) -> Result<Self> {
        Self::new(T::DTYPE, dims, Storage::copy_of(bytemuck::cast_slice(values)))
    }

    /// The data type.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The extents, all known.
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// The bytes and their owner.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// A read-only view.
    pub fn view(&self) -> TensorView<'_> {
        TensorView::trusted(self.dtype, self.dims, &self.storage)
    }

    /// A writable view; copies the bytes first where they are shared or mapped.
    pub fn view_mut(&mut self) -> TensorMut<'_> {
        TensorMut::trusted(self.dtype, self.dims, self.storage.make_mut())
    }
}

fn check_len(dtype: DataType, dims: &Dims, len: usize) -> Result<()> {
    let wanted = dims.volume().and_then(|count| byte_len(dtype, count));
    match wanted {
        Some(wanted) if wanted == len => Ok(()),
        Some(wanted) => Err(Error::invalid(format!("{dims} of {} takes {wanted} bytes, not {len}", dtype.name()))),
        None => Err(Error::invalid(format!("a tensor of dimensions {dims} has no size"))),
    }
}
