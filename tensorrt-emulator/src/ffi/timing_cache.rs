//! `ITimingCache`: emulated builds time nothing, so a cache only remembers whose it is.

use std::ffi::c_void;
use std::sync::Mutex;

use tensorrt_sys::{Api, IHostMemory, ITimingCache};

use super::entries::entries;
use super::host_memory::HostMemory;
use super::object::{Object, drop_object, into_raw, lock};
use super::scope::Scope;
use crate::memory::Storage;
use crate::{Error, Result};

/// What a serialized cache begins with.
const MAGIC: &[u8] = b"tensorrt-emulator timing cache 1\n";

/// The object behind `ITimingCache`.
#[derive(Debug)]
pub(super) struct TimingCacheObject {
    scope: Scope,
    entries: Mutex<Vec<u8>>,
}

impl Object for TimingCacheObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl TimingCacheObject {
    /// A cache from a serialized one, or an empty one from nothing.
    ///
    /// # Errors
    /// The blob is not a cache of the emulator.
    pub(super) fn hand_out(scope: Scope, blob: &[u8]) -> Result<*mut ITimingCache> {
        let entries = match blob.strip_prefix(MAGIC) {
            Some(entries) => entries.to_vec(),
            None if blob.is_empty() => Vec::new(),
            None => return Err(Error::invalid("the blob is no timing cache of the emulator")),
        };
        Ok(into_raw(Self { scope, entries: Mutex::new(entries) }))
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut ITimingCache) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<TimingCacheObject>(object.cast::<c_void>()) };
    }
    api.ITimingCache_destroy = Some(destroy);
    entries! { api;
        ITimingCache: TimingCacheObject {
        fn ITimingCache_serialize(cache) -> *mut IHostMemory {
            let bytes = [MAGIC, lock(&cache.entries).as_slice()].concat();
            Ok(HostMemory::hand_out(cache.scope.clone(), Storage::copy_of(&bytes)))
        }
        fn ITimingCache_combine(cache, other: *mut ITimingCache, ignore_mismatch: bool) -> bool {
            if other.is_null() { Err(Error::invalid("the other cache is null")) } else { Ok(true) }
        }
        fn ITimingCache_reset(cache) -> bool {
            lock(&cache.entries).clear();
            Ok(true)
        }
        }
    }
}
