//! `IRuntimeConfig` and `IRuntimeCache`: how contexts are made. Emulated kernels are never compiled at run time, so a cache stays empty.

use std::ffi::c_void;
use std::sync::Mutex;

use tensorrt_sys::{
    Api, CudaGraphStrategy, DynamicShapesKernelSpecializationStrategy, ExecutionContextAllocationStrategy, IHostMemory,
    IRuntimeCache, IRuntimeConfig,
};

use super::entries::entries;
use super::host_memory::HostMemory;
use super::object::{Object, drop_object, into_raw, lock};
use super::scope::Scope;
use super::value::Value;
use crate::memory::Storage;
use crate::{Error, Result};

/// What a serialized cache is.
const MAGIC: &[u8] = b"tensorrt-emulator runtime cache 1\n";

/// The object behind `IRuntimeConfig`.
#[derive(Debug)]
pub(super) struct RuntimeConfigObject {
    scope: Scope,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    allocation: ExecutionContextAllocationStrategy,
    specialization: DynamicShapesKernelSpecializationStrategy,
    graphs: CudaGraphStrategy,
    cache: *mut IRuntimeCache,
}

// SAFETY: the cache is only handed back to the caller.
unsafe impl Send for State {}

impl Object for RuntimeConfigObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl RuntimeConfigObject {
    /// A configuration with TensorRT's defaults.
    pub(super) fn hand_out(scope: Scope) -> *mut IRuntimeConfig {
        let state = State {
            allocation: ExecutionContextAllocationStrategy::Static,
            specialization: DynamicShapesKernelSpecializationStrategy::Lazy,
            graphs: CudaGraphStrategy::Disabled,
            cache: std::ptr::null_mut(),
        };
        into_raw(Self { scope, state: Mutex::new(state) })
    }

    /// How contexts get their memory.
    pub(super) fn allocation(&self) -> ExecutionContextAllocationStrategy {
        lock(&self.state).allocation
    }
}

#[derive(Debug)]
struct RuntimeCacheObject {
    scope: Scope,
}

impl Object for RuntimeCacheObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy_config(object: *mut IRuntimeConfig) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<RuntimeConfigObject>(object.cast::<c_void>()) };
    }
    unsafe extern "C" fn destroy_cache(object: *mut IRuntimeCache) {
        // SAFETY: the table's contract: made by `createRuntimeCache`, not used again.
        unsafe { drop_object::<RuntimeCacheObject>(object.cast::<c_void>()) };
    }
    api.IRuntimeConfig_destroy = Some(destroy_config);
    api.IRuntimeCache_destroy = Some(destroy_cache);
    entries! { api;
        IRuntimeConfig: RuntimeConfigObject {
            fn IRuntimeConfig_setExecutionContextAllocationStrategy(config, strategy: i32) {
                lock(&config.state).allocation = ExecutionContextAllocationStrategy::read(config.scope.family, strategy)?;
                Ok(())
            }
            fn IRuntimeConfig_getExecutionContextAllocationStrategy(config) -> i32 {
                Ok(config.allocation().show(config.scope.family))
            }
            fn IRuntimeConfig_setDynamicShapesKernelSpecializationStrategy(config, strategy: i32) {
                lock(&config.state).specialization =
                    DynamicShapesKernelSpecializationStrategy::read(config.scope.family, strategy)?;
                Ok(())
            }
            fn IRuntimeConfig_getDynamicShapesKernelSpecializationStrategy(config) -> i32 {
                Ok(lock(&config.state).specialization.show(config.scope.family))
            }
            fn IRuntimeConfig_setCudaGraphStrategy(config, strategy: i32) -> bool {
                lock(&config.state).graphs = CudaGraphStrategy::read(config.scope.family, strategy)?;
                Ok(true)
            }
            fn IRuntimeConfig_getCudaGraphStrategy(config) -> i32 { Ok(lock(&config.state).graphs.show(config.scope.family)) }
            fn IRuntimeConfig_createRuntimeCache(config) -> *mut IRuntimeCache {
                Ok(into_raw(RuntimeCacheObject { scope: config.scope.clone() }))
            }
            fn IRuntimeConfig_setRuntimeCache(config, cache: *mut IRuntimeCache) -> bool {
                if cache.is_null() {
                    return Err(Error::invalid("the cache is null"));
                }
                lock(&config.state).cache = cache;
                Ok(true)
            }
            fn IRuntimeConfig_getRuntimeCache(config) -> *mut IRuntimeCache { Ok(lock(&config.state).cache) }
        }
        IRuntimeCache: RuntimeCacheObject {
            fn IRuntimeCache_serialize(cache) -> *mut IHostMemory {
                Ok(HostMemory::hand_out(cache.scope.clone(), Storage::copy_of(MAGIC)))
            }
            fn IRuntimeCache_deserialize(cache, blob: *const c_void, size: usize) -> bool { check(blob, size).map(|()| true) }
            fn IRuntimeCache_reset(cache) -> bool { Ok(true) }
        }
    }
}

/// Refuses what is no cache of the emulator.
fn check(blob: *const c_void, size: usize) -> Result<()> {
    if blob.is_null() || isize::try_from(size).is_err() {
        return Err(Error::invalid("the cache is null or too large"));
    }
    // SAFETY: the table's contract: `size` bytes, readable during the call.
    let bytes = unsafe { std::slice::from_raw_parts(blob.cast::<u8>(), size) };
    if bytes == MAGIC { Ok(()) } else { Err(Error::invalid("the bytes are no runtime cache of the emulator")) }
}
