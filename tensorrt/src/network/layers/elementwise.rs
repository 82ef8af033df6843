//! Functions of the elements of several tensors.

use tensorrt_sys::{IElementWiseLayer, ISelectLayer};

use super::{accessors, layers};
use crate::ElementWiseOperation;
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// A function of two elements, with broadcasting.
    #[doc(alias = "nvinfer1::IElementWiseLayer")]
    ElementWiseLayer = IElementWiseLayer is Elementwise;
    /// Elements of one of two tensors, by a third.
    #[doc(alias = "nvinfer1::ISelectLayer")]
    SelectLayer = ISelectLayer is Select;
}

adds! {
    /// Adds a function of two elements, such as a sum or a comparison. Both tensors have the same rank and type; extents of 1 are
    /// broadcast. Comparisons give booleans.
    #[doc(alias = "nvinfer1::INetworkDefinition::addElementWise")]
    add_elementwise(left: Tensor<'_> as tensor, right: Tensor<'_> as tensor, operation: ElementWiseOperation as value)
    -> ElementWiseLayer by INetworkDefinition_addElementWise;

    /// Adds a choice: the element of `then` where the condition, a tensor of booleans, is true, that of `otherwise` elsewhere. All three
    /// have the same rank; extents of 1 are broadcast.
    #[doc(alias = "nvinfer1::INetworkDefinition::addSelect")]
    add_select(condition: Tensor<'_> as tensor, then: Tensor<'_> as tensor, otherwise: Tensor<'_> as tensor) -> SelectLayer
    by INetworkDefinition_addSelect;
}

accessors! { ElementWiseLayer:
    "the function" value ElementWiseOperation,
        operation = IElementWiseLayer_getOperation "nvinfer1::IElementWiseLayer::getOperation",
        set_operation = IElementWiseLayer_setOperation "nvinfer1::IElementWiseLayer::setOperation";
}
