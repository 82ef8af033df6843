//! What an engine is built for: hardware, platform, routes, plugins; and the timing cache.

use std::ffi::c_char;

use super::{BuilderConfig, TimingCache};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, c_string, properties, text, unknown};
use crate::{ComputeCapability, HardwareCompatibilityLevel, RuntimePlatform};

impl BuilderConfig<'_> {
    properties! {
        /// Which GPUs other than this machine's can run the engine.
        #[doc(alias = "nvinfer1::IBuilderConfig::getHardwareCompatibilityLevel")]
        get hardware_compatibility_level => IBuilderConfig_getHardwareCompatibilityLevel: HardwareCompatibilityLevel;
        /// Sets which GPUs other than this machine's can run the engine.
        #[doc(alias = "nvinfer1::IBuilderConfig::setHardwareCompatibilityLevel")]
        set set_hardware_compatibility_level => IBuilderConfig_setHardwareCompatibilityLevel: HardwareCompatibilityLevel;
        /// The platform that the engine runs on.
        #[doc(alias = "nvinfer1::IBuilderConfig::getRuntimePlatform")]
        get runtime_platform => IBuilderConfig_getRuntimePlatform: RuntimePlatform;
        /// Sets the platform that the engine runs on.
        #[doc(alias = "nvinfer1::IBuilderConfig::setRuntimePlatform")]
        set set_runtime_platform => IBuilderConfig_setRuntimePlatform: RuntimePlatform;
    }

    /// Sets the compute capabilities that the engine is built for, which a machine without a GPU needs. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT, `Setting` if the library refuses one.
    #[doc(alias = "nvinfer1::IBuilderConfig::setComputeCapability")]
    #[doc(alias = "nvinfer1::IBuilderConfig::setNbComputeCapabilities")]
    pub fn set_compute_capabilities(&mut self, capabilities: &[ComputeCapability]) -> Result<()> {
        let tried = "set the compute capabilities";
        let raws = capabilities.iter().map(|one| one.cross(self.library())).collect::<Result<Vec<i32>>>()?;
        let count = i32::try_from(raws.len()).map_err(|_| Error::invalid(tried, "there are too many"))?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setNbComputeCapabilities(count)) }?;
        operation.truth(self.library(), ErrorKind::Setting, tried, taken)?;
        for (index, raw) in (0..count).zip(raws) {
            // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
            let taken = unsafe { call!(self.raw, IBuilderConfig_setComputeCapability(raw, index)) }?;
            operation.truth(self.library(), ErrorKind::Setting, tried, taken)?;
        }
        Ok(())
    }

    /// The compute capabilities that the engine is built for. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT.
    #[doc(alias = "nvinfer1::IBuilderConfig::getComputeCapability")]
    pub fn compute_capabilities(&self) -> Result<Vec<ComputeCapability>> {
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let count = unsafe { call!(self.raw, IBuilderConfig_getNbComputeCapabilities()) }?;
        let one = |index| {
            // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
            let raw = unsafe { call!(self.raw, IBuilderConfig_getComputeCapability(index)) }?;
            let known = ComputeCapability::from_raw(self.library().family(), raw);
            known.ok_or_else(|| unknown("IBuilderConfig::getComputeCapability", raw))
        };
        (0..count).map(one).collect()
    }

    /// Sets the plugin libraries that are stored in the plan, as paths.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IBuilderConfig::setPluginsToSerialize")]
    pub fn set_plugins_to_serialize(&mut self, paths: &[&str]) -> Result<()> {
        let tried = "set the plugins to serialize";
        let strings = paths.iter().map(|path| c_string("use the path", path)).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<*const c_char> = strings.iter().map(|string| string.as_ptr()).collect();
        let count = i32::try_from(pointers.len()).map_err(|_| Error::invalid(tried, "there are too many"))?;
        let operation = Operation::begin();
        // SAFETY: the array has `count` C strings that live during the call; TensorRT copies them.
        unsafe { call!(self.raw, IBuilderConfig_setPluginsToSerialize(pointers.as_ptr(), count)) }?;
        operation.silent(self.library(), ErrorKind::Setting, tried)
    }

    /// The plugin libraries that are stored in the plan.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IBuilderConfig::getPluginToSerialize")]
    pub fn plugins_to_serialize(&self) -> Result<Vec<String>> {
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let count = unsafe { call!(self.raw, IBuilderConfig_getNbPluginsToSerialize()) }?;
        let one = |index| {
            // SAFETY: the object is alive as long as `self`, and the index is below the count.
            let path = unsafe { call!(self.raw, IBuilderConfig_getPluginToSerialize(index)) }?;
            // SAFETY: TensorRT returns a C string that lives as long as the configuration.
            Ok(unsafe { text(path) })
        };
        (0..count).map(one).collect()
    }

    /// Asks for a certain way of building. TensorRT 11.1 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases, `Setting` if TensorRT does not know the route.
    #[doc(alias = "nvinfer1::IBuilderConfig::setBuildRoute")]
    pub fn set_build_route(&mut self, route: &str) -> Result<()> {
        let string = c_string("use the build route", route)?;
        let operation = Operation::begin();
        // SAFETY: the C string lives during the call; TensorRT copies it.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setBuildRoute(string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("use the build route {route:?}"), taken)
    }

    /// The way of building that was asked for. TensorRT 11.1 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::IBuilderConfig::getBuildRoute")]
    pub fn build_route(&self) -> Result<String> {
        // SAFETY: the object is alive as long as `self`.
        let route = unsafe { call!(self.raw, IBuilderConfig_getBuildRoute()) }?;
        // SAFETY: TensorRT returns null or a C string that lives as long as the configuration.
        Ok(unsafe { text(route) })
    }

    /// The ways of building that can be asked for, as TensorRT lists them. TensorRT 11.1 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::IBuilderConfig::getAllBuildRoutes")]
    pub fn all_build_routes(&self) -> Result<String> {
        // SAFETY: the object is alive as long as `self`.
        let routes = unsafe { call!(self.raw, IBuilderConfig_getAllBuildRoutes()) }?;
        // SAFETY: TensorRT returns null or a C string that lives as long as the configuration.
        Ok(unsafe { text(routes) })
    }

    /// Sets where remote auto tuning runs. TensorRT only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IBuilderConfig::setRemoteAutoTuningConfig")]
    pub fn set_remote_auto_tuning_config(&mut self, config: &str) -> Result<()> {
        let string = c_string("use the remote auto tuning configuration", config)?;
        let operation = Operation::begin();
        // SAFETY: the C string lives during the call; TensorRT copies it.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setRemoteAutoTuningConfig(string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Setting, "set the remote auto tuning configuration", taken)
    }

    /// Where remote auto tuning runs. TensorRT only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::IBuilderConfig::getRemoteAutoTuningConfig")]
    pub fn remote_auto_tuning_config(&self) -> Result<String> {
        // SAFETY: the object is alive as long as `self`.
        let config = unsafe { call!(self.raw, IBuilderConfig_getRemoteAutoTuningConfig()) }?;
        // SAFETY: TensorRT returns null or a C string that lives as long as the configuration.
        Ok(unsafe { text(config) })
    }

    /// Makes a timing cache from what [`TimingCache::serialize`] gave, or an empty one from no bytes.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses the bytes.
    #[doc(alias = "nvinfer1::IBuilderConfig::createTimingCache")]
    pub fn create_timing_cache(&self, bytes: &[u8]) -> Result<TimingCache> {
        let operation = Operation::begin();
        // SAFETY: the bytes live during the call; TensorRT copies them.
        let made = unsafe { call!(self.raw, IBuilderConfig_createTimingCache(bytes.as_ptr().cast(), bytes.len())) }?;
        let pointer = operation.object(self.library(), ErrorKind::Setting, "create a timing cache", made)?;
        // SAFETY: the cache was just made by this library and is given to nobody else; it depends on nothing but the library.
        Ok(TimingCache::new(unsafe { Raw::new(self.library(), pointer) }))
    }

    /// Has builds use and extend a timing cache; with `ignore_mismatch` also one of another GPU or driver.
    ///
    /// # Errors
    ///
    /// `Setting` if the cache does not fit this machine or library.
    #[doc(alias = "nvinfer1::IBuilderConfig::setTimingCache")]
    pub fn set_timing_cache(&mut self, cache: TimingCache, ignore_mismatch: bool) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: both are alive; the cache is then kept by the builder until after it and this configuration are gone.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setTimingCache(cache.as_ptr(), ignore_mismatch)) }?;
        self.builder.outlive(cache);
        operation.truth(self.library(), ErrorKind::Setting, "use a timing cache", taken)
    }

    /// The bytes of the timing cache in use, after a build with what it measured; none without a cache.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT cannot serialize it.
    #[doc(alias = "nvinfer1::IBuilderConfig::getTimingCache")]
    pub fn timing_cache(&self) -> Result<Option<Vec<u8>>> {
        // SAFETY: the object is alive as long as `self`.
        let cache = unsafe { call!(self.raw, IBuilderConfig_getTimingCache()) }?;
        if cache.is_null() {
            return Ok(None);
        }
        // SAFETY: the cache that a configuration has set is alive: its builder keeps it.
        unsafe { TimingCache::serialize_raw(self.library(), cache) }.map(Some)
    }
}
