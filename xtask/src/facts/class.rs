//! Interface classes: their virtual slots and where an object keeps its implementation.

use super::{Family, Signature, Table, types::short};
use crate::Result;
use std::collections::BTreeMap;

/// One virtual function of a class.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// The method's name; `~dtor` for the destructor.
    pub(crate) method: String,
    /// Its signature; none for the destructor.
    pub(crate) signature: Option<Signature>,
}

impl Slot {
    /// The destructor: one slot here, two entries of the vtable where the Itanium ABI rules.
    pub(crate) fn is_destructor(&self) -> bool {
        self.method == "~dtor"
    }
}

/// A class whose methods the table calls.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    /// The qualified name, `nvinfer1::IBuilder`.
    pub(crate) cpp: String,
    /// The name without namespaces.
    pub(crate) name: String,
    /// The public class it derives from, if any.
    pub(crate) base: Option<String>,
    /// The class behind the pointer member, `nvinfer1::apiv::VBuilder`; none when the class itself has the slots.
    pub(crate) implementation: Option<Implementation>,
    /// Whether users own objects of the class and `delete` them.
    pub(crate) deletable: bool,
}

/// The pointer member through which the inline methods of a class call.
#[derive(Debug, Clone)]
pub(crate) struct Implementation {
    /// The qualified name of the class pointed to.
    pub(crate) cpp: String,
    /// The member's name.
    pub(crate) member: String,
    /// Its offset in bytes.
    pub(crate) offset: u32,
}

/// Reads `vtables.tsv`, in which the slots of a class must count up from 0.
pub(super) fn load_vtables(table: &Table) -> Result<BTreeMap<(Family, String), Vec<Slot>>> {
    let mut vtables: BTreeMap<(Family, String), Vec<Slot>> = BTreeMap::new();
    for row in table.rows() {
        let (class, method) = (row.get("class")?, row.get("method")?);
        let id = row.get("family")?;
        let family = Family::from_id(id).ok_or_else(|| format!("vtables.tsv: no family '{id}'"))?;
        let slots = vtables.entry((family, class.to_owned())).or_default();
        if row.number::<usize>("slot")? != slots.len() {
            return Err(format!("vtables.tsv: slot {} of {class} in {id} is missing", slots.len()).into());
        }
        let signature = row.get("signature")?;
        let signature = if signature.is_empty() { None } else { Some(Signature::parse(signature)?) };
        slots.push(Slot { method: method.to_owned(), signature });
    }
    Ok(vtables)
}

/// Reads `classes.tsv`.
pub(super) fn load(table: &Table) -> Result<Vec<Class>> {
    table
        .rows()
        .map(|row| {
            let cpp = row.get("class")?.to_owned();
            let text = |column| row.get(column).map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
            let implementation = match (text("impl")?, row.optional("offset")?) {
                (Some(cpp), Some(offset)) => {
                    Some(Implementation { cpp, member: row.get("member")?.to_owned(), offset })
                }
                (None, None) => None,
                _ => return Err(format!("classes.tsv: {cpp} has half an implementation").into()),
            };
            Ok(Class {
                name: short(&cpp).to_owned(),
                base: text("base")?,
                implementation,
                deletable: row.get("deletable")? == "yes",
                cpp,
            })
        })
        .collect()
}
