//! Tensors joined.

use tensorrt_sys::IConcatenationLayer;

use super::{accessors, layers};
use crate::error::Result;
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// Tensors joined along an axis.
    #[doc(alias = "nvinfer1::IConcatenationLayer")]
    ConcatenationLayer = IConcatenationLayer is Concatenation;
}

accessors! { ConcatenationLayer:
    "the axis along which the tensors are joined; at first the third from the end, or 0 for fewer than four axes" value i32,
        axis = IConcatenationLayer_getAxis "nvinfer1::IConcatenationLayer::getAxis",
        set_axis = IConcatenationLayer_setAxis "nvinfer1::IConcatenationLayer::setAxis";
}

impl NetworkDefinition<'_> {
    /// Adds a concatenation of tensors whose extents differ on one axis only. Set the axis: the first one depends on the rank.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are no tensors or one is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConcatenation")]
    pub fn add_concatenation(&self, inputs: &[Tensor<'_>]) -> Result<ConcatenationLayer<'_>> {
        let entry = "INetworkDefinition_addConcatenation";
        let array = self.array(inputs, entry)?;
        let operation = Operation::begin();
        // SAFETY: network and tensors are alive and belong together; the array has `len` pointers and lives during the call.
        let made = unsafe { call!(self.raw, INetworkDefinition_addConcatenation(array.as_ptr(), array.len)) }?;
        self.added(operation, entry, made.cast())
    }
}
