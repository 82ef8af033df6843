//! The callback interfaces: classes that the user implements and TensorRT calls.

use super::{Facts, Family, Public, Since, Slot, Table};
use crate::Result;

/// One callback interface.
#[derive(Debug, Clone)]
pub(crate) struct Interface {
    /// The name without namespaces.
    pub(crate) name: String,
    /// The qualified names it has in the families, most recent last.
    pub(crate) classes: Vec<String>,
    /// What `getInterfaceInfo` answers; none for an interface without version.
    pub(crate) info: Option<Info>,
    /// The bodies of the methods that NVIDIA's header defines itself: slot name and C++ statement.
    pub(crate) defaults: Vec<(String, String)>,
    /// Where it came in.
    pub(crate) since: Since,
}

/// The answer of `getInterfaceInfo`.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// The interface's kind.
    pub(crate) kind: String,
    /// Its major version.
    pub(crate) major: u32,
    /// Its minor version.
    pub(crate) minor: u32,
}

impl Interface {
    /// The interface's class and slots in a family; none when the family lacks it.
    pub(crate) fn in_family<'f>(&self, facts: &'f Facts, family: Family) -> Option<&'f [Slot]> {
        self.classes.iter().find_map(|class| facts.slots(family, class))
    }
}

/// Reads `interfaces.tsv` and `interface_defaults.tsv`.
pub(super) fn load(table: &Table, defaults: &Table, publics: &[Public]) -> Result<Vec<Interface>> {
    let mut interfaces = Vec::new();
    for row in table.rows() {
        let name = row.get("interface")?;
        let kind = row.get("kind")?;
        let info = if kind.is_empty() {
            None
        } else {
            Some(Info { kind: kind.to_owned(), major: row.number("major")?, minor: row.number("minor")? })
        };
        let mut own = Vec::new();
        for default in defaults.rows() {
            if default.get("interface")? == name {
                own.push((default.get("slot")?.to_owned(), default.get("body")?.to_owned()));
            }
        }
        interfaces.push(Interface {
            name: name.to_owned(),
            classes: row.get("class")?.split('|').map(str::to_owned).collect(),
            info,
            defaults: own,
            since: first_of(publics, name)?,
        });
    }
    Ok(interfaces)
}

/// The first release of each family that has any method of a class.
pub(super) fn first_of(publics: &[Public], class: &str) -> Result<Since> {
    let since = Since::try_from_fn(|family| {
        Ok(publics.iter().filter(|public| public.class == class).filter_map(|public| public.since[family]).min())
    })?;
    if since == Since::default() { Err(format!("since.tsv: no method of {class}").into()) } else { Ok(since) }
}
