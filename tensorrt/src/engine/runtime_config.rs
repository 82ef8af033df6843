//! How contexts of an engine are made: memory, and for TensorRT for RTX the kernels that are compiled when they are first needed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tensorrt_sys::{
    CudaGraphStrategy, DynamicShapesKernelSpecializationStrategy, ExecutionContextAllocationStrategy, IRuntimeCache,
    IRuntimeConfig,
};

use super::Engine;
use crate::context::ExecutionContext;
use crate::error::{ErrorKind, Result};
use crate::operation::Operation;
use crate::plan::host_bytes;
use crate::raw::{Raw, call};
use crate::value::{Value, properties};

/// How contexts are made. TensorRT 10.11 and later.
#[derive(Debug)]
#[doc(alias = "nvinfer1::IRuntimeConfig")]
pub struct RuntimeConfig {
    // Destroyed before what it refers to: fields are dropped in order.
    raw: Raw<IRuntimeConfig>,
    cache: Option<RuntimeCache>,
    engine: Engine,
}

impl Engine {
    /// Makes a configuration with the library's defaults.
    ///
    /// # Errors
    ///
    /// `Unsupported` before TensorRT 10.11, `Setting` if the library makes none.
    #[doc(alias = "nvinfer1::ICudaEngine::createRuntimeConfig")]
    pub fn create_runtime_config(&self) -> Result<RuntimeConfig> {
        let operation = Operation::begin();
        // SAFETY: the engine is alive as long as `self`.
        let made = unsafe { call!(self.raw(), ICudaEngine_createRuntimeConfig()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Setting, "create a runtime configuration", made)?;
        // SAFETY: the configuration was just made by this library and is given to nobody else; it keeps the engine, which outlives it.
        let raw = unsafe { Raw::new(self.library(), pointer) };
        Ok(RuntimeConfig { raw, cache: None, engine: self.clone() })
    }
}

impl RuntimeConfig {
    properties! {
        /// How contexts allocate their memory.
        #[doc(alias = "nvinfer1::IRuntimeConfig::getExecutionContextAllocationStrategy")]
        get execution_context_allocation_strategy
            => IRuntimeConfig_getExecutionContextAllocationStrategy: ExecutionContextAllocationStrategy;
        /// Sets how contexts allocate their memory.
        #[doc(alias = "nvinfer1::IRuntimeConfig::setExecutionContextAllocationStrategy")]
        set set_execution_context_allocation_strategy
            => IRuntimeConfig_setExecutionContextAllocationStrategy: ExecutionContextAllocationStrategy;
        /// When kernels for a shape are compiled. TensorRT for RTX only.
        #[doc(alias = "nvinfer1::IRuntimeConfig::getDynamicShapesKernelSpecializationStrategy")]
        get dynamic_shapes_kernel_specialization_strategy
            => IRuntimeConfig_getDynamicShapesKernelSpecializationStrategy: DynamicShapesKernelSpecializationStrategy;
        /// Sets when kernels for a shape are compiled. TensorRT for RTX only.
        #[doc(alias = "nvinfer1::IRuntimeConfig::setDynamicShapesKernelSpecializationStrategy")]
        set set_dynamic_shapes_kernel_specialization_strategy
            => IRuntimeConfig_setDynamicShapesKernelSpecializationStrategy: DynamicShapesKernelSpecializationStrategy;
        /// Whether the library captures CUDA graphs by itself. TensorRT for RTX only.
        #[doc(alias = "nvinfer1::IRuntimeConfig::getCudaGraphStrategy")]
        get cuda_graph_strategy => IRuntimeConfig_getCudaGraphStrategy: CudaGraphStrategy;
        /// Sets whether the library captures CUDA graphs by itself. TensorRT for RTX only.
        #[doc(alias = "nvinfer1::IRuntimeConfig::setCudaGraphStrategy")]
        set set_cuda_graph_strategy => IRuntimeConfig_setCudaGraphStrategy: CudaGraphStrategy;
    }

    /// Makes an empty cache of compiled kernels. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other libraries, `Setting` if the library makes none.
    #[doc(alias = "nvinfer1::IRuntimeConfig::createRuntimeCache")]
    pub fn create_runtime_cache(&self) -> Result<RuntimeCache> {
        let operation = Operation::begin();
        // SAFETY: the configuration is alive as long as `self`.
        let made = unsafe { call!(self.raw, IRuntimeConfig_createRuntimeCache()) }?;
        let library = self.engine.library();
        let pointer = operation.object(library, ErrorKind::Setting, "create a runtime cache", made)?;
        // SAFETY: the cache was just made by this library and is given to nobody else.
        let raw = unsafe { Raw::new(library, pointer) };
        Ok(RuntimeCache { inner: Arc::new(CacheInner { raw: Mutex::new(raw), _engine: self.engine.clone() }) })
    }

    /// Has contexts look their kernels up in a cache, and add to it. It is kept as long as they live. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other libraries, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntimeConfig::setRuntimeCache")]
    pub fn set_runtime_cache(&mut self, cache: &RuntimeCache) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: configuration and cache are alive; the cache is kept by this value, and by the contexts made with it.
        let taken = unsafe { call!(self.raw, IRuntimeConfig_setRuntimeCache(cache.raw().as_ptr())) }?;
        operation.truth(self.engine.library(), ErrorKind::Setting, "set the runtime cache", taken)?;
        self.cache = Some(cache.clone());
        Ok(())
    }

    /// The cache that was set.
    ///
    /// # Errors
    ///
    /// `Unsupported` on libraries without such caches.
    #[doc(alias = "nvinfer1::IRuntimeConfig::getRuntimeCache")]
    pub fn runtime_cache(&self) -> Result<Option<&RuntimeCache>> {
        // SAFETY: the configuration is alive as long as `self`.
        let pointer = unsafe { call!(self.raw, IRuntimeConfig_getRuntimeCache()) }?;
        Ok(self.cache.as_ref().filter(|_| !pointer.is_null()))
    }

    /// Makes an execution context.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or `Setting` if TensorRT makes none.
    #[doc(alias = "nvinfer1::ICudaEngine::createExecutionContext")]
    pub fn create_execution_context(&self) -> Result<ExecutionContext> {
        let strategy = self.execution_context_allocation_strategy()?;
        let engine = &self.engine;
        engine.device().make_current()?;
        let operation = Operation::begin();
        // SAFETY: engine and configuration are alive during the call.
        let made =
            unsafe { call!(engine.raw(), ICudaEngine_createExecutionContextWithRuntimeConfig(self.raw.as_ptr())) }?;
        let tried = "create an execution context with a runtime configuration";
        let pointer = operation.object(engine.library(), ErrorKind::Setting, tried, made)?;
        // SAFETY: the context was just made by this library for the caller, who owns it; it keeps the engine and the cache.
        let raw = unsafe { Raw::new(engine.library(), pointer) };
        ExecutionContext::over(engine, raw, strategy, self.cache.clone())
    }
}

/// Kernels that TensorRT for RTX compiled for this machine's GPU, to be saved and used by the next process. Cloning shares it.
#[derive(Debug, Clone)]
#[doc(alias = "nvinfer1::IRuntimeCache")]
pub struct RuntimeCache {
    inner: Arc<CacheInner>,
}

#[derive(Debug)]
struct CacheInner {
    // Destroyed before the engine: fields are dropped in order.
    raw: Mutex<Raw<IRuntimeCache>>,
    _engine: Engine,
}

impl RuntimeCache {
    /// The object, which one thread at a time asks or changes. That several contexts use one cache is how NVIDIA's own programs use it.
    fn raw(&self) -> MutexGuard<'_, Raw<IRuntimeCache>> {
        self.inner.raw.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cache as bytes, for a file.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT cannot serialize it.
    #[doc(alias = "nvinfer1::IRuntimeCache::serialize")]
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let raw = self.raw();
        let library = raw.library();
        let operation = Operation::begin();
        // SAFETY: the cache is alive as long as `self`.
        let made = unsafe { call!(raw, IRuntimeCache_serialize()) }?;
        let pointer = operation.object(library, ErrorKind::Setting, "serialize a runtime cache", made)?;
        // SAFETY: the memory was just made by this library for the caller, who owns it.
        let memory = unsafe { Raw::new(library, pointer) };
        host_bytes(&memory).map(<[u8]>::to_vec)
    }

    /// Adds the kernels of a serialized cache.
    ///
    /// # Errors
    ///
    /// `Setting` if the bytes are no cache of this library and GPU.
    #[doc(alias = "nvinfer1::IRuntimeCache::deserialize")]
    pub fn deserialize(&self, bytes: &[u8]) -> Result<()> {
        let raw = self.raw();
        let operation = Operation::begin();
        // SAFETY: the cache is alive as long as `self`, and the bytes during the call.
        let taken = unsafe { call!(raw, IRuntimeCache_deserialize(bytes.as_ptr().cast(), bytes.len())) }?;
        operation.truth(raw.library(), ErrorKind::Setting, "deserialize a runtime cache", taken)
    }

    /// Forgets all kernels.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntimeCache::reset")]
    pub fn reset(&self) -> Result<()> {
        let raw = self.raw();
        let operation = Operation::begin();
        // SAFETY: the cache is alive as long as `self`.
        let done = unsafe { call!(raw, IRuntimeCache_reset()) }?;
        operation.truth(raw.library(), ErrorKind::Setting, "reset a runtime cache", done)
    }
}
