//! The facts about TensorRT's binary interface: `tensorrt-sys/facts/*.tsv`, read and checked.
//!
//! [`Facts`] holds the tables, [`Entry`] what the function table has for a method: the two from which the shim, the
//! bindings and the checks against NVIDIA's headers are made.

mod class;
mod entry;
mod enums;
mod family;
mod function;
mod interface;
mod pod;
mod public;
mod signature;
mod table;
mod types;

pub(crate) use class::{Class, Slot};
pub(crate) use entry::{Call, EMULATOR_ONLY, Entry, Kind, c_class};
pub(crate) use enums::Enum;
pub(crate) use family::{Family, PerFamily};
pub(crate) use function::Function;
pub(crate) use interface::Interface;
pub(crate) use pod::Pod;
pub(crate) use public::{Public, Since};
pub(crate) use signature::Signature;
pub(crate) use table::{Row, Table};
pub(crate) use types::{CType, Types};

use crate::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// Every table, parsed.
#[derive(Debug)]
pub(crate) struct Facts {
    /// How C++ types are spelled in C.
    pub(crate) types: Types,
    /// The virtual slots of every interface class, by family and qualified class name.
    pub(crate) vtables: BTreeMap<(Family, String), Vec<Slot>>,
    /// The classes whose methods are called.
    pub(crate) classes: Vec<Class>,
    /// The public methods of NVIDIA's headers.
    pub(crate) publics: Vec<Public>,
    /// The callback interfaces.
    pub(crate) interfaces: Vec<Interface>,
    /// The exported C functions.
    pub(crate) functions: Vec<Function>,
    /// The structs that cross by value or by pointer.
    pub(crate) pods: Vec<Pod>,
    /// The enums with their values in each family.
    pub(crate) enums: Vec<Enum>,
    /// The entries of the function table, in its order.
    pub(crate) entries: Vec<Entry>,
}

impl Facts {
    /// Reads the tables of a `facts` folder and derives the entries.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let table = |name: &str| Table::read(&folder.join(name));
        let enums = enums::load(&table("enum_values.tsv")?)?;
        let pods = pod::load(&table("pod_classes.tsv")?, &table("pods.tsv")?)?;
        let vtables = class::load_vtables(&table("vtables.tsv")?)?;
        let types = Types::load(&table("types.tsv")?, &enums, &pods, vtables.keys().map(|(_, class)| class.as_str()))?;
        let classes = class::load(&table("classes.tsv")?)?;
        let publics = public::load(&table("methods.tsv")?, &table("since.tsv")?)?;
        let interfaces = interface::load(&table("interfaces.tsv")?, &table("interface_defaults.tsv")?, &publics)?;
        let functions = function::load(&table("functions.tsv")?)?;
        let mut facts =
            Self { types, vtables, classes, publics, interfaces, functions, pods, enums, entries: Vec::new() };
        facts.entries = entry::derive(
            &facts,
            &entry::Exceptions {
                slots: &table("slots.tsv")?,
                unbound: &table("unbound.tsv")?,
                growth: &table("growth_exceptions.tsv")?,
            },
        )?;
        Ok(facts)
    }

    /// The outermost namespace of a class.
    pub(crate) fn namespace(&self, name: &str) -> &'static str {
        let parser = format!("nvonnxparser::{name}");
        if self.vtables.keys().any(|(_, class)| *class == parser) { "nvonnxparser" } else { "nvinfer1" }
    }

    /// The slots of a class in a family; none when the family lacks the class.
    pub(crate) fn slots(&self, family: Family, class: &str) -> Option<&[Slot]> {
        self.vtables.get(&(family, class.to_owned())).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Family, Kind};
    use std::path::Path;

    fn facts() -> Facts {
        Facts::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tensorrt-sys/facts")).unwrap()
    }

    #[test]
    fn every_family_has_its_methods() {
        let facts = facts();
        for family in Family::ALL {
            let count = facts.entries.iter().filter(|entry| entry.since[family].is_some()).count();
            assert!((700..1000).contains(&count), "{family:?} has {count} entries");
        }
    }

    #[test]
    fn names_are_unique_and_nvidias() {
        let facts = facts();
        let mut names: Vec<&str> = facts.entries.iter().map(|entry| entry.name.as_str()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in ["IBuilderConfig_setFlag", "ICudaEngine_getTensorFormatV2", "IParser_parse", "IBuilder_destroy"] {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn an_overload_calls_the_slot_of_its_inline_body() {
        let facts = facts();
        let entry = facts.entries.iter().find(|entry| entry.name == "INetworkDefinition_addFillV2").unwrap();
        let Kind::Method { calls, .. } = &entry.kind else { panic!("a method") };
        assert_eq!(calls[Family::Trt10].as_ref().unwrap().slot, 67);
        assert_eq!(entry.args.len(), 3);
    }

    #[test]
    fn release_10_8_is_refused_behind_slot_62() {
        let facts = facts();
        let refused = |name: &str| facts.entries.iter().find(|entry| entry.name == name).unwrap().refused_minor;
        assert_eq!(refused("INetworkDefinition_getFlags"), Some(8));
        assert_eq!(refused("INetworkDefinition_addCast"), None);
    }
}
