//! Writable memory that one layer after another borrows in parts: the arena and the network's output buffers.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::slice;

use smallvec::SmallVec;

use crate::{Error, Result};

/// A range of bytes within one of the [`Regions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Which region, in the order of [`Regions::add`].
    pub region: usize,
    /// The first byte.
    pub start: usize,
    /// The number of bytes.
    pub len: usize,
}

impl Span {
    fn overlaps(&self, other: &Self) -> bool {
        self.region == other.region
            && self.len > 0
            && other.len > 0
            && self.start < other.start + other.len
            && other.start < self.start + self.len
    }
}

/// A set of buffers, borrowed exclusively for `'a` and handed out in disjoint parts.
pub struct Regions<'a> {
    regions: SmallVec<[(NonNull<u8>, usize); 8]>,
    owners: PhantomData<&'a mut [u8]>,
}

// SAFETY: a `Regions` is a list of `&mut [u8]`, which are `Send`; the pointers only forget that.
unsafe impl Send for Regions<'_> {}

impl<'a> Regions<'a> {
    /// No region yet.
    pub fn new() -> Self {
        Self { regions: SmallVec::new(), owners: PhantomData }
    }

    /// Adds a region; the first has number 0.
    pub fn add(&mut self, bytes: &'a mut [u8]) {
        let len = bytes.len();
        self.regions.push((NonNull::from(bytes).cast(), len));
    }

    /// Starts handing out parts, all of which are given back when the lease ends.
    pub fn lease(&mut self) -> Lease<'_> {
        Lease { regions: &self.regions, given: SmallVec::new(), exclusive: PhantomData }
    }
}

impl Default for Regions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Regions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.regions.iter().map(|&(_, len)| len)).finish()
    }
}

/// Parts of the regions that are in use at one time: any number of readers of a byte, or one writer.
pub struct Lease<'s> {
    regions: &'s [(NonNull<u8>, usize)],
    given: SmallVec<[(Span, bool); 16]>,
    exclusive: PhantomData<&'s mut [u8]>,
}

impl<'s> Lease<'s> {
    /// Bytes to read.
    ///
    /// # Errors
    /// The span leaves its region or overlaps one that is being written.
    pub fn read(&mut self, span: Span) -> Result<&'s [u8]> {
        let start = self.claim(span, false)?;
        // SAFETY: `claim` checked that the span lies within a region, whose bytes are borrowed exclusively for longer than 's, and that no
        // span given out for writing by this lease overlaps it; the lease itself borrows the regions exclusively.
        Ok(unsafe { slice::from_raw_parts(start.as_ptr(), span.len) })
    }

    /// Bytes to write.
    ///
    /// # Errors
    /// The span leaves its region or overlaps one that is in use.
    pub fn write(&mut self, span: Span) -> Result<&'s mut [u8]> {
        let start = self.claim(span, true)?;
        // SAFETY: as in `read`, and `claim` checked that no span given out at all overlaps this one.
        Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr(), span.len) })
    }

    fn claim(&mut self, span: Span, write: bool) -> Result<NonNull<u8>> {
        let (base, len) = self.regions.get(span.region).copied().ok_or_else(|| out_of_range(span))?;
        let end = span.start.checked_add(span.len);
        if end.is_none_or(|end| end > len) {
            return Err(out_of_range(span));
        }
        if self.given.iter().any(|(other, written)| (write || *written) && span.overlaps(other)) {
            return Err(Error::internal(format!("{span:?} overlaps memory in use")));
        }
        self.given.push((span, write));
        // SAFETY: `start + len` was just checked to be within the region's one allocation.
        Ok(unsafe { base.add(span.start) })
    }
}

impl fmt::Debug for Lease<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.given).finish()
    }
}

fn out_of_range(span: Span) -> Error {
    Error::internal(format!("{span:?} leaves its memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(region: usize, start: usize, len: usize) -> Span {
        Span { region, start, len }
    }

    #[test]
    fn writers_are_alone_and_readers_are_not() {
        let (mut a, mut b) = ([0u8; 8], [0u8; 4]);
        let mut regions = Regions::new();
        regions.add(&mut a);
        regions.add(&mut b);
        {
            let mut lease = regions.lease();
            lease.write(span(0, 0, 4)).unwrap().fill(1);
            lease.write(span(0, 4, 4)).unwrap().fill(2);
            lease.write(span(1, 0, 4)).unwrap().fill(3);
            assert!(lease.read(span(0, 3, 2)).is_err());
            assert!(lease.write(span(1, 3, 1)).is_err());
        }
        let mut lease = regions.lease();
        assert_eq!(lease.read(span(0, 3, 2)).unwrap(), [1, 2]);
        assert_eq!(lease.read(span(0, 3, 2)).unwrap(), [1, 2]);
        assert!(lease.write(span(0, 4, 1)).is_err());
        assert!(lease.write(span(0, 4, 0)).unwrap().is_empty());
    }

    #[test]
    fn spans_outside_are_refused() {
        let mut a = [0u8; 8];
        let mut regions = Regions::new();
        regions.add(&mut a);
        let mut lease = regions.lease();
        for bad in [span(0, 8, 1), span(0, 9, 0), span(1, 0, 0), span(0, 1, usize::MAX)] {
            assert!(lease.read(bad).is_err(), "{bad:?}");
        }
    }
}
