//! Panics in callbacks: caught before they reach C++, kept, and resumed once the call has returned.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    static PARKED: RefCell<Option<Box<dyn Any + Send>>> = const { RefCell::new(None) };
}

/// Runs the body of a callback; if it panics, keeps the panic for this thread's call and returns `fallback`.
pub(crate) fn contain<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            // On a thread of TensorRT's own nobody resumes it; the panic hook has reported it.
            let _ = PARKED.try_with(|parked| {
                if let Ok(mut parked) = parked.try_borrow_mut() {
                    parked.get_or_insert(payload);
                }
            });
            fallback
        }
    }
}

/// Goes on with a panic that a callback of the call that has just returned had.
pub(crate) fn resume() {
    if let Some(payload) = PARKED.with_borrow_mut(Option::take) {
        resume_unwind(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::{contain, resume};

    #[test]
    fn a_panic_is_resumed_after_the_call() {
        assert_eq!(contain(7, || 1), 1);
        assert_eq!(contain(7, || panic!("in a callback")), 7);
        let payload = std::panic::catch_unwind(resume).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"in a callback"));
        resume();
    }
}
