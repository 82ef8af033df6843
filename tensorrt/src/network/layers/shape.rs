//! Shapes and their changes.

use tensorrt_sys::{IShapeLayer, ISqueezeLayer, IUnsqueezeLayer};

use super::layers;
use crate::error::Result;
use crate::network::add::adds;
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// The shape of a tensor.
    #[doc(alias = "nvinfer1::IShapeLayer")]
    ShapeLayer = IShapeLayer is Shape;
    /// A tensor without some of its axes of extent 1.
    #[doc(alias = "nvinfer1::ISqueezeLayer")]
    SqueezeLayer = ISqueezeLayer is Squeeze;
    /// A tensor with more axes, of extent 1.
    #[doc(alias = "nvinfer1::IUnsqueezeLayer")]
    UnsqueezeLayer = IUnsqueezeLayer is Unsqueeze;
}

adds! {
    /// Adds the shape of a tensor, as a tensor of `i64`.
    #[doc(alias = "nvinfer1::INetworkDefinition::addShape")]
    add_shape(input: Tensor<'_> as tensor) -> ShapeLayer by INetworkDefinition_addShape;

    /// Adds axes of extent 1 at the positions that `axes`, a constant, gives.
    #[doc(alias = "nvinfer1::INetworkDefinition::addUnsqueeze")]
    add_unsqueeze(input: Tensor<'_> as tensor, axes: Tensor<'_> as tensor) -> UnsqueezeLayer by INetworkDefinition_addUnsqueeze;
}

impl NetworkDefinition<'_> {
    /// Adds a tensor without the axes of extent 1 that `axes`, a constant, names; without any such axis where there is none.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Unsupported` if the loaded library needs axes, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addSqueeze")]
    pub fn add_squeeze(&self, input: Tensor<'_>, axes: Option<Tensor<'_>>) -> Result<SqueezeLayer<'_>> {
        self.own(input)?;
        axes.map_or(Ok(()), |axes| self.own(axes))?;
        let operation = Operation::begin();
        if let Some(axes) = axes {
            // SAFETY: network and tensors are alive and belong together (checked above).
            let made = unsafe { call!(self.raw, INetworkDefinition_addSqueeze(input.as_ptr(), axes.as_ptr())) }?;
            return self.added(operation, "INetworkDefinition_addSqueeze", made.cast());
        }
        // SAFETY: network and tensor are alive and belong together; the entry takes null for no axes.
        let made = unsafe { call!(self.raw, INetworkDefinition_addSqueezeV2(input.as_ptr(), std::ptr::null_mut())) }?;
        self.added(operation, "INetworkDefinition_addSqueezeV2", made.cast())
    }
}
