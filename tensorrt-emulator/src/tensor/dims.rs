//! Dimensions: up to eight extents, −1 where only run time knows.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// The extents of a tensor (`nvinfer1::Dims64`): at most [`Dims::MAX`], each ≥ 0 or [`Dims::DYNAMIC`].
///
/// Dereferences to `[i64]`. Rank 0 is a scalar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dims {
    rank: u8,
    extents: [i64; Self::MAX],
}

impl Dims {
    /// The highest rank TensorRT has.
    pub const MAX: usize = 8;
    /// An extent that is not known before run time.
    pub const DYNAMIC: i64 = -1;

    /// Dimensions from a slice.
    ///
    /// # Errors
    /// More than eight dimensions, or an extent below −1.
    pub fn new(extents: &[i64]) -> Result<Self> {
        if let Some(bad) = extents.iter().find(|&&d| d < Self::DYNAMIC) {
            return Err(Error::invalid(format!("dimension {bad} in {extents:?} is negative")));
        }
        Self::of(extents)
    }

    /// Eight or fewer numbers of any sign: for attributes that share the type with shapes (starts, strides, paddings).
    ///
    /// # Errors
    /// More than eight numbers.
    pub fn of(values: &[i64]) -> Result<Self> {
        if values.len() > Self::MAX {
            return Err(Error::invalid(format!(
                "{values:?} has {} dimensions, TensorRT allows {}",
                values.len(),
                Self::MAX
            )));
        }
        let mut extents = [0; Self::MAX];
        extents[..values.len()].copy_from_slice(values);
        #[expect(clippy::cast_possible_truncation, reason = "the length was checked to be at most 8")]
        let rank = values.len() as u8;
        Ok(Self { rank, extents })
    }

    /// Rank 0.
    pub const fn scalar() -> Self {
        Self { rank: 0, extents: [0; Self::MAX] }
    }

    /// `rank` times `value`; a rank above eight counts as eight.
    pub fn splat(value: i64, rank: usize) -> Self {
        let mut dims = Self::scalar();
        for _ in 0..rank.min(Self::MAX) {
            dims.extents[usize::from(dims.rank)] = value;
            dims.rank += 1;
        }
        dims
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// Whether every extent is known.
    pub fn is_static(&self) -> bool {
        self.iter().all(|&d| d >= 0)
    }

    /// The number of elements; `None` where an extent is dynamic or the product overflows `usize`.
    pub fn volume(&self) -> Option<usize> {
        self.iter().try_fold(1usize, |product, &d| product.checked_mul(usize::try_from(d).ok()?))
    }

    /// The same dimensions with one more at the end.
    ///
    /// # Errors
    /// The rank would exceed eight.
    pub fn with(mut self, extent: i64) -> Result<Self> {
        if self.rank() == Self::MAX {
            return Err(Error::invalid(format!("{self:?} cannot take a ninth dimension")));
        }
        self.extents[self.rank()] = extent;
        self.rank += 1;
        Ok(self)
    }
}

impl Serialize for Dims {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Dims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::of(&Vec::<i64>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Deref for Dims {
    type Target = [i64];
    fn deref(&self) -> &[i64] {
        &self.extents[..usize::from(self.rank)]
    }
}

impl DerefMut for Dims {
    fn deref_mut(&mut self) -> &mut [i64] {
        &mut self.extents[..usize::from(self.rank)]
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.iter().enumerate() {
            write!(f, "{}{d}", if i == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_is_none_when_dynamic_or_too_large() {
        assert_eq!(Dims::new(&[2, 3]).unwrap().volume(), Some(6));
        assert_eq!(Dims::scalar().volume(), Some(1));
        assert_eq!(Dims::new(&[2, -1]).unwrap().volume(), None);
        assert_eq!(Dims::new(&[i64::MAX, 4]).unwrap().volume(), None);
    }

    #[test]
    fn nine_dimensions_are_refused() {
        assert!(Dims::new(&[1; 9]).is_err());
        assert!(Dims::splat(1, 8).with(1).is_err());
        assert!(Dims::new(&[-2]).is_err());
        assert_eq!(format!("{}", Dims::new(&[1, -1]).unwrap()), "[1,-1]");
    }
}
