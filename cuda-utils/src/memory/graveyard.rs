//! Memory that was dropped while a stream still used it.

use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};

use super::allocation::Block;
use super::order::LastUses;
use crate::callback;
use crate::event::EventInner;

/// The memory of a device that waits to be freed.
#[derive(Debug, Default)]
pub(crate) struct Graveyard(Mutex<Vec<Grave>>);

/// Memory, and the events after which nothing uses it.
#[derive(Debug)]
struct Grave {
    // Never dropped before the events are seen to be reached.
    block: ManuallyDrop<Block>,
    events: Vec<Arc<EventInner>>,
}

impl Grave {
    /// Whether nothing uses the memory any more.
    fn is_quiet(&self) -> bool {
        self.events.iter().all(|event| event.query().unwrap_or_else(|error| error.ends_work()))
    }

    fn free(mut self) {
        // SAFETY: the grave is consumed, so the block is taken once; callers have seen it quiet.
        drop(unsafe { ManuallyDrop::take(&mut self.block) });
    }
}

impl Graveyard {
    /// Frees a block whose uses are over, and keeps any other.
    pub(super) fn bury(&self, block: Block, uses: LastUses) {
        let LastUses::Known(events) = uses else {
            // Some use could not be recorded and not be waited for: the device is broken, and leaking is all that is safe.
            let _leaked = ManuallyDrop::new(block);
            return;
        };
        let grave = Grave { block: ManuallyDrop::new(block), events };
        if grave.events.is_empty() || (!callback::is_inside() && grave.is_quiet()) {
            grave.free();
        } else {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(grave);
        }
    }

    /// Frees what is not in use any more.
    pub(crate) fn reap(&self) {
        if callback::is_inside() {
            return;
        }
        let quiet: Vec<_> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extract_if(.., |grave| grave.is_quiet()).collect();
        quiet.into_iter().for_each(Grave::free);
    }

    /// Waits for all of it and frees it; false if there was none.
    pub(super) fn wait(&self) -> bool {
        let graves = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let any = !graves.is_empty();
        wait_for(graves);
        any
    }
}

fn wait_for(graves: Vec<Grave>) {
    for grave in graves {
        let over = |event: &Arc<EventInner>| event.synchronize().map_or_else(|error| error.ends_work(), |()| true);
        if grave.events.iter().all(over) {
            grave.free();
        }
        // Else the driver could not tell, and the memory leaks.
    }
}

impl Drop for Graveyard {
    fn drop(&mut self) {
        self.reap();
        let graves = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !graves.is_empty() {
            // The device is gone, but its work goes on. If no thread can be had the closure is dropped, and the graves leak.
            let _ = std::thread::Builder::new().name("cuda-release".to_owned()).spawn(move || wait_for(graves));
        }
    }
}
