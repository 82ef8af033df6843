//! Quantization.

use tensorrt_sys::{IDequantizeLayer, IDynamicQuantizeLayer, IQuantizeLayer};

use super::{accessors, layers};
use crate::DataType;
use crate::dims::ToDims;
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// Numbers of fewer bits from floats, by a scale.
    #[doc(alias = "nvinfer1::IQuantizeLayer")]
    QuantizeLayer = IQuantizeLayer is Quantize;
    /// Floats from numbers of fewer bits, by a scale.
    #[doc(alias = "nvinfer1::IDequantizeLayer")]
    DequantizeLayer = IDequantizeLayer is Dequantize;
    /// Quantization in blocks whose scales are computed: the quantized values as the first output, the scales as the second.
    #[doc(alias = "nvinfer1::IDynamicQuantizeLayer")]
    DynamicQuantizeLayer = IDynamicQuantizeLayer is DynamicQuantize;
}

adds! {
    /// Adds a quantization: `input / scale`, rounded to even and clamped to the range of the type.
    #[doc(alias = "nvinfer1::INetworkDefinition::addQuantize")]
    add_quantize(input: Tensor<'_> as tensor, scale: Tensor<'_> as tensor, to: DataType as value) -> QuantizeLayer
    by INetworkDefinition_addQuantizeV2;

    /// Adds a dequantization: `input * scale`.
    #[doc(alias = "nvinfer1::INetworkDefinition::addDequantize")]
    add_dequantize(input: Tensor<'_> as tensor, scale: Tensor<'_> as tensor, to: DataType as value) -> DequantizeLayer
    by INetworkDefinition_addDequantizeV2;

    /// Adds a quantization in blocks along one axis, whose scales are computed from the values. Deprecated by NVIDIA in favour of
    /// [`add_dynamic_quantize_v2`](Self::add_dynamic_quantize_v2).
    #[doc(alias = "nvinfer1::INetworkDefinition::addDynamicQuantize")]
    add_dynamic_quantize(
        input: Tensor<'_> as tensor, axis: u32 as value, block_size: u32 as value, to: DataType as value, scale_type: DataType as value
    ) -> DynamicQuantizeLayer by INetworkDefinition_addDynamicQuantize;

    /// Adds a quantization in blocks of a shape, whose scales are computed from the values.
    #[doc(alias = "nvinfer1::INetworkDefinition::addDynamicQuantizeV2")]
    add_dynamic_quantize_v2(
        input: Tensor<'_> as tensor, block_shape: impl ToDims as dims, to: DataType as value, scale_type: DataType as value
    ) -> DynamicQuantizeLayer by INetworkDefinition_addDynamicQuantizeV2;
}

accessors! { QuantizeLayer:
    "the channel axis, where the scale has one value a channel; -1 at first" value i32,
        axis = IQuantizeLayer_getAxis "nvinfer1::IQuantizeLayer::getAxis",
        set_axis = IQuantizeLayer_setAxis "nvinfer1::IQuantizeLayer::setAxis";
    "the type of the output" value DataType,
        to_type = IQuantizeLayer_getToType "nvinfer1::IQuantizeLayer::getToType",
        set_to_type = IQuantizeLayer_setToType "nvinfer1::IQuantizeLayer::setToType";
    "the extents of a block, where the scale has one value a block; none at first" optional_dims,
        block_shape = IQuantizeLayer_getBlockShape "nvinfer1::IQuantizeLayer::getBlockShape",
        set_block_shape = IQuantizeLayer_setBlockShape "nvinfer1::IQuantizeLayer::setBlockShape";
}

accessors! { DequantizeLayer:
    "the channel axis, where the scale has one value a channel; -1 at first" value i32,
        axis = IDequantizeLayer_getAxis "nvinfer1::IDequantizeLayer::getAxis",
        set_axis = IDequantizeLayer_setAxis "nvinfer1::IDequantizeLayer::setAxis";
    "the type of the output" value DataType,
        to_type = IDequantizeLayer_getToType "nvinfer1::IDequantizeLayer::getToType",
        set_to_type = IDequantizeLayer_setToType "nvinfer1::IDequantizeLayer::setToType";
    "the extents of a block, where the scale has one value a block; none at first" optional_dims,
        block_shape = IDequantizeLayer_getBlockShape "nvinfer1::IDequantizeLayer::getBlockShape",
        set_block_shape = IDequantizeLayer_setBlockShape "nvinfer1::IDequantizeLayer::setBlockShape";
}

accessors! { DynamicQuantizeLayer:
    "the type of the quantized values" value DataType,
        to_type = IDynamicQuantizeLayer_getToType "nvinfer1::IDynamicQuantizeLayer::getToType",
        set_to_type = IDynamicQuantizeLayer_setToType "nvinfer1::IDynamicQuantizeLayer::setToType";
    "the type of the scales" value DataType,
        scale_type = IDynamicQuantizeLayer_getScaleType "nvinfer1::IDynamicQuantizeLayer::getScaleType",
        set_scale_type = IDynamicQuantizeLayer_setScaleType "nvinfer1::IDynamicQuantizeLayer::setScaleType";
    "the axis that is cut into blocks; -1 where a block shape was given" value i32,
        axis = IDynamicQuantizeLayer_getAxis "nvinfer1::IDynamicQuantizeLayer::getAxis",
        set_axis = IDynamicQuantizeLayer_setAxis "nvinfer1::IDynamicQuantizeLayer::setAxis";
    "the elements of a block; -1 where a block shape was given" value i32,
        block_size = IDynamicQuantizeLayer_getBlockSize "nvinfer1::IDynamicQuantizeLayer::getBlockSize",
        set_block_size = IDynamicQuantizeLayer_setBlockSize "nvinfer1::IDynamicQuantizeLayer::setBlockSize";
    "the extents of a block; empty where axis and block size were given" optional_dims,
        block_shape = IDynamicQuantizeLayer_getBlockShape "nvinfer1::IDynamicQuantizeLayer::getBlockShape",
        set_block_shape = IDynamicQuantizeLayer_setBlockShape "nvinfer1::IDynamicQuantizeLayer::setBlockShape";
}
