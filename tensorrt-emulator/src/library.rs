//! The emulated libraries.

use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{Family, Info, Library, Version};

use crate::{Error, Result, ffi};

/// The version that [`library`] presents itself as.
const VERSION: Version = Version::new(11, 4, 0);

static LIBRARIES: Mutex<Vec<Library>> = Mutex::new(Vec::new());

/// The emulator as TensorRT 11.4: strongly typed networks, the newest methods and enum values.
///
/// ```
/// let library = tensorrt_emulator::library();
/// assert!(library.is_emulated() && library.has_builder() && library.has_onnx_parser());
/// assert_eq!(library.version().to_string(), "11.4.0");
/// ```
pub fn library() -> Library {
    get(Family::Trt11, VERSION)
}

/// The emulator as another TensorRT, so that a service pinned to a release is tested as such: methods that the release lacks are missing,
/// enum values have its numbers, and plans of other releases are refused.
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
    if Family::of(version) != Some(family) {
        return Err(Error::invalid(format!("{version} is not a version of {}", family.product())));
    }
    Ok(get(family, version))
}

/// The one library of a version: its logger is shared, as a loaded library's is.
fn get(family: Family, version: Version) -> Library {
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = libraries.iter().find(|library| library.version() == version && library.family() == family) {
        return known.clone();
    }
    let library = Library::from_api(ffi::table(), Info::emulated(family, version));
    libraries.push(library.clone());
    library
}
