//! Shapes of up to eight dimensions.

use std::fmt;
use std::ops::Deref;

use crate::error::{Error, ErrorKind, Result};

/// The extents of a tensor, at most [`Dims::MAX`] of them. An extent of -1 is dynamic: known when an inference is prepared.
///
/// ```
/// use tensorrt::Dims;
///
/// let dims = Dims::from([-1, 3, 224, 224]);
/// assert!(dims.is_dynamic());
/// assert_eq!(dims.to_string(), "[-1, 3, 224, 224]");
/// assert_eq!(Dims::from([2, 3]).volume(), Some(6));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[doc(alias = "nvinfer1::Dims64")]
#[doc(alias = "Shape")]
pub struct Dims {
    len: usize,
    extents: [i64; Dims::MAX],
}

impl Dims {
    /// The most dimensions that a tensor can have.
    pub const MAX: usize = 8;

    /// A shape from its extents.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are more than eight.
    pub fn new(extents: &[i64]) -> Result<Self> {
        let mut dims = Dims { len: extents.len(), extents: [0; Self::MAX] };
        let Some(target) = dims.extents.get_mut(..extents.len()) else {
            return Err(Error::invalid(format_args!("use the shape {extents:?}"), "a tensor has at most 8 dimensions"));
        };
        target.copy_from_slice(extents);
        Ok(dims)
    }

    /// The extents.
    #[must_use]
    pub fn as_slice(&self) -> &[i64] {
        &self.extents[..self.len]
    }

    /// Whether an extent is not known yet.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.iter().any(|extent| *extent < 0)
    }

    /// The number of elements; none if an extent is dynamic or the product exceeds 63 bits.
    #[must_use]
    pub fn volume(&self) -> Option<usize> {
        self.iter().try_fold(1_usize, |volume, extent| volume.checked_mul(usize::try_from(*extent).ok()?))
    }

    /// The extents as indices; none if one is dynamic.
    #[must_use]
    pub fn to_usize(&self) -> Option<Vec<usize>> {
        self.iter().map(|extent| usize::try_from(*extent).ok()).collect()
    }

    /// The same with another extent of one axis. An axis beyond the rank changes nothing.
    #[must_use]
    pub fn with_extent(mut self, axis: usize, extent: i64) -> Self {
        if axis < self.len {
            self.extents[axis] = extent;
        }
        self
    }

    /// As TensorRT takes it.
    pub(crate) fn to_raw(self) -> tensorrt_sys::Dims {
        tensorrt_sys::Dims { nbDims: i32::try_from(self.len).unwrap_or(0), d: self.extents }
    }

    /// As TensorRT gives it; none for a shape of unknown rank.
    pub(crate) fn from_raw(raw: &tensorrt_sys::Dims) -> Option<Self> {
        let len = usize::try_from(raw.nbDims).ok().filter(|len| *len <= Self::MAX)?;
        let mut dims = Dims { len, extents: [0; Self::MAX] };
        dims.extents[..len].copy_from_slice(&raw.d[..len]);
        Some(dims)
    }

    /// As [`Dims::from_raw`], where an unknown rank is an error.
    pub(crate) fn known(raw: &tensorrt_sys::Dims, tried: impl fmt::Display) -> Result<Self> {
        Dims::from_raw(raw)
            .ok_or_else(|| Error::new(ErrorKind::ShapeMismatch, tried, "TensorRT does not know the shape"))
    }
}

impl Deref for Dims {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        self.as_slice()
    }
}

impl<const N: usize> From<[i64; N]> for Dims {
    fn from(extents: [i64; N]) -> Self {
        const { assert!(N <= Dims::MAX, "a tensor has at most 8 dimensions") };
        let mut dims = Dims { len: N, extents: [0; Self::MAX] };
        dims.extents[..N].copy_from_slice(&extents);
        dims
    }
}

impl TryFrom<&[i64]> for Dims {
    type Error = Error;

    fn try_from(extents: &[i64]) -> Result<Self> {
        Dims::new(extents)
    }
}

impl TryFrom<&[usize]> for Dims {
    type Error = Error;

    fn try_from(extents: &[usize]) -> Result<Self> {
        extents.to_dims()
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_slice(), f)
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_slice(), f)
    }
}

/// What can be given for a shape: [`Dims`], arrays, slices and vectors of `i64` or `usize`.
pub trait ToDims {
    /// The shape.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are more than eight extents.
    fn to_dims(&self) -> Result<Dims>;
}

impl ToDims for Dims {
    fn to_dims(&self) -> Result<Dims> {
        Ok(*self)
    }
}

impl ToDims for [i64] {
    fn to_dims(&self) -> Result<Dims> {
        Dims::new(self)
    }
}

impl ToDims for [usize] {
    fn to_dims(&self) -> Result<Dims> {
        let extents = self.iter().map(|extent| i64::try_from(*extent)).collect::<Result<Vec<_>, _>>();
        Dims::new(
            &extents.map_err(|_| Error::invalid(format_args!("use the shape {self:?}"), "an extent is too large"))?,
        )
    }
}

impl<const N: usize> ToDims for [i64; N] {
    fn to_dims(&self) -> Result<Dims> {
        self.as_slice().to_dims()
    }
}

impl<const N: usize> ToDims for [usize; N] {
    fn to_dims(&self) -> Result<Dims> {
        self.as_slice().to_dims()
    }
}

/// What a shape of literals is without a suffix: `[1, 3, 224, 224]`.
impl<const N: usize> ToDims for [i32; N] {
    fn to_dims(&self) -> Result<Dims> {
        Dims::new(&self.map(i64::from))
    }
}

impl ToDims for Vec<i64> {
    fn to_dims(&self) -> Result<Dims> {
        self.as_slice().to_dims()
    }
}

impl ToDims for Vec<usize> {
    fn to_dims(&self) -> Result<Dims> {
        self.as_slice().to_dims()
    }
}

impl<T: ToDims + ?Sized> ToDims for &T {
    fn to_dims(&self) -> Result<Dims> {
        (**self).to_dims()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dims, ToDims};

    #[test]
    fn more_than_eight_dimensions_are_refused() {
        assert_eq!(Dims::new(&[1; 8]).unwrap().len(), 8);
        assert!(Dims::new(&[1; 9]).unwrap_err().to_string().contains("at most 8"));
        assert!([1_usize; 9].to_dims().is_err());
    }

    #[test]
    fn crosses_and_comes_back() {
        let dims = Dims::from([2, -1, 4]);
        assert_eq!(Dims::from_raw(&dims.to_raw()), Some(dims));
        let unknown = tensorrt_sys::Dims { nbDims: -1, d: [0; 8] };
        assert_eq!(Dims::from_raw(&unknown), None);
        assert_eq!(Dims::from([]).volume(), Some(1));
    }

    #[test]
    fn volumes_do_not_overflow() {
        assert_eq!(Dims::from([i64::MAX, i64::MAX, 4]).volume(), None);
        assert_eq!(Dims::from([3, -1]).volume(), None);
        assert_eq!(Dims::from([3, 0]).volume(), Some(0));
        assert_eq!(Dims::from([3, 2]).with_extent(0, 7).volume(), Some(14));
    }
}
