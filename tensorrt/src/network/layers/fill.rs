//! Generated values.

use tensorrt_sys::IFillLayer;

use super::{accessors, layers};
use crate::dims::ToDims;
use crate::error::Result;
use crate::network::add::adds;
use crate::raw::call;
use crate::{DataType, FillOperation};

layers! {
    /// A sequence or random values.
    #[doc(alias = "nvinfer1::IFillLayer")]
    FillLayer = IFillLayer is Fill;
}

adds! {
    /// Adds a tensor of a sequence or of random values. Inputs 0, 1 and 2, if set, give the shape, alpha and beta at run time.
    #[doc(alias = "nvinfer1::INetworkDefinition::addFill")]
    add_fill(dims: impl ToDims as dims, operation: FillOperation as value, to: DataType as value) -> FillLayer
    by INetworkDefinition_addFillV2;
}

accessors! { FillLayer:
    "the shape of the output, unless input 0 gives it" optional_dims,
        dims = IFillLayer_getDimensions "nvinfer1::IFillLayer::getDimensions",
        set_dims = IFillLayer_setDimensions "nvinfer1::IFillLayer::setDimensions";
    "what is filled in" value FillOperation,
        operation = IFillLayer_getOperation "nvinfer1::IFillLayer::getOperation",
        set_operation = IFillLayer_setOperation "nvinfer1::IFillLayer::setOperation";
    "the start, the minimum or the mean; 0 at first" value f64,
        alpha = IFillLayer_getAlpha "nvinfer1::IFillLayer::getAlpha",
        set_alpha = IFillLayer_setAlpha "nvinfer1::IFillLayer::setAlpha";
    "the step, the maximum or the standard deviation; 1 at first" value f64,
        beta = IFillLayer_getBeta "nvinfer1::IFillLayer::getBeta",
        set_beta = IFillLayer_setBeta "nvinfer1::IFillLayer::setBeta";
    "the start, of a sequence of `i64`" value i64,
        alpha_int64 = IFillLayer_getAlphaInt64 "nvinfer1::IFillLayer::getAlphaInt64",
        set_alpha_int64 = IFillLayer_setAlphaInt64 "nvinfer1::IFillLayer::setAlphaInt64";
    "the step, of a sequence of `i64`" value i64,
        beta_int64 = IFillLayer_getBetaInt64 "nvinfer1::IFillLayer::getBetaInt64",
        set_beta_int64 = IFillLayer_setBetaInt64 "nvinfer1::IFillLayer::setBetaInt64";
    "the type of the output" value DataType,
        to_type = IFillLayer_getToType "nvinfer1::IFillLayer::getToType",
        set_to_type = IFillLayer_setToType "nvinfer1::IFillLayer::setToType";
}

impl FillLayer<'_> {
    /// Whether alpha and beta are of `i64`, because they were last set so.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IFillLayer::isAlphaBetaInt64")]
    pub fn is_alpha_beta_int64(&self) -> Result<bool> {
        // SAFETY: a network's layers live as long as it, and this one is a fill.
        unsafe { call!(self, IFillLayer_isAlphaBetaInt64()) }
    }
}
