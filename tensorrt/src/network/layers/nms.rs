//! Boxes that overlap too much, left out.

use tensorrt_sys::INMSLayer;

use super::{accessors, layers};
use crate::error::Result;
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{BoundingBoxFormat, DataType};

layers! {
    /// Non-maximum suppression of boxes.
    #[doc(alias = "nvinfer1::INMSLayer")]
    NmsLayer = INMSLayer is Nms;
}

accessors! { NmsLayer:
    "what the four numbers of a box are; `CornerPairs` at first" value BoundingBoxFormat,
        bounding_box_format = INMSLayer_getBoundingBoxFormat "nvinfer1::INMSLayer::getBoundingBoxFormat",
        set_bounding_box_format = INMSLayer_setBoundingBoxFormat "nvinfer1::INMSLayer::setBoundingBoxFormat";
    "the number of best boxes that are looked at, per batch and class; 5000 at first on TensorRT for RTX" value i32,
        topk_box_limit = INMSLayer_getTopKBoxLimit "nvinfer1::INMSLayer::getTopKBoxLimit",
        set_topk_box_limit = INMSLayer_setTopKBoxLimit "nvinfer1::INMSLayer::setTopKBoxLimit";
    "the type of the indices: `Int32` or `Int64`" value DataType,
        indices_type = INMSLayer_getIndicesType "nvinfer1::INMSLayer::getIndicesType",
        set_indices_type = INMSLayer_setIndicesType "nvinfer1::INMSLayer::setIndicesType";
}

impl NetworkDefinition<'_> {
    /// Adds non-maximum suppression: of `boxes`, `[batch, boxes, 4]` or `[batch, boxes, classes, 4]`, with `scores`,
    /// `[batch, boxes, classes]`, the indices (batch, class, box) of at most `max_boxes`, a scalar, per class, as the first output, and
    /// their number as the second. Inputs 3 and 4, if set, are the thresholds of overlap and score.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Unsupported` if the loaded library has no indices of `Int64`, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addNMS")]
    pub fn add_nms(
        &self,
        boxes: Tensor<'_>,
        scores: Tensor<'_>,
        max_boxes: Tensor<'_>,
        indices_type: DataType,
    ) -> Result<NmsLayer<'_>> {
        for tensor in [boxes, scores, max_boxes] {
            self.own(tensor)?;
        }
        let raw = indices_type.cross(self.library())?;
        let (boxes, scores, max_boxes) = (boxes.as_ptr(), scores.as_ptr(), max_boxes.as_ptr());
        let operation = Operation::begin();
        if self.chooses_indices(indices_type, self.library().api().INetworkDefinition_addNMSV2.is_some()) {
            // SAFETY: network and tensors are alive and belong together (checked above).
            let made = unsafe { call!(self.raw, INetworkDefinition_addNMSV2(boxes, scores, max_boxes, raw)) }?;
            return self.added(operation, "INetworkDefinition_addNMSV2", made.cast());
        }
        // SAFETY: as above.
        let made = unsafe { call!(self.raw, INetworkDefinition_addNMS(boxes, scores, max_boxes)) }?;
        self.added(operation, "INetworkDefinition_addNMS", made.cast())
    }
}
