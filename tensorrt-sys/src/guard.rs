//! Which entries a library of a given version has.
//!
//! A family's vtables grow at their end, so a slot that is newer than the loaded library does not exist in it. The guards
//! set such entries to null once, when the table is filled; a call then costs one null check.

use crate::generated::since::GUARDS;
use crate::{Api, Family, Version};

/// No minor version: the family lacks the entry.
pub(crate) const NONE: u8 = u8::MAX;

/// What is known about one entry of [`Api`].
#[derive(Debug)]
pub(crate) struct Guard {
    /// The entry's name.
    pub(crate) name: &'static str,
    /// The minor version of each family that first has it, or [`NONE`].
    pub(crate) since: [u8; 4],
    /// The minor version of TensorRT 10 that has it in another slot, or [`NONE`].
    pub(crate) refused: u8,
    /// Who fills it.
    pub(crate) origin: Origin,
}

/// Who fills an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The shim.
    Shim,
    /// A symbol of the TensorRT library.
    Infer,
    /// A symbol of the ONNX parser's library.
    Parser,
    /// A symbol of the plugin library.
    Plugin,
}

impl Guard {
    /// The first release of a family that has the entry.
    pub(crate) fn since(&self, family: Family) -> Option<Version> {
        match self.since[family as usize] {
            NONE => None,
            minor => Some(Version::new(family.major(), u32::from(minor), 0)),
        }
    }

    /// Whether a release may be called.
    fn allows(&self, family: Family, version: Version) -> bool {
        let refused = family == Family::Trt10 && u32::from(self.refused) == version.minor;
        !refused && self.since(family).is_some_and(|since| since <= version)
    }

    /// NVIDIA's spelling of the entry: `IBuilderConfig::setFlag`.
    pub(crate) fn method(&self) -> String {
        match self.name.split_once('_') {
            Some((class, method)) if class.starts_with('I') => format!("{class}::{method}"),
            _ => self.name.to_owned(),
        }
    }
}

/// The guard of an entry, by name.
pub(crate) fn find(entry: &str) -> Option<&'static Guard> {
    GUARDS.iter().find(|guard| guard.name == entry)
}

/// Sets to null what a release lacks. Exported functions are left: whether the library has them is known.
pub(crate) fn apply(api: &mut Api, family: Family, version: Version) {
    for (guard, slot) in GUARDS.iter().zip(api.slots_mut()) {
        if guard.origin == Origin::Shim && !guard.allows(family, version) {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, apply, find};
    use crate::{Api, Family, Version};

    fn guarded(family: Family, minor: u32) -> Api {
        let mut api = *Api::shim(family);
        apply(&mut api, family, Version::new(family.major(), minor, 0));
        api
    }

    #[test]
    fn what_is_newer_is_null() {
        let old = guarded(Family::Trt10, 0);
        assert!(old.ICudaEngine_getDeviceMemorySize.is_some());
        assert!(old.ICudaEngine_getDeviceMemorySizeV2.is_none());
        assert!(guarded(Family::Trt10, 1).ICudaEngine_getDeviceMemorySizeV2.is_some());
        assert!(old.IStreamReaderV2_new.is_none());
        assert!(guarded(Family::Trt10, 7).IStreamReaderV2_new.is_some());
    }

    #[test]
    fn release_10_8_has_other_network_slots() {
        let eight = guarded(Family::Trt10, 8);
        assert!(eight.INetworkDefinition_addCast.is_some());
        assert!(eight.INetworkDefinition_getFlags.is_none());
        assert!(eight.INetworkDefinition_addCumulative.is_none());
        assert!(guarded(Family::Trt10, 7).INetworkDefinition_getFlags.is_some());
        let nine = guarded(Family::Trt10, 9);
        assert!(nine.INetworkDefinition_getFlags.is_some());
        assert!(nine.INetworkDefinition_addCumulative.is_some());
    }

    #[test]
    fn families_lack_what_nvidia_removed() {
        assert!(guarded(Family::Trt10, 16).ILayer_setPrecision.is_some());
        assert!(guarded(Family::Trt11, 4).ILayer_setPrecision.is_none());
        assert!(guarded(Family::Trt11, 4).IBuilderConfig_setComputeCapability.is_none());
        assert!(guarded(Family::RtxNew, 7).IBuilderConfig_setComputeCapability.is_some());
        assert!(guarded(Family::RtxOld, 4).IExecutionContext_isStreamCapturable.is_none());
    }

    #[test]
    fn methods_are_spelled_as_nvidia_does() {
        let method = |name| find(name).map(Guard::method).unwrap();
        assert_eq!(method("IParser_parse"), "IParser::parse");
        assert_eq!(method("createInferBuilder_INTERNAL"), "createInferBuilder_INTERNAL");
        assert!(find("IBuilder_unheard").is_none());
    }
}
