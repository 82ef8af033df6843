//! `IHostMemory`: bytes that the library owns and the user reads.

use std::ffi::c_void;

use tensorrt_sys::{Api, DataType};

use super::entries::entries;
use super::object::{Object, drop_object, into_raw};
use super::scope::Scope;
use crate::memory::Storage;

/// Bytes behind `IHostMemory`.
#[derive(Debug)]
pub(super) struct HostMemory {
    scope: Scope,
    bytes: Storage,
}

impl Object for HostMemory {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl HostMemory {
    /// Hands bytes to C.
    pub(super) fn hand_out(scope: Scope, bytes: Storage) -> *mut tensorrt_sys::IHostMemory {
        into_raw(Self { scope, bytes })
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut tensorrt_sys::IHostMemory) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<HostMemory>(object.cast()) };
    }
    api.IHostMemory_destroy = Some(destroy);
    entries! { api;
        IHostMemory: HostMemory {
        fn IHostMemory_data(memory) -> *mut c_void { Ok(memory.bytes.as_ptr().cast_mut().cast()) }
        fn IHostMemory_size(memory) -> usize { Ok(memory.bytes.len()) }
        fn IHostMemory_type(memory) -> i32 { Ok(DataType::Uint8.to_raw(memory.scope.family).unwrap_or(-1)) }
        }
    }
}
