//! The parameters of layers: read and changed by hand, shapes following.

use std::ffi::c_char;

use tensorrt_sys::{
    ActivationType, Api, BoundingBoxFormat, CumulativeOperation, DataType, ElementWiseOperation, Family, FillOperation,
    GatherMode, InterpolationMode, MatrixOperation, PaddingMode, PoolingType, ReduceOperation,
    ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector, SampleMode, ScaleMode, ScatterMode, TopKOperation,
    UnaryOperation,
};

use super::layer::LayerObject;
use super::upgrade;
use crate::ffi::dims::{from_c, permutation_to_c, shape_from_c, to_c, weights};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::text::read;
use crate::ffi::value::Value;
use crate::graph::{
    Conv, Fill, LayerKind, Normalization, Permutation, Pooling, Quantization, Resize, Scale, Shuffle, Slice, TopK,
    WeightsId,
};
use crate::tensor::Dims;
use crate::{Error, Result};

/// A parameter that C reads and writes as other types.
pub(super) trait Property: Sized {
    /// What the getter returns.
    type Get;
    /// What the setter takes.
    type Set;
    /// The parameter as C reads it.
    fn show(&self, family: Family) -> Self::Get;
    /// The parameter that C wrote.
    fn take(value: Self::Set, family: Family) -> Result<Self>;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Property for $type {
            type Get = Self;
            type Set = Self;
            fn show(&self, _: Family) -> Self {
                *self
            }
            fn take(value: Self, _: Family) -> Result<Self> {
                Ok(value)
            }
        }
    )*};
}
plain!(bool, i32, i64, u32, f32, f64);

impl<V: Value> Property for V {
    type Get = i32;
    type Set = i32;
    fn show(&self, family: Family) -> i32 {
        Value::show(*self, family)
    }
    fn take(value: i32, family: Family) -> Result<Self> {
        V::read(family, value)
    }
}

impl Property for Dims {
    type Get = tensorrt_sys::Dims;
    type Set = *const tensorrt_sys::Dims;
    fn show(&self, _: Family) -> tensorrt_sys::Dims {
        to_c(self)
    }
    fn take(value: *const tensorrt_sys::Dims, _: Family) -> Result<Self> {
        from_c(value, "the parameter")
    }
}

impl Property for Option<Dims> {
    type Get = tensorrt_sys::Dims;
    type Set = *const tensorrt_sys::Dims;
    fn show(&self, _: Family) -> tensorrt_sys::Dims {
        self.as_ref().map_or(tensorrt_sys::Dims { nbDims: -1, d: [0; 8] }, to_c)
    }
    fn take(value: *const tensorrt_sys::Dims, _: Family) -> Result<Self> {
        from_c(value, "the parameter").map(Some)
    }
}

/// What a setter returns when it did its work.
pub(super) trait Done {
    /// The value.
    const DONE: Self;
}

impl Done for () {
    const DONE: Self = ();
}

impl Done for bool {
    const DONE: Self = true;
}

/// Reads a parameter; `None` means that the layer is of another kind.
pub(super) fn get<R>(layer: &LayerObject, look: impl FnOnce(&LayerKind, Family) -> Option<R>) -> Result<R> {
    let family = layer.scope().family;
    layer.read(|it| look(&it.kind, family))?.ok_or_else(|| Error::invalid("the layer is of another kind"))
}

/// Changes a parameter; false means that the layer is of another kind.
pub(super) fn set(layer: &LayerObject, change: impl FnOnce(&mut LayerKind) -> bool) -> Result<()> {
    let (mut kind, inputs) = layer.read(|it| (it.kind.clone(), it.inputs.clone()))?;
    let before = kind.clone();
    if !change(&mut kind) {
        return Err(Error::invalid("the layer is of another kind"));
    }
    let shared = upgrade(&layer.shared)?;
    let mut state = shared.state();
    // What was imported may be beyond the limits already; a change is not to blame for it.
    if let Err(error) = state.check(&kind, &inputs)
        && state.check(&before, &inputs).is_ok()
    {
        return Err(error);
    }
    drop(state);
    layer.change(|it| it.kind = kind)
}

/// The getter and the setter of each parameter: what the setter returns, the class, the parameter's type, both entries, and where it is.
macro_rules! properties {
    ($api:ident; $(($($ret:ty)?) $class:ident: $type:ty = $get:ident $set:ident $pattern:pat => $field:ident;)*) => {$(
        entries! { $api;
            $class: LayerObject {
            fn $get(layer) -> <$type as Property>::Get {
                get(layer, |kind, family| match kind {
                    $pattern => Some(Property::show($field, family)),
                    _ => None,
                })
            }
            fn $set(layer, value: <$type as Property>::Set) $(-> $ret)? {
                let value = <$type as Property>::take(value, layer.scope().family)?;
                set(layer, |kind| match kind {
                    $pattern => {
                        *$field = value;
                        true
                    }
                    _ => false,
                })?;
                Ok(Done::DONE)
            }
            }
        }
    )*};
}
pub(super) use properties;

/// The weights of a layer, seen from C.
fn show_weights(
    layer: &LayerObject,
    pick: impl FnOnce(&LayerKind) -> Option<Option<WeightsId>>,
) -> Result<tensorrt_sys::Weights> {
    let id = get(layer, |kind, _| pick(kind))?;
    let shared = upgrade(&layer.shared)?;
    let state = shared.state();
    let empty = tensorrt_sys::Weights { type_: 0, values: std::ptr::null(), count: 0 };
    Ok(id.map_or(empty, |id| {
        let weights = state.network().graph().weights(id);
        tensorrt_sys::Weights {
            type_: Value::show(weights.dtype, layer.scope().family),
            values: weights.storage.as_ptr().cast(),
            count: i64::try_from(weights.count).unwrap_or(i64::MAX),
        }
    }))
}

/// Replaces the weights of a layer by a copy of `blob`.
fn take_weights(
    layer: &LayerObject,
    blob: tensorrt_sys::Weights,
    put: impl FnOnce(&mut LayerKind, Option<WeightsId>) -> bool,
) -> Result<()> {
    let origin = blob.values.addr();
    let blob = weights(layer.scope().family, blob, "the weights")?;
    let id = match blob {
        Some(blob) => Some(upgrade(&layer.shared)?.state().keep_weights(blob, origin)),
        None => None,
    };
    set(layer, |kind| put(kind, id))
}

macro_rules! weight_properties {
    ($api:ident; $($class:ident: $get:ident $set:ident $pattern:pat => $field:ident;)*) => {$(
        entries! { $api;
            $class: LayerObject {
            fn $get(layer) -> tensorrt_sys::Weights {
                show_weights(layer, |kind| match kind {
                    $pattern => Some(*$field),
                    _ => None,
                })
            }
            fn $set(layer, value: tensorrt_sys::Weights) {
                take_weights(layer, value, |kind, id| match kind {
                    $pattern => {
                        *$field = id;
                        true
                    }
                    _ => false,
                })
            }
            }
        }
    )*};
}

macro_rules! transposes {
    ($api:ident; $($get:ident $set:ident $field:ident;)*) => {$(
        entries! { $api;
            IShuffleLayer: LayerObject {
            fn $get(layer) -> *const tensorrt_sys::Permutation {
                let order = get(layer, |kind, _| match kind {
                    LayerKind::Shuffle(shuffle) => Some(shuffle.$field),
                    _ => None,
                })?;
                Ok(layer.show_permutation(permutation_to_c(&order)))
            }
            fn $set(layer, order: *const tensorrt_sys::Permutation) {
                // SAFETY: the table's contract: the struct is readable during the call, or the pointer is null.
                let order = unsafe { order.as_ref() }.ok_or_else(|| Error::invalid("the permutation is null"))?.order;
                set(layer, |kind| match kind {
                    LayerKind::Shuffle(shuffle) => {
                        shuffle.$field = Permutation(order);
                        true
                    }
                    _ => false,
                })
            }
            }
        }
    )*};
}

macro_rules! symmetric_padding {
    ($api:ident; $($class:ident: $get:ident $set:ident $kind:ident;)*) => {$(
        entries! { $api;
            $class: LayerObject {
            fn $get(layer) -> tensorrt_sys::Dims {
                get(layer, |kind, _| match kind {
                    LayerKind::$kind(it) => Some(to_c(&it.pre_padding)),
                    _ => None,
                })
            }
            fn $set(layer, padding: *const tensorrt_sys::Dims) {
                let padding = from_c(padding, "the padding")?;
                set(layer, |kind| match kind {
                    LayerKind::$kind(it) => {
                        (it.pre_padding, it.post_padding) = (padding, padding);
                        true
                    }
                    _ => false,
                })
            }
            }
        }
    )*};
}

fn fill_special(api: &mut Api) {
    weight_properties! { api;
        IConvolutionLayer: IConvolutionLayer_getKernelWeights IConvolutionLayer_setKernelWeights LayerKind::Convolution(Conv { kernel: it, .. }) => it;
        IConvolutionLayer: IConvolutionLayer_getBiasWeights IConvolutionLayer_setBiasWeights LayerKind::Convolution(Conv { bias: it, .. }) => it;
        IDeconvolutionLayer: IDeconvolutionLayer_getKernelWeights IDeconvolutionLayer_setKernelWeights LayerKind::Deconvolution(Conv { kernel: it, .. }) => it;
        IDeconvolutionLayer: IDeconvolutionLayer_getBiasWeights IDeconvolutionLayer_setBiasWeights LayerKind::Deconvolution(Conv { bias: it, .. }) => it;
        IScaleLayer: IScaleLayer_getShift IScaleLayer_setShift LayerKind::Scale(Scale { shift: it, .. }) => it;
        IScaleLayer: IScaleLayer_getScale IScaleLayer_setScale LayerKind::Scale(Scale { scale: it, .. }) => it;
        IScaleLayer: IScaleLayer_getPower IScaleLayer_setPower LayerKind::Scale(Scale { power: it, .. }) => it;
    }
    transposes! { api;
        IShuffleLayer_getFirstTranspose IShuffleLayer_setFirstTranspose first;
        IShuffleLayer_getSecondTranspose IShuffleLayer_setSecondTranspose second;
    }
    symmetric_padding! { api;
        IConvolutionLayer: IConvolutionLayer_getPaddingNd IConvolutionLayer_setPaddingNd Convolution;
        IDeconvolutionLayer: IDeconvolutionLayer_getPaddingNd IDeconvolutionLayer_setPaddingNd Deconvolution;
        IPoolingLayer: IPoolingLayer_getPaddingNd IPoolingLayer_setPaddingNd Pooling;
    }
    entries! { api;
        IConstantLayer: LayerObject {
        fn IConstantLayer_getWeights(layer) -> tensorrt_sys::Weights {
            show_weights(layer, |kind| match kind {
                LayerKind::Constant { weights, .. } => Some(Some(*weights)),
                _ => None,
            })
        }
        fn IConstantLayer_setWeights(layer, value: tensorrt_sys::Weights) {
            if value.count == 0 {
                return Err(Error::invalid("a constant needs values"));
            }
            take_weights(layer, value, |kind, id| match (kind, id) {
                (LayerKind::Constant { weights, .. }, Some(id)) => {
                    *weights = id;
                    true
                }
                _ => false,
            })
        }
        fn IConstantLayer_setDimensions(layer, value: *const tensorrt_sys::Dims) {
            let value = shape_from_c(value, "the constant's dimensions")?;
            set(layer, |kind| match kind {
                LayerKind::Constant { dims, .. } => {
                    *dims = value;
                    true
                }
                _ => false,
            })
        }
        fn IConstantLayer_getDimensions(layer) -> tensorrt_sys::Dims {
            get(layer, |kind, _| match kind {
                LayerKind::Constant { dims, .. } => Some(to_c(dims)),
                _ => None,
            })
        }
        }
        IEinsumLayer: LayerObject {
        fn IEinsumLayer_getEquation(layer) -> *const c_char {
            get(layer, |kind, _| match kind {
                LayerKind::Einsum { equation } => Some(layer.text.show(equation)),
                _ => None,
            })
        }
        fn IEinsumLayer_setEquation(layer, text: *const c_char) -> bool {
            let text = read(text, "the equation")?;
            set(layer, |kind| match kind {
                LayerKind::Einsum { equation } => {
                    *equation = text;
                    true
                }
                _ => false,
            })?;
            Ok(true)
        }
        }
        IAssertionLayer: LayerObject {
        fn IAssertionLayer_setMessage(layer, text: *const c_char) {
            let text = read(text, "the message")?;
            set(layer, |kind| match kind {
                LayerKind::Assertion { message } => {
                    *message = text;
                    true
                }
                _ => false,
            })
        }
        fn IAssertionLayer_getMessage(layer) -> *const c_char {
            get(layer, |kind, _| match kind {
                LayerKind::Assertion { message } => Some(layer.text.show(message)),
                _ => None,
            })
        }
        }
        IMatrixMultiplyLayer: LayerObject {
        fn IMatrixMultiplyLayer_getOperation(layer, index: i32) -> i32 {
            let index = usize::try_from(index).ok().filter(|&index| index < 2);
            let index = index.ok_or_else(|| Error::invalid("a matrix product has operands 0 and 1"))?;
            get(layer, |kind, family| match kind {
                LayerKind::MatrixMultiply { ops } => Some(Value::show(ops[index], family)),
                _ => None,
            })
        }
        fn IMatrixMultiplyLayer_setOperation(layer, index: i32, op: i32) {
            let index = usize::try_from(index).ok().filter(|&index| index < 2);
            let index = index.ok_or_else(|| Error::invalid("a matrix product has operands 0 and 1"))?;
            let op = MatrixOperation::read(layer.scope().family, op)?;
            set(layer, |kind| match kind {
                LayerKind::MatrixMultiply { ops } => {
                    ops[index] = op;
                    true
                }
                _ => false,
            })
        }
        }
        INormalizationLayer: LayerObject {
        fn INormalizationLayer_isV2(layer) -> bool {
            get(layer, |kind, _| match kind {
                LayerKind::Normalization(it) => Some(it.v2),
                _ => None,
            })
        }
        }
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    fill_special(api);
    properties! { api;
        () IActivationLayer: ActivationType = IActivationLayer_getActivationType IActivationLayer_setActivationType LayerKind::Activation { op: it, .. } => it;
        () IActivationLayer: f32 = IActivationLayer_getAlpha IActivationLayer_setAlpha LayerKind::Activation { alpha: it, .. } => it;
        () IActivationLayer: f32 = IActivationLayer_getBeta IActivationLayer_setBeta LayerKind::Activation { beta: it, .. } => it;
        () ICastLayer: DataType = ICastLayer_getToType ICastLayer_setToType LayerKind::Cast { to: it, .. } => it;
        () IConcatenationLayer: i32 = IConcatenationLayer_getAxis IConcatenationLayer_setAxis LayerKind::Concatenation { axis: it, .. } => it;
        () IConvolutionLayer: i64 = IConvolutionLayer_getNbOutputMaps IConvolutionLayer_setNbOutputMaps LayerKind::Convolution(Conv { num_output_maps: it, .. }) => it;
        () IConvolutionLayer: i64 = IConvolutionLayer_getNbGroups IConvolutionLayer_setNbGroups LayerKind::Convolution(Conv { groups: it, .. }) => it;
        () IConvolutionLayer: Dims = IConvolutionLayer_getPrePadding IConvolutionLayer_setPrePadding LayerKind::Convolution(Conv { pre_padding: it, .. }) => it;
        () IConvolutionLayer: Dims = IConvolutionLayer_getPostPadding IConvolutionLayer_setPostPadding LayerKind::Convolution(Conv { post_padding: it, .. }) => it;
        () IConvolutionLayer: PaddingMode = IConvolutionLayer_getPaddingMode IConvolutionLayer_setPaddingMode LayerKind::Convolution(Conv { padding_mode: it, .. }) => it;
        () IConvolutionLayer: Dims = IConvolutionLayer_getKernelSizeNd IConvolutionLayer_setKernelSizeNd LayerKind::Convolution(Conv { kernel_size: it, .. }) => it;
        () IConvolutionLayer: Dims = IConvolutionLayer_getStrideNd IConvolutionLayer_setStrideNd LayerKind::Convolution(Conv { stride: it, .. }) => it;
        () IConvolutionLayer: Dims = IConvolutionLayer_getDilationNd IConvolutionLayer_setDilationNd LayerKind::Convolution(Conv { dilation: it, .. }) => it;
        () IDeconvolutionLayer: i64 = IDeconvolutionLayer_getNbOutputMaps IDeconvolutionLayer_setNbOutputMaps LayerKind::Deconvolution(Conv { num_output_maps: it, .. }) => it;
        () IDeconvolutionLayer: i64 = IDeconvolutionLayer_getNbGroups IDeconvolutionLayer_setNbGroups LayerKind::Deconvolution(Conv { groups: it, .. }) => it;
        () IDeconvolutionLayer: Dims = IDeconvolutionLayer_getPrePadding IDeconvolutionLayer_setPrePadding LayerKind::Deconvolution(Conv { pre_padding: it, .. }) => it;
        () IDeconvolutionLayer: Dims = IDeconvolutionLayer_getPostPadding IDeconvolutionLayer_setPostPadding LayerKind::Deconvolution(Conv { post_padding: it, .. }) => it;
        () IDeconvolutionLayer: PaddingMode = IDeconvolutionLayer_getPaddingMode IDeconvolutionLayer_setPaddingMode LayerKind::Deconvolution(Conv { padding_mode: it, .. }) => it;
        () IDeconvolutionLayer: Dims = IDeconvolutionLayer_getKernelSizeNd IDeconvolutionLayer_setKernelSizeNd LayerKind::Deconvolution(Conv { kernel_size: it, .. }) => it;
        () IDeconvolutionLayer: Dims = IDeconvolutionLayer_getStrideNd IDeconvolutionLayer_setStrideNd LayerKind::Deconvolution(Conv { stride: it, .. }) => it;
        () IDeconvolutionLayer: Dims = IDeconvolutionLayer_getDilationNd IDeconvolutionLayer_setDilationNd LayerKind::Deconvolution(Conv { dilation: it, .. }) => it;
        (bool) ICumulativeLayer: CumulativeOperation = ICumulativeLayer_getOperation ICumulativeLayer_setOperation LayerKind::Cumulative { op: it, .. } => it;
        () ICumulativeLayer: bool = ICumulativeLayer_getExclusive ICumulativeLayer_setExclusive LayerKind::Cumulative { exclusive: it, .. } => it;
        () ICumulativeLayer: bool = ICumulativeLayer_getReverse ICumulativeLayer_setReverse LayerKind::Cumulative { reverse: it, .. } => it;
        () IQuantizeLayer: i32 = IQuantizeLayer_getAxis IQuantizeLayer_setAxis LayerKind::Quantize(Quantization { axis: it, .. }) => it;
        () IQuantizeLayer: DataType = IQuantizeLayer_getToType IQuantizeLayer_setToType LayerKind::Quantize(Quantization { to: it, .. }) => it;
        (bool) IQuantizeLayer: Option<Dims> = IQuantizeLayer_getBlockShape IQuantizeLayer_setBlockShape LayerKind::Quantize(Quantization { block_shape: it, .. }) => it;
        () IDequantizeLayer: i32 = IDequantizeLayer_getAxis IDequantizeLayer_setAxis LayerKind::Dequantize(Quantization { axis: it, .. }) => it;
        () IDequantizeLayer: DataType = IDequantizeLayer_getToType IDequantizeLayer_setToType LayerKind::Dequantize(Quantization { to: it, .. }) => it;
        (bool) IDequantizeLayer: Option<Dims> = IDequantizeLayer_getBlockShape IDequantizeLayer_setBlockShape LayerKind::Dequantize(Quantization { block_shape: it, .. }) => it;
        () IDynamicQuantizeLayer: DataType = IDynamicQuantizeLayer_getToType IDynamicQuantizeLayer_setToType LayerKind::DynamicQuantize { to: it, .. } => it;
        () IDynamicQuantizeLayer: DataType = IDynamicQuantizeLayer_getScaleType IDynamicQuantizeLayer_setScaleType LayerKind::DynamicQuantize { scale_type: it, .. } => it;
        () IDynamicQuantizeLayer: i32 = IDynamicQuantizeLayer_getAxis IDynamicQuantizeLayer_setAxis LayerKind::DynamicQuantize { axis: it, .. } => it;
        () IDynamicQuantizeLayer: i32 = IDynamicQuantizeLayer_getBlockSize IDynamicQuantizeLayer_setBlockSize LayerKind::DynamicQuantize { block_size: it, .. } => it;
        () IDynamicQuantizeLayer: Option<Dims> = IDynamicQuantizeLayer_getBlockShape IDynamicQuantizeLayer_setBlockShape LayerKind::DynamicQuantize { block_shape: it, .. } => it;
        () IElementWiseLayer: ElementWiseOperation = IElementWiseLayer_getOperation IElementWiseLayer_setOperation LayerKind::ElementWise { op: it, .. } => it;
        () IFillLayer: FillOperation = IFillLayer_getOperation IFillLayer_setOperation LayerKind::Fill(Fill { op: it, .. }) => it;
        () IFillLayer: DataType = IFillLayer_getToType IFillLayer_setToType LayerKind::Fill(Fill { to: it, .. }) => it;
        () IGatherLayer: i32 = IGatherLayer_getGatherAxis IGatherLayer_setGatherAxis LayerKind::Gather { axis: it, .. } => it;
        () IGatherLayer: i32 = IGatherLayer_getNbElementWiseDims IGatherLayer_setNbElementWiseDims LayerKind::Gather { num_elementwise_dims: it, .. } => it;
        () IGatherLayer: GatherMode = IGatherLayer_getMode IGatherLayer_setMode LayerKind::Gather { mode: it, .. } => it;
        () IGridSampleLayer: InterpolationMode = IGridSampleLayer_getInterpolationMode IGridSampleLayer_setInterpolationMode LayerKind::GridSample { interpolation: it, .. } => it;
        () IGridSampleLayer: bool = IGridSampleLayer_getAlignCorners IGridSampleLayer_setAlignCorners LayerKind::GridSample { align_corners: it, .. } => it;
        (bool) IGridSampleLayer: SampleMode = IGridSampleLayer_getSampleMode IGridSampleLayer_setSampleMode LayerKind::GridSample { sample_mode: it, .. } => it;
        () ILRNLayer: i64 = ILRNLayer_getWindowSize ILRNLayer_setWindowSize LayerKind::Lrn { window: it, .. } => it;
        () ILRNLayer: f32 = ILRNLayer_getAlpha ILRNLayer_setAlpha LayerKind::Lrn { alpha: it, .. } => it;
        () ILRNLayer: f32 = ILRNLayer_getBeta ILRNLayer_setBeta LayerKind::Lrn { beta: it, .. } => it;
        () ILRNLayer: f32 = ILRNLayer_getK ILRNLayer_setK LayerKind::Lrn { k: it, .. } => it;
        () INMSLayer: BoundingBoxFormat = INMSLayer_getBoundingBoxFormat INMSLayer_setBoundingBoxFormat LayerKind::Nms { format: it, .. } => it;
        () INMSLayer: i32 = INMSLayer_getTopKBoxLimit INMSLayer_setTopKBoxLimit LayerKind::Nms { topk_limit: it, .. } => it;
        (bool) INMSLayer: DataType = INMSLayer_getIndicesType INMSLayer_setIndicesType LayerKind::Nms { indices: it, .. } => it;
        (bool) INonZeroLayer: DataType = INonZeroLayer_getIndicesType INonZeroLayer_setIndicesType LayerKind::NonZero { indices: it, .. } => it;
        () INormalizationLayer: f32 = INormalizationLayer_getEpsilon INormalizationLayer_setEpsilon LayerKind::Normalization(Normalization { epsilon: it, .. }) => it;
        () INormalizationLayer: u32 = INormalizationLayer_getAxes INormalizationLayer_setAxes LayerKind::Normalization(Normalization { axes: it, .. }) => it;
        () INormalizationLayer: i64 = INormalizationLayer_getNbGroups INormalizationLayer_setNbGroups LayerKind::Normalization(Normalization { groups: it, .. }) => it;
        () INormalizationLayer: DataType = INormalizationLayer_getComputePrecision INormalizationLayer_setComputePrecision LayerKind::Normalization(Normalization { compute_precision: it, .. }) => it;
        () IOneHotLayer: i32 = IOneHotLayer_getAxis IOneHotLayer_setAxis LayerKind::OneHot { axis: it, .. } => it;
        () IPaddingLayer: Dims = IPaddingLayer_getPrePaddingNd IPaddingLayer_setPrePaddingNd LayerKind::Padding { pre: it, .. } => it;
        () IPaddingLayer: Dims = IPaddingLayer_getPostPaddingNd IPaddingLayer_setPostPaddingNd LayerKind::Padding { post: it, .. } => it;
        () IPoolingLayer: PoolingType = IPoolingLayer_getPoolingType IPoolingLayer_setPoolingType LayerKind::Pooling(Pooling { op: it, .. }) => it;
        () IPoolingLayer: f32 = IPoolingLayer_getBlendFactor IPoolingLayer_setBlendFactor LayerKind::Pooling(Pooling { blend_factor: it, .. }) => it;
        () IPoolingLayer: bool = IPoolingLayer_getAverageCountExcludesPadding IPoolingLayer_setAverageCountExcludesPadding LayerKind::Pooling(Pooling { average_count_excludes_padding: it, .. }) => it;
        () IPoolingLayer: Dims = IPoolingLayer_getPrePadding IPoolingLayer_setPrePadding LayerKind::Pooling(Pooling { pre_padding: it, .. }) => it;
        () IPoolingLayer: Dims = IPoolingLayer_getPostPadding IPoolingLayer_setPostPadding LayerKind::Pooling(Pooling { post_padding: it, .. }) => it;
        () IPoolingLayer: PaddingMode = IPoolingLayer_getPaddingMode IPoolingLayer_setPaddingMode LayerKind::Pooling(Pooling { padding_mode: it, .. }) => it;
        () IPoolingLayer: Dims = IPoolingLayer_getWindowSizeNd IPoolingLayer_setWindowSizeNd LayerKind::Pooling(Pooling { window: it, .. }) => it;
        () IPoolingLayer: Dims = IPoolingLayer_getStrideNd IPoolingLayer_setStrideNd LayerKind::Pooling(Pooling { stride: it, .. }) => it;
        () IReduceLayer: ReduceOperation = IReduceLayer_getOperation IReduceLayer_setOperation LayerKind::Reduce { op: it, .. } => it;
        () IReduceLayer: u32 = IReduceLayer_getReduceAxes IReduceLayer_setReduceAxes LayerKind::Reduce { axes: it, .. } => it;
        () IReduceLayer: bool = IReduceLayer_getKeepDimensions IReduceLayer_setKeepDimensions LayerKind::Reduce { keep_dims: it, .. } => it;
        () IResizeLayer: InterpolationMode = IResizeLayer_getResizeMode IResizeLayer_setResizeMode LayerKind::Resize(Resize { mode: it, .. }) => it;
        () IResizeLayer: ResizeCoordinateTransformation = IResizeLayer_getCoordinateTransformation IResizeLayer_setCoordinateTransformation LayerKind::Resize(Resize { transformation: it, .. }) => it;
        () IResizeLayer: ResizeSelector = IResizeLayer_getSelectorForSinglePixel IResizeLayer_setSelectorForSinglePixel LayerKind::Resize(Resize { selector: it, .. }) => it;
        () IResizeLayer: ResizeRoundMode = IResizeLayer_getNearestRounding IResizeLayer_setNearestRounding LayerKind::Resize(Resize { rounding: it, .. }) => it;
        () IResizeLayer: f32 = IResizeLayer_getCubicCoeff IResizeLayer_setCubicCoeff LayerKind::Resize(Resize { cubic_coeff: it, .. }) => it;
        () IResizeLayer: bool = IResizeLayer_getExcludeOutside IResizeLayer_setExcludeOutside LayerKind::Resize(Resize { exclude_outside: it, .. }) => it;
        () IReverseSequenceLayer: i32 = IReverseSequenceLayer_getBatchAxis IReverseSequenceLayer_setBatchAxis LayerKind::ReverseSequence { batch_axis: it, .. } => it;
        () IReverseSequenceLayer: i32 = IReverseSequenceLayer_getSequenceAxis IReverseSequenceLayer_setSequenceAxis LayerKind::ReverseSequence { sequence_axis: it, .. } => it;
        () IRotaryEmbeddingLayer: bool = IRotaryEmbeddingLayer_getInterleaved IRotaryEmbeddingLayer_setInterleaved LayerKind::RotaryEmbedding { interleaved: it, .. } => it;
        (bool) IRotaryEmbeddingLayer: i32 = IRotaryEmbeddingLayer_getRotaryEmbeddingDim IRotaryEmbeddingLayer_setRotaryEmbeddingDim LayerKind::RotaryEmbedding { dim: it, .. } => it;
        () IScaleLayer: ScaleMode = IScaleLayer_getMode IScaleLayer_setMode LayerKind::Scale(Scale { mode: it, .. }) => it;
        () IScaleLayer: i32 = IScaleLayer_getChannelAxis IScaleLayer_setChannelAxis LayerKind::Scale(Scale { channel_axis: it, .. }) => it;
        () IScatterLayer: ScatterMode = IScatterLayer_getMode IScatterLayer_setMode LayerKind::Scatter { mode: it, .. } => it;
        () IScatterLayer: i32 = IScatterLayer_getAxis IScatterLayer_setAxis LayerKind::Scatter { axis: it, .. } => it;
        () IShuffleLayer: bool = IShuffleLayer_getZeroIsPlaceholder IShuffleLayer_setZeroIsPlaceholder LayerKind::Shuffle(Shuffle { zero_is_placeholder: it, .. }) => it;
        () ISliceLayer: SampleMode = ISliceLayer_getMode ISliceLayer_setMode LayerKind::Slice(Slice { mode: it, .. }) => it;
        () ISoftMaxLayer: u32 = ISoftMaxLayer_getAxes ISoftMaxLayer_setAxes LayerKind::Softmax { axes: it, .. } => it;
        () ITopKLayer: TopKOperation = ITopKLayer_getOperation ITopKLayer_setOperation LayerKind::TopK(TopK { op: it, .. }) => it;
        () ITopKLayer: u32 = ITopKLayer_getReduceAxes ITopKLayer_setReduceAxes LayerKind::TopK(TopK { axes: it, .. }) => it;
        (bool) ITopKLayer: DataType = ITopKLayer_getIndicesType ITopKLayer_setIndicesType LayerKind::TopK(TopK { indices: it, .. }) => it;
        () IUnaryLayer: UnaryOperation = IUnaryLayer_getOperation IUnaryLayer_setOperation LayerKind::Unary { op: it, .. } => it;
    }
}
