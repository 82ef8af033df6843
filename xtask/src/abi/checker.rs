//! The checker of a header set: C++ that compares slots, layouts, structs, enums and public methods with the tables.

use super::headers::{HeaderSet, INCLUDED};
use super::releases::Releases;
use crate::Result;
use crate::facts::{Class, Facts, Pod, Public, Signature, c_class};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The checker's source, and what it checks while it compiles.
#[derive(Debug)]
pub(super) struct Checker {
    pub(super) source: String,
    /// Enumerators whose value is asserted.
    pub(super) enumerators: u32,
    /// Structs whose layout is asserted.
    pub(super) structs: u32,
}

/// Writes the checker.
pub(super) fn generate(facts: &Facts, headers: &HeaderSet) -> Result<Checker> {
    let releases = Releases::new(facts, headers);
    let mut source = String::new();
    for header in INCLUDED.into_iter().filter(|header| headers.folder.join(header).exists()) {
        let _ = writeln!(source, "#include \"{header}\"");
    }
    source.push_str("#include \"check.hpp\"\n\n");
    // The tables spell the types of the parser's methods as in NVIDIA's own namespace.
    source.push_str("namespace nvonnxparser { using namespace nvinfer1; }\n");
    declare_absent(&mut source, facts, headers);
    let mut runs = Vec::new();
    for (family, class) in facts.vtables.keys().filter(|(family, _)| *family == headers.family) {
        let mentioned = headers.mentions(c_class(class));
        if !mentioned && headers.covers(class) && releases.has_class(class) == Some(true) {
            return Err(
                format!("the headers lack {class}, which {}.{} is said to have", family.id(), headers.minor).into()
            );
        }
        if mentioned {
            runs.push(slots(&mut source, facts, headers, class));
        }
    }
    for class in facts.classes.iter().filter(|class| headers.mentions(&class.name)) {
        layout(&mut source, class);
        runs.push(publics(&mut source, facts, headers, &class.cpp));
    }
    for interface in &facts.interfaces {
        let found = interface.classes.iter().find(|class| facts.slots(headers.family, class).is_some());
        if let Some(class) = found.filter(|class| headers.mentions(c_class(class))) {
            runs.push(publics(&mut source, facts, headers, class));
        }
    }
    let mut structs = 0;
    for pod in facts.pods.iter().filter(|pod| headers.mentions(c_class(&pod.cpp))) {
        self::pod(&mut source, pod);
        structs += 1;
    }
    let enumerators = super::enums::check(&mut source, facts, headers, &mut runs);
    let _ = writeln!(source, "int main() {{\n    {}\n    return trtabi::done();\n}}", runs.join("\n    "));
    Ok(Checker { source, enumerators, structs })
}

/// A name's namespace and its last part.
pub(super) fn split(cpp: &str) -> (&str, &str) {
    cpp.rsplit_once("::").unwrap_or(("", cpp))
}

/// Declares the classes and enums that these headers lack, so that the methods which take them can be shown to be absent.
fn declare_absent(out: &mut String, facts: &Facts, headers: &HeaderSet) {
    let mut classes = BTreeSet::new();
    let structs = facts.pods.iter().map(|pod| c_class(&pod.cpp));
    for name in facts.types.objects().chain(structs).filter(|name| !headers.mentions(name)) {
        classes.insert(format!("namespace nvinfer1 {{ class {name}; }}"));
    }
    for item in facts.enums.iter().filter(|item| !headers.mentions(item.cpp_short())) {
        let (cpp, underlying) = (item.cpp(), facts.types.underlying(item.cpp_short()));
        if let ("nvinfer1" | "nvonnxparser", name) = split(&cpp) {
            classes.insert(format!("namespace {} {{ enum class {name} : {underlying}; }}", split(&cpp).0));
        }
    }
    for name in ["AllocatorFlags", "QuantizationFlags", "SerializationFlags", "TempfileControlFlags"] {
        if !headers.mentions(name) {
            classes.insert(format!("namespace nvinfer1 {{ using {name} = uint32_t; }}"));
        }
    }
    for line in classes {
        let _ = writeln!(out, "{line}");
    }
}

/// A signature's type of a pointer to a member of a class.
pub(super) fn member(signature: &Signature, class: &str, name: &str) -> String {
    format!(
        "{} ({class}::*{name})({}){}{}",
        signature.returns,
        signature.args.join(", "),
        if signature.is_const { " const" } else { "" },
        if signature.is_noexcept { " noexcept" } else { "" },
    )
}

/// The slots of a class in order, and its end.
fn slots(out: &mut String, facts: &Facts, headers: &HeaderSet, class: &str) -> String {
    let (namespace, name) = split(class);
    let extent = Releases::new(facts, headers).extent(class);
    let _ =
        writeln!(out, "\nnamespace {namespace} {{\nstruct trtabi_{name} : {name} {{\n    virtual void trtabi_end();");
    let _ =
        writeln!(out, "    static void run()\n    {{\n        using C = {name};\n        trtabi::begin(\"{class}\");");
    let mut position = 0;
    for slot in facts.slots(headers.family, class).unwrap_or_default().iter().take(extent.slots) {
        match &slot.signature {
            None => {
                let _ = writeln!(out, "        trtabi::destructor<C>({position});");
                position += 2;
            }
            Some(signature) => {
                let (method, pointer) = (&slot.method, member(signature, "C", "p"));
                let _ = writeln!(
                    out,
                    "        {{ {pointer} = &trtabi_{name}::{method}; trtabi::slot(p, {position}, \"{method}\"); }}"
                );
                position += 1;
            }
        }
    }
    if extent.ends {
        let _ = writeln!(out, "        trtabi::slot(&trtabi_{name}::trtabi_end, {position}, \"(the end)\");");
    }
    out.push_str("    }\n};\n}\n");
    format!("{namespace}::trtabi_{name}::run();")
}

/// Where an object keeps its implementation, and its base class.
fn layout(out: &mut String, class: &Class) {
    let cpp = &class.cpp;
    match &class.implementation {
        Some(implementation) => {
            let (member, offset, target) = (&implementation.member, implementation.offset, &implementation.cpp);
            let _ = writeln!(
                out,
                "static_assert(offsetof({cpp}, {member}) == {offset} && sizeof({cpp}) == {offset} + 8, \"{cpp}\");\n\
                 static_assert(std::is_same<decltype({cpp}::{member}), {target}*>::value, \"{cpp}\");"
            );
        }
        None => {
            let _ = writeln!(out, "static_assert(sizeof({cpp}) == 8, \"{cpp}\");");
        }
    }
    if let Some(base) = &class.base {
        let _ = writeln!(out, "static_assert(std::is_base_of<nvinfer1::{base}, {cpp}>::value, \"{cpp}\");");
    }
}

/// The public methods of a class: present exactly where the table of releases says.
fn publics(out: &mut String, facts: &Facts, headers: &HeaderSet, class: &str) -> String {
    let releases = Releases::new(facts, headers);
    let (namespace, name) = split(class);
    let own: Vec<&Public> = facts.publics.iter().filter(|public| public.class == name).collect();
    let _ = writeln!(out, "\nnamespace {namespace} {{\nstruct trtabi_public_{name} : {name} {{");
    for (index, public) in own.iter().enumerate() {
        let pointer = member(&public.signature, "T", "");
        let _ = writeln!(
            out,
            "    template <typename T> static auto has{index}(int) -> decltype(static_cast<{pointer}>(&T::{}), \
             std::true_type());\n    template <typename T> static std::false_type has{index}(...);",
            public.method
        );
    }
    let _ = writeln!(out, "    static void run()\n    {{\n        trtabi::current_class = \"{class}\";");
    if let Some(base) = facts.classes.iter().find(|other| other.cpp == class).and_then(|class| class.base.as_ref()) {
        let _ = writeln!(out, "        trtabi::base<nvinfer1::{base}, {name}>();");
    }
    for (index, public) in own.iter().enumerate() {
        let Public { method, signature, .. } = public;
        let _ = writeln!(
            out,
            "        trtabi::present(decltype(has{index}<{name}>(0))::value, {}, \"{method} {}\");",
            releases.has(public),
            signature.text
        );
    }
    out.push_str("    }\n};\n}\n");
    format!("{namespace}::trtabi_public_{name}::run();")
}

/// Size, offsets and types of a struct.
fn pod(out: &mut String, pod: &Pod) {
    let Pod { cpp, size, .. } = pod;
    let namespace = split(cpp).0;
    let _ = writeln!(out, "\nnamespace {namespace} {{\nstatic_assert(sizeof({cpp}) == {size}, \"{cpp}\");");
    for field in &pod.fields {
        let (name, offset) = (&field.name, field.offset);
        let extent = field.extent.map_or_else(String::new, |extent| format!("[{extent}]"));
        let _ = writeln!(
            out,
            "static_assert(offsetof({cpp}, {name}) == {offset}, \"{cpp}::{name}\");\n\
             static_assert(std::is_same<decltype({cpp}::{name}), {}{extent}>::value, \"{cpp}::{name}\");",
            field.cpp
        );
    }
    out.push_str("}\n");
}
