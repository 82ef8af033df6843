//! Values that the network brings along or makes.

use tensorrt_sys::IConstantLayer;

use super::{accessors, layers};
use crate::dims::ToDims;
use crate::error::{Error, ErrorKind, Result};
use crate::network::{NetworkDefinition, Weights};
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// A constant.
    #[doc(alias = "nvinfer1::IConstantLayer")]
    ConstantLayer = IConstantLayer is Constant;
}

accessors! { ConstantLayer:
    "the values; as many as the shape has elements when the network is built" weights,
        weights = IConstantLayer_getWeights "nvinfer1::IConstantLayer::getWeights",
        set_weights = IConstantLayer_setWeights "nvinfer1::IConstantLayer::setWeights";
    "the shape" dims,
        dims = IConstantLayer_getDimensions "nvinfer1::IConstantLayer::getDimensions",
        set_dims = IConstantLayer_setDimensions "nvinfer1::IConstantLayer::setDimensions";
}

impl NetworkDefinition<'_> {
    /// Adds a constant. There are as many values as the shape has elements.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of values is not that of the shape, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConstant")]
    pub fn add_constant(&self, dims: impl ToDims, weights: Weights) -> Result<ConstantLayer<'_>> {
        let dims = dims.to_dims()?;
        let entry = "INetworkDefinition_addConstant";
        if dims.volume() != Some(weights.len()) {
            let said = format!("{} values for the shape {dims}", weights.len());
            return Err(Error::new(ErrorKind::ShapeMismatch, format_args!("call {entry}"), said));
        }
        let (raw, weights) = (dims.to_raw(), self.keep_weights(weights)?);
        let operation = Operation::begin();
        // SAFETY: the network is alive and keeps the weights, whose number is that of the shape; the shape lives during the call.
        let made = unsafe { call!(self.raw, INetworkDefinition_addConstant(&raw const raw, weights)) }?;
        self.added(operation, entry, made.cast())
    }
}
