//! Copies that a stream makes between host and device, and within the device.

use std::ops::Range;
use std::ptr::NonNull;

use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Work;
use crate::memory::{Allocation, DeviceBuffer, Ordered, PinnedBuffer};
use crate::stream::{RawStream, Stream, StreamInner};

impl Stream {
    /// Enqueues a copy of a whole pinned buffer to a device buffer of the same length.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` if the lengths differ, `InvalidArgument` if the three are not of one device, or the error with which earlier
    /// work failed.
    #[doc(alias = "cuMemcpyHtoDAsync")]
    pub fn copy_to_device<T: Element>(&self, from: &PinnedBuffer<T>, to: &mut DeviceBuffer<T>) -> Result<()> {
        same_length("copy to the device", from.len(), to.len())?;
        self.copy_range_to_device(from, 0..from.len(), to, 0)
    }

    /// Enqueues a copy of a whole device buffer to a pinned buffer of the same length.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` if the lengths differ, `InvalidArgument` if the three are not of one device, or the error with which earlier
    /// work failed.
    #[doc(alias = "cuMemcpyDtoHAsync")]
    pub fn copy_to_host<T: Element>(&self, from: &DeviceBuffer<T>, to: &mut PinnedBuffer<T>) -> Result<()> {
        same_length("copy to the host", from.len(), to.len())?;
        self.copy_range_to_host(from, 0..from.len(), to, 0)
    }

    /// Enqueues a copy of a whole device buffer to another of the same length.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` if the lengths differ, `InvalidArgument` if the three are not of one device, or the error with which earlier
    /// work failed.
    #[doc(alias = "cuMemcpyDtoDAsync")]
    pub fn copy_device<T: Element>(&self, from: &DeviceBuffer<T>, to: &mut DeviceBuffer<T>) -> Result<()> {
        same_length("copy within the device", from.len(), to.len())?;
        self.copy_range_device(from, 0..from.len(), to, 0)
    }

    /// Enqueues a copy of some elements of a pinned buffer to those of a device buffer that begin at `offset`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the elements lie outside a buffer or the three are not of one device, or the error with which earlier work
    /// failed.
    pub fn copy_range_to_device<T: Element>(
        &self,
        from: &PinnedBuffer<T>,
        range: Range<usize>,
        to: &mut DeviceBuffer<T>,
        offset: usize,
    ) -> Result<()> {
        let part = Part::new::<T>("copy to the device", &range, from.len(), offset, to.len())?;
        self.transfer(Direction::ToDevice, from.allocation(), to.memory().allocation(), part)
    }

    /// Enqueues a copy of some elements of a device buffer to those of a pinned buffer that begin at `offset`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the elements lie outside a buffer or the three are not of one device, or the error with which earlier work
    /// failed.
    pub fn copy_range_to_host<T: Element>(
        &self,
        from: &DeviceBuffer<T>,
        range: Range<usize>,
        to: &mut PinnedBuffer<T>,
        offset: usize,
    ) -> Result<()> {
        let part = Part::new::<T>("copy to the host", &range, from.len(), offset, to.len())?;
        self.transfer(Direction::ToHost, from.memory().allocation(), to.allocation(), part)
    }

    /// Enqueues a copy of some elements of a device buffer to those of another that begin at `offset`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the elements lie outside a buffer or the three are not of one device, or the error with which earlier work
    /// failed.
    pub fn copy_range_device<T: Element>(
        &self,
        from: &DeviceBuffer<T>,
        range: Range<usize>,
        to: &mut DeviceBuffer<T>,
        offset: usize,
    ) -> Result<()> {
        let part = Part::new::<T>("copy within the device", &range, from.len(), offset, to.len())?;
        self.transfer(Direction::Device, from.memory().allocation(), to.memory().allocation(), part)
    }

    /// Enqueues filling a device buffer with zero bytes.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the buffer is of another device, or the error with which earlier work failed.
    #[doc(alias = "cuMemsetD8Async")]
    pub fn fill_zero<T: Element>(&self, buffer: &mut DeviceBuffer<T>) -> Result<()> {
        let allocation = buffer.memory().allocation();
        let order = Ordered::begin(self, allocation, None)?;
        // SAFETY: the range is the whole allocation, and `order` keeps it allocated and unused by others until the fill is done.
        let enqueued = unsafe { self.inner.fill(allocation.pointer(), 0, allocation.bytes()) };
        let finished = order.finish();
        enqueued.and(finished)
    }

    fn transfer(&self, direction: Direction, from: &Allocation, to: &Allocation, part: Part) -> Result<()> {
        let order = Ordered::begin(self, from, Some(to))?;
        let (source, target) = (from.part(part.from, part.bytes)?, to.part(part.to, part.bytes)?);
        // SAFETY: `part` checked both ranges, and `order` keeps them allocated and unused by others until the copy is done.
        let enqueued = unsafe { self.inner.copy(direction, source, target, part.bytes) };
        let finished = order.finish();
        enqueued.and(finished)
    }
}

#[derive(Clone, Copy)]
enum Direction {
    ToDevice,
    ToHost,
    Device,
}

/// The part of two buffers that is copied, in bytes.
struct Part {
    from: usize,
    to: usize,
    bytes: usize,
}

impl Part {
    fn new<T>(what: &str, range: &Range<usize>, from_len: usize, offset: usize, to_len: usize) -> Result<Self> {
        let Some(len) = range.end.checked_sub(range.start).filter(|_| range.end <= from_len) else {
            return Err(Error::invalid(format!("{what}: elements {range:?} of a buffer of {from_len}")));
        };
        if offset.checked_add(len).is_none_or(|end| end > to_len) {
            return Err(Error::invalid(format!("{what}: {len} elements at {offset} of a buffer of {to_len}")));
        }
        // None of these overflow: both buffers were allocated with their lengths in bytes.
        Ok(Part { from: range.start * size_of::<T>(), to: offset * size_of::<T>(), bytes: len * size_of::<T>() })
    }
}

fn same_length(what: &str, from: usize, to: usize) -> Result<()> {
    if from == to {
        return Ok(());
    }
    Err(Error::new(ErrorKind::LengthMismatch, format!("{what}: {from} elements to a buffer of {to}")))
}

impl StreamInner {
    /// Enqueues a copy.
    ///
    /// # Safety
    ///
    /// Both ranges are of the stream's device, stay allocated, and are used by nothing else, until the copy is done.
    unsafe fn copy(&self, direction: Direction, from: NonNull<u8>, to: NonNull<u8>, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        match (&self.raw, direction) {
            // SAFETY: the caller vouches for the ranges.
            (RawStream::Cuda(stream), Direction::ToDevice) => unsafe { stream.copy_to_device(from, to, bytes) },
            // SAFETY: the caller vouches for the ranges.
            (RawStream::Cuda(stream), Direction::ToHost) => unsafe { stream.copy_to_host(from, to, bytes) },
            // SAFETY: the caller vouches for the ranges.
            (RawStream::Cuda(stream), Direction::Device) => unsafe { stream.copy_device(from, to, bytes) },
            (RawStream::Host(stream), _) => {
                stream.core().push(Work::Copy { from: from.as_ptr(), to: to.as_ptr(), bytes }).map(drop)
            }
        }
    }

    /// Enqueues filling memory with a byte.
    ///
    /// # Safety
    ///
    /// The range is of the stream's device, stays allocated, and is used by nothing else, until the fill is done.
    unsafe fn fill(&self, to: NonNull<u8>, value: u8, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        match &self.raw {
            // SAFETY: the caller vouches for the range.
            RawStream::Cuda(stream) => unsafe { stream.fill(to, value, bytes) },
            RawStream::Host(stream) => stream.core().push(Work::Fill { to: to.as_ptr(), value, bytes }).map(drop),
        }
    }
}
