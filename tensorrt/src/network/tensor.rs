//! A tensor of a network.

use std::ptr::NonNull;

use tensorrt_sys::{ITensor, Library};

use super::NetworkDefinition;
use crate::dims::{Dims, ToDims};
use crate::error::{ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, bits, c_string, flags, text};
use crate::{DataType, TensorFormat, TensorLocation};

/// A tensor of a network: a handle that borrows it.
#[derive(Debug, Clone, Copy)]
#[doc(alias = "nvinfer1::ITensor")]
pub struct Tensor<'n> {
    network: &'n NetworkDefinition<'n>,
    pointer: NonNull<ITensor>,
}

impl<'n> Tensor<'n> {
    pub(crate) fn new(network: &'n NetworkDefinition<'_>, pointer: NonNull<ITensor>) -> Self {
        Tensor { network, pointer }
    }

    pub(crate) fn network(&self) -> &'n NetworkDefinition<'n> {
        self.network
    }

    pub(crate) fn as_ptr(&self) -> *mut ITensor {
        self.pointer.as_ptr()
    }

    fn library(&self) -> &Library {
        self.network.library()
    }

    /// The name.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::getName")]
    pub fn name(&self) -> Result<String> {
        // SAFETY: a network's tensors live as long as it.
        let name = unsafe { call!(self, ITensor_getName()) }?;
        // SAFETY: TensorRT returns null or a C string that lives until the name is changed; it is copied at once.
        Ok(unsafe { text(name) })
    }

    /// Renames the tensor. Names of inputs and outputs are what engines call them.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character, `Setting` if TensorRT refuses it.
    #[doc(alias = "nvinfer1::ITensor::setName")]
    pub fn set_name(&self, name: &str) -> Result<()> {
        let string = c_string("name a tensor", name)?;
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it; the name lives during the call and is copied.
        unsafe { call!(self, ITensor_setName(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("name a tensor {name:?}"))
    }

    /// The shape, as far as it is known before an inference; none if not even the rank is.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the layer that makes it, or one before, cannot be computed: TensorRT checks layers when shapes are asked for.
    #[doc(alias = "nvinfer1::ITensor::getDimensions")]
    pub fn dims(&self) -> Result<Option<Dims>> {
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it.
        let raw = unsafe { call!(self, ITensor_getDimensions()) }?;
        let dims = Dims::from_raw(&raw);
        if dims.is_none() {
            operation.silent(self.library(), ErrorKind::ShapeMismatch, "infer a tensor's shape")?;
        }
        Ok(dims)
    }

    /// Changes the shape of an input.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setDimensions")]
    pub fn set_dims(&self, dims: impl ToDims) -> Result<()> {
        let dims = dims.to_dims()?;
        let raw = dims.to_raw();
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it; the shape lives during the call.
        unsafe { call!(self, ITensor_setDimensions(&raw const raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set a tensor's shape to {dims}"))
    }

    /// The type of the elements.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a type that this crate has no name for.
    #[doc(alias = "nvinfer1::ITensor::getType")]
    pub fn data_type(&self) -> Result<DataType> {
        // SAFETY: a network's tensors live as long as it.
        let raw = unsafe { call!(self, ITensor_getType()) }?;
        <DataType as Value>::read(self.library(), raw, "ITensor::getType")
    }

    /// Changes the type of the elements of an input or output. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setType")]
    pub fn set_data_type(&self, data_type: DataType) -> Result<()> {
        let raw = data_type.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_setType(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set a tensor's type to {data_type}"))
    }

    /// Whether it is an input of the network.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::isNetworkInput")]
    pub fn is_network_input(&self) -> Result<bool> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_isNetworkInput()) }
    }

    /// Whether it is an output of the network.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::isNetworkOutput")]
    pub fn is_network_output(&self) -> Result<bool> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_isNetworkOutput()) }
    }

    /// Whether its values are a shape, computed on the host.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::isShapeTensor")]
    pub fn is_shape_tensor(&self) -> Result<bool> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_isShapeTensor()) }
    }

    /// Whether its values are computed on the device.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::isExecutionTensor")]
    pub fn is_execution_tensor(&self) -> Result<bool> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_isExecutionTensor()) }
    }

    /// Where it is stored. TensorRT only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT for RTX.
    #[doc(alias = "nvinfer1::ITensor::getLocation")]
    pub fn location(&self) -> Result<TensorLocation> {
        // SAFETY: a network's tensors live as long as it.
        let raw = unsafe { call!(self, ITensor_getLocation()) }?;
        <TensorLocation as Value>::read(self.library(), raw, "ITensor::getLocation")
    }

    /// Sets where an input is stored. TensorRT only, and deprecated by NVIDIA: shape tensors are on the host by themselves.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT for RTX, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setLocation")]
    pub fn set_location(&self, location: TensorLocation) -> Result<()> {
        let raw = location.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_setLocation(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("store a tensor in {location}"))
    }

    /// Whether one value serves a whole implicit batch: never since TensorRT 10. TensorRT only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT for RTX.
    #[doc(alias = "nvinfer1::ITensor::getBroadcastAcrossBatch")]
    pub fn broadcast_across_batch(&self) -> Result<bool> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_getBroadcastAcrossBatch()) }
    }

    /// Sets whether one value serves a whole implicit batch, which has no effect since TensorRT 10. TensorRT only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT for RTX.
    #[doc(alias = "nvinfer1::ITensor::setBroadcastAcrossBatch")]
    pub fn set_broadcast_across_batch(&self, broadcast: bool) -> Result<()> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_setBroadcastAcrossBatch(broadcast)) }
    }

    /// The memory layouts that an input or output may have.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::getAllowedFormats")]
    pub fn allowed_formats(&self) -> Result<Vec<TensorFormat>> {
        // SAFETY: a network's tensors live as long as it.
        let bits = unsafe { call!(self, ITensor_getAllowedFormats()) }?;
        Ok(flags(self.library(), bits))
    }

    /// Sets the memory layouts that an input or output may have.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setAllowedFormats")]
    pub fn set_allowed_formats(&self, formats: &[TensorFormat]) -> Result<()> {
        let bits = bits(self.library(), formats)?;
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_setAllowedFormats(bits)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("allow the formats {formats:?}"))
    }

    /// The name of a dimension of an input; none if it has no name.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ITensor::getDimensionName")]
    pub fn dimension_name(&self, axis: u32) -> Result<Option<String>> {
        let axis = axis.cross(self.library())?;
        // SAFETY: a network's tensors live as long as it.
        let name = unsafe { call!(self, ITensor_getDimensionName(axis)) }?;
        // SAFETY: TensorRT returns null or a C string that lives until the name is changed; it is copied at once.
        Ok(Some(unsafe { text(name) }).filter(|name| !name.is_empty()))
    }

    /// Names a dimension of an input: dimensions of equal names have equal extents.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setDimensionName")]
    pub fn set_dimension_name(&self, axis: u32, name: &str) -> Result<()> {
        let string = c_string("name a dimension", name)?;
        let axis = axis.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it; the name lives during the call and is copied.
        unsafe { call!(self, ITensor_setDimensionName(axis, string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("name dimension {axis} {name:?}"))
    }

    /// Sets the range of values that int8 stands for. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ITensor::setDynamicRange")]
    pub fn set_dynamic_range(&self, min: f32, max: f32) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: a network's tensors live as long as it.
        let taken = unsafe { call!(self, ITensor_setDynamicRange(min, max)) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("set the range {min} to {max}"), taken)
    }

    /// Takes [`set_dynamic_range`](Self::set_dynamic_range) back. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::ITensor::resetDynamicRange")]
    pub fn reset_dynamic_range(&self) -> Result<()> {
        // SAFETY: a network's tensors live as long as it.
        unsafe { call!(self, ITensor_resetDynamicRange()) }
    }

    /// The range of values that int8 stands for; none if it was not set. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::ITensor::getDynamicRangeMin")]
    #[doc(alias = "nvinfer1::ITensor::getDynamicRangeMax")]
    #[doc(alias = "nvinfer1::ITensor::dynamicRangeIsSet")]
    pub fn dynamic_range(&self) -> Result<Option<(f32, f32)>> {
        // SAFETY: a network's tensors live as long as it.
        if !unsafe { call!(self, ITensor_dynamicRangeIsSet()) }? {
            return Ok(None);
        }
        // SAFETY: as above.
        let min = unsafe { call!(self, ITensor_getDynamicRangeMin()) }?;
        // SAFETY: as above.
        let max = unsafe { call!(self, ITensor_getDynamicRangeMax()) }?;
        Ok(Some((min, max)))
    }
}

impl PartialEq for Tensor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.pointer == other.pointer
    }
}

impl Eq for Tensor<'_> {}
