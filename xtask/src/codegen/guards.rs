//! `since.rs`: the first release of each family that has an entry.

use super::BANNER;
use crate::facts::{Facts, Family, Kind};
use std::fmt::Write as _;

/// One row an entry, in the order of the table's fields.
pub(super) fn since(facts: &Facts) -> String {
    let mut out = String::from(BANNER);
    out.push_str("use crate::guard::{Guard, NONE, Origin};\n\n");
    out.push_str("/// The guard of each entry of `Api`, in its order.\n");
    let _ = writeln!(out, "pub(crate) static GUARDS: [Guard; {}] = [", facts.entries.len());
    for entry in &facts.entries {
        let minors: Vec<String> = Family::ALL
            .iter()
            .map(|family| entry.since[*family].map_or_else(|| "NONE".to_owned(), |minor| minor.to_string()))
            .collect();
        let refused = entry.refused_minor.map_or_else(|| "NONE".to_owned(), |minor| minor.to_string());
        let origin = match &entry.kind {
            Kind::Function { library } if library == "parser" => "Parser",
            Kind::Function { library } if library == "plugin" => "Plugin",
            Kind::Function { .. } => "Infer",
            _ => "Shim",
        };
        let _ = writeln!(
            out,
            "    Guard {{ name: \"{}\", since: [{}], refused: {refused}, origin: Origin::{origin} }},",
            entry.name,
            minors.join(", ")
        );
    }
    out.push_str("];\n");
    out
}
