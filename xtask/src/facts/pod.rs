//! The plain structs that cross the boundary, with their layout.

use super::Table;
use crate::Result;

/// A struct.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    /// The name in C.
    pub(crate) name: String,
    /// The qualified C++ name.
    pub(crate) cpp: String,
    /// Its size in bytes.
    pub(crate) size: u32,
    /// What it is.
    pub(crate) doc: String,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// A field of a [`Pod`].
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// NVIDIA's name.
    pub(crate) name: String,
    /// The C++ type.
    pub(crate) cpp: String,
    /// The number of elements, when the field is an array.
    pub(crate) extent: Option<u32>,
    /// Its offset in bytes.
    pub(crate) offset: u32,
    /// What it is.
    pub(crate) doc: String,
}

/// Reads `pod_classes.tsv` and `pods.tsv`.
pub(super) fn load(classes: &Table, fields: &Table) -> Result<Vec<Pod>> {
    let mut pods = Vec::new();
    for row in classes.rows() {
        let name = row.get("pod")?;
        let mut own = Vec::new();
        for field in fields.rows() {
            if field.get("pod")? == name {
                own.push(Field {
                    name: field.get("field")?.to_owned(),
                    cpp: field.get("type")?.to_owned(),
                    extent: field.optional("extent")?,
                    offset: field.number("offset")?,
                    doc: field.get("doc")?.to_owned(),
                });
            }
        }
        pods.push(Pod {
            name: name.to_owned(),
            cpp: row.get("cpp")?.to_owned(),
            size: row.number("size")?,
            doc: row.get("doc")?.to_owned(),
            fields: own,
        });
    }
    Ok(pods)
}
