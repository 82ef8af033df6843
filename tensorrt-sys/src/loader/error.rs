//! Why no library was loaded.

use super::search::VARIABLE;
use crate::Version;
use std::path::Path;

/// Why no library was loaded. The message says what was looked for and where, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    kind: LoadErrorKind,
    message: String,
}

/// What kind of failure a [`LoadError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// There is no such file.
    NotFound,
    /// The system's loader refuses the file: it is damaged, of another machine, or needs a library that is missing.
    Unloadable,
    /// The file is a library, but not TensorRT's, its ONNX parser's or its plugins'.
    NotTensorRt,
    /// It is a TensorRT whose binary interface this crate does not know.
    UnsupportedVersion,
    /// It is another product or major version than the one asked for.
    Unexpected,
    /// The ONNX parser is of another release than the library.
    OtherRelease,
}

/// A place that was searched in vain.
#[derive(Debug)]
pub(super) struct Looked(String);

impl Looked {
    pub(super) fn folder(path: &Path) -> Self {
        Self(format!("in {}: no such file", path.display()))
    }

    pub(super) fn absent(path: &Path) -> Self {
        Self(format!("at {}: no such file or folder", path.display()))
    }

    pub(super) fn variable(path: &Path) -> Self {
        let state = if path.is_dir() { "no such file" } else { "no such folder" };
        Self(format!("in {} (from {VARIABLE}): {state}", path.display()))
    }

    pub(super) fn system(file: &str) -> Self {
        Self(format!("for {file} where the system's loader looks (LD_LIBRARY_PATH, ld.so.conf): no such file"))
    }
}

/// Whether the system's loader found no file of the name. Otherwise it found one and refuses it, or a library that it needs
/// is missing.
pub(super) fn is_absent(file: &str, error: &libloading::Error) -> bool {
    let text = describe(error);
    // Windows does not say which file is missing.
    cfg!(windows)
        || text.contains(&format!("{file}: cannot open shared object file"))
        || text.contains("image not found")
}

/// What the system's loader said.
fn describe(error: &libloading::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

impl LoadError {
    fn new(kind: LoadErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> LoadErrorKind {
        self.kind
    }

    pub(super) fn not_found(files: &[String], looked: &[Looked]) -> Self {
        let files = match files.split_last() {
            None => {
                return Self::new(
                    LoadErrorKind::NotFound,
                    "no TensorRT has the major version that was asked for".into(),
                );
            }
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        };
        let mut message = format!("{files} was not found. Looked");
        for Looked(place) in looked {
            message.push_str(&format!("\n  {place}"));
        }
        message.push_str(&format!(
            "\nSet {VARIABLE} to the folder that has it, or install it: TensorRT with `pip install tensorrt` or NVIDIA's \
             package libnvinfer-bin, TensorRT for RTX with `pip install tensorrt-rtx`. \
             To run without a GPU, use the emulator (crate tensorrt-emulator)."
        ));
        Self::new(LoadErrorKind::NotFound, message)
    }

    pub(super) fn companion_not_found(what: &str, path: &Path) -> Self {
        Self::new(LoadErrorKind::NotFound, format!("the {what} {} does not exist", path.display()))
    }

    pub(super) fn unloadable(path: &Path, error: &libloading::Error) -> Self {
        let message = format!("{} cannot be loaded: {}", path.display(), describe(error));
        Self::new(LoadErrorKind::Unloadable, message)
    }

    pub(super) fn not_tensorrt(place: &str) -> Self {
        Self::no_symbol(place, "TensorRT library", "getInferLibVersion")
    }

    pub(super) fn no_symbol(place: &str, what: &str, symbol: &str) -> Self {
        Self::new(LoadErrorKind::NotTensorRt, format!("{place} is no {what}: it has no {symbol}"))
    }

    pub(super) fn unsupported_version(place: &str, number: i32) -> Self {
        let version = Version::from_number(number).map_or_else(|| number.to_string(), |version| version.to_string());
        let message = format!(
            "{place} is version {version}, whose binary interface is not known: \
             supported are TensorRT 10 and 11, and TensorRT for RTX 1.3 and later 1.x"
        );
        Self::new(LoadErrorKind::UnsupportedVersion, message)
    }

    pub(super) fn unexpected(place: &str, found: &str, asked: &str) -> Self {
        Self::new(LoadErrorKind::Unexpected, format!("{place} is {found}, not {asked}"))
    }

    pub(super) fn other_release(place: &str, major: u32, minor: u32, version: Version) -> Self {
        let message = format!("the ONNX parser {place} is of release {major}.{minor}, the library of {version}");
        Self::new(LoadErrorKind::OtherRelease, message)
    }
}
