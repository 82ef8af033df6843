//! The driver of a family: for each entry of the function table, the call that shows where it arrives.

use super::checker::{member, split};
use super::headers::HeaderSet;
use super::releases::Releases;
use super::stand_in::{declare, pods, prelude};
use crate::facts::{Entry, Facts, Interface, Kind};
use std::fmt::Write as _;

/// Functions that tell a number, and the macro that says which.
const NUMBERS: [(&str, &str); 6] = [
    ("getInferLibVersion", "NV_TENSORRT_MAJOR * 10000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH"),
    ("getInferLibMajorVersion", "NV_TENSORRT_MAJOR"),
    ("getInferLibMinorVersion", "NV_TENSORRT_MINOR"),
    ("getInferLibPatchVersion", "NV_TENSORRT_PATCH"),
    ("getInferLibBuildVersion", "NV_TENSORRT_BUILD"),
    ("getNvOnnxParserVersion", "NV_ONNX_PARSER_VERSION"),
];

/// Callback functions that may be null.
const OPTIONAL: [(&str, &str); 1] = [("IGpuAsyncAllocator", "reallocate")];

/// Slots of a calibrator that its struct keeps in a part shared by all.
const SHARED: [&str; 4] = ["getBatchSize", "getBatch", "readCalibrationCache", "writeCalibrationCache"];

/// Writes the driver's source.
pub(super) fn generate(facts: &Facts, headers: &HeaderSet) -> String {
    let mut out = prelude(headers);
    out.push_str("#include <stdbool.h>\n#include <stdint.h>\nnamespace shim {\n#include \"trt_api.h\"\n}\n\n");
    pods(&mut out, facts, headers, true);
    out.push_str("#include \"driver.hpp\"\n");
    let mut calls = Vec::new();
    for (index, entry) in facts.entries.iter().enumerate() {
        if let Some(body) = self::entry(&mut out, facts, headers, entry) {
            let name = &entry.name;
            let _ = writeln!(
                out,
                "\nstatic void entry_{index}(trtabi::Driver& driver)\n{{\n    char const* const entry = \"{name}\";\n    \
                 auto const function = driver.api->{name};\n    {body}\n}}"
            );
            calls.push(format!("entry_{index}(driver);"));
        }
    }
    let mut id = 0;
    for interface in facts.interfaces.iter().filter(|interface| callable(facts, headers, interface)) {
        self::interface(&mut out, facts, headers, interface, &mut id);
        calls.push(format!("interface_{}(driver);", interface.name));
    }
    let _ = writeln!(
        out,
        "\nextern \"C\" __attribute__((visibility(\"default\"))) int trtabi_drive(\n    \
         shim::Api const* api, trtabi::Control* control, void* (*make)(char const*), trtabi::Outcome* outcome)\n{{\n    \
         trtabi::fill_arena();\n    trtabi::Driver driver{{api, control, make, outcome}};\n    {}\n    \
         return outcome->failures;\n}}",
        calls.join("\n    ")
    );
    let _ = writeln!(
        out,
        "\n/// Tells the table that the driver was made for.\n\
         extern \"C\" __attribute__((visibility(\"default\"))) uint64_t trtabi_fingerprint() {{ return {}u; }}",
        fingerprint(facts.entries.iter().map(|entry| entry.name.as_str()))
    );
    out
}

/// FNV-1a over the entries' names, each with a zero behind it.
fn fingerprint<'n>(names: impl Iterator<Item = &'n str>) -> u64 {
    names
        .flat_map(|name| name.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The check of one entry; callback entries are checked by [`interface`].
fn entry(out: &mut String, facts: &Facts, headers: &HeaderSet, entry: &Entry) -> Option<String> {
    let family = headers.family;
    let absent = Some("trtabi::absent(driver, entry, function);".to_owned());
    match &entry.kind {
        Kind::Function { library } => {
            if library == "plugin" && !matches!(family.major(), 10 | 11) {
                // No release for RTX has a plugin library.
                return None;
            }
            let name = &entry.name;
            Some(match NUMBERS.iter().find(|(function, _)| function == name) {
                Some((_, number)) => format!("trtabi::number(driver, entry, function, {number});"),
                None => {
                    format!(
                        "using namespace nvinfer1;\n    trtabi::function(driver, entry, static_cast<decltype(&{name})>(nullptr), function);"
                    )
                }
            })
        }
        Kind::Hand if entry.name == "IExecutionContext_updateAndEnqueueV3" => Some(
            "static_cast<void>(function);\n    trtabi::steady_state(driver, entry, \
             static_cast<shim::IExecutionContext*>(driver.make(\"nvinfer1::IExecutionContext\")));"
                .to_owned(),
        ),
        Kind::Hand => None,
        Kind::InterfaceNew { interface } | Kind::InterfaceDelete { interface } => {
            let interface = facts.interfaces.iter().find(|other| other.name == *interface)?;
            if interface.in_family(facts, family).is_some() { None } else { absent }
        }
        Kind::Destroy { class } if facts.slots(family, class).is_some() => {
            Some(format!("trtabi::destroy(driver, entry, \"{class}\", function);"))
        }
        Kind::Destroy { .. } => absent,
        Kind::Method { class, calls } => {
            let Some(call) = &calls[family] else { return absent };
            if !Releases::new(facts, headers).has(&call.public) || entry.refused_minor == Some(headers.minor) {
                return None;
            }
            let (method, throws) = (&call.public.method, !call.signature.is_noexcept);
            let pointer = member(&call.public.signature, "C", "method");
            // The types of a signature are those that the class and its namespace know.
            let (namespace, name) = split(class);
            let field = &entry.name;
            let _ = writeln!(
                out,
                "\nnamespace {namespace} {{\nstruct trtabi_{field} : {name} {{\n    static void run(trtabi::Driver& driver, \
                 char const* entry, decltype(shim::Api::{field}) function)\n    {{\n        using C = {name};\n        \
                 {pointer} = &C::{method};\n        \
                 trtabi::method(driver, entry, \"{class}\", method, {throws}, function);\n    }}\n}};\n}}"
            );
            Some(format!("{namespace}::trtabi_{field}::run(driver, entry, function);"))
        }
    }
}

/// Whether the release has an interface.
fn callable(facts: &Facts, headers: &HeaderSet, interface: &Interface) -> bool {
    interface.in_family(facts, headers.family).is_some() && headers.mentions(&interface.name)
}

/// Each slot of a callback object, called through the header's class.
fn interface(out: &mut String, facts: &Facts, headers: &HeaderSet, interface: &Interface, id: &mut usize) {
    let family = headers.family;
    let Some(class) = interface.classes.iter().find(|class| facts.slots(family, class).is_some()) else { return };
    let (name, namespace) = (&interface.name, split(class).0);
    let is_default = |slot: &str| {
        let in_header = interface.defaults.iter().any(|(own, _)| own == slot);
        let optional = OPTIONAL.contains(&(name.as_str(), slot));
        (in_header && !optional) || (interface.info.is_some() && ["getAPILanguage", "getInterfaceInfo"].contains(&slot))
    };
    let mut overrides = String::new();
    let mut fields = String::new();
    let mut calls = String::new();
    for slot in facts.slots(family, class).unwrap_or_default() {
        let (Some(signature), method) = (&slot.signature, &slot.method) else { continue };
        *id += 1;
        if !is_default(method) {
            let args: Vec<String> = signature.args.iter().enumerate().map(|(index, arg)| declare(arg, index)).collect();
            let mut passed = String::new();
            for (index, arg) in signature.args.iter().enumerate() {
                let _ = write!(passed, ", {}a{index}", if arg.ends_with('&') { "&" } else { "" });
            }
            let (is_const, is_noexcept) =
                (if signature.is_const { " const" } else { "" }, if signature.is_noexcept { " noexcept" } else { "" });
            let _ = writeln!(
                overrides,
                "    {} {method}({}){is_const}{is_noexcept} override\n    {{\n        \
                 return trtabi::callback<{}>({id}, trtabi::arena{passed});\n    }}",
                signature.returns,
                args.join(", "),
                signature.returns
            );
            let shared = name == "IInt8LegacyCalibrator" && SHARED.contains(&method.as_str());
            let field = if shared { format!("calibrator.{method}") } else { method.clone() };
            let _ = writeln!(fields, "        fns.{field} = &trtabi::Field<decltype(fns.{field})>::call<{id}>;");
        }
        if method == "getInterfaceInfo" {
            let _ = writeln!(
                calls,
                "        trtabi::interface_info(driver, \"{name}::{method}\", ours, static_cast<C*>(&theirs));"
            );
        } else {
            let pointer = member(signature, "C", "method");
            let _ = writeln!(
                calls,
                "        {{ {pointer} = &C::{method}; trtabi::slot(driver, \"{name}::{method}\", ours, \
                 static_cast<C*>(&theirs), method); }}"
            );
        }
    }
    let mut optional = String::new();
    for (_, slot) in OPTIONAL.into_iter().filter(|(interface, _)| *interface == name) {
        let _ = writeln!(
            optional,
            "        fns.{slot} = nullptr;\n        \
             auto* const without = reinterpret_cast<C*>(driver.api->{name}_new(&fns, trtabi::arena));\n        \
             if (without->{slot}(trtabi::arena, 0, 64) != nullptr) {{\n            \
             driver.fail(\"{name}::{slot}\", \"answers without its function\");\n        }}\n        \
             driver.api->{name}_delete(reinterpret_cast<shim::{name}*>(without));"
        );
    }
    let _ = writeln!(
        out,
        "\nnamespace {namespace} {{\nstruct trtabi_{name} : {class} {{\n{overrides}}};\n\
         struct trtabi_calls_{name} : {class} {{\n    static void run(trtabi::Driver& driver)\n    {{\n        \
         using C = {class};\n        static trtabi_{name} theirs;\n        shim::{name}Fns fns;\n        \
         std::memset(&fns, 0, sizeof fns);\n        \
         if (driver.api->{name}_new(&fns, trtabi::arena) != nullptr) {{\n            \
         driver.fail(\"{name}_new\", \"makes an object without its functions\");\n        }}\n{fields}        \
         auto* const ours = reinterpret_cast<C*>(driver.api->{name}_new(&fns, trtabi::arena));\n{calls}        \
         driver.api->{name}_delete(reinterpret_cast<shim::{name}*>(ours));\n{optional}        \
         ++driver.outcome->interfaces;\n    }}\n}};\n}}\n\
         static void interface_{name}(trtabi::Driver& driver) {{ {namespace}::trtabi_calls_{name}::run(driver); }}"
    );
}

/// Writes the program that opens the stand-in and the driver, and fills the table as the loader does.
pub(super) fn runner(facts: &Facts, headers: &HeaderSet) -> String {
    let mut out =
        String::from("#include \"trt_api.h\"\n#include \"runner.hpp\"\n\nint main(int count, char** arguments)\n{\n");
    let _ = writeln!(
        out,
        "    trtabi::Files files(count, arguments);\n    Api api = *trtsys_table_{}();",
        headers.family.id()
    );
    for function in &facts.functions {
        let name = &function.symbol;
        let _ = writeln!(out, "    api.{name} = files.symbol<decltype(api.{name})>(\"{name}\");");
    }
    out.push_str("    return files.drive(&api);\n}\n");
    out
}
