//! NVIDIA's enums and the value of each enumerator in each family.

use super::{Family, PerFamily, Table, types::short};
use crate::Result;

/// One enum.
#[derive(Debug, Clone)]
pub(crate) struct Enum {
    /// The name in the table, `onnx::ErrorCode`.
    pub(crate) table_name: String,
    /// Its enumerators in the table's order.
    pub(crate) values: Vec<Enumerator>,
}

/// One enumerator.
#[derive(Debug, Clone)]
pub(crate) struct Enumerator {
    /// NVIDIA's name, `kFP16`.
    pub(crate) name: String,
    /// Its value in a family's last release, or its first when only that has it.
    pub(crate) value: PerFamily<Option<i32>>,
    /// Whether the family's first release has it.
    pub(crate) from_the_start: PerFamily<bool>,
    /// Whether the family's last release has it.
    pub(crate) to_the_end: PerFamily<bool>,
}

impl Enum {
    /// The C++ name without namespaces and enclosing classes.
    pub(crate) fn cpp_short(&self) -> &str {
        short(&self.table_name)
    }

    /// The qualified C++ name.
    pub(crate) fn cpp(&self) -> String {
        match self.table_name.split_once("::") {
            Some(("onnx", name)) => format!("nvonnxparser::{name}"),
            _ => format!("nvinfer1::{}", self.table_name),
        }
    }
}

/// Reads `enum_values.tsv`; a value may not change inside a family.
pub(super) fn load(table: &Table) -> Result<Vec<Enum>> {
    let mut enums: Vec<Enum> = Vec::new();
    for row in table.rows() {
        let (table_name, name) = (row.get("enum")?, row.get("value")?);
        let columns = PerFamily::try_from_fn(|family: Family| {
            let [first, last] = family.release_columns();
            let (first, last) = (row.optional::<i32>(first)?, row.optional::<i32>(last)?);
            if first.is_some() && last.is_some() && first != last {
                return Err(format!("enum_values.tsv: {table_name}::{name} changes inside {}", family.title()).into());
            }
            Ok((last.or(first), first.is_some(), last.is_some()))
        })?;
        let enumerator = Enumerator {
            name: name.to_owned(),
            value: PerFamily(columns.0.map(|(value, ..)| value)),
            from_the_start: PerFamily(columns.0.map(|(_, first, _)| first)),
            to_the_end: PerFamily(columns.0.map(|(.., last)| last)),
        };
        match enums.iter_mut().find(|item| item.table_name == table_name) {
            Some(item) => item.values.push(enumerator),
            None => enums.push(Enum { table_name: table_name.to_owned(), values: vec![enumerator] }),
        }
    }
    Ok(enums)
}
