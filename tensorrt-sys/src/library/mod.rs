//! A loaded library, or an emulator in its place.

mod objects;

use crate::{Api, Family, Info, LoadError, LoadOptions, MissingMethod, Version, guard, loader};
use std::any::Any;
use std::ffi::CStr;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// What the safe crate keeps with a library.
pub(crate) type Extension = OnceLock<Box<dyn Any + Send + Sync>>;

/// A TensorRT library with its function table. Cloning shares it.
///
/// A loaded library stays in the process: TensorRT keeps threads and process-wide state that do not survive unloading.
/// Loading the same files again gives the same library.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api,
    info: Info,
    extension: Arc<Extension>,
}

impl Library {
    /// Finds and loads TensorRT, or else TensorRT for RTX: in the folders of `TENSORRT_LIB_DIR` when it is set, otherwise
    /// where the system's loader looks.
    ///
    /// # Errors
    ///
    /// When there is none, or what is there is not a TensorRT that this crate knows.
    pub fn load() -> Result<Self, LoadError> {
        Self::find(LoadOptions::new())
    }

    /// Loads the library of a file, or the one in a folder.
    ///
    /// A folder is searched as pip lays it out too (`tensorrt_libs`, `tensorrt_rtx_libs`, ...). The ONNX parser and the
    /// plugin library are those beside the library.
    ///
    /// # Errors
    ///
    /// As for [`Library::load`].
    pub fn load_from(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::find(LoadOptions::new().path(path))
    }

    /// Loads the library that the options describe.
    ///
    /// # Errors
    ///
    /// As for [`Library::load`].
    pub fn find(options: LoadOptions) -> Result<Self, LoadError> {
        loader::load(&options)
    }

    /// A library over a table that someone else filled, such as an emulator. Entries that a release of `info.family` and
    /// `info.version` does not have are set to null.
    pub fn from_api(mut api: Api, info: Info) -> Self {
        guard::apply(&mut api, info.family, info.version);
        Self::new(api, info, Arc::default())
    }

    pub(crate) fn new(api: Api, info: Info, extension: Arc<Extension>) -> Self {
        Self { inner: Arc::new(Inner { api, info, extension }) }
    }

    /// The function table.
    pub fn api(&self) -> &Api {
        &self.inner.api
    }

    /// What the library is and where it comes from.
    pub fn info(&self) -> &Info {
        &self.inner.info
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.inner.info.version
    }

    /// The ABI family, which decides the enum values.
    pub fn family(&self) -> Family {
        self.inner.info.family
    }

    /// Whether the table is an emulator's.
    pub fn is_emulated(&self) -> bool {
        self.inner.info.emulated
    }

    /// Whether engines can be built: lean and dispatch runtimes cannot.
    pub fn has_builder(&self) -> bool {
        self.inner.api.createInferBuilder_INTERNAL.is_some()
    }

    /// Whether the ONNX parser is loaded.
    pub fn has_onnx_parser(&self) -> bool {
        self.inner.api.createNvOnnxParser_INTERNAL.is_some()
    }

    /// The library's file; none for an emulator.
    pub fn path(&self) -> Option<&Path> {
        self.inner.info.path.as_deref()
    }

    /// The first release of this library's family that has an entry; none when the family lacks it.
    pub fn since(&self, entry: &str) -> Option<Version> {
        guard::find(entry)?.since(self.family())
    }

    /// The error for an entry that is null. [`call!`](crate::call) makes it by itself.
    pub fn missing(&self, entry: &str) -> MissingMethod {
        MissingMethod::new(entry, self.inner.info.to_string(), self.family())
    }

    /// The slot in which the safe crate keeps its state of this library. Libraries that share the TensorRT file share it,
    /// for TensorRT has one logger a file.
    pub fn extension(&self) -> &OnceLock<Box<dyn Any + Send + Sync>> {
        &self.inner.extension
    }

    /// The message of the last C++ exception that was stopped on this thread; asking forgets it.
    pub fn take_exception(&self) -> Option<String> {
        let take = self.inner.api.takeException?;
        // SAFETY: the entry has no preconditions.
        let text = unsafe { take() };
        if text.is_null() {
            return None;
        }
        // SAFETY: it is a C string of this thread that lives until the next exception here, and it is copied at once.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    /// Whether both are the same loaded library.
    pub fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn extension_arc(&self) -> Arc<Extension> {
        Arc::clone(&self.inner.extension)
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("info", &self.inner.info).field("api", &self.inner.api).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Library;
    use crate::{Api, Family, Info, Version, call};

    fn emulated(version: Version) -> Library {
        let family = Family::of(version).unwrap();
        Library::from_api(*Api::shim(family), Info::emulated(family, version))
    }

    #[test]
    fn is_shared_between_threads() {
        fn shared<T: Send + Sync + Clone>() {}
        shared::<Library>();
    }

    #[test]
    fn an_old_release_lacks_new_methods() {
        let library = emulated(Version::new(10, 0, 1));
        let engine = std::ptr::null_mut();
        // SAFETY: the entry is null in 10.0, so nothing is called.
        let missing = unsafe { call!(library, ICudaEngine_getDeviceMemorySizeV2(engine)) }.unwrap_err();
        assert_eq!(missing.since(), Some(Version::new(10, 1, 0)));
        assert_eq!(
            missing.to_string(),
            "emulated TensorRT 10.0.1 has no ICudaEngine::getDeviceMemorySizeV2: it came with 10.1"
        );
        assert_eq!(library.since("ICudaEngine_getDeviceMemorySizeV2"), Some(Version::new(10, 1, 0)));
    }

    #[test]
    fn release_10_8_refuses_moved_network_slots() {
        let library = emulated(Version::new(10, 8, 0));
        assert!(library.api().INetworkDefinition_addInput.is_some());
        assert!(library.api().INetworkDefinition_addFillV2.is_none());
        assert_eq!(library.since("INetworkDefinition_addFillV2"), Some(Version::new(10, 0, 0)));
    }

    #[test]
    fn keeps_state_for_the_safe_crate() {
        let library = emulated(Version::new(11, 4, 0));
        library.extension().set(Box::new(7_u8)).unwrap();
        let seven = library.clone().extension().get().and_then(|any| any.downcast_ref::<u8>().copied());
        assert_eq!(seven, Some(7));
    }

    #[test]
    fn no_exception_is_none() {
        assert_eq!(emulated(Version::new(11, 4, 0)).take_exception(), None);
    }
}
