//! The C++ source of one family: class declarations, the functions that call their slots, and the table.

use super::{BANNER, header::c_args};
use crate::facts::{Call, EMULATOR_ONLY, Entry, Facts, Family, Interface, Kind, Slot, c_class};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The source of a family.
pub(super) fn source(facts: &Facts, family: Family) -> String {
    let id = family.id();
    let mut out = String::from(BANNER);
    out.push_str("#include \"trt_api.h\"\n\n#include \"../support.hpp\"\n\n");
    for name in undeclared(facts, family) {
        let _ = writeln!(out, "struct {name};");
    }
    let _ = writeln!(out, "\nnamespace trtsys_{id} {{\n");
    for cpp in called_classes(facts, family) {
        if let Some(slots) = facts.slots(family, &cpp) {
            class(&mut out, facts, &cpp, slots, None);
        }
    }
    for interface in &facts.interfaces {
        if let Some(slots) = interface.in_family(facts, family) {
            let _ = writeln!(out, "#define TRTSYS_HAS_{} 1", interface.name);
            class(&mut out, facts, &interface.name, slots, Some(interface));
        }
    }
    out.push_str("#include \"../callbacks.inc\"\n#include \"../enqueue.inc\"\n\n");
    for entry in &facts.entries {
        function(&mut out, facts, family, entry);
    }
    let _ = writeln!(out, "static const Api table = {{");
    for entry in &facts.entries {
        let _ = writeln!(out, "    {},", table_value(entry, family));
    }
    let _ = writeln!(out, "}};\n\n}} // namespace trtsys_{id}\n");
    let _ = writeln!(out, "extern \"C\" const Api* trtsys_table_{id}(void) {{ return &trtsys_{id}::table; }}");
    out
}

/// The classes that only slots without entry mention: the header does not declare them.
fn undeclared(facts: &Facts, family: Family) -> BTreeSet<String> {
    let mut mentioned = BTreeSet::new();
    for class in called_classes(facts, family) {
        for slot in facts.slots(family, &class).unwrap_or_default() {
            let types = slot.signature.iter().flat_map(|signature| signature.args.iter().chain([&signature.returns]));
            mentioned.extend(types.flat_map(|cpp| words(cpp)).map(str::to_owned));
        }
    }
    let declared = super::header::objects(facts);
    facts
        .types
        .objects()
        .filter(|name| mentioned.contains(*name) && !declared.contains(name))
        .map(str::to_owned)
        .collect()
}

/// The identifiers of a type.
fn words(cpp: &str) -> impl Iterator<Item = &str> {
    cpp.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The classes whose slots are called or whose objects are deleted in a family.
fn called_classes(facts: &Facts, family: Family) -> BTreeSet<String> {
    let mut classes = BTreeSet::new();
    for entry in &facts.entries {
        match &entry.kind {
            Kind::Method { calls, .. } => classes.extend(calls[family].as_ref().map(|call| call.vtable.clone())),
            Kind::Destroy { class } if entry.since[family].is_some() => {
                classes.insert(class.clone());
            }
            _ => {}
        }
    }
    classes
}

/// The name of a declaration: NVIDIA's own would clash with the opaque C types.
fn vtable_name(cpp: &str) -> String {
    format!("{}_vt", c_class(cpp))
}

/// Declares a class: its slots in order, with C types.
fn class(out: &mut String, facts: &Facts, cpp: &str, slots: &[Slot], interface: Option<&Interface>) {
    let name = vtable_name(cpp);
    let _ = writeln!(out, "struct {name} {{");
    for slot in slots {
        let Some(signature) = &slot.signature else {
            // Only a callback class is ever constructed; pure, the others' destructors need no body.
            let body = if interface.is_some() { "default" } else { "0" };
            let _ = writeln!(out, "    virtual ~{name}() noexcept = {body};");
            continue;
        };
        let lower =
            |cpp: &str| facts.types.lower(cpp).map_or_else(|error| format!("#error {error}"), |c_type| c_type.0);
        let body = interface.and_then(|interface| default_body(interface, &slot.method));
        let args: Vec<String> = signature
            .args
            .iter()
            .enumerate()
            .map(|(index, cpp)| match &body {
                Some(body) if body.contains(&format!("a{index}")) => format!("{} a{index}", lower(cpp)),
                _ => lower(cpp),
            })
            .collect();
        let body = body.map_or_else(|| "= 0;".to_owned(), |body| format!("{{ {body} }}"));
        let _ = writeln!(
            out,
            "    virtual {} {}({}){}{} {body}",
            lower(&signature.returns),
            slot.method,
            args.join(", "),
            if signature.is_const { " const" } else { "" },
            if signature.is_noexcept { " noexcept" } else { "" },
        );
    }
    out.push_str("};\n\n");
}

/// The body that a callback interface itself gives a slot.
fn default_body(interface: &Interface, slot: &str) -> Option<String> {
    match (slot, &interface.info) {
        ("getAPILanguage", Some(_)) => Some("return 0;".to_owned()),
        ("getInterfaceInfo", Some(info)) => {
            Some(format!("return {{\"{}\", {}, {}}};", info.kind, info.major, info.minor))
        }
        _ => interface.defaults.iter().find(|(name, _)| name == slot).map(|(_, body)| body.clone()),
    }
}

/// Defines the function of an entry, where the generator makes it.
fn function(out: &mut String, facts: &Facts, family: Family, entry: &Entry) {
    let body = match &entry.kind {
        Kind::Method { calls, .. } => match &calls[family] {
            Some(call) => method_body(entry, call),
            None => return,
        },
        Kind::Destroy { class } if facts.slots(family, class).is_some() && entry.since[family].is_some() => {
            format!("delete object<{}>(self);", vtable_name(class))
        }
        _ => return,
    };
    let args = c_args(entry).join(", ");
    let _ = writeln!(out, "static {} {}({args}) noexcept {{ {body} }}", entry.returns.0, entry.name);
}

/// Calls the slot; what may throw is stopped here.
fn method_body(entry: &Entry, call: &Call) -> String {
    let args: Vec<&str> = entry.args.iter().map(|(_, name)| name.as_str()).collect();
    let vtable = vtable_name(&call.vtable);
    let target = match call.offset {
        Some(offset) => format!("implementation<{vtable}, {offset}>(self)"),
        None => format!("object<{vtable}>(self)"),
    };
    let expression = format!("{target}->{}({})", call.method, args.join(", "));
    match (call.signature.is_noexcept, call.returns.is_void(), entry.returns.is_void()) {
        (true, true, false) => format!("{expression}; return true;"),
        (true, true, true) => format!("{expression};"),
        (true, false, _) => format!("return {expression};"),
        (false, true, _) => format!("guarded_void([&] {{ {expression}; }});"),
        (false, false, _) => format!("return guarded<{}>([&] {{ return {expression}; }});", entry.returns.0),
    }
}

/// What the table holds for an entry.
fn table_value(entry: &Entry, family: Family) -> String {
    let interface = match &entry.kind {
        Kind::InterfaceNew { interface } | Kind::InterfaceDelete { interface } => Some(interface),
        _ => None,
    };
    let filled = match &entry.kind {
        Kind::Function { .. } => false,
        Kind::Hand => entry.name != EMULATOR_ONLY,
        Kind::Method { calls, .. } => calls[family].is_some(),
        Kind::Destroy { .. } => entry.since[family].is_some(),
        Kind::InterfaceNew { .. } | Kind::InterfaceDelete { .. } => entry.since[family].is_some(),
    };
    match (filled, interface, entry.name.as_str()) {
        (false, ..) => format!("nullptr /* {} */", entry.name),
        (true, Some(_), name) => name.to_owned(),
        (true, None, "takeException") => "trtsys_take_exception".to_owned(),
        (true, None, name) => name.to_owned(),
    }
}
