//! Keeps the uses of memory by several streams in order.
//!
//! Locks are taken in this order, so that no two threads wait for each other: the allocations by address, then the shared uses attached
//! to them by address. While both are held, no other thread can enqueue work on these allocations, neither through this module nor
//! through a shared use that starts on its fast path, which takes the claim alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::allocation::Allocation;
use super::shared_use::SharedInner;
use crate::callback;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventInner;
use crate::stream::{RawStream, Stream};

/// The record of an allocation's uses.
#[derive(Debug, Default)]
pub(crate) struct Tracker(Mutex<Uses>);

#[derive(Debug, Default)]
pub(super) struct Uses {
    /// The last uses; a single one, unless a shared use was detached while in flight.
    pending: Vec<Use>,
    /// The shared uses whose event covers the allocation, by address.
    shared: Vec<Arc<SharedInner>>,
    /// Whether a use could neither be recorded nor waited for.
    lost: bool,
    /// Whether a use has begun and is not recorded: for good if its guard was forgotten.
    open: bool,
}

#[derive(Debug)]
struct Use {
    stream: u64,
    event: Arc<EventInner>,
}

/// What is known at the end of an allocation about its last uses.
pub(super) enum LastUses {
    /// They are over once these events are reached.
    Known(Vec<Arc<EventInner>>),
    /// When they are over cannot be told.
    Lost,
}

impl Tracker {
    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all uses. Only for memory that shared uses are never attached to.
    pub(super) fn wait(&self) -> Result<()> {
        loop {
            let uses = self.lock();
            if uses.lost {
                return Err(lost());
            }
            let Some(event) = uses.pending.first().map(|first| Arc::clone(&first.event)) else { return Ok(()) };
            drop(uses);
            callback::refuse("wait until memory is not in use")?;
            let outcome = event.synchronize();
            // Work that failed on an emulated stream is over; a broken GPU goes on reporting that it is.
            if outcome.as_ref().map_or_else(|error| error.kind() == ErrorKind::OperationFailed, |()| true) {
                // The event that was waited for is held here, so it has not been recorded again.
                self.lock().pending.retain(|known| !Arc::ptr_eq(&known.event, &event));
            }
            outcome?;
        }
    }

    /// Whether all uses are over.
    pub(super) fn is_idle(&self) -> Result<bool> {
        let uses = self.lock();
        if uses.lost {
            return Err(lost());
        }
        for event in uses.pending.iter().map(|known| &known.event) {
            if !event.query()? {
                return Ok(false);
            }
        }
        for shared in uses.shared.iter().filter(|shared| shared.stream() != 0) {
            if !shared.event().query()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn attach(&self, shared: &Arc<SharedInner>) {
        let mut uses = self.lock();
        if let Err(index) = uses.shared.binary_search_by_key(&shared.address(), |known| known.address()) {
            uses.shared.insert(index, Arc::clone(shared));
        }
        shared.set_dirty();
    }

    pub(super) fn detach(&self, shared: &Arc<SharedInner>) {
        let mut uses = self.lock();
        uses.shared.retain(|known| !Arc::ptr_eq(known, shared));
        uses.lost |= shared.is_lost() || shared.is_open();
        if shared.stream() != 0 && !matches!(shared.event().query(), Ok(true)) {
            uses.pending.push(Use { stream: shared.stream(), event: Arc::clone(shared.event()) });
        }
    }

    /// Takes the record at the end of the allocation. No shared use is attached then, since each keeps the memory alive.
    pub(super) fn end(&mut self) -> LastUses {
        let uses = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        if uses.lost || uses.open {
            LastUses::Lost
        } else {
            LastUses::Known(uses.pending.into_iter().map(|known| known.event).collect())
        }
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::DeviceLost,
        "use memory: the device failed while it used the memory, and cannot tell whether it still does",
    )
}

/// The locked records of some allocations, with the claims of the shared uses attached to them.
pub(super) struct Held<'a, S: AsMut<[Option<MutexGuard<'a, Uses>>]>> {
    slots: S,
    /// The highest address of a shared use that was claimed. They are claimed by address.
    claimed: usize,
    /// The address of a shared use that stays claimed.
    keep: usize,
    marker: std::marker::PhantomData<MutexGuard<'a, Uses>>,
}

impl<'a, S: AsMut<[Option<MutexGuard<'a, Uses>>]>> Held<'a, S> {
    /// Claims everything attached to records that were locked in the order of their addresses.
    fn claim(slots: S) -> Result<Self> {
        let mut held = Held { slots, claimed: 0, keep: 0, marker: std::marker::PhantomData };
        while let Some(shared) = next_shared(held.slots.as_mut(), held.claimed) {
            shared.claim()?;
            held.claimed = shared.address();
        }
        Ok(held)
    }

    /// Makes the stream wait for the uses by other streams.
    fn order(&mut self, stream: &Stream) -> Result<()> {
        let id = stream.inner.id;
        for uses in self.slots.as_mut().iter().flatten() {
            if uses.lost {
                return Err(lost());
            }
            for known in uses.pending.iter().filter(|known| known.stream != id) {
                stream.inner.wait(&known.event)?;
            }
        }
        let mut after = 0;
        while let Some(shared) = next_shared(self.slots.as_mut(), after) {
            after = shared.address();
            if shared.is_lost() {
                return Err(lost());
            }
            if shared.stream() != id {
                shared.set_dirty();
                if shared.stream() != 0 {
                    stream.inner.wait(shared.event())?;
                }
            }
        }
        Ok(())
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Uses> {
        self.slots.as_mut().iter_mut().flatten().map(|guard| &mut **guard)
    }
}

impl<'a, S: AsMut<[Option<MutexGuard<'a, Uses>>]>> Drop for Held<'a, S> {
    fn drop(&mut self) {
        let mut after = 0;
        while let Some(shared) = next_shared(self.slots.as_mut(), after) {
            after = shared.address();
            if after > self.claimed {
                break;
            }
            if after != self.keep {
                shared.release();
            }
        }
    }
}

/// The shared use with the lowest address above `after`, among those attached to any of the allocations.
fn next_shared<'u>(slots: &'u [Option<MutexGuard<'_, Uses>>], after: usize) -> Option<&'u Arc<SharedInner>> {
    let above = slots.iter().flatten().filter_map(|uses| uses.shared.iter().find(|shared| shared.address() > after));
    above.min_by_key(|shared| shared.address())
}

/// One or two allocations whose earlier uses the stream waits for; the work enqueued while this lives becomes their last use.
pub(crate) struct Ordered<'a> {
    stream: &'a Stream,
    held: Held<'a, [Option<MutexGuard<'a, Uses>>; 2]>,
    recorded: bool,
}

impl<'a> Ordered<'a> {
    /// Begins a use. Work may be enqueued on the stream until [`Ordered::finish`].
    pub(crate) fn begin(stream: &'a Stream, first: &'a Allocation, second: Option<&'a Allocation>) -> Result<Self> {
        callback::refuse("enqueue work on a stream")?;
        stream.inner.not_capturing("use memory on a stream")?;
        stream.device().check()?;
        stream.device().same_as(first.device(), "use memory on a stream")?;
        if let Some(second) = second {
            stream.device().same_as(second.device(), "use memory on a stream")?;
        }
        let slots = match second {
            None => [Some(first.tracker().lock()), None],
            Some(second) if std::ptr::eq(first, second) => [Some(first.tracker().lock()), None],
            Some(second) => {
                let (low, high) = if std::ptr::from_ref(first) < std::ptr::from_ref(second) {
                    (first, second)
                } else {
                    (second, first)
                };
                let low = low.tracker().lock();
                [Some(low), Some(high.tracker().lock())]
            }
        };
        let mut held = Held::claim(slots)?;
        held.order(stream)?;
        held.each().for_each(|uses| uses.open = true);
        Ok(Ordered { stream, held, recorded: false })
    }

    /// Ends the use: what was enqueued meanwhile is the last use.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.record()
    }

    fn record(&mut self) -> Result<()> {
        self.recorded = true;
        match self.stream.inner.recorded_event() {
            Ok(event) => {
                for uses in self.held.each() {
                    // The stream waits for whatever was pending, so the new event covers it.
                    uses.open = false;
                    uses.pending.clear();
                    uses.pending.push(Use { stream: self.stream.inner.id, event: Arc::clone(&event) });
                }
                Ok(())
            }
            Err(error) => {
                let over = settle(self.stream);
                for uses in self.held.each() {
                    uses.open = false;
                    uses.pending.clear();
                    uses.lost |= !over;
                }
                Err(error)
            }
        }
    }
}

impl Drop for Ordered<'_> {
    fn drop(&mut self) {
        if !self.recorded
            && let Err(error) = self.record()
        {
            self.stream.device().backend().deferred().record(error);
        }
    }
}

/// Waits for a stream on which no event could be recorded; false if its work may still be going on.
pub(super) fn settle(stream: &Stream) -> bool {
    match &stream.inner.raw {
        RawStream::Cuda(stream) => stream.synchronize().is_ok(),
        RawStream::Host(stream) => {
            // An emulated stream passes its steps whether they fail or not.
            let _ = stream.core().synchronize();
            true
        }
    }
}

/// Orders a stream behind everything that others do with the allocations, on behalf of a shared use attached to all of them, which
/// is left claimed.
pub(super) fn order_shared(stream: &Stream, own: &Arc<SharedInner>, allocations: &mut Vec<&Allocation>) -> Result<()> {
    allocations.sort_by_key(|allocation| std::ptr::from_ref(*allocation).addr());
    allocations.dedup_by_key(|allocation| std::ptr::from_ref(*allocation).addr());
    let slots: Vec<_> = allocations.iter().map(|allocation| Some(allocation.tracker().lock())).collect();
    let mut held = Held::claim(slots)?;
    held.order(stream)?;
    // The event that `own` records covers these from now on.
    held.each().for_each(|uses| uses.pending.clear());
    held.keep = own.address();
    Ok(())
}
