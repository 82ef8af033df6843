//! Dimensions, weights and permutations to and from C.

use tensorrt_sys::{DataType, Family};

use crate::graph::{Permutation, Weights};
use crate::memory::Storage;
use crate::tensor::{Dims, byte_len};
use crate::{Error, Result};

/// Dimensions for C.
pub(super) fn to_c(dims: &Dims) -> tensorrt_sys::Dims {
    let mut out = tensorrt_sys::Dims { nbDims: i32::try_from(dims.rank()).unwrap_or(-1), d: [0; 8] };
    out.d[..dims.rank()].copy_from_slice(dims);
    out
}

/// Numbers of any sign from C: paddings, starts, reshapes.
///
/// # Errors
/// The pointer is null or the rank is not 0 to 8.
pub(super) fn from_c(dims: *const tensorrt_sys::Dims, what: &str) -> Result<Dims> {
    // SAFETY: the table's contract: the struct is readable during the call, or the pointer is null.
    let dims = unsafe { dims.as_ref() }.ok_or_else(|| Error::invalid(format!("{what} is null")))?;
    let values = usize::try_from(dims.nbDims).ok().and_then(|rank| dims.d.get(..rank));
    Dims::of(values.ok_or_else(|| Error::invalid(format!("{what} has rank {}, TensorRT allows 0 to 8", dims.nbDims)))?)
}

/// The extents of a tensor from C, each ≥ −1.
///
/// # Errors
/// As [`from_c`], or an extent below −1.
pub(super) fn shape_from_c(dims: *const tensorrt_sys::Dims, what: &str) -> Result<Dims> {
    Dims::new(&from_c(dims, what)?)
}

/// A copy of weights from C; `None` for the empty weights that stand for "none".
///
/// # Errors
/// An unknown type, a null pointer with a count, or a count that overflows.
pub(super) fn weights(family: Family, weights: tensorrt_sys::Weights, what: &str) -> Result<Option<Weights>> {
    let count = usize::try_from(weights.count).map_err(|_| Error::invalid(format!("{what}: negative count")))?;
    if count == 0 {
        return Ok(None);
    }
    let dtype = data_type(family, weights.type_)?;
    let bytes = byte_len(dtype, count).filter(|&bytes| isize::try_from(bytes).is_ok());
    let bytes = bytes.ok_or_else(|| Error::invalid(format!("{what}: {count} elements overflow")))?;
    if weights.values.is_null() {
        return Err(Error::invalid(format!("{what}: the pointer is null but the count is {count}")));
    }
    // SAFETY: the table's contract: `values` points to `count` elements of the type, readable during the call; the size fits `isize`.
    let values = unsafe { std::slice::from_raw_parts(weights.values.cast::<u8>(), bytes) };
    Weights::new("", dtype, count, Storage::copy_of(values)).map(Some)
}

/// A data type from its number.
///
/// # Errors
/// The number is unknown.
pub(super) fn data_type(family: Family, raw: i32) -> Result<DataType> {
    DataType::from_raw(family, raw).ok_or_else(|| Error::invalid(format!("{raw} is no DataType")))
}

/// A permutation for C.
pub(super) fn permutation_to_c(permutation: &Permutation) -> tensorrt_sys::Permutation {
    tensorrt_sys::Permutation { order: permutation.0 }
}
