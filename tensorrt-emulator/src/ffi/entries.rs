//! The macro that entries of the table are written with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::object::Object;
use crate::{Error, Result};

/// Fills table entries with functions over one class of object.
///
/// ```text
/// entries! { api;
///     IBuilder: BuilderObject {
///         fn IBuilder_setMaxThreads(builder, threads: i32) -> bool { … Ok(true) }
///     }
/// }
/// ```
macro_rules! entries {
    ($api:ident; $($class:ident: $object:ty { $(fn $name:ident($this:ident $(, $arg:ident: $type:ty)* $(,)?) $(-> $ret:ty)? $body:block)* })*) => {$($({
        #[allow(unused_variables, reason = "an entry may answer without looking at its object")]
        unsafe extern "C" fn entry(object: *mut tensorrt_sys::$class $(, $arg: $type)*) $(-> $ret)? {
            // SAFETY: the table's contract: callers pass objects that this table made as this class and that are not destroyed yet.
            let object: Option<&$object> = unsafe { $crate::ffi::object::borrow(object) };
            $crate::ffi::entries::guard(stringify!($name), object, |$this: &$object| { $body })
        }
        $api.$name = Some(entry);
    })*)*};
}
pub(super) use entries;

/// What an entry returns when it failed: null, false, zero.
pub(super) trait Failed {
    /// The value that says so.
    fn failed() -> Self;
}

macro_rules! failed_is_default {
    ($($type:ty),*) => { $(impl Failed for $type { fn failed() -> Self { Self::default() } })* };
}
failed_is_default!((), bool, i32, i64, u32, u64, usize, f32, f64, u8);

impl<T> Failed for *mut T {
    fn failed() -> Self {
        std::ptr::null_mut()
    }
}

impl<T> Failed for *const T {
    fn failed() -> Self {
        std::ptr::null()
    }
}

impl Failed for tensorrt_sys::Dims {
    fn failed() -> Self {
        Self { nbDims: -1, d: [0; 8] }
    }
}

impl Failed for tensorrt_sys::Weights {
    fn failed() -> Self {
        Self { type_: 0, values: std::ptr::null(), count: 0 }
    }
}

impl Failed for tensorrt_sys::Permutation {
    fn failed() -> Self {
        Self { order: [0; 8] }
    }
}

/// Runs an entry's body: a null object, an error and a panic all become the failed value, the latter two reported in TensorRT's words.
pub(super) fn guard<T: Object, R: Failed>(entry: &str, object: Option<&T>, body: impl FnOnce(&T) -> Result<R>) -> R {
    let Some(object) = object else { return R::failed() };
    let outcome = catch_unwind(AssertUnwindSafe(|| body(object)));
    let error = match outcome {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Error::internal(format!("the emulator panicked: {text}"))
        }
    };
    object.scope().error(&entry.replacen('_', "::", 1), &error);
    R::failed()
}
