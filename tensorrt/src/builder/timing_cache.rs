//! What a build measured, to be used by the next.

use tensorrt_sys::{ITimingCache, Library};

use crate::error::{ErrorKind, Result};
use crate::operation::Operation;
use crate::plan::host_bytes;
use crate::raw::{Raw, call};

/// The timings of tactics. A build that finds a layer in it need not time it again.
#[derive(Debug)]
#[doc(alias = "nvinfer1::ITimingCache")]
pub struct TimingCache {
    raw: Raw<ITimingCache>,
}

impl TimingCache {
    pub(super) fn new(raw: Raw<ITimingCache>) -> Self {
        TimingCache { raw }
    }

    pub(super) fn as_ptr(&self) -> *mut ITimingCache {
        self.raw.as_ptr()
    }

    /// The cache as bytes, for a file.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT cannot serialize it.
    #[doc(alias = "nvinfer1::ITimingCache::serialize")]
    pub fn serialize(&self) -> Result<Vec<u8>> {
        // SAFETY: the cache is alive as long as `self`.
        unsafe { Self::serialize_raw(self.raw.library(), self.raw.as_ptr()) }
    }

    /// Serializes a cache that belongs to somebody else.
    ///
    /// # Safety
    ///
    /// The cache is alive and of this library.
    pub(super) unsafe fn serialize_raw(library: &Library, cache: *mut ITimingCache) -> Result<Vec<u8>> {
        let operation = Operation::begin();
        // SAFETY: the caller vouches for the cache.
        let made = unsafe { tensorrt_sys::call!(library, ITimingCache_serialize(cache)) }?;
        let pointer = operation.object(library, ErrorKind::Setting, "serialize a timing cache", made)?;
        // SAFETY: the memory was just made by this library for the caller, who owns it.
        let memory = unsafe { Raw::new(library, pointer) };
        host_bytes(&memory).map(<[u8]>::to_vec)
    }

    /// Adds the timings of another cache; with `ignore_mismatch` also of another GPU or driver.
    ///
    /// # Errors
    ///
    /// `Setting` if they do not fit together.
    #[doc(alias = "nvinfer1::ITimingCache::combine")]
    pub fn combine(&mut self, other: &TimingCache, ignore_mismatch: bool) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: both caches are alive.
        let done = unsafe { call!(self.raw, ITimingCache_combine(other.raw.as_ptr(), ignore_mismatch)) }?;
        operation.truth(self.raw.library(), ErrorKind::Setting, "combine timing caches", done)
    }

    /// Forgets all timings.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITimingCache::reset")]
    pub fn reset(&mut self) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the cache is alive as long as `self`.
        let done = unsafe { call!(self.raw, ITimingCache_reset()) }?;
        operation.truth(self.raw.library(), ErrorKind::Setting, "reset a timing cache", done)
    }
}
