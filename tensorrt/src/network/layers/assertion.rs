//! Conditions that must hold.

use tensorrt_sys::IAssertionLayer;

use super::{accessors, layers};
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// A condition that must hold, or the build or the inference fails.
    #[doc(alias = "nvinfer1::IAssertionLayer")]
    AssertionLayer = IAssertionLayer is Assertion;
}

adds! {
    /// Adds a condition: a tensor of booleans of at most one axis, whose elements must all be true. If they are not, the build fails where
    /// they are known then, otherwise the inference.
    #[doc(alias = "nvinfer1::INetworkDefinition::addAssertion")]
    add_assertion(condition: Tensor<'_> as tensor, message: &str as text) -> AssertionLayer by INetworkDefinition_addAssertion;
}

accessors! { AssertionLayer:
    "what the failure says" text,
        message = IAssertionLayer_getMessage "nvinfer1::IAssertionLayer::getMessage",
        set_message = IAssertionLayer_setMessage "nvinfer1::IAssertionLayer::setMessage";
}
