//! Where layers run: GPU or DLA.

use super::BuilderConfig;
use crate::DeviceType;
use crate::error::{Error, ErrorKind, Result};
use crate::network::Layer;
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, properties};

impl BuilderConfig<'_> {
    properties! {
        /// Where layers run by default.
        #[doc(alias = "nvinfer1::IBuilderConfig::getDefaultDeviceType")]
        get default_device_type => IBuilderConfig_getDefaultDeviceType: DeviceType;
        /// Sets where layers run by default.
        #[doc(alias = "nvinfer1::IBuilderConfig::setDefaultDeviceType")]
        set set_default_device_type => IBuilderConfig_setDefaultDeviceType: DeviceType;
        /// The DLA core that the engine uses.
        #[doc(alias = "nvinfer1::IBuilderConfig::getDLACore")]
        get dla_core => IBuilderConfig_getDLACore: i32;
        /// Sets the DLA core that the engine uses.
        #[doc(alias = "nvinfer1::IBuilderConfig::setDLACore")]
        set set_dla_core => IBuilderConfig_setDLACore: i32;
    }

    /// Sets where a layer runs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the layer is of another builder, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IBuilderConfig::setDeviceType")]
    pub fn set_device_type<K>(&mut self, layer: Layer<'_, K>, device_type: DeviceType) -> Result<()> {
        self.same_builder(layer)?;
        let raw = device_type.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: configuration and layer are alive and of one builder (checked above).
        unsafe { call!(self.raw, IBuilderConfig_setDeviceType(layer.as_layer_ptr(), raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set a layer's device to {device_type}"))
    }

    /// Where a layer runs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the layer is of another builder.
    #[doc(alias = "nvinfer1::IBuilderConfig::getDeviceType")]
    pub fn device_type<K>(&self, layer: Layer<'_, K>) -> Result<DeviceType> {
        self.same_builder(layer)?;
        // SAFETY: configuration and layer are alive and of one builder (checked above).
        let raw = unsafe { call!(self.raw, IBuilderConfig_getDeviceType(layer.as_layer_ptr())) }?;
        DeviceType::from_raw(self.library().family(), raw)
            .ok_or_else(|| crate::value::unknown("IBuilderConfig::getDeviceType", raw))
    }

    /// Whether it was set where a layer runs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the layer is of another builder.
    #[doc(alias = "nvinfer1::IBuilderConfig::isDeviceTypeSet")]
    pub fn is_device_type_set<K>(&self, layer: Layer<'_, K>) -> Result<bool> {
        self.same_builder(layer)?;
        // SAFETY: configuration and layer are alive and of one builder (checked above).
        unsafe { call!(self.raw, IBuilderConfig_isDeviceTypeSet(layer.as_layer_ptr())) }
    }

    /// Takes back where a layer runs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the layer is of another builder.
    #[doc(alias = "nvinfer1::IBuilderConfig::resetDeviceType")]
    pub fn reset_device_type<K>(&mut self, layer: Layer<'_, K>) -> Result<()> {
        self.same_builder(layer)?;
        // SAFETY: configuration and layer are alive and of one builder (checked above).
        unsafe { call!(self.raw, IBuilderConfig_resetDeviceType(layer.as_layer_ptr())) }
    }

    /// Whether a layer can run on a DLA.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the layer is of another builder.
    #[doc(alias = "nvinfer1::IBuilderConfig::canRunOnDLA")]
    pub fn can_run_on_dla<K>(&self, layer: Layer<'_, K>) -> Result<bool> {
        self.same_builder(layer)?;
        // SAFETY: configuration and layer are alive and of one builder (checked above).
        unsafe { call!(self.raw, IBuilderConfig_canRunOnDLA(layer.as_layer_ptr())) }
    }

    fn same_builder<K>(&self, layer: Layer<'_, K>) -> Result<()> {
        if std::ptr::eq(layer.network().builder(), self.builder) {
            return Ok(());
        }
        Err(Error::invalid("configure a layer", "the layer is of another builder"))
    }
}
