//! What an engine knows of an input or output.

use std::ffi::{CStr, CString};
use std::fmt;

use tensorrt_sys::ICudaEngine;

use crate::OptProfileSelector::{Max, Min, Opt};
use crate::builder::ShapeRange;
use crate::dims::Dims;
use crate::element::bytes_of;
use crate::error::{Error, ErrorKind, Result};
use crate::raw::{Raw, call};
use crate::value::{Value, text};
use crate::{DataType, TensorFormat, TensorIOMode, TensorLocation};

/// What an engine knows of an input or output.
#[derive(Clone)]
pub struct TensorInfo {
    c_name: CString,
    name: String,
    io_mode: TensorIOMode,
    data_type: DataType,
    location: TensorLocation,
    shape: Dims,
    format: TensorFormat,
    format_description: String,
    /// The axis along which elements are packed, and how many to a pack.
    packing: Option<(usize, i64)>,
    shape_inference: bool,
    aliased_input: Option<String>,
    /// One range a profile; inputs only.
    ranges: Vec<ShapeRange>,
}

impl TensorInfo {
    pub(super) fn read(engine: &Raw<ICudaEngine>, c_name: CString, num_profiles: usize) -> Result<Self> {
        let library = engine.library();
        let name = c_name.to_string_lossy().into_owned();
        let pointer = c_name.as_ptr();
        // SAFETY: the engine is alive, and the name lives during the call; so for every call below.
        let io_mode = unsafe { call!(engine, ICudaEngine_getTensorIOMode(pointer)) }?;
        // SAFETY: as above.
        let data_type = unsafe { call!(engine, ICudaEngine_getTensorDataType(pointer)) }?;
        // SAFETY: as above.
        let location = unsafe { call!(engine, ICudaEngine_getTensorLocation(pointer)) }?;
        // SAFETY: as above.
        let shape = unsafe { call!(engine, ICudaEngine_getTensorShape(pointer)) }?;
        // SAFETY: as above.
        let format = unsafe { call!(engine, ICudaEngine_getTensorFormat(pointer)) }?;
        // SAFETY: as above.
        let format_description = unsafe { call!(engine, ICudaEngine_getTensorFormatDesc(pointer)) }?;
        // SAFETY: as above.
        let vectorized_dim = unsafe { call!(engine, ICudaEngine_getTensorVectorizedDim(pointer)) }?;
        // SAFETY: as above.
        let components = unsafe { call!(engine, ICudaEngine_getTensorComponentsPerElement(pointer)) }?;
        // SAFETY: as above.
        let shape_inference = unsafe { call!(engine, ICudaEngine_isShapeInferenceIO(pointer)) }?;
        let packing = usize::try_from(vectorized_dim).ok().filter(|_| components > 1);
        let io_mode = <TensorIOMode as Value>::read(library, io_mode, "ICudaEngine::getTensorIOMode")?;
        let mut ranges = Vec::new();
        if io_mode == TensorIOMode::Input && !shape_inference_values_only(shape_inference, location) {
            for profile in 0..num_profiles {
                ranges.push(read_range(engine, &c_name, profile)?);
            }
        }
        Ok(TensorInfo {
            name,
            io_mode,
            data_type: <DataType as Value>::read(library, data_type, "ICudaEngine::getTensorDataType")?,
            location: <TensorLocation as Value>::read(library, location, "ICudaEngine::getTensorLocation")?,
            shape: Dims::known(&shape, "read the shape of a tensor of the engine")?,
            format: <TensorFormat as Value>::read(library, format, "ICudaEngine::getTensorFormat")?,
            // SAFETY: TensorRT returns null or a C string that lives as long as the engine; it is copied at once.
            format_description: unsafe { text(format_description) },
            packing: packing.map(|axis| (axis, i64::from(components))),
            shape_inference,
            aliased_input: aliased_input(engine, &c_name),
            ranges,
            c_name,
        })
    }

    pub(crate) fn c_name(&self) -> &CStr {
        &self.c_name
    }

    /// The name.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getIOTensorName")]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is an input or an output.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorIOMode")]
    pub fn io_mode(&self) -> TensorIOMode {
        self.io_mode
    }

    /// Whether it is an input.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.io_mode == TensorIOMode::Input
    }

    /// The type of the elements.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorDataType")]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The shape; extents that are only known in an inference are -1.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorShape")]
    pub fn shape(&self) -> Dims {
        self.shape
    }

    /// Where its values are: on the device, or on the host for those that are shapes.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorLocation")]
    pub fn location(&self) -> TensorLocation {
        self.location
    }

    /// The memory layout.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorFormat")]
    pub fn format(&self) -> TensorFormat {
        self.format
    }

    /// The memory layout in TensorRT's words.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorFormatDesc")]
    pub fn format_description(&self) -> &str {
        &self.format_description
    }

    /// Whether its values decide the shapes of other tensors.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::isShapeInferenceIO")]
    pub fn is_shape_inference_io(&self) -> bool {
        self.shape_inference
    }

    /// The input with which an output must share its memory.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getAliasedInputTensor")]
    pub fn aliased_input(&self) -> Option<&str> {
        self.aliased_input.as_deref()
    }

    /// The range of shapes that a profile allows; none for outputs.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getProfileShape")]
    pub fn profile_shapes(&self, profile: usize) -> Option<&ShapeRange> {
        self.ranges.get(profile)
    }

    /// The size in bytes of the tensor with a shape, padding of packed layouts included.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if an extent is dynamic, `OutOfMemory` if the size exceeds the address space.
    pub fn bytes(&self, shape: &Dims) -> Result<usize> {
        let padded = match self.packing {
            Some((axis, components)) if axis < shape.len() && shape[axis] >= 0 => shape.with_extent(
                axis,
                shape[axis].div_euclid(components) * components
                    + if shape[axis].rem_euclid(components) == 0 { 0 } else { components },
            ),
            _ => *shape,
        };
        let volume = padded.volume().ok_or_else(|| {
            let tried = format!("size the tensor {:?}", self.name);
            Error::new(ErrorKind::ShapeMismatch, tried, format_args!("its shape {shape} is not fully known"))
        })?;
        bytes_of(self.data_type, volume)
    }
}

/// Whether a tensor has no range of shapes because only its values vary.
fn shape_inference_values_only(shape_inference: bool, location: i32) -> bool {
    // The number of `kHOST` is the same in every family.
    shape_inference && location == 1
}

fn read_range(engine: &Raw<ICudaEngine>, name: &CStr, profile: usize) -> Result<ShapeRange> {
    let library = engine.library();
    let index = i32::try_from(profile).map_err(|_| Error::invalid("read a profile", "its index is too large"))?;
    let read = |selector: crate::OptProfileSelector| {
        let raw = selector.cross(library)?;
        // SAFETY: the engine is alive, the name lives during the call, and the index is below the number of profiles.
        let dims = unsafe { call!(engine, ICudaEngine_getProfileShape(name.as_ptr(), index, raw)) }?;
        Dims::known(&dims, format_args!("read the shapes of {name:?} in profile {profile}"))
    };
    Ok(ShapeRange::new(read(Min)?, read(Opt)?, read(Max)?))
}

/// The aliased input; none where the release has no aliasing.
fn aliased_input(engine: &Raw<ICudaEngine>, name: &CStr) -> Option<String> {
    // SAFETY: the engine is alive, and the name lives during the call.
    let input = unsafe { call!(engine, ICudaEngine_getAliasedInputTensor(name.as_ptr())) }.ok()?;
    // SAFETY: TensorRT returns null or a C string that lives as long as the engine; it is copied at once.
    Some(unsafe { text(input) }).filter(|input| !input.is_empty())
}

impl fmt::Debug for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {} {}", self.io_mode.name(), self.name, self.data_type.name(), self.shape)
    }
}

/// The place of a tensor among an engine's inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(usize);

impl TensorId {
    /// The place as an index of [`Engine::io_tensors`](crate::Engine::io_tensors).
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl Sealed for super::TensorId {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

/// What can be given for a tensor: its name, or the [`TensorId`] that [`Engine::tensor_id`](crate::Engine::tensor_id) returned for it.
pub trait TensorSelector: sealed::Sealed {
    /// Where the tensor is.
    #[doc(hidden)]
    fn find(&self, tensors: &[TensorInfo]) -> Result<TensorId>;
}

impl TensorSelector for str {
    fn find(&self, tensors: &[TensorInfo]) -> Result<TensorId> {
        tensors.iter().position(|tensor| tensor.name == self).map(TensorId).ok_or_else(|| {
            let names: Vec<&str> = tensors.iter().map(TensorInfo::name).collect();
            let said = format!("the engine has {names:?}");
            Error::new(ErrorKind::UnknownName, format_args!("find the tensor {self:?}"), said)
        })
    }
}

impl TensorSelector for String {
    fn find(&self, tensors: &[TensorInfo]) -> Result<TensorId> {
        TensorSelector::find(self.as_str(), tensors)
    }
}

impl TensorSelector for TensorId {
    #[inline]
    fn find(&self, tensors: &[TensorInfo]) -> Result<TensorId> {
        if self.0 < tensors.len() {
            return Ok(*self);
        }
        let said = format!("the engine has {}", tensors.len());
        Err(Error::new(ErrorKind::UnknownName, format_args!("find tensor {}", self.0), said))
    }
}

impl<T: TensorSelector + ?Sized> TensorSelector for &T {
    #[inline]
    fn find(&self, tensors: &[TensorInfo]) -> Result<TensorId> {
        (**self).find(tensors)
    }
}
