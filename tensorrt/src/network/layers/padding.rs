//! Padding.

use tensorrt_sys::IPaddingLayer;

use super::{accessors, layers};
use crate::dims::ToDims;
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// Zeros around the last two axes, or parts cut off them.
    #[doc(alias = "nvinfer1::IPaddingLayer")]
    PaddingLayer = IPaddingLayer is Padding;
}

adds! {
    /// Adds zeros before and behind the last two axes; negative numbers cut off. [`add_slice`](Self::add_slice) pads any axes, with any
    /// value.
    #[doc(alias = "nvinfer1::INetworkDefinition::addPaddingNd")]
    add_padding(input: Tensor<'_> as tensor, pre: impl ToDims as dims, post: impl ToDims as dims) -> PaddingLayer
    by INetworkDefinition_addPaddingNd;
}

accessors! { PaddingLayer:
    "the zeros before each of the last two axes; negative ones cut off" dims,
        pre_padding = IPaddingLayer_getPrePaddingNd "nvinfer1::IPaddingLayer::getPrePaddingNd",
        set_pre_padding = IPaddingLayer_setPrePaddingNd "nvinfer1::IPaddingLayer::setPrePaddingNd";
    "the zeros behind each of the last two axes; negative ones cut off" dims,
        post_padding = IPaddingLayer_getPostPaddingNd "nvinfer1::IPaddingLayer::getPostPaddingNd",
        set_post_padding = IPaddingLayer_setPostPaddingNd "nvinfer1::IPaddingLayer::setPostPaddingNd";
}
