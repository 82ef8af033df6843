//! Reports as JSON.

use std::path::Path;

use serde::Serialize;

use crate::failure::{Failure, Result};

/// A document, indented.
pub(crate) fn document(what: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(what).map_err(|error| Failure::new("write the report as JSON", error))
}

/// A file with a list, one entry a line.
pub(crate) fn write(path: &Path, entries: &[impl Serialize]) -> Result<()> {
    let lines = entries.iter().map(serde_json::to_string).collect::<std::result::Result<Vec<String>, _>>();
    let lines = lines.map_err(|error| Failure::new(format_args!("write {}", path.display()), error))?;
    let list = format!("[\n  {}\n]\n", lines.join(",\n  "));
    std::fs::write(path, list).map_err(|error| Failure::io("write", path, &error))
}
