//! The first objects: what the exported functions make.

use super::Library;
use crate::{
    CreateError, IBuilder, ICudaEngine, ILogger, INetworkDefinition, IParser, IParserRefitter, IPluginRegistry,
    IRefitter, IRuntime, MissingMethod, call, loader,
};
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

/// No object lives below this address: what a library returns from there is no pointer.
const LOWEST_OBJECT: usize = 4096;

impl Library {
    /// A new builder.
    ///
    /// # Safety
    ///
    /// `logger` comes from `ILogger_new` of this library and stays alive until every object of the library is gone.
    ///
    /// # Errors
    ///
    /// When the library has no builder, or makes none.
    pub unsafe fn create_builder(&self, logger: *mut ILogger) -> Result<NonNull<IBuilder>, CreateError> {
        let version = self.version().number();
        // SAFETY: the caller vouches for the logger; the version is the library's own.
        let made = unsafe { call!(self, createInferBuilder_INTERNAL(logger.cast(), version)) };
        self.object("createInferBuilder_INTERNAL", made)
    }

    /// A new runtime.
    ///
    /// # Safety
    ///
    /// As for [`Library::create_builder`].
    ///
    /// # Errors
    ///
    /// When the library makes none. Without a CUDA driver a lean runtime returns an address that is no object: that is
    /// [`CreateErrorKind::NoDriver`](crate::CreateErrorKind::NoDriver).
    pub unsafe fn create_runtime(&self, logger: *mut ILogger) -> Result<NonNull<IRuntime>, CreateError> {
        let version = self.version().number();
        // SAFETY: the caller vouches for the logger; the version is the library's own.
        let made = unsafe { call!(self, createInferRuntime_INTERNAL(logger.cast(), version)) };
        self.object("createInferRuntime_INTERNAL", made)
    }

    /// A new refitter of an engine.
    ///
    /// # Safety
    ///
    /// `engine` is alive, belongs to this library and outlives the refitter; `logger` as for [`Library::create_builder`].
    ///
    /// # Errors
    ///
    /// When the library makes none, for example because the engine was not built to be refitted.
    pub unsafe fn create_refitter(
        &self,
        engine: *mut ICudaEngine,
        logger: *mut ILogger,
    ) -> Result<NonNull<IRefitter>, CreateError> {
        let version = self.version().number();
        // SAFETY: the caller vouches for engine and logger; the version is the library's own.
        let made = unsafe { call!(self, createInferRefitter_INTERNAL(engine.cast(), logger.cast(), version)) };
        self.object("createInferRefitter_INTERNAL", made)
    }

    /// A new ONNX parser that fills a network.
    ///
    /// # Safety
    ///
    /// `network` is alive, belongs to this library and outlives the parser; `logger` as for [`Library::create_builder`].
    ///
    /// # Errors
    ///
    /// When the parser's library is not loaded, or it makes none.
    pub unsafe fn create_parser(
        &self,
        network: *mut INetworkDefinition,
        logger: *mut ILogger,
    ) -> Result<NonNull<IParser>, CreateError> {
        let version = self.version().number();
        // SAFETY: the caller vouches for network and logger; the version is the library's own.
        let made = unsafe { call!(self, createNvOnnxParser_INTERNAL(network.cast(), logger.cast(), version)) };
        self.object("createNvOnnxParser_INTERNAL", made)
    }

    /// A new ONNX refitter over a refitter.
    ///
    /// # Safety
    ///
    /// `refitter` is alive, belongs to this library and outlives the new object; `logger` as for
    /// [`Library::create_builder`].
    ///
    /// # Errors
    ///
    /// As for [`Library::create_parser`].
    pub unsafe fn create_parser_refitter(
        &self,
        refitter: *mut IRefitter,
        logger: *mut ILogger,
    ) -> Result<NonNull<IParserRefitter>, CreateError> {
        let version = self.version().number();
        // SAFETY: the caller vouches for refitter and logger; the version is the library's own.
        let made = unsafe { call!(self, createNvOnnxParserRefitter_INTERNAL(refitter.cast(), logger.cast(), version)) };
        self.object("createNvOnnxParserRefitter_INTERNAL", made)
    }

    /// The plugin registry, which lives as long as the library.
    ///
    /// # Errors
    ///
    /// When the library has none.
    pub fn plugin_registry(&self) -> Result<NonNull<IPluginRegistry>, CreateError> {
        // SAFETY: the function has no preconditions.
        let registry = unsafe { call!(self, getPluginRegistry()) };
        self.object("getPluginRegistry", registry.map(|pointer| pointer.cast()))
    }

    /// Registers NVIDIA's own plugins under a namespace; false when the library refuses.
    ///
    /// # Safety
    ///
    /// `logger` as for [`Library::create_builder`].
    ///
    /// # Errors
    ///
    /// When the plugin library is not loaded.
    pub unsafe fn init_plugins(&self, logger: *mut ILogger, namespace: &CStr) -> Result<bool, MissingMethod> {
        // SAFETY: the caller vouches for the logger; the namespace is a C string.
        unsafe { call!(self, initLibNvInferPlugins(logger.cast(), namespace.as_ptr())) }
    }

    /// What a function returned, unless it is no object.
    fn object<T>(&self, function: &str, made: Result<*mut c_void, MissingMethod>) -> Result<NonNull<T>, CreateError> {
        let pointer = made.map_err(CreateError::missing)?;
        match NonNull::new(pointer.cast::<T>()) {
            Some(object) if pointer.addr() >= LOWEST_OBJECT => Ok(object),
            _ => {
                let library = self.info().to_string();
                let has_driver = self.is_emulated() || loader::has_cuda_driver();
                Err(CreateError::no_object(function, &library, pointer.addr(), has_driver))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Api, CreateErrorKind, Family, Info, Library, Version};
    use std::ffi::c_void;

    unsafe extern "C" fn bogus(_logger: *mut c_void, version: i32) -> *mut c_void {
        assert_eq!(version, 110_400);
        std::ptr::without_provenance_mut(0x228)
    }

    #[test]
    fn a_small_address_is_no_object() {
        let api = Api { createInferRuntime_INTERNAL: Some(bogus), ..Api::empty() };
        let library = Library::from_api(api, Info::emulated(Family::Trt11, Version::new(11, 4, 0)));
        // SAFETY: the function does not look at the logger.
        let error = unsafe { library.create_runtime(std::ptr::null_mut()) }.unwrap_err();
        assert_eq!(error.kind(), CreateErrorKind::Refused);
        assert!(error.to_string().contains("0x228"), "{error}");
    }

    #[test]
    fn a_library_without_builder_says_so() {
        let library = Library::from_api(Api::empty(), Info::emulated(Family::Trt11, Version::new(11, 4, 0)));
        assert!(!library.has_builder());
        // SAFETY: the table is empty, so nothing is called.
        let error = unsafe { library.create_builder(std::ptr::null_mut()) }.unwrap_err();
        assert_eq!(error.kind(), CreateErrorKind::Missing);
        assert_eq!(error.missing_method().unwrap().entry(), "createInferBuilder_INTERNAL");
    }
}
