//! Which TensorRT a plan was built as.

use serde::{Deserialize, Serialize};
use tensorrt_sys::{ErrorCode, Family, Version};

use crate::{Error, Result};

/// The TensorRT that a library presents itself as, and the emulator behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The ABI family.
    pub family: Family,
    /// TensorRT's version.
    pub version: Version,
    /// The emulator's own version.
    pub emulator: String,
}

impl Identity {
    /// This emulator, presenting itself as `version` of `family`.
    pub fn new(family: Family, version: Version) -> Self {
        Self { family, version, emulator: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Checks that a plan built as `self` may be loaded by a library that presents itself as `library`: as with TensorRT, only by the very
    /// same version.
    ///
    /// # Errors
    /// Family or version differ.
    pub fn check(&self, library: &Self) -> Result<()> {
        if self.family == library.family && self.version == library.version {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::InvalidConfig,
            format!(
                "the plan was built by the emulated {} {} and cannot be loaded by the emulated {} {}",
                self.family.product(),
                self.version,
                library.family.product(),
                library.version
            ),
        ))
    }
}
