//! The four incompatible binary interfaces that TensorRT libraries come in.

/// An ABI family: libraries of one family share vtable layouts and enum values.
///
/// RTX 1.5 broke the layout of RTX 1.3–1.4 under the same file name, so the file name never decides: the version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family {
    /// TensorRT 10.x.
    Trt10,
    /// TensorRT 11.x.
    Trt11,
    /// TensorRT-RTX 1.3 and 1.4.
    RtxOld,
    /// TensorRT-RTX 1.5 and later 1.x.
    RtxNew,
}
