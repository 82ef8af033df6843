//! The four incompatible binary interfaces that TensorRT libraries come in.

use crate::Version;
use std::fmt;

/// An ABI family: libraries of one family share vtable layouts and enum values.
///
/// RTX 1.5 broke the layout of RTX 1.3 and 1.4 under the same file name, so the file name never decides: the version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family {
    /// TensorRT 10.x.
    Trt10,
    /// TensorRT 11.x.
    Trt11,
    /// TensorRT for RTX 1.3 and 1.4.
    RtxOld,
    /// TensorRT for RTX 1.5 and later 1.x.
    RtxNew,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Trt10, Self::Trt11, Self::RtxOld, Self::RtxNew];

    /// The family of a version; none for a version whose binary interface this crate does not know.
    ///
    /// ```
    /// use tensorrt_sys::{Family, Version};
    ///
    /// assert_eq!(Family::of(Version::new(10, 3, 0)), Some(Family::Trt10));
    /// assert_eq!(Family::of(Version::new(1, 7, 1)), Some(Family::RtxNew));
    /// assert_eq!(Family::of(Version::new(8, 6, 1)), None);
    /// ```
    pub fn of(version: Version) -> Option<Self> {
        match (version.major, version.minor) {
            (10, _) => Some(Self::Trt10),
            (11, _) => Some(Self::Trt11),
            (1, 3..=4) => Some(Self::RtxOld),
            (1, 5..) => Some(Self::RtxNew),
            _ => None,
        }
    }

    /// The major version of every release of the family.
    pub const fn major(self) -> u32 {
        match self {
            Self::Trt10 => 10,
            Self::Trt11 => 11,
            Self::RtxOld | Self::RtxNew => 1,
        }
    }

    /// Whether the family is TensorRT for RTX.
    pub const fn is_rtx(self) -> bool {
        matches!(self, Self::RtxOld | Self::RtxNew)
    }

    /// The product's name.
    pub const fn product(self) -> &'static str {
        if self.is_rtx() { "TensorRT for RTX" } else { "TensorRT" }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trt10 => "TensorRT 10",
            Self::Trt11 => "TensorRT 11",
            Self::RtxOld => "TensorRT for RTX 1.3-1.4",
            Self::RtxNew => "TensorRT for RTX 1.5 and later",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Family;
    use crate::Version;

    #[test]
    fn rtx_splits_at_1_5() {
        assert_eq!(Family::of(Version::new(1, 4, 0)), Some(Family::RtxOld));
        assert_eq!(Family::of(Version::new(1, 5, 0)), Some(Family::RtxNew));
    }

    #[test]
    fn unknown_interfaces_have_no_family() {
        for (major, minor) in [(8, 6), (9, 0), (12, 0), (2, 0), (1, 2), (0, 0)] {
            assert_eq!(Family::of(Version::new(major, minor, 0)), None, "{major}.{minor}");
        }
    }
}
