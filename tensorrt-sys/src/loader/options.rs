//! Which library to load, and from where.

use crate::LibraryKind;
use std::path::{Path, PathBuf};

/// Which library to load, and from where.
///
/// Without a path, the folders of the environment variable `TENSORRT_LIB_DIR` are searched when it is set (several as in
/// `PATH`), and otherwise the places of the system's loader. Without a kind, TensorRT is looked for before TensorRT for RTX;
/// lean and dispatch runtimes are only loaded when asked for.
///
/// ```
/// use tensorrt_sys::{LibraryKind, LoadOptions};
///
/// let options = LoadOptions::new().kind(LibraryKind::TensorRt).major(10).path("/opt/TensorRT-10.16/lib");
/// ```
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    pub(super) kind: Option<LibraryKind>,
    pub(super) major: Option<u32>,
    pub(super) path: Option<PathBuf>,
    pub(super) onnx_parser: Option<PathBuf>,
    pub(super) plugins: Option<PathBuf>,
}

impl LoadOptions {
    /// Any TensorRT, or else any TensorRT for RTX.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this product.
    pub fn kind(mut self, kind: LibraryKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only this major version.
    pub fn major(mut self, major: u32) -> Self {
        self.major = Some(major);
        self
    }

    /// This library file, or the library in this folder; nothing else is searched.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// This ONNX parser instead of the one beside the library. It must be of the library's release.
    pub fn onnx_parser(mut self, path: impl AsRef<Path>) -> Self {
        self.onnx_parser = Some(path.as_ref().to_path_buf());
        self
    }

    /// This plugin library instead of the one beside the library. It must be of the library's release.
    pub fn plugins(mut self, path: impl AsRef<Path>) -> Self {
        self.plugins = Some(path.as_ref().to_path_buf());
        self
    }
}
