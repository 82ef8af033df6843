//! Normalizations.

use tensorrt_sys::{ILRNLayer, INormalizationLayer};

use super::{accessors, layers};
use crate::DataType;
use crate::error::Result;
use crate::network::Tensor;
use crate::network::add::adds;
use crate::raw::call;

layers! {
    /// Layer, instance or group normalization.
    #[doc(alias = "nvinfer1::INormalizationLayer")]
    NormalizationLayer = INormalizationLayer is Normalization;
    /// Local response normalization across channels.
    #[doc(alias = "nvinfer1::ILRNLayer")]
    LrnLayer = ILRNLayer is Lrn;
}

adds! {
    /// Adds a normalization over axes, scaled and shifted by channel: `scale` and `bias` have the input's rank and an extent of 1 on every
    /// axis that is not the channels'. Deprecated by NVIDIA in favour of [`add_normalization_v2`](Self::add_normalization_v2).
    #[doc(alias = "nvinfer1::INetworkDefinition::addNormalization")]
    add_normalization(input: Tensor<'_> as tensor, scale: Tensor<'_> as tensor, bias: Tensor<'_> as tensor, axes: &[u32] as axes)
    -> NormalizationLayer by INetworkDefinition_addNormalization;

    /// Adds a normalization over axes, scaled and shifted by tensors that are broadcast to the input.
    #[doc(alias = "nvinfer1::INetworkDefinition::addNormalizationV2")]
    add_normalization_v2(input: Tensor<'_> as tensor, scale: Tensor<'_> as tensor, bias: Tensor<'_> as tensor, axes: &[u32] as axes)
    -> NormalizationLayer by INetworkDefinition_addNormalizationV2;

    /// Adds a normalization by the squares of neighbouring channels: `x / (k + alpha * mean of squares) ^ beta`, over a window of an odd
    /// number of channels.
    #[doc(alias = "nvinfer1::INetworkDefinition::addLRN")]
    add_lrn(input: Tensor<'_> as tensor, window: i64 as value, alpha: f32 as value, beta: f32 as value, k: f32 as value) -> LrnLayer
    by INetworkDefinition_addLRN;
}

accessors! { NormalizationLayer:
    "what is added to the variance; 1e-5 at first" value f32,
        epsilon = INormalizationLayer_getEpsilon "nvinfer1::INormalizationLayer::getEpsilon",
        set_epsilon = INormalizationLayer_setEpsilon "nvinfer1::INormalizationLayer::setEpsilon";
    "the axes over which mean and variance are taken" axes,
        axes = INormalizationLayer_getAxes "nvinfer1::INormalizationLayer::getAxes",
        set_axes = INormalizationLayer_setAxes "nvinfer1::INormalizationLayer::setAxes";
    "the number of groups of channels; 1 at first, other numbers are group normalization" value i64,
        num_groups = INormalizationLayer_getNbGroups "nvinfer1::INormalizationLayer::getNbGroups",
        set_num_groups = INormalizationLayer_setNbGroups "nvinfer1::INormalizationLayer::setNbGroups";
    "the precision of mean and variance; TensorRT 10 and RTX 1.4 only" value DataType,
        compute_precision = INormalizationLayer_getComputePrecision "nvinfer1::INormalizationLayer::getComputePrecision",
        set_compute_precision = INormalizationLayer_setComputePrecision "nvinfer1::INormalizationLayer::setComputePrecision";
}

accessors! { LrnLayer:
    "the number of channels of a window" value i64,
        window_size = ILRNLayer_getWindowSize "nvinfer1::ILRNLayer::getWindowSize",
        set_window_size = ILRNLayer_setWindowSize "nvinfer1::ILRNLayer::setWindowSize";
    "the factor of the sum of squares" value f32,
        alpha = ILRNLayer_getAlpha "nvinfer1::ILRNLayer::getAlpha",
        set_alpha = ILRNLayer_setAlpha "nvinfer1::ILRNLayer::setAlpha";
    "the exponent" value f32,
        beta = ILRNLayer_getBeta "nvinfer1::ILRNLayer::getBeta",
        set_beta = ILRNLayer_setBeta "nvinfer1::ILRNLayer::setBeta";
    "the constant that is added" value f32,
        k = ILRNLayer_getK "nvinfer1::ILRNLayer::getK",
        set_k = ILRNLayer_setK "nvinfer1::ILRNLayer::setK";
}

impl NormalizationLayer<'_> {
    /// Whether scale and bias are broadcast to the input, as [`add_normalization_v2`](crate::NetworkDefinition::add_normalization_v2) has it.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INormalizationLayer::isV2")]
    pub fn is_v2(&self) -> Result<bool> {
        // SAFETY: a network's layers live as long as it, and this one is a normalization.
        unsafe { call!(self, INormalizationLayer_isV2()) }
    }
}
