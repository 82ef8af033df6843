//! Sequences.

use tensorrt_sys::IReverseSequenceLayer;

use super::{accessors, layers};
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// The first steps of each sequence, reversed.
    #[doc(alias = "nvinfer1::IReverseSequenceLayer")]
    ReverseSequenceLayer = IReverseSequenceLayer is ReverseSequence;
}

adds! {
    /// Adds sequences whose first steps are reversed, as many as `lengths`, `[batch]`, says.
    #[doc(alias = "nvinfer1::INetworkDefinition::addReverseSequence")]
    add_reverse_sequence(input: Tensor<'_> as tensor, lengths: Tensor<'_> as tensor) -> ReverseSequenceLayer
    by INetworkDefinition_addReverseSequence;
}

accessors! { ReverseSequenceLayer:
    "the axis of the batch; 1 at first" value i32,
        batch_axis = IReverseSequenceLayer_getBatchAxis "nvinfer1::IReverseSequenceLayer::getBatchAxis",
        set_batch_axis = IReverseSequenceLayer_setBatchAxis "nvinfer1::IReverseSequenceLayer::setBatchAxis";
    "the axis of the steps; 0 at first" value i32,
        sequence_axis = IReverseSequenceLayer_getSequenceAxis "nvinfer1::IReverseSequenceLayer::getSequenceAxis",
        set_sequence_axis = IReverseSequenceLayer_setSequenceAxis "nvinfer1::IReverseSequenceLayer::setSequenceAxis";
}
