//! Versions of TensorRT libraries.

use std::fmt;

/// A release: `10.16.1`, or `1.7.1` of TensorRT for RTX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Version {
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Patch version.
    pub patch: u32,
}

impl Version {
    /// A version from its parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// The version that `getInferLibVersion` gives as major * 10000 + minor * 100 + patch; none when it is negative.
    pub fn from_number(number: i32) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        Some(Self::new(number / 10_000, number / 100 % 100, number % 100))
    }

    /// The number of the version, as the `create*_INTERNAL` functions take it.
    pub fn number(self) -> i32 {
        i32::try_from(self.major * 10_000 + self.minor * 100 + self.patch).unwrap_or(i32::MAX)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn numbers() {
        for (number, version) in
            [(10_701, Version::new(1, 7, 1)), (101_601, Version::new(10, 16, 1)), (110_400, Version::new(11, 4, 0))]
        {
            assert_eq!(Version::from_number(number), Some(version));
            assert_eq!(version.number(), number);
        }
        assert_eq!(Version::from_number(-1), None);
        assert_eq!(Version::new(11, 4, 0).to_string(), "11.4.0");
    }
}
