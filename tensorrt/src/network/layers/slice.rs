//! Parts of tensors.

use tensorrt_sys::ISliceLayer;

use super::{accessors, layers};
use crate::SampleMode;
use crate::dims::ToDims;
use crate::network::Tensor;
use crate::network::add::adds;

layers! {
    /// A part of a tensor.
    #[doc(alias = "nvinfer1::ISliceLayer")]
    SliceLayer = ISliceLayer is Slice;
}

adds! {
    /// Adds a part of a tensor: of each axis `size` elements, from `start` on, `stride` apart. Inputs 1 to 5, if set, give start, size,
    /// stride, the fill value and the axes at run time.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let builder = Builder::new(&library)?;
    /// # let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [4, 6])?;
    /// let layer = network.add_slice(x, [1, 0], [2, 3], [1, 2])?;
    /// assert_eq!(layer.output(0)?.dims()?, Some([2, 3].into()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addSlice")]
    add_slice(input: Tensor<'_> as tensor, start: impl ToDims as dims, size: impl ToDims as dims, stride: impl ToDims as dims)
    -> SliceLayer by INetworkDefinition_addSlice;
}

accessors! { SliceLayer:
    "the first element of each axis, unless input 1 gives it" optional_dims,
        start = ISliceLayer_getStart "nvinfer1::ISliceLayer::getStart",
        set_start = ISliceLayer_setStart "nvinfer1::ISliceLayer::setStart";
    "the number of elements of each axis, unless input 2 gives it" optional_dims,
        size = ISliceLayer_getSize "nvinfer1::ISliceLayer::getSize",
        set_size = ISliceLayer_setSize "nvinfer1::ISliceLayer::setSize";
    "the step of each axis, unless input 3 gives it" optional_dims,
        stride = ISliceLayer_getStride "nvinfer1::ISliceLayer::getStride",
        set_stride = ISliceLayer_setStride "nvinfer1::ISliceLayer::setStride";
    "what lies outside of the input; `StrictBounds`, nothing, at first" value SampleMode,
        mode = ISliceLayer_getMode "nvinfer1::ISliceLayer::getMode",
        set_mode = ISliceLayer_setMode "nvinfer1::ISliceLayer::setMode";
    "the axes that start, size and stride speak of, unless input 5 gives them; none for all" optional_dims,
        axes = ISliceLayer_getAxes "nvinfer1::ISliceLayer::getAxes",
        set_axes = ISliceLayer_setAxes "nvinfer1::ISliceLayer::setAxes";
}
