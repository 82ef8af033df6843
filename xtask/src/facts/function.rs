//! The C functions that the libraries export.

use super::Table;
use crate::Result;

/// One exported function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// The symbol.
    pub(crate) symbol: String,
    /// The library that exports it: `infer`, `parser` or `plugin`.
    pub(crate) library: String,
    /// The C type returned.
    pub(crate) returns: String,
    /// The C arguments, each a type and a name.
    pub(crate) args: Vec<(String, String)>,
    /// What it is for.
    pub(crate) doc: String,
}

/// Reads `functions.tsv`.
pub(super) fn load(table: &Table) -> Result<Vec<Function>> {
    table
        .rows()
        .map(|row| {
            let symbol = row.get("symbol")?;
            let mut args = Vec::new();
            for arg in row.get("arguments")?.split(", ").filter(|arg| *arg != "void") {
                let (c_type, name) =
                    arg.rsplit_once(' ').ok_or_else(|| format!("functions.tsv: the argument '{arg}' of {symbol}"))?;
                args.push((c_type.to_owned(), name.to_owned()));
            }
            Ok(Function {
                symbol: symbol.to_owned(),
                library: row.get("library")?.to_owned(),
                returns: row.get("returns")?.to_owned(),
                args,
                doc: row.get("doc")?.to_owned(),
            })
        })
        .collect()
}
