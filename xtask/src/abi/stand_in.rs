//! The stand-in: a library of one family, made of classes that derive from NVIDIA's.
//!
//! Every class of `classes.tsv` becomes a class that overrides each virtual function of the header, under `override`. What
//! an override does is one expression, made in [`body`]: here it notes the call and answers with a value that tells the
//! method.

use super::checker::split;
use super::headers::{HeaderSet, INCLUDED};
use super::releases::Releases;
use crate::facts::{Class, Facts, Family, Pod, Signature, c_class};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One method of the stand-in, as its override needs it.
#[derive(Debug)]
struct Method<'f> {
    id: usize,
    /// The qualified name, `nvinfer1::apiv::VBuilder::reset`.
    name: String,
    signature: &'f Signature,
    /// The expression of the public object's address.
    owner: &'static str,
}

/// Writes the library's source.
pub(super) fn generate(facts: &Facts, headers: &HeaderSet) -> String {
    let mut out = prelude(headers);
    pods(&mut out, facts, headers, false);
    out.push_str("#include \"stand_in.hpp\"\n\n");
    let classes: Vec<&Class> = classes(facts, headers).collect();
    for class in &classes {
        let _ = writeln!(out, "static void* make_{}();", class.name);
    }
    let mut id = 0;
    let mut written = Vec::new();
    for class in &classes {
        if let Some(implementation) = &class.implementation
            && !written.contains(&implementation.cpp.as_str())
        {
            written.push(&implementation.cpp);
            self::implementation(&mut out, facts, headers, &implementation.cpp, &mut id);
        }
    }
    for class in &classes {
        public(&mut out, facts, headers, class, &mut id);
    }
    out.push('\n');
    for class in &classes {
        let (namespace, name) = split(&class.cpp);
        let _ = writeln!(
            out,
            "static void* make_{name}() {{ return static_cast<{}*>(new {namespace}::trtabi_{name}); }}",
            class.cpp
        );
    }
    out.push_str(
        "\nstruct Made {\n    char const* name;\n    trtabi::Maker maker;\n};\n\nstatic Made const makers[] = {\n",
    );
    for class in &classes {
        let _ = writeln!(out, "    {{\"{}\", &make_{}}},", class.cpp, class.name);
    }
    out.push_str("};\n\n#include \"functions.inc\"\n");
    out
}

/// The classes of a header set.
pub(super) fn classes<'f>(facts: &'f Facts, headers: &HeaderSet) -> impl Iterator<Item = &'f Class> {
    let family = headers.family;
    facts.classes.iter().filter(move |class| facts.slots(family, &class.cpp).is_some())
}

/// NVIDIA's headers.
pub(super) fn prelude(headers: &HeaderSet) -> String {
    let mut out = String::from("#include <cstddef>\n#include <cstdint>\n#include <cstring>\n\n");
    for header in INCLUDED.into_iter().filter(|header| headers.folder.join(header).exists()) {
        let _ = writeln!(out, "#include \"{header}\"");
    }
    out.push_str("#include \"record.hpp\"\n\nnamespace nvonnxparser { using namespace nvinfer1; }\n\n");
    out
}

/// How structs are packed, field by field; `in_c` adds those of the shim's C header.
pub(super) fn pods(out: &mut String, facts: &Facts, headers: &HeaderSet, in_c: bool) {
    let there: Vec<&Pod> = facts.pods.iter().filter(|pod| headers.mentions(c_class(&pod.cpp))).collect();
    out.push_str("namespace trtabi {\n");
    for pod in there {
        let names = [Some(pod.cpp.clone()), in_c.then(|| format!("shim::{}", pod.name))];
        for name in names.into_iter().flatten() {
            let _ = writeln!(out, "inline void pack(Value& value, {name} const& pod)\n{{");
            for field in &pod.fields {
                let _ = writeln!(out, "    pack(value, pod.{});", field.name);
            }
            out.push_str("}\n");
        }
    }
    out.push_str("} // namespace trtabi\n\n");
}

/// The class behind the pointer of a public one.
fn implementation(out: &mut String, facts: &Facts, headers: &HeaderSet, cpp: &str, id: &mut usize) {
    let (namespace, name) = split(cpp);
    let _ = writeln!(
        out,
        "\nnamespace {namespace} {{\nstruct trtabi_{name} : {name} {{\n    void const* owner;\n    \
         explicit trtabi_{name}(void const* object)\n        : owner(object)\n    {{\n    }}"
    );
    overrides(out, facts, headers, cpp, "owner", id);
    out.push_str("};\n}\n");
}

/// A public class: its pointers go to implementations of its own.
fn public(out: &mut String, facts: &Facts, headers: &HeaderSet, class: &Class, id: &mut usize) {
    let (namespace, name) = split(&class.cpp);
    let _ = writeln!(out, "\nnamespace {namespace} {{\nstruct trtabi_{name} : {name} {{");
    let mut assignments = String::new();
    let mut level = Some(class);
    while let Some(class) = level {
        if let Some(implementation) = &class.implementation {
            let (namespace, behind) = split(&implementation.cpp);
            let member = format!("behind_{}", class.name);
            let _ = writeln!(out, "    {namespace}::trtabi_{behind} {member}{{this}};");
            let _ = writeln!(assignments, "        this->{}::{} = &{member};", class.cpp, implementation.member);
        }
        level = class.base.as_ref().and_then(|base| facts.classes.iter().find(|other| other.name == *base));
    }
    let _ = writeln!(out, "    trtabi_{name}()\n    {{\n{assignments}    }}");
    let _ = writeln!(out, "    ~trtabi_{name}() noexcept override {{ trtabi::destroyed(\"{}\", this); }}", class.cpp);
    overrides(out, facts, headers, &class.cpp, "this", id);
    out.push_str("};\n}\n");
}

/// Overrides of every virtual function of a class.
fn overrides(out: &mut String, facts: &Facts, headers: &HeaderSet, cpp: &str, owner: &'static str, id: &mut usize) {
    let extent = Releases::new(facts, headers).extent(cpp);
    for slot in facts.slots(headers.family, cpp).unwrap_or_default().iter().take(extent.slots) {
        let Some(signature) = &slot.signature else { continue };
        *id += 1;
        let method = Method { id: *id, name: format!("{cpp}::{}", slot.method), signature, owner };
        let args: Vec<String> = signature.args.iter().enumerate().map(|(index, arg)| declare(arg, index)).collect();
        let _ = writeln!(
            out,
            "    {} {}({}){}{} override\n    {{\n        {}\n    }}",
            signature.returns,
            slot.method,
            args.join(", "),
            if signature.is_const { " const" } else { "" },
            if signature.is_noexcept { " noexcept" } else { "" },
            body(facts, headers.family, &method),
        );
    }
}

/// A parameter's declaration.
pub(super) fn declare(arg: &str, index: usize) -> String {
    match arg.strip_suffix("[]") {
        Some(element) => format!("{element} a{index}[]"),
        None => format!("{arg} a{index}"),
    }
}

/// What is noted of an argument: of a reference its address, except that a struct by const reference is its fields.
pub(super) fn noted(facts: &Facts, arg: &str, index: usize) -> String {
    let name = arg.trim_end_matches('&').replace("const ", "");
    let is_pod = facts.pods.iter().any(|pod| pod.name == c_class(name.trim()));
    if arg.ends_with('&') && !(is_pod && arg.starts_with("const ")) {
        format!("&a{index}")
    } else {
        format!("a{index}")
    }
}

/// What an override does.
fn body(facts: &Facts, family: Family, method: &Method<'_>) -> String {
    let Method { id, name, signature, owner } = method;
    let mut args = String::new();
    for (index, arg) in signature.args.iter().enumerate() {
        let _ = write!(args, ", {}", noted(facts, arg, index));
    }
    let (maker, owned) = match returned_class(facts, family, &signature.returns) {
        Some(class) => (format!("&make_{}", class.name), class.deletable),
        None => ("nullptr".to_owned(), false),
    };
    format!(
        "return trtabi::call<{}, {}>({id}, \"{name}\", {owner}, {maker}, {owned}{args});",
        signature.returns, !signature.is_noexcept
    )
}

/// The class of the object that a method returns by pointer or reference.
fn returned_class<'f>(facts: &'f Facts, family: Family, returns: &str) -> Option<&'f Class> {
    let base = returns.strip_suffix(['*', '&'])?;
    if base.contains(['*', '&']) {
        return None;
    }
    let mut names: BTreeMap<&str, &Class> = BTreeMap::new();
    for class in facts.classes.iter().filter(|class| facts.slots(family, &class.cpp).is_some()) {
        names.insert(&class.name, class);
    }
    names.get(c_class(base.trim().trim_start_matches("const ").trim())).copied()
}
