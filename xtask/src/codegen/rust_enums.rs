//! `enums.rs`: NVIDIA's enums as Rust enums that know their value in each family.

use super::BANNER;
use crate::facts::{Enum, Facts, Family};
use std::fmt::Write as _;

/// Every enum but those of classes that are not bound.
pub(super) fn enums(facts: &Facts) -> String {
    let mut out = String::from(BANNER);
    out.push_str("use crate::enums::{NONE, enum_values};\n");
    let bound: Vec<&Enum> = facts.enums.iter().filter(|item| !item.table_name.starts_with("plugin::")).collect();
    for item in &bound {
        one(&mut out, item);
    }
    every(&mut out, &bound);
    out
}

/// The Rust name: NVIDIA's, except that the parser's error codes are told from the library's.
fn rust_name(item: &Enum) -> &str {
    if item.table_name == "onnx::ErrorCode" { "ParserErrorCode" } else { item.cpp_short() }
}

/// A macro that hands the names of all enums to another.
fn every(out: &mut String, bound: &[&Enum]) {
    out.push_str("\n/// Calls a macro with the names of all enums of this crate, which is the way to implement a trait for each.\n");
    out.push_str("#[macro_export]\nmacro_rules! for_every_enum {\n    ($macro:ident) => {\n        $macro! {\n");
    for item in bound {
        let _ = writeln!(out, "            {},", rust_name(item));
    }
    out.push_str("        }\n    };\n}\n");
}

fn one(out: &mut String, item: &Enum) {
    let (cpp, name) = (item.cpp(), rust_name(item));
    let _ = writeln!(out, "\n/// `{cpp}`.\n#[doc(alias = \"{cpp}\")]");
    out.push_str("#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n");
    out.push_str("#[cfg_attr(feature = \"serde\", derive(serde::Serialize, serde::Deserialize))]\n#[non_exhaustive]\n");
    let _ = writeln!(out, "pub enum {name} {{");
    for value in &item.values {
        let families: Vec<String> = Family::ALL
            .into_iter()
            .filter(|family| value.value[*family].is_some())
            .map(|family| {
                let later = if value.from_the_start[family] { "" } else { " (not its first release)" };
                format!("{}{later}", family.title())
            })
            .collect();
        let _ = writeln!(out, "    /// `{}`: {}.", value.name, families.join(", "));
        let _ = writeln!(out, "    #[doc(alias = \"{cpp}::{}\")]", value.name);
        let _ = writeln!(out, "    {},", variant(&value.name));
    }
    let _ = writeln!(out, "}}\n\nenum_values! {{\n    {name}, \"{cpp}\";");
    for value in &item.values {
        let raw: Vec<String> = Family::ALL
            .iter()
            .map(|family| value.value[*family].map_or_else(|| "NONE".to_owned(), |raw| raw.to_string()))
            .collect();
        let _ = writeln!(out, "    {} = \"{}\", [{}];", variant(&value.name), value.name, raw.join(", "));
    }
    out.push_str("}\n");
}

/// `kALIASED_PLUGIN_IO_10_03` as `AliasedPluginIo1003`.
fn variant(name: &str) -> String {
    let mut out = String::new();
    for word in name.strip_prefix('k').unwrap_or(name).split('_') {
        let (first, rest) = word.split_at(word.len().min(1));
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(&rest.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::variant;

    #[test]
    fn variants() {
        for (name, rust) in [("kFP16", "Fp16"), ("kMATRIX_MULTIPLY", "MatrixMultiply"), ("kE8M0", "E8m0")] {
            assert_eq!(variant(name), rust);
        }
    }
}
