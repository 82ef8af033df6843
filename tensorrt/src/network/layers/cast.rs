//! Copies and conversions.

use tensorrt_sys::{ICastLayer, IIdentityLayer};

use super::{accessors, layers};
use crate::DataType;
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// A conversion of the element type.
    #[doc(alias = "nvinfer1::ICastLayer")]
    CastLayer = ICastLayer is Cast;
    /// A copy.
    #[doc(alias = "nvinfer1::IIdentityLayer")]
    IdentityLayer = IIdentityLayer is Identity;
}

adds! {
    /// Adds a conversion of the element type. The output has the shape of the input.
    #[doc(alias = "nvinfer1::INetworkDefinition::addCast")]
    add_cast(input: Tensor<'_> as tensor, to: DataType as value) -> CastLayer by INetworkDefinition_addCast;

    /// Adds a copy. On weakly typed networks, it converts to the type that is set for its output.
    #[doc(alias = "nvinfer1::INetworkDefinition::addIdentity")]
    add_identity(input: Tensor<'_> as tensor) -> IdentityLayer by INetworkDefinition_addIdentity;
}

accessors! { CastLayer:
    "the type of the output" value DataType,
        to_type = ICastLayer_getToType "nvinfer1::ICastLayer::getToType",
        set_to_type = ICastLayer_setToType "nvinfer1::ICastLayer::setToType";
}
