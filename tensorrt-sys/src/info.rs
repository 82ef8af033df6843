//! What a library is: product, version, where it was loaded from.

use crate::{Family, Version};
use std::fmt;
use std::path::PathBuf;

/// NVIDIA's products that share the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LibraryKind {
    /// TensorRT: `libnvinfer.so.10` or `.11`.
    TensorRt,
    /// TensorRT for RTX: `libtensorrt_rtx.so.1`.
    Rtx,
    /// TensorRT's lean runtime, which runs version-compatible engines and builds none: `libnvinfer_lean.so`.
    Lean,
    /// TensorRT's dispatch runtime, which finds the lean runtime of an engine's version: `libnvinfer_dispatch.so`.
    Dispatch,
}

impl LibraryKind {
    /// The product's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TensorRt => "TensorRT",
            Self::Rtx => "TensorRT for RTX",
            Self::Lean => "TensorRT's lean runtime",
            Self::Dispatch => "TensorRT's dispatch runtime",
        }
    }
}

/// What a [`Library`](crate::Library) is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The product.
    pub kind: LibraryKind,
    /// The version.
    pub version: Version,
    /// The ABI family, which decides the enum values.
    pub family: Family,
    /// Whether the table is an emulator's.
    pub emulated: bool,
    /// The library's file; none for an emulator.
    pub path: Option<PathBuf>,
    /// The ONNX parser's file.
    pub onnx_parser: Option<PathBuf>,
    /// The plugin library's file.
    pub plugins: Option<PathBuf>,
}

impl Info {
    /// An emulator that presents itself as a release.
    pub fn emulated(family: Family, version: Version) -> Self {
        let kind = if family.is_rtx() { LibraryKind::Rtx } else { LibraryKind::TensorRt };
        Self { kind, version, family, emulated: true, path: None, onnx_parser: None, plugins: None }
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", if self.emulated { "emulated " } else { "" }, self.kind.name(), self.version)
    }
}
