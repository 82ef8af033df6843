//! File names of the libraries, and the folders in which packages put them.

use super::LoadOptions;
use crate::LibraryKind;
use std::path::{Path, PathBuf};

/// A product and a major version: one file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: LibraryKind,
    pub(super) major: u32,
}

/// Every target, the preferred first.
const TARGETS: [Target; 7] = [
    Target { kind: LibraryKind::TensorRt, major: 11 },
    Target { kind: LibraryKind::TensorRt, major: 10 },
    Target { kind: LibraryKind::Rtx, major: 1 },
    Target { kind: LibraryKind::Lean, major: 11 },
    Target { kind: LibraryKind::Lean, major: 10 },
    Target { kind: LibraryKind::Dispatch, major: 11 },
    Target { kind: LibraryKind::Dispatch, major: 10 },
];

impl Target {
    /// The targets that the options leave.
    pub(super) fn all(options: &LoadOptions) -> Vec<Self> {
        let asked = |target: &Self| match options.kind {
            Some(kind) => target.kind == kind,
            None => matches!(target.kind, LibraryKind::TensorRt | LibraryKind::Rtx),
        };
        TARGETS
            .into_iter()
            .filter(|target| asked(target) && options.major.is_none_or(|major| target.major == major))
            .collect()
    }

    /// The library's file name.
    pub(super) fn file(self) -> String {
        let stem = match self.kind {
            LibraryKind::TensorRt => "nvinfer",
            LibraryKind::Rtx => "tensorrt_rtx",
            LibraryKind::Lean => "nvinfer_lean",
            LibraryKind::Dispatch => "nvinfer_dispatch",
        };
        versioned(stem, self.major)
    }
}

/// The file name of the ONNX parser of a product.
pub(super) fn onnx_parser(kind: LibraryKind, major: u32) -> Option<String> {
    match kind {
        LibraryKind::TensorRt => Some(versioned("nvonnxparser", major)),
        LibraryKind::Rtx => Some(versioned("tensorrt_onnxparser_rtx", major)),
        LibraryKind::Lean | LibraryKind::Dispatch => None,
    }
}

/// The file name of the plugin library of a product.
pub(super) fn plugins(kind: LibraryKind, major: u32) -> Option<String> {
    (kind == LibraryKind::TensorRt).then(|| versioned("nvinfer_plugin", major))
}

fn versioned(stem: &str, major: u32) -> String {
    if cfg!(windows) { format!("{stem}_{major}.dll") } else { format!("lib{stem}.so.{major}") }
}

/// The folders below a given one in which NVIDIA's archives, pip and virtual environments keep libraries; itself first.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    const PIP: [&str; 4] = ["tensorrt_libs", "tensorrt_rtx_libs", "tensorrt_lean_libs", "tensorrt_dispatch_libs"];
    let mut folders = vec![folder.to_path_buf()];
    folders.extend(["lib", "lib64", "bin"].map(|name| folder.join(name)));
    folders.extend(PIP.map(|name| folder.join(name)));
    // A virtual environment: lib/python3.12/site-packages.
    let pythons = std::fs::read_dir(folder.join("lib")).into_iter().flatten().flatten().map(|entry| entry.path());
    for python in pythons.filter(|path| path.join("site-packages").is_dir()) {
        folders.extend(PIP.map(|name| python.join("site-packages").join(name)));
    }
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// The versions in a file name: `[10, 16, 1]` of `libnvonnxparser.so.10.16.1`.
pub(super) fn version_in_name(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some((_, versions)) = name.split_once(".so.") else { return Vec::new() };
    versions.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Target, onnx_parser, version_in_name};
    use crate::{LibraryKind, LoadOptions};
    use std::path::Path;

    fn files(options: LoadOptions) -> Vec<String> {
        Target::all(&options).into_iter().map(Target::file).collect()
    }

    #[test]
    #[cfg(not(windows))]
    fn files_of_the_options() {
        assert_eq!(files(LoadOptions::new()), ["libnvinfer.so.11", "libnvinfer.so.10", "libtensorrt_rtx.so.1"]);
        assert_eq!(files(LoadOptions::new().major(10)), ["libnvinfer.so.10"]);
        let lean = LoadOptions::new().kind(LibraryKind::Lean);
        assert_eq!(files(lean), ["libnvinfer_lean.so.11", "libnvinfer_lean.so.10"]);
        assert_eq!(onnx_parser(LibraryKind::Rtx, 1).as_deref(), Some("libtensorrt_onnxparser_rtx.so.1"));
    }

    #[test]
    fn versions_in_names() {
        assert_eq!(version_in_name(Path::new("/a/libnvonnxparser.so.10.16.1")), [10, 16, 1]);
        assert_eq!(version_in_name(Path::new("libnvonnxparser.so.10")), [10]);
        assert!(version_in_name(Path::new("libnvonnxparser.so")).is_empty());
    }
}
