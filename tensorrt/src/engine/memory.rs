//! How much memory an engine needs.

use super::Engine;
use crate::EngineStat;
use crate::error::Result;
use crate::raw::call;
use crate::value::Value;

impl Engine {
    /// The bytes of device memory that an execution context needs, the largest over all profiles.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getDeviceMemorySizeV2")]
    pub fn device_memory_size(&self) -> Result<u64> {
        if self.library().api().ICudaEngine_getDeviceMemorySizeV2.is_some() {
            // SAFETY: the engine is alive as long as `self`.
            return unsafe { call!(self.raw(), ICudaEngine_getDeviceMemorySizeV2()) }.map(bytes);
        }
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getDeviceMemorySize()) }.map(|size| size as u64)
    }

    /// The bytes of device memory that an execution context needs with a profile.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such profile.
    #[doc(alias = "nvinfer1::ICudaEngine::getDeviceMemorySizeForProfileV2")]
    pub fn device_memory_size_for_profile(&self, profile: usize) -> Result<u64> {
        let index = self.profile_index(profile)?;
        if self.library().api().ICudaEngine_getDeviceMemorySizeForProfileV2.is_some() {
            // SAFETY: the engine is alive as long as `self`, and the index is below the number of profiles.
            return unsafe { call!(self.raw(), ICudaEngine_getDeviceMemorySizeForProfileV2(index)) }.map(bytes);
        }
        // SAFETY: the engine is alive as long as `self`, and the index is below the number of profiles.
        unsafe { call!(self.raw(), ICudaEngine_getDeviceMemorySizeForProfile(index)) }.map(|size| size as u64)
    }

    /// The bytes of weights that can be streamed.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getStreamableWeightsSize")]
    pub fn streamable_weights_size(&self) -> Result<u64> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getStreamableWeightsSize()) }.map(bytes)
    }

    /// A figure about the engine, such as the size of its weights in bytes.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such figure.
    #[doc(alias = "nvinfer1::ICudaEngine::getEngineStat")]
    pub fn engine_stat(&self, stat: EngineStat) -> Result<i64> {
        let raw = stat.cross(self.library())?;
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.raw(), ICudaEngine_getEngineStat(raw)) }
    }

    /// The smallest, usual and largest values of an input that is a shape.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such tensor or profile.
    #[doc(alias = "nvinfer1::ICudaEngine::getProfileTensorValuesV2")]
    pub fn profile_values(
        &self,
        tensor: impl super::TensorSelector,
        profile: usize,
        selector: crate::OptProfileSelector,
    ) -> Result<Option<Vec<i64>>> {
        let info = self.tensor(tensor)?;
        let index = self.profile_index(profile)?;
        let selector = selector.cross(self.library())?;
        let name = info.c_name().as_ptr();
        // SAFETY: the engine is alive as long as `self`, the name lives during the call, and the index is below the number of profiles.
        let values = unsafe { call!(self.raw(), ICudaEngine_getProfileTensorValuesV2(name, index, selector)) }?;
        let Some(length) = info.shape().volume().filter(|_| !values.is_null()) else { return Ok(None) };
        // SAFETY: TensorRT returns as many values as the tensor has elements, which live as long as the engine.
        Ok(Some(unsafe { std::slice::from_raw_parts(values, length) }.to_vec()))
    }
}

/// A size that TensorRT returns; negative ones do not occur.
fn bytes(raw: i64) -> u64 {
    u64::try_from(raw).unwrap_or(0)
}
