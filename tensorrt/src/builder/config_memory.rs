//! How much memory a build and its engine may use.

use super::BuilderConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, properties};
use crate::{MemoryPoolType, TilingOptimizationLevel};

impl BuilderConfig<'_> {
    /// Limits a pool to some bytes. The workspace's default is all of the device's memory.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses: pools of a DLA are powers of two.
    #[doc(alias = "nvinfer1::IBuilderConfig::setMemoryPoolLimit")]
    pub fn set_memory_pool_limit(&mut self, pool: MemoryPoolType, bytes: u64) -> Result<()> {
        let tried = format!("limit {pool} to {bytes} bytes");
        let size = usize::try_from(bytes).map_err(|_| Error::invalid(&tried, "more than the address space holds"))?;
        let raw = pool.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_setMemoryPoolLimit(raw, size)) }?;
        operation.silent(self.library(), ErrorKind::Setting, tried)
    }

    /// The limit of a pool in bytes.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such pool.
    #[doc(alias = "nvinfer1::IBuilderConfig::getMemoryPoolLimit")]
    pub fn memory_pool_limit(&self, pool: MemoryPoolType) -> Result<u64> {
        let raw = pool.cross(self.library())?;
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_getMemoryPoolLimit(raw)) }.map(|size| size as u64)
    }

    properties! {
        /// How hard TensorRT tries to keep data in the L2 cache by tiling.
        #[doc(alias = "nvinfer1::IBuilderConfig::getTilingOptimizationLevel")]
        get tiling_optimization_level => IBuilderConfig_getTilingOptimizationLevel: TilingOptimizationLevel;
        /// Sets how hard TensorRT tries to keep data in the L2 cache by tiling.
        #[doc(alias = "nvinfer1::IBuilderConfig::setTilingOptimizationLevel")]
        set set_tiling_optimization_level => IBuilderConfig_setTilingOptimizationLevel: TilingOptimizationLevel;
        /// The bytes of L2 cache that tiling may use; -1 if TensorRT decides.
        #[doc(alias = "nvinfer1::IBuilderConfig::getL2LimitForTiling")]
        get l2_limit_for_tiling => IBuilderConfig_getL2LimitForTiling: i64;
        /// Sets the bytes of L2 cache that tiling may use.
        #[doc(alias = "nvinfer1::IBuilderConfig::setL2LimitForTiling")]
        set set_l2_limit_for_tiling => IBuilderConfig_setL2LimitForTiling: i64;
    }
}
