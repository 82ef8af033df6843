//! Scale, shift and power.

use tensorrt_sys::IScaleLayer;

use super::{accessors, layers};
use crate::ScaleMode;
use crate::network::add::adds;
use crate::network::{Tensor, Weights};

layers! {
    /// `(x * scale + shift) ^ power`, by tensor, channel or element.
    #[doc(alias = "nvinfer1::IScaleLayer")]
    ScaleLayer = IScaleLayer is Scale;
}

adds! {
    /// Adds `(x * scale + shift) ^ power`. Weights are of one type and may be empty; there is one value for the tensor, one for each channel
    /// of an axis, or one for each element.
    #[doc(alias = "nvinfer1::INetworkDefinition::addScaleNd")]
    #[doc(alias = "nvinfer1::INetworkDefinition::addScale")]
    add_scale(
        input: Tensor<'_> as tensor, mode: ScaleMode as value, shift: Weights as weights, scale: Weights as weights,
        power: Weights as weights, channel_axis: u32 as value
    ) -> ScaleLayer by INetworkDefinition_addScaleNd;
}

accessors! { ScaleLayer:
    "what has a value of its own: the tensor, each channel, each element" value ScaleMode,
        mode = IScaleLayer_getMode "nvinfer1::IScaleLayer::getMode",
        set_mode = IScaleLayer_setMode "nvinfer1::IScaleLayer::setMode";
    "what is added; empty for 0" weights,
        shift = IScaleLayer_getShift "nvinfer1::IScaleLayer::getShift",
        set_shift = IScaleLayer_setShift "nvinfer1::IScaleLayer::setShift";
    "what is multiplied by; empty for 1" weights,
        scale = IScaleLayer_getScale "nvinfer1::IScaleLayer::getScale",
        set_scale = IScaleLayer_setScale "nvinfer1::IScaleLayer::setScale";
    "the exponent; empty for 1" weights,
        power = IScaleLayer_getPower "nvinfer1::IScaleLayer::getPower",
        set_power = IScaleLayer_setPower "nvinfer1::IScaleLayer::setPower";
    "the axis of channels; 1 at first" value i32,
        channel_axis = IScaleLayer_getChannelAxis "nvinfer1::IScaleLayer::getChannelAxis",
        set_channel_axis = IScaleLayer_setChannelAxis "nvinfer1::IScaleLayer::setChannelAxis";
}
