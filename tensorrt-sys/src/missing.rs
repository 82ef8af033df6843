//! The error for a method that the loaded library lacks.

use crate::{Family, Version, guard};
use std::fmt;

/// A method that the loaded library does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MissingMethod {
    entry: String,
    library: String,
    family: Family,
}

impl MissingMethod {
    pub(crate) fn new(entry: &str, library: String, family: Family) -> Self {
        Self { entry: entry.to_owned(), library, family }
    }

    /// The table's entry: `IBuilderConfig_setFlag`.
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// NVIDIA's spelling: `IBuilderConfig::setFlag`.
    pub fn method(&self) -> String {
        guard::find(&self.entry).map_or_else(|| self.entry.clone(), guard::Guard::method)
    }

    /// The first release of the library's family that has it; none when no release of the family does.
    pub fn since(&self) -> Option<Version> {
        guard::find(&self.entry)?.since(self.family)
    }

    /// The library that lacks it: `TensorRT 10.0.1`.
    pub fn library(&self) -> &str {
        &self.library
    }

    /// The first release of each family that has it.
    pub fn available(&self) -> impl Iterator<Item = (Family, Version)> {
        let guard = guard::find(&self.entry);
        Family::ALL.into_iter().filter_map(move |family| Some((family, guard?.since(family)?)))
    }
}

impl fmt::Display for MissingMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no {}", self.library, self.method())?;
        if let Some(since) = self.since() {
            return write!(f, ": it came with {}.{}", since.major, since.minor);
        }
        for (index, (family, since)) in self.available().enumerate() {
            f.write_str(if index == 0 { ": only " } else { ", " })?;
            write!(f, "{} {}.{}+", family.product(), since.major, since.minor)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MissingMethod;
    use crate::{Family, Version};

    #[test]
    fn a_newer_method_says_since_when() {
        let missing =
            MissingMethod::new("IBuilderConfig_setTilingOptimizationLevel", "TensorRT 10.3.0".into(), Family::Trt10);
        assert_eq!(missing.since(), Some(Version::new(10, 8, 0)));
        assert_eq!(
            missing.to_string(),
            "TensorRT 10.3.0 has no IBuilderConfig::setTilingOptimizationLevel: it came with 10.8"
        );
    }

    #[test]
    fn another_familys_method_says_whose() {
        let missing = MissingMethod::new("ILayer_setPrecision", "TensorRT 11.4.0".into(), Family::Trt11);
        assert_eq!(missing.since(), None);
        assert!(missing.to_string().contains("only TensorRT 10.0+"), "{missing}");
    }
}
