//! The maximum or average of windows.

use tensorrt_sys::IPoolingLayer;

use super::{accessors, layers};
use crate::dims::ToDims;
use crate::network::Tensor;
use crate::network::add::adds;
use crate::{PaddingMode, PoolingType};

layers! {
    /// The maximum or average of windows.
    #[doc(alias = "nvinfer1::IPoolingLayer")]
    PoolingLayer = IPoolingLayer is Pooling;
}

adds! {
    /// Adds a pooling over windows of the last two or three axes.
    #[doc(alias = "nvinfer1::INetworkDefinition::addPoolingNd")]
    add_pooling(input: Tensor<'_> as tensor, pooling: PoolingType as value, window: impl ToDims as dims) -> PoolingLayer
    by INetworkDefinition_addPoolingNd;
}

accessors! { PoolingLayer:
    "maximum, average, or a blend of both" value PoolingType,
        pooling_type = IPoolingLayer_getPoolingType "nvinfer1::IPoolingLayer::getPoolingType",
        set_pooling_type = IPoolingLayer_setPoolingType "nvinfer1::IPoolingLayer::setPoolingType";
    "the share of the average in a blend; 0 at first" value f32,
        blend_factor = IPoolingLayer_getBlendFactor "nvinfer1::IPoolingLayer::getBlendFactor",
        set_blend_factor = IPoolingLayer_setBlendFactor "nvinfer1::IPoolingLayer::setBlendFactor";
    "whether an average leaves the padding out; so at first" value bool,
        average_count_excludes_padding = IPoolingLayer_getAverageCountExcludesPadding "nvinfer1::IPoolingLayer::getAverageCountExcludesPadding",
        set_average_count_excludes_padding = IPoolingLayer_setAverageCountExcludesPadding "nvinfer1::IPoolingLayer::setAverageCountExcludesPadding";
    "the extents of the window, one a spatial axis" dims,
        window_size = IPoolingLayer_getWindowSizeNd "nvinfer1::IPoolingLayer::getWindowSizeNd",
        set_window_size = IPoolingLayer_setWindowSizeNd "nvinfer1::IPoolingLayer::setWindowSizeNd";
    "the stride of each spatial axis; 1 at first" dims,
        stride = IPoolingLayer_getStrideNd "nvinfer1::IPoolingLayer::getStrideNd",
        set_stride = IPoolingLayer_setStrideNd "nvinfer1::IPoolingLayer::setStrideNd";
    "the padding on both sides of each spatial axis; 0 at first" dims,
        padding = IPoolingLayer_getPaddingNd "nvinfer1::IPoolingLayer::getPaddingNd",
        set_padding = IPoolingLayer_setPaddingNd "nvinfer1::IPoolingLayer::setPaddingNd";
    "the padding before each spatial axis; 0 at first" dims,
        pre_padding = IPoolingLayer_getPrePadding "nvinfer1::IPoolingLayer::getPrePadding",
        set_pre_padding = IPoolingLayer_setPrePadding "nvinfer1::IPoolingLayer::setPrePadding";
    "the padding behind each spatial axis; 0 at first" dims,
        post_padding = IPoolingLayer_getPostPadding "nvinfer1::IPoolingLayer::getPostPadding",
        set_post_padding = IPoolingLayer_setPostPadding "nvinfer1::IPoolingLayer::setPostPadding";
    "how paddings follow and output extents are rounded; `ExplicitRoundDown` at first" value PaddingMode,
        padding_mode = IPoolingLayer_getPaddingMode "nvinfer1::IPoolingLayer::getPaddingMode",
        set_padding_mode = IPoolingLayer_setPaddingMode "nvinfer1::IPoolingLayer::setPaddingMode";
}
