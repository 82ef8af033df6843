//! The entries of the function table, derived from the other tables.

use super::{CType, Class, Facts, Family, PerFamily, Public, Signature, Since, Slot, Table, interface, types};
use crate::Result;

/// One field of the function table.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The field's name, `IBuilderConfig_setFlag`.
    pub(crate) name: String,
    /// What it does.
    pub(crate) kind: Kind,
    /// The C type returned.
    pub(crate) returns: CType,
    /// The C arguments behind `self`, each a type and a name; a function's are all here.
    pub(crate) args: Vec<(CType, String)>,
    /// The doc comment: NVIDIA's signature.
    pub(crate) doc: String,
    /// Where it came in.
    pub(crate) since: Since,
    /// The one minor version of TensorRT 10 that has the entry in another slot.
    pub(crate) refused_minor: Option<u8>,
}

/// What an entry does.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// An exported function, filled by the loader from the named library.
    Function { library: String },
    /// Hand-written in the shim.
    Hand,
    /// Makes an object of a callback interface.
    InterfaceNew { interface: String },
    /// Deletes it.
    InterfaceDelete { interface: String },
    /// Deletes an object that the user owns.
    Destroy { class: String },
    /// Calls a virtual slot.
    Method { class: String, calls: Box<PerFamily<Option<Call>>> },
}

/// The slot that an entry calls in one family.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The qualified name of the class that has the slot.
    pub(crate) vtable: String,
    /// The offset of the pointer to it in the object; none when the object itself has the slot.
    pub(crate) offset: Option<u32>,
    /// The slot's number, destructors counted once.
    pub(crate) slot: u32,
    /// The slot's method.
    pub(crate) method: String,
    /// The slot's signature.
    pub(crate) signature: Signature,
    /// The C type that the slot returns.
    pub(crate) returns: CType,
    /// The public method whose body calls the slot.
    pub(crate) public: Public,
}

/// The tables that say where the general rule fails.
#[derive(Debug)]
pub(super) struct Exceptions<'t> {
    /// Slots that a public method of another name calls.
    pub(super) slots: &'t Table,
    /// Slots that get no entry.
    pub(super) unbound: &'t Table,
    /// Releases whose slots differ from their family's.
    pub(super) growth: &'t Table,
}

/// Every entry, in the table's order.
pub(super) fn derive(facts: &Facts, exceptions: &Exceptions<'_>) -> Result<Vec<Entry>> {
    let mut entries = functions(facts);
    entries.extend(hand_written());
    for interface in &facts.interfaces {
        entries.extend(callback(facts.namespace(&interface.name), &interface.name, interface.since));
    }
    for class in &facts.classes {
        if class.deletable {
            entries.push(destroy(facts, class)?);
        }
        entries.extend(methods(facts, exceptions, class)?);
    }
    Ok(entries)
}

fn c_type(text: &str) -> CType {
    CType(text.to_owned())
}

fn arg(text: &str, name: &str) -> (CType, String) {
    (c_type(text), name.to_owned())
}

fn functions(facts: &Facts) -> Vec<Entry> {
    let entry = |function: &super::Function| Entry {
        name: function.symbol.clone(),
        kind: Kind::Function { library: function.library.clone() },
        returns: c_type(&function.returns),
        args: function.args.iter().map(|(text, name)| arg(text, name)).collect(),
        doc: format!("`{}`: {}", function.symbol, function.doc),
        since: PerFamily([Some(0), Some(0), Some(3), Some(5)]),
        refused_minor: None,
    };
    facts.functions.iter().map(entry).collect()
}

/// The hand-written entry that only an emulator fills: NVIDIA's libraries have no such function.
pub(crate) const EMULATOR_ONLY: &str = "IRuntime_deserializeCudaEngineFromFile";

fn hand_written() -> [Entry; 3] {
    let since = PerFamily([Some(0), Some(0), Some(3), Some(5)]);
    [
        Entry {
            name: "takeException".to_owned(),
            kind: Kind::Hand,
            returns: c_type("const char*"),
            args: Vec::new(),
            doc: "The message of the last C++ exception that the shim stopped on this thread, or null; asking forgets it. \
                  The text lives until the next exception on the thread."
                .to_owned(),
            since,
            refused_minor: None,
        },
        Entry {
            name: "IExecutionContext_updateAndEnqueueV3".to_owned(),
            kind: Kind::Hand,
            returns: c_type("bool"),
            args: vec![
                arg("IExecutionContext*", "self"),
                arg("const TensorUpdate*", "updates"),
                arg("int32_t", "count"),
                arg("void*", "stream"),
                arg("int32_t*", "failed"),
            ],
            doc: "Sets what changed, then calls `enqueueV3`. When false is returned, `failed` is the index of the update \
                  that was refused, or -1 when all were taken and `enqueueV3` failed."
                .to_owned(),
            since,
            refused_minor: None,
        },
        Entry {
            name: EMULATOR_ONLY.to_owned(),
            kind: Kind::Hand,
            returns: c_type("ICudaEngine*"),
            args: vec![arg("IRuntime*", "self"), arg("const char*", "path")],
            doc: "A plan file as an engine whose weights stay mapped from the file. Null in NVIDIA's libraries, which have no such \
                  function; an emulator may fill it."
                .to_owned(),
            since,
            refused_minor: None,
        },
    ]
}

fn callback(namespace: &str, interface: &str, since: Since) -> [Entry; 2] {
    [
        Entry {
            name: format!("{interface}_new"),
            kind: Kind::InterfaceNew { interface: interface.to_owned() },
            returns: c_type(&format!("{interface}*")),
            args: vec![arg(&format!("const {interface}Fns*"), "functions"), arg("void*", "user")],
            doc: format!(
                "A new `{namespace}::{interface}` that calls the functions with `user`; the struct is copied. \
                 Null when a function that has no default is null."
            ),
            since,
            refused_minor: None,
        },
        Entry {
            name: format!("{interface}_delete"),
            kind: Kind::InterfaceDelete { interface: interface.to_owned() },
            returns: c_type("void"),
            args: vec![arg(&format!("{interface}*"), "self")],
            doc: format!("Deletes what `{interface}_new` made."),
            since,
            refused_minor: None,
        },
    ]
}

fn destroy(facts: &Facts, class: &Class) -> Result<Entry> {
    Ok(Entry {
        name: format!("{}_destroy", class.name),
        kind: Kind::Destroy { class: class.cpp.clone() },
        returns: c_type("void"),
        args: Vec::new(),
        doc: format!("`delete` of a `{}`; null is allowed.", class.cpp),
        since: interface::first_of(&facts.publics, &class.name)?,
        refused_minor: None,
    })
}

/// The entries of a class: one for each slot of any family that a public method calls.
fn methods(facts: &Facts, exceptions: &Exceptions<'_>, class: &Class) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for family in [Family::Trt11, Family::RtxNew, Family::Trt10, Family::RtxOld] {
        let own = facts.slots(family, &class.cpp).unwrap_or_default();
        let own = own.iter().enumerate().map(|(index, slot)| (class.cpp.as_str(), None, index, slot));
        let implementation = class.implementation.iter().flat_map(|implementation| {
            let slots = facts.slots(family, &implementation.cpp).unwrap_or_default().iter().enumerate();
            slots.map(|(index, slot)| (implementation.cpp.as_str(), Some(implementation.offset), index, slot))
        });
        let mut seen: Vec<String> = Vec::new();
        for (vtable, offset, index, slot) in own.chain(implementation) {
            let Some(public) = public_of(facts, exceptions, class, family, slot)? else { continue };
            let name = format!("{}_{}", class.name, slot.method);
            // The implementation repeats a slot of the class itself: callers of NVIDIA's headers reach the class's.
            if offset.is_some() && seen.contains(&name) {
                continue;
            }
            if seen.contains(&name) {
                return Err(format!("two slots of {vtable} in {} would be {name}", family.id()).into());
            }
            seen.push(name.clone());
            let signature = slot.signature.clone().ok_or_else(|| format!("{name} has no signature"))?;
            let returns = facts.types.lower(&signature.returns)?;
            let mut args = Vec::new();
            for (index, cpp) in signature.args.iter().enumerate() {
                args.push((facts.types.lower(cpp)?, format!("a{index}")));
            }
            let refused = refused(exceptions, family, class, offset, index)?;
            let call = Call {
                vtable: vtable.to_owned(),
                offset,
                slot: u32::try_from(index)?,
                method: slot.method.clone(),
                signature,
                returns: returns.clone(),
                public: public.clone(),
            };
            let entry = Entry {
                doc: doc(class, public),
                kind: Kind::Method { class: class.cpp.clone(), calls: Box::default() },
                since: Since::default(),
                refused_minor: None,
                name,
                returns,
                args,
            };
            merge(&mut entries, entry, family, call, public.since[family], refused)?;
        }
    }
    Ok(entries)
}

/// Adds what one family has of an entry. The families must agree, except that one may return `bool` where another
/// returns nothing: the entry then returns `bool`, and true where nothing came back.
fn merge(
    entries: &mut Vec<Entry>,
    entry: Entry,
    family: Family,
    call: Call,
    since: Option<u8>,
    refused: Option<u8>,
) -> Result<()> {
    let index = match entries.iter().position(|other| other.name == entry.name) {
        Some(index) => index,
        None => {
            entries.push(entry.clone());
            entries.len() - 1
        }
    };
    let own = &mut entries[index];
    if own.args != entry.args {
        return Err(format!("{} takes other arguments in {}", own.name, family.id()).into());
    }
    if own.returns != entry.returns {
        let texts = [own.returns.0.as_str(), entry.returns.0.as_str()];
        if texts != ["bool", "void"] && texts != ["void", "bool"] {
            return Err(format!("{} returns another type in {}", own.name, family.id()).into());
        }
        own.returns = c_type("bool");
    }
    own.since[family] = since;
    own.refused_minor = own.refused_minor.or(refused);
    if let Kind::Method { calls, .. } = &mut own.kind {
        calls[family] = Some(call);
    }
    Ok(())
}

/// The public method whose body calls a slot; none when the family's headers have none or the slot is not bound.
fn public_of<'f>(
    facts: &'f Facts,
    exceptions: &Exceptions<'_>,
    class: &Class,
    family: Family,
    slot: &Slot,
) -> Result<Option<&'f Public>> {
    let Some(signature) = &slot.signature else { return Ok(None) };
    for row in exceptions.unbound.rows() {
        let argument = row.get("argument")?;
        let same_class = ["*", class.name.as_str()].contains(&row.get("class")?);
        let same_argument = argument.is_empty() || signature.args.first().is_some_and(|first| first == argument);
        if same_class && same_argument && row.get("slot")? == slot.method {
            return Ok(None);
        }
    }
    let of_class = facts.publics.iter().filter(|public| public.class == class.name);
    for row in exceptions.slots.rows() {
        if row.get("class")? == class.name && row.get("slot")? == slot.method {
            let (method, text) = (row.get("method")?, row.get("signature")?);
            let public = of_class.clone().find(|public| public.method == method && public.signature.text == text);
            let public =
                public.ok_or_else(|| format!("slots.tsv: no public method {}::{method} {text}", class.name))?;
            return Ok(Some(public).filter(|public| public.since[family].is_some()));
        }
    }
    let named: Vec<&Public> = of_class.filter(|public| public.method == slot.method).collect();
    if named.is_empty() {
        return Err(format!(
            "{}::{} of {} is no public method: say so in unbound.tsv or slots.tsv",
            class.name,
            slot.method,
            family.id()
        )
        .into());
    }
    let here: Vec<&Public> = named.into_iter().filter(|public| public.since[family].is_some()).collect();
    let lower = |signature: &Signature| -> Result<Vec<String>> {
        signature.args.iter().map(|arg| facts.types.lower(arg).map(|c_type| by_value(&c_type.0))).collect()
    };
    let wanted = lower(signature)?;
    for public in here {
        if lower(&public.signature)? == wanted {
            return Ok(Some(public));
        }
    }
    Ok(None)
}

/// A struct by value and by const pointer are the same to callers: headers pass on the address of their argument.
fn by_value(c_type: &str) -> String {
    match c_type.strip_prefix("const ").and_then(|text| text.strip_suffix('*')) {
        Some(text) if text.starts_with(|first: char| first.is_ascii_uppercase()) => text.to_owned(),
        _ => c_type.to_owned(),
    }
}

fn refused(
    exceptions: &Exceptions<'_>,
    family: Family,
    class: &Class,
    offset: Option<u32>,
    slot: usize,
) -> Result<Option<u8>> {
    for row in exceptions.growth.rows() {
        let same = row.get("family")? == family.id() && row.get("class")? == class.name && offset.is_some();
        if same && slot >= row.number("first_slot")? {
            return row.number("minor").map(Some);
        }
    }
    Ok(None)
}

fn doc(class: &Class, public: &Public) -> String {
    let Signature { returns, args, is_const, is_noexcept, .. } = &public.signature;
    let space = if returns.ends_with(['*', '&']) { "" } else { " " };
    let mut text = format!("`{returns}{space}{}::{}({})", class.cpp, public.method, args.join(", "));
    if *is_const {
        text.push_str(" const");
    }
    if *is_noexcept {
        text.push_str(" noexcept");
    }
    text.push('`');
    if !public.deprecated_in.is_empty() {
        text.push_str(&format!(" (deprecated in {})", public.deprecated_in.replace(',', ", ")));
    }
    text
}

/// The C name of a class.
pub(crate) fn c_class(cpp: &str) -> &str {
    types::short(cpp)
}
