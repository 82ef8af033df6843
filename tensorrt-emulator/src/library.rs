//! The emulated libraries.

use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{Family, Info, Library, Version};

use crate::{Error, Result, ffi};

static LIBRARIES: Mutex<Vec<(Emulator, Library)>> = Mutex::new(Vec::new());

/// Which TensorRT an emulated library presents itself as, and how closely it keeps to it.
///
/// ```
/// use tensorrt_emulator::Emulator;
/// use tensorrt_sys::{Family, Version};
///
/// # fn main() -> tensorrt_emulator::Result<()> {
/// let library = Emulator::of(Family::RtxNew, Version::new(1, 7, 1))?.with_strict(true).library();
/// assert_eq!(library.version().to_string(), "1.7.1");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Emulator {
    family: Family,
    version: Version,
    strict: bool,
}

impl Emulator {
    /// The emulator as TensorRT 11.4, not strict.
    #[must_use]
    pub fn new() -> Self {
        Self { family: Family::Trt11, version: Version::new(11, 4, 0), strict: false }
    }

    /// The emulator as another TensorRT, so that a service pinned to a release is tested as such: methods that the release lacks are
    /// missing, enum values have its numbers, and plans of other releases are refused.
    ///
    /// # Errors
    /// `version` is not a release of `family`.
    pub fn of(family: Family, version: Version) -> Result<Self> {
        if Family::of(version) != Some(family) {
            return Err(Error::invalid(format!("{version} is not a version of {}", family.product())));
        }
        Ok(Self { family, version, ..Self::new() })
    }

    /// Whether ONNX models and networks are refused that the emulator could run and NVIDIA's parser or builder refuses: operators that it
    /// has no layer for, types, inputs that it wants to be constants. The rules are those of TensorRT for RTX 1.7.1, whatever the version.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The family that the library presents itself as.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The version that the library presents itself as.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether what NVIDIA's parser and builder refuse is refused.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// The library. Equal options give the same one: its logger is shared, as a loaded library's is.
    pub fn library(self) -> Library {
        let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = libraries.iter().find(|(options, _)| *options == self) {
            return known.clone();
        }
        let library = Library::from_api(ffi::table(self.strict), Info::emulated(self.family, self.version));
        libraries.push((self, library.clone()));
        library
    }
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new()
    }
}

/// The emulator as TensorRT 11.4: strongly typed networks, the newest methods and enum values.
///
/// ```
/// let library = tensorrt_emulator::library();
/// assert!(library.is_emulated() && library.has_builder() && library.has_onnx_parser());
/// assert_eq!(library.version().to_string(), "11.4.0");
/// ```
pub fn library() -> Library {
    Emulator::new().library()
}

/// The emulator as another TensorRT; short for [`Emulator::of`] and [`Emulator::library`].
///
/// ```
/// use tensorrt_sys::{Family, Version};
///
/// let library = tensorrt_emulator::library_as(Family::Trt10, Version::new(10, 3, 0)).unwrap();
/// assert!(library.api().IOptimizationProfile_setShapeValuesV2.is_none()); // since 10.11
/// assert!(tensorrt_emulator::library_as(Family::Trt10, Version::new(11, 0, 0)).is_err());
/// ```
///
/// # Errors
/// `version` is not a release of `family`.
pub fn library_as(family: Family, version: Version) -> Result<Library> {
    Emulator::of(family, version).map(Emulator::library)
}
