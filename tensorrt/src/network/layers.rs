//! The classes of layers, and what can be set on each.

use tensorrt_sys::{
    IActivationLayer, ICastLayer, IConcatenationLayer, IConstantLayer, IConvolutionLayer, IElementWiseLayer,
    IGatherLayer, IIdentityLayer, IMatrixMultiplyLayer, IPoolingLayer, IReduceLayer, ISelectLayer, IShapeLayer,
    IShuffleLayer, ISliceLayer, ISoftMaxLayer, ITopKLayer, IUnaryLayer, Permutation,
};

use super::{Layer, Tensor};
use crate::dims::{Dims, ToDims};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;

macro_rules! aliases {
    ($($(#[$doc:meta])* $name:ident = $class:ident;)+) => {
        $($(#[$doc])* pub type $name<'n> = Layer<'n, $class>;)+
    };
}

aliases! {
    /// A function of one element.
    ActivationLayer = IActivationLayer;
    /// A conversion of the element type.
    CastLayer = ICastLayer;
    /// Tensors joined along an axis.
    ConcatenationLayer = IConcatenationLayer;
    /// A constant.
    ConstantLayer = IConstantLayer;
    /// A convolution.
    ConvolutionLayer = IConvolutionLayer;
    /// A function of two elements, with broadcasting.
    ElementWiseLayer = IElementWiseLayer;
    /// Elements picked by indices.
    GatherLayer = IGatherLayer;
    /// A copy.
    IdentityLayer = IIdentityLayer;
    /// A product of matrices.
    MatrixMultiplyLayer = IMatrixMultiplyLayer;
    /// The maximum or average of windows.
    PoolingLayer = IPoolingLayer;
    /// A sum, product, maximum, minimum or average over axes.
    ReduceLayer = IReduceLayer;
    /// Elements of one of two tensors, by a third.
    SelectLayer = ISelectLayer;
    /// The shape of a tensor.
    ShapeLayer = IShapeLayer;
    /// A transposition, a reshape, and another transposition.
    ShuffleLayer = IShuffleLayer;
    /// A part of a tensor.
    SliceLayer = ISliceLayer;
    /// Softmax.
    SoftMaxLayer = ISoftMaxLayer;
    /// The largest or smallest elements along an axis.
    TopKLayer = ITopKLayer;
    /// A function of one element.
    UnaryLayer = IUnaryLayer;
}

/// Defines a setter that takes a shape.
macro_rules! dims_setter {
    ($(#[$doc:meta])* $name:ident => $entry:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// `Setting` if TensorRT refuses.
        pub fn $name(&self, dims: impl ToDims) -> Result<()> {
            let dims = dims.to_dims()?;
            let raw = dims.to_raw();
            let operation = Operation::begin();
            // SAFETY: a network's layers live as long as it, and this one is of the entry's class; the shape lives during the call.
            unsafe { call!(self, $entry(&raw const raw)) }?;
            operation.silent(self.library(), ErrorKind::Setting, format_args!("{}({dims})", stringify!($entry)))
        }
    };
}

/// Defines a setter that takes a plain value.
macro_rules! value_setter {
    ($(#[$doc:meta])* $name:ident($type:ty) => $entry:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// `Setting` if TensorRT refuses.
        pub fn $name(&self, value: $type) -> Result<()> {
            let operation = Operation::begin();
            // SAFETY: a network's layers live as long as it, and this one is of the entry's class.
            unsafe { call!(self, $entry(value)) }?;
            operation.silent(self.library(), ErrorKind::Setting, format_args!("{}({value:?})", stringify!($entry)))
        }
    };
}

impl ActivationLayer<'_> {
    value_setter! {
        /// Sets the parameter alpha, of the activations that have one.
        #[doc(alias = "nvinfer1::IActivationLayer::setAlpha")]
        set_alpha(f32) => IActivationLayer_setAlpha
    }
    value_setter! {
        /// Sets the parameter beta, of the activations that have one.
        #[doc(alias = "nvinfer1::IActivationLayer::setBeta")]
        set_beta(f32) => IActivationLayer_setBeta
    }
}

impl ConvolutionLayer<'_> {
    dims_setter! {
        /// Sets the stride of each spatial axis.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setStrideNd")]
        set_stride => IConvolutionLayer_setStrideNd
    }
    dims_setter! {
        /// Sets the padding on both sides of each spatial axis.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setPaddingNd")]
        set_padding => IConvolutionLayer_setPaddingNd
    }
    dims_setter! {
        /// Sets the padding before each spatial axis.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setPrePadding")]
        set_pre_padding => IConvolutionLayer_setPrePadding
    }
    dims_setter! {
        /// Sets the padding behind each spatial axis.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setPostPadding")]
        set_post_padding => IConvolutionLayer_setPostPadding
    }
    dims_setter! {
        /// Sets the dilation of each spatial axis.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setDilationNd")]
        set_dilation => IConvolutionLayer_setDilationNd
    }
    value_setter! {
        /// Sets the number of groups.
        #[doc(alias = "nvinfer1::IConvolutionLayer::setNbGroups")]
        set_num_groups(i64) => IConvolutionLayer_setNbGroups
    }
}

impl PoolingLayer<'_> {
    dims_setter! {
        /// Sets the stride of each spatial axis.
        #[doc(alias = "nvinfer1::IPoolingLayer::setStrideNd")]
        set_stride => IPoolingLayer_setStrideNd
    }
    dims_setter! {
        /// Sets the padding on both sides of each spatial axis.
        #[doc(alias = "nvinfer1::IPoolingLayer::setPaddingNd")]
        set_padding => IPoolingLayer_setPaddingNd
    }
    value_setter! {
        /// Sets whether an average leaves the padding out.
        #[doc(alias = "nvinfer1::IPoolingLayer::setAverageCountExcludesPadding")]
        set_average_count_excludes_padding(bool) => IPoolingLayer_setAverageCountExcludesPadding
    }
}

impl SoftMaxLayer<'_> {
    value_setter! {
        /// Sets the axis along which it is computed, as a bit mask with one bit.
        #[doc(alias = "nvinfer1::ISoftMaxLayer::setAxes")]
        set_axes(u32) => ISoftMaxLayer_setAxes
    }
}

impl ConcatenationLayer<'_> {
    value_setter! {
        /// Sets the axis along which tensors are joined.
        #[doc(alias = "nvinfer1::IConcatenationLayer::setAxis")]
        set_axis(i32) => IConcatenationLayer_setAxis
    }
}

impl ShuffleLayer<'_> {
    dims_setter! {
        /// Sets the shape after the first transposition. An extent of 0 keeps the input's, -1 is computed.
        #[doc(alias = "nvinfer1::IShuffleLayer::setReshapeDimensions")]
        set_reshape_dims => IShuffleLayer_setReshapeDimensions
    }
    value_setter! {
        /// Sets whether a 0 in the reshape dimensions keeps the input's extent; otherwise it is an empty axis.
        #[doc(alias = "nvinfer1::IShuffleLayer::setZeroIsPlaceholder")]
        set_zero_is_placeholder(bool) => IShuffleLayer_setZeroIsPlaceholder
    }

    /// Sets the transposition before the reshape: the source axis of each axis.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it is no permutation, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IShuffleLayer::setFirstTranspose")]
    pub fn set_first_transpose(&self, axes: &[usize]) -> Result<()> {
        let permutation = permutation(axes)?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a shuffle; the permutation lives during the call.
        unsafe { call!(self, IShuffleLayer_setFirstTranspose(&raw const permutation)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("transpose by {axes:?}"))
    }

    /// Sets the transposition after the reshape: the source axis of each axis.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it is no permutation, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IShuffleLayer::setSecondTranspose")]
    pub fn set_second_transpose(&self, axes: &[usize]) -> Result<()> {
        let permutation = permutation(axes)?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a shuffle; the permutation lives during the call.
        unsafe { call!(self, IShuffleLayer_setSecondTranspose(&raw const permutation)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("transpose by {axes:?}"))
    }

    /// Has the shape after the first transposition come from a tensor.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    pub fn set_reshape_tensor(&self, shape: Tensor<'_>) -> Result<()> {
        self.set_input(1, shape)
    }
}

fn permutation(axes: &[usize]) -> Result<Permutation> {
    let mut order = [0_i32; Dims::MAX];
    let sorted = {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        sorted
    };
    if axes.len() > Dims::MAX || sorted.iter().enumerate().any(|(index, axis)| index != *axis) {
        return Err(Error::invalid(format_args!("transpose by {axes:?}"), "it is no permutation of at most 8 axes"));
    }
    for (target, axis) in order.iter_mut().zip(axes) {
        *target = i32::try_from(*axis).unwrap_or(0);
    }
    Ok(Permutation { order })
}

#[cfg(test)]
mod tests {
    use super::permutation;

    #[test]
    fn permutations_are_checked() {
        assert_eq!(permutation(&[2, 0, 1]).unwrap().order[..3], [2, 0, 1]);
        assert!(permutation(&[0, 0]).is_err());
        assert!(permutation(&[0, 2]).is_err());
        assert!(permutation(&[0; 9]).is_err());
    }
}
