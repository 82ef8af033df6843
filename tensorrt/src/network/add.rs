//! Adding layers.

use std::ptr::NonNull;

use tensorrt_sys::ITensor;

use super::{
    ActivationLayer, CastLayer, ConcatenationLayer, ConstantLayer, ConvolutionLayer, ElementWiseLayer, GatherLayer,
    IdentityLayer, Layer, MatrixMultiplyLayer, NetworkDefinition, PoolingLayer, ReduceLayer, SelectLayer, ShapeLayer,
    ShuffleLayer, SliceLayer, SoftMaxLayer, Tensor, TopKLayer, UnaryLayer, Weights,
};
use crate::dims::{Dims, ToDims};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{
    ActivationType, DataType, ElementWiseOperation, MatrixOperation, PoolingType, ReduceOperation, TopKOperation,
    UnaryOperation,
};

/// Defines a method that adds a layer: its own arguments, the tensors among them, and how the entry takes each.
macro_rules! add {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty as $how:ident),*) -> $layer:ident by $entry:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// `InvalidArgument` if a tensor is of another network, `Unsupported` if the loaded library has no such layer or operation,
        /// `Build` if TensorRT refuses.
        pub fn $name(&self, $($argument: $type),*) -> Result<$layer<'_>> {
            $(let $argument = add!(@prepare self $how $argument);)*
            let operation = Operation::begin();
            // SAFETY: the network is alive, and the tensors are its own (checked above); shapes live during the call, and weights as long
            // as the network.
            let made = unsafe { call!(self.raw, $entry($(add!(@pass $how $argument)),*)) }?;
            let pointer = operation.object(self.library(), ErrorKind::Build, concat!("call ", stringify!($entry)), made)?;
            Ok(Layer::new(self, pointer.cast()))
        }
    };
    (@prepare $self:ident tensor $argument:ident) => {{ $self.own($argument)?; $argument }};
    (@prepare $self:ident value $argument:ident) => { Value::cross($argument, $self.library())? };
    (@prepare $self:ident axes $argument:ident) => { axes_of($argument)? };
    (@prepare $self:ident dims $argument:ident) => { $argument.to_dims()?.to_raw() };
    (@prepare $self:ident plain $argument:ident) => { $argument };
    (@pass tensor $argument:ident) => { $argument.as_ptr() };
    (@pass value $argument:ident) => { $argument };
    (@pass axes $argument:ident) => { $argument };
    (@pass dims $argument:ident) => { &raw const $argument };
    (@pass plain $argument:ident) => { $argument };
}

impl NetworkDefinition<'_> {
    add! {
        /// Adds a function of one element.
        #[doc(alias = "nvinfer1::INetworkDefinition::addActivation")]
        add_activation(input: Tensor<'_> as tensor, activation: ActivationType as value) -> ActivationLayer
        by INetworkDefinition_addActivation
    }
    add! {
        /// Adds a function of one element.
        #[doc(alias = "nvinfer1::INetworkDefinition::addUnary")]
        add_unary(input: Tensor<'_> as tensor, operation_: UnaryOperation as value) -> UnaryLayer
        by INetworkDefinition_addUnary
    }
    add! {
        /// Adds a function of two elements. Both tensors have the same rank; extents of 1 are broadcast.
        #[doc(alias = "nvinfer1::INetworkDefinition::addElementWise")]
        add_elementwise(left: Tensor<'_> as tensor, right: Tensor<'_> as tensor, operation_: ElementWiseOperation as value)
        -> ElementWiseLayer by INetworkDefinition_addElementWise
    }
    add! {
        /// Adds a product of matrices.
        #[doc(alias = "nvinfer1::INetworkDefinition::addMatrixMultiply")]
        add_matrix_multiply(
            left: Tensor<'_> as tensor, left_operation: MatrixOperation as value,
            right: Tensor<'_> as tensor, right_operation: MatrixOperation as value
        ) -> MatrixMultiplyLayer by INetworkDefinition_addMatrixMultiply
    }
    add! {
        /// Adds a shuffle: by itself a copy, until a transposition or a shape is set on it.
        #[doc(alias = "nvinfer1::INetworkDefinition::addShuffle")]
        add_shuffle(input: Tensor<'_> as tensor) -> ShuffleLayer by INetworkDefinition_addShuffle
    }
    add! {
        /// Adds a softmax.
        #[doc(alias = "nvinfer1::INetworkDefinition::addSoftMax")]
        add_softmax(input: Tensor<'_> as tensor) -> SoftMaxLayer by INetworkDefinition_addSoftMax
    }
    add! {
        /// Adds a conversion of the element type.
        #[doc(alias = "nvinfer1::INetworkDefinition::addCast")]
        add_cast(input: Tensor<'_> as tensor, to: DataType as value) -> CastLayer by INetworkDefinition_addCast
    }
    add! {
        /// Adds a copy.
        #[doc(alias = "nvinfer1::INetworkDefinition::addIdentity")]
        add_identity(input: Tensor<'_> as tensor) -> IdentityLayer by INetworkDefinition_addIdentity
    }
    add! {
        /// Adds the shape of a tensor, as a tensor of `i64`.
        #[doc(alias = "nvinfer1::INetworkDefinition::addShape")]
        add_shape(input: Tensor<'_> as tensor) -> ShapeLayer by INetworkDefinition_addShape
    }
    add! {
        /// Adds a choice between the elements of two tensors.
        #[doc(alias = "nvinfer1::INetworkDefinition::addSelect")]
        add_select(condition: Tensor<'_> as tensor, then: Tensor<'_> as tensor, otherwise: Tensor<'_> as tensor)
        -> SelectLayer by INetworkDefinition_addSelect
    }
    add! {
        /// Adds elements picked by indices along an axis.
        #[doc(alias = "nvinfer1::INetworkDefinition::addGather")]
        add_gather(data: Tensor<'_> as tensor, indices: Tensor<'_> as tensor, axis: u32 as value) -> GatherLayer
        by INetworkDefinition_addGather
    }
    add! {
        /// Adds a reduction over axes.
        #[doc(alias = "nvinfer1::INetworkDefinition::addReduce")]
        add_reduce(input: Tensor<'_> as tensor, operation_: ReduceOperation as value, axes: &[u32] as axes, keep_dims: bool as plain)
        -> ReduceLayer by INetworkDefinition_addReduce
    }
    add! {
        /// Adds the `k` largest or smallest elements along an axis: values as the first output, indices as the second.
        #[doc(alias = "nvinfer1::INetworkDefinition::addTopK")]
        add_top_k(input: Tensor<'_> as tensor, operation_: TopKOperation as value, k: u32 as value, axes: &[u32] as axes)
        -> TopKLayer by INetworkDefinition_addTopK
    }
    add! {
        /// Adds a part of a tensor.
        #[doc(alias = "nvinfer1::INetworkDefinition::addSlice")]
        add_slice(input: Tensor<'_> as tensor, start: impl ToDims as dims, size: impl ToDims as dims, stride: impl ToDims as dims)
        -> SliceLayer by INetworkDefinition_addSlice
    }
    add! {
        /// Adds a pooling over windows.
        #[doc(alias = "nvinfer1::INetworkDefinition::addPoolingNd")]
        add_pooling(input: Tensor<'_> as tensor, pooling: PoolingType as value, window: impl ToDims as dims) -> PoolingLayer
        by INetworkDefinition_addPoolingNd
    }

    /// Adds a constant.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of values is not that of the shape, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConstant")]
    pub fn add_constant(&self, dims: impl ToDims, weights: Weights) -> Result<ConstantLayer<'_>> {
        let dims = dims.to_dims()?;
        let tried = "call INetworkDefinition_addConstant";
        if dims.volume() != Some(weights.len()) {
            let said = format!("{} values for the shape {dims}", weights.len());
            return Err(Error::new(ErrorKind::ShapeMismatch, tried, said));
        }
        let (raw, weights) = (dims.to_raw(), self.keep_weights(weights));
        let operation = Operation::begin();
        // SAFETY: the network is alive and keeps the weights, whose number is that of the shape; the shape lives during the call.
        let made = unsafe { call!(self.raw, INetworkDefinition_addConstant(&raw const raw, weights)) }?;
        Ok(Layer::new(self, operation.object(self.library(), ErrorKind::Build, tried, made)?.cast()))
    }

    /// Adds a convolution. The kernel has `maps` x channels per group x kernel extents; the bias has `maps` values or is
    /// [empty](Weights::empty).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of weights cannot be right, `InvalidArgument` if the tensor is of another network, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConvolutionNd")]
    pub fn add_convolution(
        &self,
        input: Tensor<'_>,
        maps: usize,
        kernel: impl ToDims,
        kernel_weights: Weights,
        bias: Weights,
    ) -> Result<ConvolutionLayer<'_>> {
        self.own(input)?;
        let tried = "call INetworkDefinition_addConvolutionNd";
        let kernel = kernel.to_dims()?;
        let per_map = kernel.volume().and_then(|volume| volume.checked_mul(maps)).unwrap_or(0);
        let divides = per_map != 0 && kernel_weights.len().is_multiple_of(per_map);
        if !divides || !(bias.is_empty() || bias.len() == maps) {
            let said = format!(
                "{} kernel weights and {} bias values for {maps} maps of kernel {kernel}",
                kernel_weights.len(),
                bias.len()
            );
            return Err(Error::new(ErrorKind::ShapeMismatch, tried, said));
        }
        let maps = i64::try_from(maps).map_err(|_| Error::invalid(tried, "there are too many maps"))?;
        let (raw, weights, bias) = (kernel.to_raw(), self.keep_weights(kernel_weights), self.keep_weights(bias));
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together; the network keeps the weights; the shape lives during the call.
        let made = unsafe {
            call!(self.raw, INetworkDefinition_addConvolutionNd(input.as_ptr(), maps, &raw const raw, weights, bias))
        }?;
        Ok(Layer::new(self, operation.object(self.library(), ErrorKind::Build, tried, made)?.cast()))
    }

    /// Adds a concatenation, along the third axis from the end until another is set.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are no tensors or one is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConcatenation")]
    pub fn add_concatenation(&self, inputs: &[Tensor<'_>]) -> Result<ConcatenationLayer<'_>> {
        let tried = "call INetworkDefinition_addConcatenation";
        inputs.iter().try_for_each(|tensor| self.own(*tensor))?;
        let pointers: Vec<*mut ITensor> = inputs.iter().map(Tensor::as_ptr).collect();
        let count = i32::try_from(pointers.len()).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| Error::invalid(tried, format_args!("{} tensors", inputs.len())))?;
        let operation = Operation::begin();
        // SAFETY: network and tensors are alive and belong together; the array has `count` pointers and lives during the call.
        let made = unsafe { call!(self.raw, INetworkDefinition_addConcatenation(pointers.as_ptr(), count)) }?;
        let pointer: NonNull<_> = operation.object(self.library(), ErrorKind::Build, tried, made)?;
        Ok(Layer::new(self, pointer.cast()))
    }
}

/// The bit mask of axes.
fn axes_of(axes: &[u32]) -> Result<u32> {
    axes.iter().try_fold(0_u32, |mask, axis| {
        let bit = 1_u32.checked_shl(*axis).filter(|_| (*axis as usize) < Dims::MAX);
        let said = "a tensor has at most 8 dimensions";
        bit.map(|bit| mask | bit).ok_or_else(|| Error::invalid(format_args!("use axis {axis}"), said))
    })
}

#[cfg(test)]
mod tests {
    use super::axes_of;

    #[test]
    fn axes_become_a_mask() {
        assert_eq!(axes_of(&[0, 2]).unwrap(), 0b101);
        assert!(axes_of(&[8]).is_err());
        assert!(axes_of(&[40]).is_err());
    }
}
