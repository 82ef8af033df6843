//! How values cross the boundary: enums and numbers as the integers of the library's family.

use std::ffi::{CStr, CString, c_char};
use std::fmt;

use tensorrt_sys::{Family, Library};

use crate::error::{Error, ErrorKind, Result};

/// A value that crosses as an integer.
pub(crate) trait Value: Sized {
    /// What crosses.
    type Raw;

    /// The integer for a library.
    fn cross(self, library: &Library) -> Result<Self::Raw>;

    /// The value of an integer that a method of the library returned.
    fn read(library: &Library, raw: Self::Raw, method: &'static str) -> Result<Self>;
}

macro_rules! plain {
    ($($number:ty),+) => {
        $(impl Value for $number {
            type Raw = $number;
            fn cross(self, _library: &Library) -> Result<$number> {
                Ok(self)
            }
            fn read(_library: &Library, raw: $number, _method: &'static str) -> Result<Self> {
                Ok(raw)
            }
        })+
    };
}
plain!(bool, i32, i64, usize, f32, f64);

/// Counts and indices, which TensorRT takes as `int32_t`.
impl Value for u32 {
    type Raw = i32;

    fn cross(self, _library: &Library) -> Result<i32> {
        i32::try_from(self).map_err(|_| Error::invalid(format_args!("pass {self}"), "it exceeds 2147483647"))
    }

    fn read(_library: &Library, raw: i32, method: &'static str) -> Result<Self> {
        u32::try_from(raw).map_err(|_| unknown(method, raw))
    }
}

/// The error for a number that has no meaning.
pub(crate) fn unknown(method: &str, raw: impl fmt::Display) -> Error {
    Error::new(ErrorKind::UnknownValue, format_args!("read {method}"), format_args!("{raw} is no value of it"))
}

/// An enum of TensorRT.
pub(crate) trait Enum: Copy + fmt::Display + 'static {
    fn raw(self, family: Family) -> Option<i32>;
    fn value(family: Family, raw: i32) -> Option<Self>;
    fn cpp_name(self) -> &'static str;
}

macro_rules! enums {
    ($($name:ident),+ $(,)?) => {
        $(impl Enum for tensorrt_sys::$name {
            fn raw(self, family: Family) -> Option<i32> {
                self.to_raw(family)
            }
            fn value(family: Family, raw: i32) -> Option<Self> {
                Self::from_raw(family, raw)
            }
            fn cpp_name(self) -> &'static str {
                self.name()
            }
        }
        impl Value for tensorrt_sys::$name {
            type Raw = i32;
            fn cross(self, library: &Library) -> Result<i32> {
                enum_raw(self, library)
            }
            fn read(library: &Library, raw: i32, method: &'static str) -> Result<Self> {
                Self::from_raw(library.family(), raw).ok_or_else(|| unknown(method, raw))
            }
        })+
    };
}
tensorrt_sys::for_every_enum!(enums);

/// The number of an enum's value, or the error that the library's family has no such value, and which families have.
fn enum_raw<E: Enum>(value: E, library: &Library) -> Result<i32> {
    value.raw(library.family()).ok_or_else(|| {
        let having: Vec<String> =
            Family::ALL.into_iter().filter(|family| value.raw(*family).is_some()).map(|f| f.to_string()).collect();
        let kind = ErrorKind::Unsupported { method: value.cpp_name(), since: None };
        let said = format!("{} has no such value; {} have it", library.info(), having.join(" and "));
        Error::new(kind, format_args!("use {value}"), said)
    })
}

/// A set of flags as the bits that the library takes.
pub(crate) fn bits<E: Enum + Value<Raw = i32>>(library: &Library, flags: &[E]) -> Result<u32> {
    flags.iter().try_fold(0_u32, |bits, flag| Ok(bits | bit(flag.cross(library)?)))
}

/// The flags of a library's bits; bits without a name are left out.
pub(crate) fn flags<E: Enum>(library: &Library, bits: u32) -> Vec<E> {
    let family = library.family();
    let named = (0..32).filter(|index| bits & bit(*index) != 0).filter_map(|index| E::value(family, index));
    named.collect()
}

fn bit(index: i32) -> u32 {
    u32::try_from(index).ok().and_then(|index| 1_u32.checked_shl(index)).unwrap_or(0)
}

/// A name as TensorRT takes it.
pub(crate) fn c_string(what: &str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid(format_args!("{what} {text:?}"), "it has a NUL character"))
}

/// A copy of a C string; empty for null.
///
/// # Safety
///
/// The pointer is null or points to a C string that lives during this call.
pub(crate) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for the string, and it is copied at once.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Defines getters and setters of a type that has `raw`, an object with `library()` and `as_ptr()`: methods whose arguments and results
/// are plain values. Setters take `&mut self`, and TensorRT's refusal, returned or logged, is an error.
macro_rules! properties {
    ($($(#[$doc:meta])* $verb:ident $name:ident => $entry:ident: $type:ty;)+) => {
        $(crate::value::property!($(#[$doc])* $verb $name => $entry: $type);)+
    };
}

/// One of [`properties`].
macro_rules! property {
    ($(#[$doc:meta])* get $name:ident => $entry:ident: $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// `Unsupported` if the loaded library has no such setting, `UnknownValue` if its value has no name here.
        pub fn $name(&self) -> Result<$type> {
            // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
            let raw = unsafe { call!(self.raw, $entry()) }?;
            <$type as Value>::read(self.raw.library(), raw, stringify!($entry))
        }
    };
    ($(#[$doc:meta])* set $name:ident => $entry:ident: $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// `Unsupported` if the loaded library has no such setting or value, `Setting` if it refuses it.
        pub fn $name(&mut self, value: $type) -> Result<()> {
            let tried = format!("{}({value:?})", stringify!($entry).replacen('_', "::", 1));
            let raw = Value::cross(value, self.raw.library())?;
            let operation = crate::operation::Operation::begin();
            // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
            let outcome = unsafe { call!(self.raw, $entry(raw)) }?;
            crate::operation::Outcome::check(outcome, operation, self.raw.library(), &tried)
        }
    };
}
pub(crate) use {properties, property};
