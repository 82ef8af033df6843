//! Functions of one element.

use tensorrt_sys::{IActivationLayer, IParametricReLULayer, IUnaryLayer};

use super::{accessors, layers};
use crate::network::Tensor;
use crate::network::add::adds;
use crate::{ActivationType, UnaryOperation};

layers! {
    /// A function of one element.
    #[doc(alias = "nvinfer1::IActivationLayer")]
    ActivationLayer = IActivationLayer is Activation;
    /// A function of one element.
    #[doc(alias = "nvinfer1::IUnaryLayer")]
    UnaryLayer = IUnaryLayer is Unary;
    /// Leaky ReLU with a slope from a tensor.
    #[doc(alias = "nvinfer1::IParametricReLULayer")]
    ParametricReluLayer = IParametricReLULayer is ParametricRelu;
}

adds! {
    /// Adds a function of one element, such as ReLU or a sigmoid. The output has the shape and type of the input, a float type.
    #[doc(alias = "nvinfer1::INetworkDefinition::addActivation")]
    add_activation(input: Tensor<'_> as tensor, activation: ActivationType as value) -> ActivationLayer
    by INetworkDefinition_addActivation;

    /// Adds a function of one element, such as a square root or a negation. The output has the shape and type of the input.
    #[doc(alias = "nvinfer1::INetworkDefinition::addUnary")]
    add_unary(input: Tensor<'_> as tensor, operation: UnaryOperation as value) -> UnaryLayer by INetworkDefinition_addUnary;

    /// Adds leaky ReLU: elements below zero are multiplied by the slope, a tensor of the same rank whose extents of 1 are broadcast.
    #[doc(alias = "nvinfer1::INetworkDefinition::addParametricReLU")]
    add_parametric_relu(input: Tensor<'_> as tensor, slope: Tensor<'_> as tensor) -> ParametricReluLayer
    by INetworkDefinition_addParametricReLU;
}

accessors! { ActivationLayer:
    "the function" value ActivationType,
        activation_type = IActivationLayer_getActivationType "nvinfer1::IActivationLayer::getActivationType",
        set_activation_type = IActivationLayer_setActivationType "nvinfer1::IActivationLayer::setActivationType";
    "the parameter alpha of the functions that have one; its first value depends on the function, such as 0.01 for leaky ReLU" value f32,
        alpha = IActivationLayer_getAlpha "nvinfer1::IActivationLayer::getAlpha",
        set_alpha = IActivationLayer_setAlpha "nvinfer1::IActivationLayer::setAlpha";
    "the parameter beta of the functions that have one; its first value depends on the function" value f32,
        beta = IActivationLayer_getBeta "nvinfer1::IActivationLayer::getBeta",
        set_beta = IActivationLayer_setBeta "nvinfer1::IActivationLayer::setBeta";
}

accessors! { UnaryLayer:
    "the function" value UnaryOperation,
        operation = IUnaryLayer_getOperation "nvinfer1::IUnaryLayer::getOperation",
        set_operation = IUnaryLayer_setOperation "nvinfer1::IUnaryLayer::setOperation";
}
