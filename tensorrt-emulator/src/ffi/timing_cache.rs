//! `ITimingCache`: emulated builds time nothing, so a cache holds which layers were built, and the TensorRT that it is of.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::sync::Mutex;

use tensorrt_sys::{Api, IHostMemory, ITimingCache};

use super::entries::entries;
use super::host_memory::HostMemory;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::Scope;
use crate::memory::Storage;
use crate::plan::Plan;
use crate::{Error, Result};

/// What a serialized cache begins with; the product and its version follow, then a line's end and the entries.
const MAGIC: &str = "tensorrt-emulator timing cache 2: ";

/// The object behind `ITimingCache`.
#[derive(Debug)]
pub(super) struct TimingCacheObject {
    scope: Scope,
    /// The layers, as hashes of their kinds and parameters.
    entries: Mutex<BTreeSet<u64>>,
}

impl Object for TimingCacheObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// The first line of a cache of the library.
fn header(scope: &Scope) -> String {
    let identity = scope.identity();
    format!("{MAGIC}{} {}\n", identity.family.product(), identity.version)
}

/// The layers of a plan as a cache has them.
fn layers(plan: &Plan) -> Result<Vec<(&str, u64)>> {
    let hash = |kind| {
        let bytes = postcard::to_stdvec(kind).map_err(|error| Error::internal(format!("a timing cache: {error}")))?;
        Ok(xxhash_rust::xxh3::xxh3_64(&bytes))
    };
    plan.graph.layers.iter().map(|layer| Ok((layer.name.as_str(), hash(&layer.kind)?))).collect()
}

impl TimingCacheObject {
    /// A cache from a serialized one, or an empty one from nothing.
    ///
    /// # Errors
    /// The blob is not a cache of the emulator, is of another version of TensorRT, or is damaged.
    pub(super) fn hand_out(scope: Scope, blob: &[u8]) -> Result<*mut ITimingCache> {
        let entries = if blob.is_empty() { BTreeSet::new() } else { parse(&scope, blob)? };
        Ok(into_raw(Self { scope, entries: Mutex::new(entries) }))
    }

    /// Adds the layers of a plan; with `complete`, all have to be there already.
    ///
    /// # Errors
    /// A layer is missing; the message names it.
    pub(super) fn record(&self, plan: &Plan, complete: bool) -> Result<()> {
        let mut entries = lock(&self.entries);
        for (name, entry) in layers(plan)? {
            if entries.insert(entry) && complete {
                entries.remove(&entry);
                return Err(Error::config(format!(
                    "layer \"{name}\" is not in the timing cache, and kERROR_ON_TIMING_CACHE_MISS is set"
                )));
            }
        }
        Ok(())
    }
}

fn parse(scope: &Scope, blob: &[u8]) -> Result<BTreeSet<u64>> {
    if !blob.starts_with(MAGIC.as_bytes()) {
        return Err(Error::invalid("the blob is no timing cache of the emulator"));
    }
    let header = header(scope);
    let Some(entries) = blob.strip_prefix(header.as_bytes()) else {
        let line = blob.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let of = String::from_utf8_lossy(line.get(MAGIC.len()..).unwrap_or_default());
        let wanted = header.trim_end().trim_start_matches(MAGIC);
        return Err(Error::invalid(format!("the timing cache is of {of}, not of {wanted}")));
    };
    match entries.as_chunks::<8>() {
        (entries, []) => Ok(entries.iter().map(|&entry| u64::from_le_bytes(entry)).collect()),
        _ => Err(Error::invalid("the timing cache is damaged")),
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
            let mut bytes = header(&cache.scope).into_bytes();
            lock(&cache.entries).iter().for_each(|entry| bytes.extend(entry.to_le_bytes()));
            Ok(HostMemory::hand_out(cache.scope.clone(), Storage::copy_of(&bytes)))
        }
        fn ITimingCache_combine(cache, other: *mut ITimingCache, ignore_mismatch: bool) -> bool {
            // SAFETY: the table's contract: the other cache is alive during the call.
            let other: Option<&TimingCacheObject> = unsafe { borrow(other) };
            let other = other.ok_or_else(|| Error::invalid("the other cache is null"))?;
            if cache.scope.identity() != other.scope.identity() {
                return Err(Error::invalid("the other cache is of another version of TensorRT"));
            }
            // One lock at a time: the two may be one.
            let more = lock(&other.entries).clone();
            lock(&cache.entries).extend(more);
            Ok(true)
        }
        fn ITimingCache_reset(cache) -> bool {
            lock(&cache.entries).clear();
            Ok(true)
        }
        }
    }
}
