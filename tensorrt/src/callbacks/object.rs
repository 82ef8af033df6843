//! An object of an interface that TensorRT calls, and the Rust value behind it.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use tensorrt_sys::Library;

use crate::error::{Error, ErrorKind, Result};

/// Makes an object from its functions (which are copied) and the pointer that they are called with.
pub(crate) type New<I, F> = Option<unsafe extern "C" fn(*const F, *mut c_void) -> *mut I>;
/// Deletes an object.
pub(crate) type Delete<I> = Option<unsafe extern "C" fn(*mut I)>;

/// An object of the interface `I` whose functions are called with a pointer to an `S`.
///
/// Whoever sets it on an object of TensorRT keeps it until that object is gone, or has another set.
pub(crate) struct Object<I, S> {
    object: NonNull<I>,
    /// Made by `Box::leak`, freed in `drop`.
    state: NonNull<S>,
    delete: Delete<I>,
    /// Has the code that `delete` points to.
    _library: Library,
}

// SAFETY: the object only calls functions with the state, which may be used from any thread.
unsafe impl<I, S: Send + Sync> Send for Object<I, S> {}
// SAFETY: as above; a shared object gives out its address and a shared state.
unsafe impl<I, S: Send + Sync> Sync for Object<I, S> {}

impl<I, S: Send + Sync> Object<I, S> {
    /// Makes an object; `name` is that of the entry `new`.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the library has no such interface, `OutOfMemory` if it makes no object.
    ///
    /// # Safety
    ///
    /// `new` and `delete` are the library's entries for `I`. The functions take a pointer to an `S` that is only shared.
    pub(crate) unsafe fn new<F>(
        library: &Library,
        name: &'static str,
        (new, delete): (New<I, F>, Delete<I>),
        functions: &F,
        state: S,
    ) -> Result<Self> {
        let Some(new) = new else { return Err(library.missing(name).into()) };
        let state = NonNull::from(Box::leak(Box::new(state)));
        // SAFETY: the functions are copied; the user pointer is what they take, and lives until the object is deleted in `drop`.
        let made = unsafe { new(std::ptr::from_ref(functions), state.as_ptr().cast()) };
        let Some(object) = NonNull::new(made) else {
            // SAFETY: the state was leaked above, and nobody else knows of it.
            drop(unsafe { Box::from_raw(state.as_ptr()) });
            return Err(Error::new(ErrorKind::OutOfMemory, format_args!("call {name}"), "no object was made"));
        };
        Ok(Object { object, state, delete, _library: library.clone() })
    }

    pub(crate) fn as_ptr(&self) -> *mut I {
        self.object.as_ptr()
    }

    pub(crate) fn state(&self) -> &S {
        // SAFETY: the state is freed only in `drop`, and is never borrowed mutably.
        unsafe { self.state.as_ref() }
    }
}

/// The state behind the user pointer of a callback.
///
/// # Safety
///
/// The pointer came with an [`Object`] whose state is an `S`, and which lives for `'a`.
pub(crate) unsafe fn state<'a, S>(user: *mut c_void) -> &'a S {
    // SAFETY: the caller vouches that it is the leaked state of a living object; it is only shared.
    unsafe { &*user.cast_const().cast::<S>() }
}

impl<I, S> Drop for Object<I, S> {
    fn drop(&mut self) {
        if let Some(delete) = self.delete {
            // SAFETY: the object is this value's own, and nothing of TensorRT refers to it any more (see the type).
            unsafe { delete(self.object.as_ptr()) };
        }
        // SAFETY: the state was leaked in `new`, the object that called it is gone, and it is freed once.
        drop(unsafe { Box::from_raw(self.state.as_ptr()) });
    }
}

impl<I, S> fmt::Debug for Object<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&self.object).finish()
    }
}
