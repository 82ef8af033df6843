//! Enum values to and from C: numbers of the library's family.

use tensorrt_sys::Family;

use crate::{Error, Result};

/// An enum whose numbers depend on the family.
pub(super) trait Value: Copy + Sized {
    /// NVIDIA's name of the enum.
    const NAME: &'static str;
    /// The value behind a number.
    fn from_raw(family: Family, raw: i32) -> Option<Self>;
    /// The number of a value.
    fn to_raw(self, family: Family) -> Option<i32>;

    /// The value behind a number.
    ///
    /// # Errors
    /// The family has no such number.
    fn read(family: Family, raw: i32) -> Result<Self> {
        Self::from_raw(family, raw).ok_or_else(|| Error::invalid(format!("{raw} is no {} of {family:?}", Self::NAME)))
    }

    /// The number of a value; −1 where the family lacks it.
    fn show(self, family: Family) -> i32 {
        self.to_raw(family).unwrap_or(-1)
    }
}

macro_rules! values {
    ($($name:ident),* $(,)?) => {$(
        impl Value for tensorrt_sys::$name {
            const NAME: &'static str = stringify!($name);
            fn from_raw(family: Family, raw: i32) -> Option<Self> {
                Self::from_raw(family, raw)
            }
            fn to_raw(self, family: Family) -> Option<i32> {
                self.to_raw(family)
            }
        }
    )*};
}

tensorrt_sys::for_every_enum!(values);
