//! A set of NVIDIA's headers on disk.

use crate::Result;
use crate::facts::Family;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The headers of one release.
#[derive(Debug)]
pub(super) struct HeaderSet {
    /// The family that the release belongs to.
    pub(super) family: Family,
    /// The folder with `NvInfer.h`.
    pub(super) folder: PathBuf,
    /// The release's minor version.
    pub(super) minor: u8,
    /// The release's patch version.
    patch: u8,
    /// Every identifier that the headers use outside comments.
    identifiers: BTreeSet<String>,
}

/// The headers that a checker includes.
pub(super) const INCLUDED: [&str; 4] = ["NvInfer.h", "NvInferPlugin.h", "NvOnnxParser.h", "NvOnnxConfig.h"];

impl HeaderSet {
    /// Reads the headers of a folder and tells their release.
    pub(super) fn open(family: Family, folder: &Path) -> Result<Self> {
        let mut identifiers = BTreeSet::new();
        for file in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "h") {
                let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                collect(&text, &mut identifiers);
            }
        }
        let path = folder.join("NvInferVersion.h");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let number = |name: &str| {
            define(&text, name).ok_or_else(|| format!("{} does not say NV_TENSORRT_{name}", path.display()))
        };
        let (major, minor, patch) = (number("MAJOR")?, number("MINOR")?, number("PATCH")?);
        if u32::from(major) != family.major() {
            return Err(format!("{} is of {major}.{minor}, not of {}", folder.display(), family.title()).into());
        }
        Ok(Self { family, folder: folder.to_owned(), minor, patch, identifiers })
    }

    /// Whether code of the headers uses a name.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.identifiers.contains(name)
    }

    /// Whether this is the family's last release, from which its tables are.
    pub(super) fn is_last(&self) -> bool {
        let [_, last] = self.family.release_columns();
        last.split('.').nth(1).and_then(|minor| minor.parse().ok()) == Some(self.minor)
    }

    /// Whether the set has the header of a class's library: NVIDIA's repository came without the parser's until 10.14.
    pub(super) fn covers(&self, class: &str) -> bool {
        !class.starts_with("nvonnxparser::") || self.folder.join("NvOnnxParser.h").exists()
    }

    /// The name in file names: `trt11-11.4`.
    pub(super) fn id(&self) -> String {
        format!("{}-{}.{}.{}", self.family.id(), self.family.major(), self.minor, self.patch)
    }
}

impl fmt::Display for HeaderSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vs {}.{}.{}", self.family.id(), self.family.major(), self.minor, self.patch)
    }
}

/// The value of `NV_TENSORRT_<name>`: a number, or a macro that is one.
fn define(text: &str, name: &str) -> Option<u8> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next()).flatten()
        })
    };
    let first = value(&format!("NV_TENSORRT_{name}"))?;
    first.parse().ok().or_else(|| value(first)?.parse().ok())
}

/// Adds the identifiers of a text that are not in comments.
fn collect(text: &str, identifiers: &mut BTreeSet<String>) {
    let mut rest = text;
    let mut code = String::new();
    while let Some(start) = rest.find("/*") {
        code.push_str(&rest[..start]);
        rest = rest[start..].split_once("*/").map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    for line in code.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        identifiers.extend(words.map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::{collect, define};
    use std::collections::BTreeSet;

    #[test]
    fn versions_are_numbers_or_macros() {
        let text =
            "#define TRT_MINOR_RTX 7\n#define NV_TENSORRT_MAJOR 1 //!< x\n#define NV_TENSORRT_MINOR TRT_MINOR_RTX\n";
        assert_eq!((define(text, "MAJOR"), define(text, "MINOR"), define(text, "PATCH")), (Some(1), Some(7), None));
    }

    #[test]
    fn comments_name_nothing() {
        let mut found = BTreeSet::new();
        collect("int a; // b\n/* c\n d */ e::f /* g */", &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "e", "f", "int"]);
    }
}
