//! The function table as a whole: empty, the shim's, and as a row of pointers.

use crate::generated::since::GUARDS;
use crate::{Api, Family};
use std::fmt;

/// Any entry: a nullable function pointer whose type is not looked at.
pub(crate) type AnyEntry = Option<unsafe extern "C" fn()>;

/// The number of entries.
const COUNT: usize = GUARDS.len();

const _: () = assert!(size_of::<Api>() == COUNT * size_of::<AnyEntry>());

unsafe extern "C" {
    fn trtsys_table_trt10() -> *const Api;
    fn trtsys_table_trt11() -> *const Api;
    fn trtsys_table_rtx1_old() -> *const Api;
    fn trtsys_table_rtx1_new() -> *const Api;
}

impl Api {
    /// A table in which every entry is null: the start of one that is filled by hand.
    ///
    /// ```
    /// use tensorrt_sys::{Api, IBuilder};
    ///
    /// unsafe extern "C" fn destroy(_builder: *mut IBuilder) {}
    ///
    /// let api = Api { IBuilder_destroy: Some(destroy), ..Api::empty() };
    /// assert!(api.IBuilder_createNetworkV2.is_none());
    /// ```
    pub const fn empty() -> Self {
        let null: [AnyEntry; COUNT] = [None; COUNT];
        // SAFETY: Api is `repr(C)` and has only nullable function pointers, as many as the array (asserted above); null is
        // a value of each of them.
        unsafe { std::mem::transmute(null) }
    }

    /// The shim's table of a family, unguarded: calling an entry on an object of another family, or of a release that
    /// lacks the method, is undefined behaviour. A [`Library`](crate::Library) has the guarded copy.
    pub fn shim(family: Family) -> &'static Self {
        let table = match family {
            // SAFETY: no preconditions; the shim's getter returns the address of a static.
            Family::Trt10 => unsafe { trtsys_table_trt10() },
            // SAFETY: as above.
            Family::Trt11 => unsafe { trtsys_table_trt11() },
            // SAFETY: as above.
            Family::RtxOld => unsafe { trtsys_table_rtx1_old() },
            // SAFETY: as above.
            Family::RtxNew => unsafe { trtsys_table_rtx1_new() },
        };
        // SAFETY: the pointer is to a constant static of exactly this type: both come from one header.
        unsafe { &*table }
    }

    /// The names of the entries, in order.
    pub fn entry_names() -> impl ExactSizeIterator<Item = &'static str> {
        GUARDS.iter().map(|guard| guard.name)
    }

    /// Whether an entry is filled; none when there is no entry of that name.
    pub fn has(&self, entry: &str) -> Option<bool> {
        let index = GUARDS.iter().position(|guard| guard.name == entry)?;
        Some(self.slots()[index].is_some())
    }

    /// The number of entries that are filled.
    pub fn filled(&self) -> usize {
        self.slots().iter().filter(|slot| slot.is_some()).count()
    }

    /// The entries as a row of pointers.
    pub(crate) fn slots(&self) -> &[AnyEntry; COUNT] {
        // SAFETY: Api is `repr(C)` and has only nullable function pointers, COUNT of them (asserted above); all function
        // pointers have one size and alignment.
        unsafe { &*std::ptr::from_ref(self).cast() }
    }

    /// The same, to change.
    pub(crate) fn slots_mut(&mut self) -> &mut [AnyEntry; COUNT] {
        // SAFETY: as for `slots`; the borrow is exclusive.
        unsafe { &mut *std::ptr::from_mut(self).cast() }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({} of {COUNT} entries)", self.filled())
    }
}

#[cfg(test)]
mod tests {
    use super::Api;
    use crate::Family;

    #[test]
    fn names_and_fields_are_in_one_order() {
        let mut api = Api::empty();
        assert_eq!(api.filled(), 0);
        api.IBuilderConfig_setFlag = Api::shim(Family::Trt11).IBuilderConfig_setFlag;
        assert_eq!(api.has("IBuilderConfig_setFlag"), Some(true));
        assert_eq!(api.has("IBuilderConfig_clearFlag"), Some(false));
        assert_eq!(api.has("IBuilderConfig_unheard"), None);
        assert_eq!(api.filled(), 1);
    }

    #[test]
    fn every_family_fills_its_part() {
        for family in Family::ALL {
            let filled = Api::shim(family).filled();
            assert!((750..Api::entry_names().len()).contains(&filled), "{family:?}: {filled}");
        }
    }
}
