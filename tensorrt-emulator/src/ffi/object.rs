//! Rust values behind C pointers.

use std::ffi::c_void;

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scope::Scope;

/// A value that the table hands out as an object of the C++ API.
pub(super) trait Object {
    /// The object's surroundings: its errors go there.
    fn scope(&self) -> &Scope;
}

/// The state of an object; a panic of an earlier call (reported then) does not make it unusable.
pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves a value to the heap; the pointer is the object until [`drop_object`].
pub(super) fn into_raw<T: Object, C>(value: T) -> *mut C {
    Box::into_raw(Box::new(value)).cast()
}

/// The value behind an object.
///
/// # Safety
/// `object` is null, or came from [`into_raw`] with the same `T` (or is the address of a live `T`) and outlives `'a`.
pub(super) unsafe fn borrow<'a, T, C>(object: *const C) -> Option<&'a T> {
    // SAFETY: the caller's contract is `as_ref`'s.
    unsafe { object.cast::<T>().as_ref() }
}

/// Destroys an object; null is ignored.
///
/// # Safety
/// `object` is null, or came from [`into_raw`] with the same `T` and is not used again.
pub(super) unsafe fn drop_object<T>(object: *mut c_void) {
    if !object.is_null() {
        // SAFETY: the caller's contract: the pointer came from `Box::into_raw` of a `Box<T>`.
        drop(unsafe { Box::from_raw(object.cast::<T>()) });
    }
}
