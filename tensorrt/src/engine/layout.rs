//! How the elements of a tensor lie in memory, in one profile.

use super::{Engine, TensorSelector};
use crate::TensorFormat;
use crate::error::Result;
use crate::raw::call;
use crate::value::{Value, text};

/// How the elements of an input or output lie in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorLayout {
    /// The memory layout.
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorFormat")]
    pub format: TensorFormat,
    /// The memory layout in TensorRT's words.
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorFormatDesc")]
    pub description: String,
    /// The axis along which elements are packed; none for linear layouts.
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorVectorizedDim")]
    pub vectorized_dim: Option<usize>,
    /// How many elements make a pack; none for linear layouts.
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorComponentsPerElement")]
    pub components_per_element: Option<usize>,
    /// The bytes of a component of a pack; none for linear layouts.
    #[doc(alias = "nvinfer1::ICudaEngine::getTensorBytesPerComponent")]
    pub bytes_per_component: Option<usize>,
}

impl Engine {
    /// How a tensor lies in memory when an optimization profile is in use.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such tensor or profile.
    pub fn tensor_layout(&self, tensor: impl TensorSelector, profile: usize) -> Result<TensorLayout> {
        let profile = self.profile_index(profile)?;
        let name = self.tensor(tensor)?.c_name().as_ptr();
        // SAFETY: the engine is alive, the name lives during the call, and the index is below the number of profiles; so for every call
        // below.
        let format = unsafe { call!(self.raw(), ICudaEngine_getTensorFormatV2(name, profile)) }?;
        // SAFETY: as above.
        let description = unsafe { call!(self.raw(), ICudaEngine_getTensorFormatDescV2(name, profile)) }?;
        // SAFETY: as above.
        let vectorized = unsafe { call!(self.raw(), ICudaEngine_getTensorVectorizedDimV2(name, profile)) }?;
        // SAFETY: as above.
        let components = unsafe { call!(self.raw(), ICudaEngine_getTensorComponentsPerElementV2(name, profile)) }?;
        // SAFETY: as above.
        let bytes = unsafe { call!(self.raw(), ICudaEngine_getTensorBytesPerComponentV2(name, profile)) }?;
        let known = |raw: i32| usize::try_from(raw).ok();
        Ok(TensorLayout {
            format: <TensorFormat as Value>::read(self.library(), format, "ICudaEngine::getTensorFormat")?,
            // SAFETY: TensorRT returns null or a C string that lives as long as the engine; it is copied at once.
            description: unsafe { text(description) },
            vectorized_dim: known(vectorized),
            components_per_element: known(components),
            bytes_per_component: known(bytes),
        })
    }

    /// Whether a tensor of the network, by its name, was marked to be debugged.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::isDebugTensor")]
    pub fn is_debug_tensor(&self, name: &str) -> Result<bool> {
        let name = crate::value::c_string("ask about the tensor", name)?;
        // SAFETY: the engine is alive, and the name lives during the call.
        unsafe { call!(self.raw(), ICudaEngine_isDebugTensor(name.as_ptr())) }
    }
}
