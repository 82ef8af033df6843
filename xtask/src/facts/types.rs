//! How NVIDIA's C++ types are spelled in the shim's C header.
//!
//! Objects and references become pointers, enums and flag sets their underlying integers, structs stay structs. All of
//! them have the same size, alignment and calling convention as the C++ type, so the shim declares its classes with them.

use super::{Enum, Pod, Table};
use crate::Result;
use std::collections::BTreeMap;

/// A type in C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CType(pub(crate) String);

impl CType {
    /// Nothing is returned.
    pub(crate) fn is_void(&self) -> bool {
        self.0 == "void"
    }
}

/// What a C++ name is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// An integer, a float or an alias: the C text.
    Value(String),
    /// A struct of the same name.
    Pod,
    /// An opaque class: only pointers to it cross, and never const ones.
    Object,
}

/// The names that may appear in signatures.
#[derive(Debug)]
pub(crate) struct Types {
    names: BTreeMap<String, Named>,
    enums: BTreeMap<String, String>,
}

impl Types {
    /// Collects the names of `types.tsv`, the enums, the structs and the classes.
    pub(super) fn load<'c>(
        table: &Table,
        enums: &[Enum],
        pods: &[Pod],
        classes: impl Iterator<Item = &'c str>,
    ) -> Result<Self> {
        let mut names = BTreeMap::new();
        let mut underlying = BTreeMap::new();
        for class in classes {
            names.insert(short(class).to_owned(), Named::Object);
        }
        for item in enums {
            names.insert(item.cpp_short().to_owned(), Named::Value("int32_t".to_owned()));
        }
        for pod in pods {
            names.insert(pod.name.clone(), Named::Pod);
        }
        for row in table.rows() {
            let (name, c_type) = (row.get("type")?, row.get("c_type")?);
            let named = match row.get("kind")? {
                "object" => Named::Object,
                "scalar" | "alias" => Named::Value(c_type.to_owned()),
                "enum" => {
                    underlying.insert(name.to_owned(), c_type.to_owned());
                    Named::Value(c_type.to_owned())
                }
                other => return Err(format!("types.tsv: kind '{other}' of {name}").into()),
            };
            names.insert(name.to_owned(), named);
        }
        Ok(Self { names, enums: underlying })
    }

    /// The integer under an enum.
    pub(crate) fn underlying(&self, cpp_enum: &str) -> &str {
        self.enums.get(cpp_enum).map_or("int32_t", String::as_str)
    }

    /// Spells a C++ type in C.
    pub(crate) fn lower(&self, cpp: &str) -> Result<CType> {
        let spaced = cpp.replace('*', " * ").replace('&', " & ");
        let mut base = None;
        let mut is_const = false;
        // One element a pointer level: whether that pointer is itself const.
        let mut levels: Vec<bool> = Vec::new();
        for word in spaced.split_whitespace() {
            match word {
                "*" | "&" => levels.push(false),
                "const" => match levels.last_mut() {
                    Some(level) => *level = true,
                    None => is_const = true,
                },
                name => base = Some(short(name)),
            }
        }
        let base = base.ok_or_else(|| format!("'{cpp}' is no type"))?;
        let named = self.names.get(base).ok_or_else(|| format!("the type '{base}' in '{cpp}' is in no table"))?;
        let (text, is_const) = match named {
            Named::Value(text) => (text.as_str(), is_const),
            Named::Pod => (base, is_const),
            Named::Object if levels.is_empty() => return Err(format!("the class '{base}' by value in '{cpp}'").into()),
            Named::Object => (base, false),
        };
        let Some(last) = levels.len().checked_sub(1) else { return Ok(CType(text.to_owned())) };
        let mut out = if is_const { format!("const {text}") } else { text.to_owned() };
        for (index, is_const) in levels.into_iter().enumerate() {
            out.push('*');
            if is_const && index != last {
                out.push_str(" const");
            }
        }
        Ok(CType(out))
    }

    /// The opaque classes, by name.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|(_, named)| **named == Named::Object).map(|(name, _)| name.as_str())
    }
}

/// A name without its namespaces.
pub(super) fn short(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Types;
    use std::path::Path;

    fn lower(cpp: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tensorrt-sys/facts");
        let types: Types = crate::facts::Facts::load(&folder).unwrap().types;
        types.lower(cpp).map_or_else(|error| error.to_string(), |c_type| c_type.0)
    }

    #[test]
    fn spelled_in_c() {
        for (cpp, c) in [
            ("ITensor &", "ITensor*"),
            ("const nvinfer1::ILayer *", "ILayer*"),
            ("ITensor *const *", "ITensor* const*"),
            ("IHostMemory *&", "IHostMemory**"),
            ("const Dims &", "const Dims*"),
            ("Weights", "Weights"),
            ("const nvinfer1::DataType *", "const int32_t*"),
            ("const char *const *", "const char* const*"),
            ("IErrorRecorder *const", "IErrorRecorder*"),
            ("cudaStream_t *", "void**"),
            ("std::size_t &", "size_t*"),
        ] {
            assert_eq!(lower(cpp), c, "{cpp}");
        }
        assert!(lower("Unheard *").contains("in no table"));
        assert!(lower("ITensor").contains("by value"));
    }
}
