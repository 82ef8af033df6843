//! The C headers of the shim: the types, and the function table.

use super::BANNER;
use crate::facts::{Facts, Kind};
use std::fmt::Write as _;

/// `trt_types.h`: opaque classes and structs.
pub(super) fn types(facts: &Facts) -> String {
    let mut out = String::from(BANNER);
    out.push_str("#ifndef TRTSYS_TYPES_H\n#define TRTSYS_TYPES_H\n\n");
    out.push_str("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n");
    for name in objects(facts) {
        let namespace = facts.namespace(name);
        let _ = writeln!(
            out,
            "/** `{namespace}::{name}`; only pointers to it cross. */\nstruct {name};\ntypedef struct {name} {name};"
        );
    }
    for pod in &facts.pods {
        let _ = writeln!(out, "\n/** {} (`{}`) */\ntypedef struct {} {{", pod.doc, pod.cpp, pod.name);
        for field in &pod.fields {
            let c_type =
                facts.types.lower(&field.cpp).map_or_else(|error| format!("#error {error}"), |c_type| c_type.0);
            let extent = field.extent.map_or_else(String::new, |extent| format!("[{extent}]"));
            let _ = writeln!(out, "    /** {} */\n    {c_type} {}{extent};", field.doc, field.name);
        }
        let _ = writeln!(out, "}} {};", pod.name);
    }
    out.push_str("\n#endif\n");
    out
}

/// The opaque classes that some entry or callback mentions.
pub(super) fn objects(facts: &Facts) -> Vec<&str> {
    let mut mentioned = String::new();
    for entry in &facts.entries {
        let _ = write!(mentioned, " {} ", entry.returns.0);
        for (c_type, _) in &entry.args {
            let _ = write!(mentioned, " {} ", c_type.0);
        }
        if let Kind::Method { class, .. } | Kind::Destroy { class } = &entry.kind {
            let _ = write!(mentioned, " {} ", crate::facts::c_class(class));
        }
    }
    for pod in &facts.pods {
        for field in &pod.fields {
            let _ = write!(mentioned, " {} ", field.cpp);
        }
    }
    let words: std::collections::BTreeSet<&str> =
        mentioned.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    facts.types.objects().filter(|name| words.contains(name)).collect()
}

/// `trt_api.h`: the function table and the four tables' getters.
pub(super) fn api(facts: &Facts) -> String {
    let mut out = String::from(BANNER);
    out.push_str(
        "#ifndef TRTSYS_API_H\n#define TRTSYS_API_H\n\n#include \"trt_types.h\"\n\n#include \"../callbacks.h\"\n\n",
    );
    out.push_str("/** The function table of one library. A null entry is something that the library lacks. */\n");
    out.push_str("typedef struct Api {\n");
    for entry in &facts.entries {
        let args = c_args(entry);
        let args = if args.is_empty() { "void".to_owned() } else { args.join(", ") };
        let _ = writeln!(out, "    /** {} */\n    {} (*{})({args});", entry.doc, entry.returns.0, entry.name);
    }
    out.push_str("} Api;\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    for family in crate::facts::Family::ALL {
        let _ = writeln!(out, "/** The table of {}; the exported functions are null. */", family.title());
        let _ = writeln!(out, "const Api* trtsys_table_{}(void);", family.id());
    }
    out.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    out
}

/// The arguments of an entry, `self` first where it has one.
pub(super) fn c_args(entry: &crate::facts::Entry) -> Vec<String> {
    let own = entry.args.iter().map(|(c_type, name)| format!("{} {name}", c_type.0));
    match &entry.kind {
        Kind::Method { class, .. } | Kind::Destroy { class } => {
            std::iter::once(format!("{}* self", crate::facts::c_class(class))).chain(own).collect()
        }
        _ => own.collect(),
    }
}
