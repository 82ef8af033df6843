//! Immutable, shared, 64-byte aligned bytes: constants of a network and weights of a plan.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use memmap2::Mmap;
use tensorrt_sys::ErrorCode;

use crate::{Error, Result};

/// The alignment of every owned or mapped block, in bytes: a cache line and the widest vector register.
pub const ALIGNMENT: usize = 64;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Block([u8; ALIGNMENT]);

#[derive(Clone)]
enum Owner {
    Heap(Arc<Vec<Block>>),
    File(Arc<Mmap>),
}

/// A range of bytes that is kept alive by whoever holds it: on the heap, or in a mapped file.
#[derive(Clone)]
pub struct Storage {
    owner: Owner,
    range: Range<usize>,
}

impl Storage {
    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> Self {
        let blocks = vec![Block([0; ALIGNMENT]); len.div_ceil(ALIGNMENT)];
        Self { owner: Owner::Heap(Arc::new(blocks)), range: 0..len }
    }

    /// `len` zero bytes, where `len` comes from a model, a plan or a run: more than there is memory for is an error.
    ///
    /// # Errors
    /// The system has no such memory.
    pub fn try_zeroed(len: usize) -> Result<Self> {
        let blocks = bytemuck::try_zeroed_vec(len.div_ceil(ALIGNMENT));
        let blocks: Vec<Block> = blocks
            .map_err(|()| Error::new(ErrorCode::FailedAllocation, format!("there is no memory for {len} bytes")))?;
        Ok(Self { owner: Owner::Heap(Arc::new(blocks)), range: 0..len })
    }

    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut storage = Self::zeroed(bytes.len());
        storage.make_mut().copy_from_slice(bytes);
        storage
    }

    /// A part of a mapped file; `None` where the range leaves it.
    pub fn mapped(map: &Arc<Mmap>, range: Range<usize>) -> Option<Self> {
        map.get(range.clone())?;
        Some(Self { owner: Owner::File(map.clone()), range })
    }

    /// A part of this range, sharing its owner; `None` where `range` leaves it.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        self.get(range.clone())?;
        let start = self.range.start;
        Some(Self { owner: self.owner.clone(), range: start + range.start..start + range.end })
    }

    /// Writable bytes; copies first where the bytes are shared or mapped.
    pub fn make_mut(&mut self) -> &mut [u8] {
        let unique = match &mut self.owner {
            Owner::Heap(blocks) => Arc::get_mut(blocks).is_some(),
            Owner::File(_) => false,
        };
        if !unique {
            let mut blocks = vec![Block([0; ALIGNMENT]); self.len().div_ceil(ALIGNMENT)];
            bytemuck::cast_slice_mut(&mut blocks)[..self.len()].copy_from_slice(self);
            self.range = 0..self.len();
            self.owner = Owner::Heap(Arc::new(blocks));
        }
        match &mut self.owner {
            Owner::Heap(blocks) => match Arc::get_mut(blocks) {
                Some(blocks) => &mut bytemuck::cast_slice_mut(blocks)[self.range.clone()],
                None => &mut [],
            },
            Owner::File(_) => &mut [],
        }
    }
}

impl Deref for Storage {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.owner {
            Owner::Heap(blocks) => &bytemuck::cast_slice(blocks)[self.range.clone()],
            Owner::File(map) => &map[self.range.clone()],
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self.owner, Owner::Heap(_)) { "heap" } else { "mapped" };
        write!(f, "Storage({kind}, {} bytes)", self.range.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_aligned_and_copies_on_write() {
        let mut a = Storage::copy_of(&[1, 2, 3]);
        assert_eq!(a.as_ptr().align_offset(ALIGNMENT), 0);
        let b = a.clone();
        a.make_mut()[0] = 9;
        assert_eq!(&*a, &[9, 2, 3]);
        assert_eq!(&*b, &[1, 2, 3]);
        assert_eq!(&*b.slice(1..3).unwrap(), &[2, 3]);
        assert!(b.slice(1..4).is_none());
    }
}
