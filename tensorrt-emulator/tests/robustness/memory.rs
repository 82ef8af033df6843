//! An allocator that counts, one account a thread, so that a test can say how much its own thread held at most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};

/// A thread that holds more than this is refused memory, which ends the process: beyond it, the machine would suffer.
const HARD_LIMIT: isize = 2 << 30;

#[derive(Clone, Copy)]
struct Account {
    held: isize,
    peak: isize,
}

thread_local! {
    static ACCOUNT: Cell<Account> = const { Cell::new(Account { held: 0, peak: 0 }) };
}

thread_local! {
    /// What the thread does, for the message of a refusal.
    pub(crate) static NAME: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The system's allocator with accounts.
pub(crate) struct Counting;

/// Books `bytes`; false where the limit is reached.
fn book(bytes: isize) -> bool {
    // A thread that is ending has no account any more.
    let booked = ACCOUNT.try_with(|account| {
        let mut now = account.get();
        now.held += bytes;
        if bytes > 0 && now.held > HARD_LIMIT {
            let name = NAME.with(|name| name.try_borrow().map(|name| name.clone()));
            eprintln!("{}: refused {bytes} bytes", name.unwrap_or_default());
            return false;
        }
        now.peak = now.peak.max(now.held);
        account.set(now);
        true
    });
    booked.unwrap_or(true)
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX / 2)
}

// SAFETY: every request goes to the system's allocator with the arguments it came with, or is answered with null.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !book(signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !book(signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        book(-signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !book(signed(size) - signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

/// What `work` returns, and the most bytes that this thread held for it at one time.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let start = ACCOUNT.get().held;
    ACCOUNT.set(Account { held: start, peak: start });
    let result = work();
    let peak = ACCOUNT.get().peak - start;
    (result, usize::try_from(peak).unwrap_or(0))
}

#[test]
fn memory_is_counted() {
    let ((), peak) = measured(|| drop(std::hint::black_box(vec![0u8; 1 << 20])));
    assert!((1 << 20..2 << 20).contains(&peak), "{peak}");
}
