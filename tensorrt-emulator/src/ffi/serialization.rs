//! `ISerializationConfig`: what is left out of a plan.

use std::ffi::c_void;
use std::sync::Mutex;

use tensorrt_sys::{Api, ISerializationConfig, SerializationFlag};

use super::entries::entries;
use super::object::{Object, drop_object, into_raw, lock};
use super::scope::Scope;
use super::value::Value;
use crate::{Error, Result};

/// The object behind `ISerializationConfig`.
#[derive(Debug)]
pub(super) struct SerializationObject {
    scope: Scope,
    flags: Mutex<u32>,
}

impl Object for SerializationObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl SerializationObject {
    /// A configuration that leaves nothing out.
    pub(super) fn hand_out(scope: Scope) -> *mut ISerializationConfig {
        into_raw(Self { scope, flags: Mutex::new(0) })
    }

    /// Whether a flag is set.
    pub(super) fn has(&self, flag: SerializationFlag) -> bool {
        let bit = flag.to_raw(self.scope.family).and_then(|raw| 1u32.checked_shl(raw.unsigned_abs()));
        bit.is_some_and(|bit| *lock(&self.flags) & bit != 0)
    }

    fn bit(&self, raw: i32) -> Result<u32> {
        SerializationFlag::read(self.scope.family, raw)?;
        Ok(1 << raw)
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut ISerializationConfig) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<SerializationObject>(object.cast::<c_void>()) };
    }
    api.ISerializationConfig_destroy = Some(destroy);
    entries! { api;
        ISerializationConfig: SerializationObject {
            fn ISerializationConfig_setFlags(config, flags: u32) -> bool {
                let unknown = (0..32).find(|&bit| flags & 1 << bit != 0 && config.bit(bit).is_err());
                if let Some(bit) = unknown {
                    return Err(Error::invalid(format!("bit {bit} of {flags:#x} is no serialization flag")));
                }
                *lock(&config.flags) = flags;
                Ok(true)
            }
            fn ISerializationConfig_getFlags(config) -> u32 { Ok(*lock(&config.flags)) }
            fn ISerializationConfig_setFlag(config, flag: i32) -> bool {
                *lock(&config.flags) |= config.bit(flag)?;
                Ok(true)
            }
            fn ISerializationConfig_clearFlag(config, flag: i32) -> bool {
                *lock(&config.flags) &= !config.bit(flag)?;
                Ok(true)
            }
            fn ISerializationConfig_getFlag(config, flag: i32) -> bool { Ok(*lock(&config.flags) & config.bit(flag)? != 0) }
        }
    }
}
