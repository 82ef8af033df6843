//! Transpositions and reshapes.

use tensorrt_sys::{IShuffleLayer, Permutation};

use super::{accessors, layers};
use crate::dims::Dims;
use crate::error::{Error, ErrorKind, Result};
use crate::network::Tensor;
use crate::network::add::adds;
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// A transposition, a reshape, and another transposition.
    #[doc(alias = "nvinfer1::IShuffleLayer")]
    ShuffleLayer = IShuffleLayer is Shuffle;
}

adds! {
    /// Adds a shuffle: by itself a copy, until a transposition or a shape is set on it.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let builder = Builder::new(&library)?;
    /// # let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [2, 3, 4])?;
    /// let layer = network.add_shuffle(x)?;
    /// layer.set_first_transpose(&[0, 2, 1])?;
    /// layer.set_reshape_dims([0, -1])?;
    /// assert_eq!(layer.output(0)?.dims()?, Some([2, 12].into()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addShuffle")]
    add_shuffle(input: Tensor<'_> as tensor) -> ShuffleLayer by INetworkDefinition_addShuffle;
}

accessors! { ShuffleLayer:
    "the shape after the first transposition; an extent of 0 keeps the input's, -1 is computed, none is the input's shape" optional_dims,
        reshape_dims = IShuffleLayer_getReshapeDimensions "nvinfer1::IShuffleLayer::getReshapeDimensions",
        set_reshape_dims = IShuffleLayer_setReshapeDimensions "nvinfer1::IShuffleLayer::setReshapeDimensions";
    "whether a 0 in the reshape dimensions keeps the input's extent, as at first; otherwise it is an empty axis" value bool,
        zero_is_placeholder = IShuffleLayer_getZeroIsPlaceholder "nvinfer1::IShuffleLayer::getZeroIsPlaceholder",
        set_zero_is_placeholder = IShuffleLayer_setZeroIsPlaceholder "nvinfer1::IShuffleLayer::setZeroIsPlaceholder";
}

impl ShuffleLayer<'_> {
    /// The transposition before the reshape: the source axis of each of eight axes, of which a tensor's rank counts.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IShuffleLayer::getFirstTranspose")]
    pub fn first_transpose(&self) -> Result<[usize; Dims::MAX]> {
        // SAFETY: a network's layers live as long as it, and this one is a shuffle.
        let order = unsafe { call!(self, IShuffleLayer_getFirstTranspose()) }?;
        // SAFETY: TensorRT returns the address of the layer's own permutation, which is copied at once.
        Ok(axes_of(unsafe { order.as_ref() }))
    }

    /// Sets the transposition before the reshape: the source axis of each axis.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it is no permutation, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IShuffleLayer::setFirstTranspose")]
    pub fn set_first_transpose(&self, axes: &[usize]) -> Result<()> {
        let permutation = permutation_of(axes)?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a shuffle; the permutation lives during the call.
        unsafe { call!(self, IShuffleLayer_setFirstTranspose(&raw const permutation)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("transpose by {axes:?}"))
    }

    /// The transposition after the reshape: the source axis of each of eight axes, of which a tensor's rank counts.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IShuffleLayer::getSecondTranspose")]
    pub fn second_transpose(&self) -> Result<[usize; Dims::MAX]> {
        // SAFETY: a network's layers live as long as it, and this one is a shuffle.
        let order = unsafe { call!(self, IShuffleLayer_getSecondTranspose()) }?;
        // SAFETY: TensorRT returns the address of the layer's own permutation, which is copied at once.
        Ok(axes_of(unsafe { order.as_ref() }))
    }

    /// Sets the transposition after the reshape: the source axis of each axis.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it is no permutation, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IShuffleLayer::setSecondTranspose")]
    pub fn set_second_transpose(&self, axes: &[usize]) -> Result<()> {
        let permutation = permutation_of(axes)?;
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

/// A permutation as axes.
fn axes_of(permutation: Option<&Permutation>) -> [usize; Dims::MAX] {
    let order = permutation.map_or([0, 1, 2, 3, 4, 5, 6, 7], |permutation| permutation.order);
    order.map(|axis| usize::try_from(axis).unwrap_or_default())
}

/// Axes as a permutation; those that are not said stay where they are.
fn permutation_of(axes: &[usize]) -> Result<Permutation> {
    let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
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
    use super::{axes_of, permutation_of};

    #[test]
    fn permutations_are_checked() {
        let permutation = permutation_of(&[2, 0, 1]).unwrap();
        assert_eq!(permutation.order, [2, 0, 1, 3, 4, 5, 6, 7]);
        assert_eq!(axes_of(Some(&permutation))[..3], [2, 0, 1]);
        assert!(permutation_of(&[0, 0]).is_err());
        assert!(permutation_of(&[0, 2]).is_err());
        assert!(permutation_of(&[0; 9]).is_err());
    }
}
