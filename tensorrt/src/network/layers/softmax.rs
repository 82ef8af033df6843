//! Softmax.

use tensorrt_sys::{IRaggedSoftMaxLayer, ISoftMaxLayer};

use super::{accessors, layers};
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// Softmax along an axis.
    #[doc(alias = "nvinfer1::ISoftMaxLayer")]
    SoftMaxLayer = ISoftMaxLayer is Softmax;
    /// Softmax over the first elements of each row.
    #[doc(alias = "nvinfer1::IRaggedSoftMaxLayer")]
    RaggedSoftMaxLayer = IRaggedSoftMaxLayer is RaggedSoftmax;
}

adds! {
    /// Adds a softmax. Set its axis: the first one depends on the rank.
    #[doc(alias = "nvinfer1::INetworkDefinition::addSoftMax")]
    add_softmax(input: Tensor<'_> as tensor) -> SoftMaxLayer by INetworkDefinition_addSoftMax;

    /// Adds a softmax over the first elements of each row of `[batch, rows, columns]`, as many as `bounds`, `[batch, rows, 1]`, says.
    #[doc(alias = "nvinfer1::INetworkDefinition::addRaggedSoftMax")]
    add_ragged_softmax(input: Tensor<'_> as tensor, bounds: Tensor<'_> as tensor) -> RaggedSoftMaxLayer
    by INetworkDefinition_addRaggedSoftMax;
}

accessors! { SoftMaxLayer:
    "the axis along which it is computed; at first the third from the end, or 0 for fewer than four axes" axes,
        axes = ISoftMaxLayer_getAxes "nvinfer1::ISoftMaxLayer::getAxes",
        set_axes = ISoftMaxLayer_setAxes "nvinfer1::ISoftMaxLayer::setAxes";
}
