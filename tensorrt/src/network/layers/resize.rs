//! Interpolation.

use tensorrt_sys::{IGridSampleLayer, IResizeLayer};

use super::{accessors, layers};
use crate::dims::Dims;
use crate::error::{Error, ErrorKind, Result};
use crate::network::Tensor;
use crate::network::add::adds;
use crate::operation::Operation;
use crate::raw::call;
use crate::{InterpolationMode, ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector, SampleMode};

layers! {
    /// Interpolation to another size.
    #[doc(alias = "nvinfer1::IResizeLayer")]
    ResizeLayer = IResizeLayer is Resize;
    /// Elements sampled at the coordinates of a grid.
    #[doc(alias = "nvinfer1::IGridSampleLayer")]
    GridSampleLayer = IGridSampleLayer is GridSample;
}

adds! {
    /// Adds an interpolation: by itself to the same size, until a shape or scales are set.
    #[doc(alias = "nvinfer1::INetworkDefinition::addResize")]
    add_resize(input: Tensor<'_> as tensor) -> ResizeLayer by INetworkDefinition_addResize;

    /// Adds elements of images, `[batch, channels, height, width]`, sampled at a grid of coordinates from -1 to 1,
    /// `[batch, height, width, 2]`.
    #[doc(alias = "nvinfer1::INetworkDefinition::addGridSample")]
    add_grid_sample(input: Tensor<'_> as tensor, grid: Tensor<'_> as tensor) -> GridSampleLayer by INetworkDefinition_addGridSample;
}

accessors! { ResizeLayer:
    "the shape of the output, unless scales or input 1 give it" optional_dims,
        output_dims = IResizeLayer_getOutputDimensions "nvinfer1::IResizeLayer::getOutputDimensions",
        set_output_dims = IResizeLayer_setOutputDimensions "nvinfer1::IResizeLayer::setOutputDimensions";
    "how elements between are made; `Nearest` at first" value InterpolationMode,
        resize_mode = IResizeLayer_getResizeMode "nvinfer1::IResizeLayer::getResizeMode",
        set_resize_mode = IResizeLayer_setResizeMode "nvinfer1::IResizeLayer::setResizeMode";
    "how a coordinate of the output becomes one of the input; `Asymmetric` at first" value ResizeCoordinateTransformation,
        coordinate_transformation = IResizeLayer_getCoordinateTransformation "nvinfer1::IResizeLayer::getCoordinateTransformation",
        set_coordinate_transformation = IResizeLayer_setCoordinateTransformation "nvinfer1::IResizeLayer::setCoordinateTransformation";
    "where an output of one pixel is taken from; `Formula` at first" value ResizeSelector,
        selector_for_single_pixel = IResizeLayer_getSelectorForSinglePixel "nvinfer1::IResizeLayer::getSelectorForSinglePixel",
        set_selector_for_single_pixel = IResizeLayer_setSelectorForSinglePixel "nvinfer1::IResizeLayer::setSelectorForSinglePixel";
    "how coordinates are rounded, in mode `Nearest`; `Floor` at first" value ResizeRoundMode,
        nearest_rounding = IResizeLayer_getNearestRounding "nvinfer1::IResizeLayer::getNearestRounding",
        set_nearest_rounding = IResizeLayer_setNearestRounding "nvinfer1::IResizeLayer::setNearestRounding";
    "the coefficient of cubic interpolation; -0.75 at first" value f32,
        cubic_coeff = IResizeLayer_getCubicCoeff "nvinfer1::IResizeLayer::getCubicCoeff",
        set_cubic_coeff = IResizeLayer_setCubicCoeff "nvinfer1::IResizeLayer::setCubicCoeff";
    "whether elements outside of the input count for nothing; not so at first" value bool,
        exclude_outside = IResizeLayer_getExcludeOutside "nvinfer1::IResizeLayer::getExcludeOutside",
        set_exclude_outside = IResizeLayer_setExcludeOutside "nvinfer1::IResizeLayer::setExcludeOutside";
}

accessors! { GridSampleLayer:
    "how elements between are made; `Linear` at first" value InterpolationMode,
        interpolation_mode = IGridSampleLayer_getInterpolationMode "nvinfer1::IGridSampleLayer::getInterpolationMode",
        set_interpolation_mode = IGridSampleLayer_setInterpolationMode "nvinfer1::IGridSampleLayer::setInterpolationMode";
    "whether -1 and 1 are the centers of the corner pixels, instead of their edges; not so at first" value bool,
        align_corners = IGridSampleLayer_getAlignCorners "nvinfer1::IGridSampleLayer::getAlignCorners",
        set_align_corners = IGridSampleLayer_setAlignCorners "nvinfer1::IGridSampleLayer::setAlignCorners";
    "what lies outside of the input; `Fill`, with zeros, at first" value SampleMode,
        sample_mode = IGridSampleLayer_getSampleMode "nvinfer1::IGridSampleLayer::getSampleMode",
        set_sample_mode = IGridSampleLayer_setSampleMode "nvinfer1::IGridSampleLayer::setSampleMode";
}

impl ResizeLayer<'_> {
    /// The factor of each axis; empty where a shape was set instead.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IResizeLayer::getScales")]
    pub fn scales(&self) -> Result<Vec<f32>> {
        // SAFETY: a network's layers live as long as it, and this one is a resize; without an array, the entry only counts.
        let count = unsafe { call!(self, IResizeLayer_getScales(0, std::ptr::null_mut())) }?;
        let mut scales = vec![0.0_f32; usize::try_from(count).unwrap_or(0)];
        if scales.is_empty() {
            return Ok(scales);
        }
        // SAFETY: as above; the array has room for `count` factors.
        unsafe { call!(self, IResizeLayer_getScales(count, scales.as_mut_ptr())) }?;
        Ok(scales)
    }

    /// Sets the factor of each axis, which replaces a shape.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are more than eight, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IResizeLayer::setScales")]
    pub fn set_scales(&self, scales: &[f32]) -> Result<()> {
        let count = i32::try_from(scales.len()).ok().filter(|_| scales.len() <= Dims::MAX);
        let count = count.ok_or_else(|| Error::invalid("set scales", "a tensor has at most 8 dimensions"))?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a resize; the array has `count` factors.
        unsafe { call!(self, IResizeLayer_setScales(scales.as_ptr(), count)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set the scales {scales:?}"))
    }
}
