//! The parameters that an input tensor may give instead: while it does, the getter says so, and setting the parameter takes the input off.

use tensorrt_sys::{Api, DataType};

use super::layer::LayerObject;
use super::properties::{Property, get};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::graph::{Fill, Layer, LayerKind, Resize, Shuffle, Slice, TopK};
use crate::tensor::Dims;
use crate::{Error, Result};

/// What a getter returns while an input gives the parameter.
trait Absent {
    const ABSENT: Self;
}

impl Absent for tensorrt_sys::Dims {
    const ABSENT: Self = Self { nbDims: -1, d: [0; 8] };
}

impl Absent for i32 {
    const ABSENT: Self = -1;
}

impl Absent for i64 {
    const ABSENT: Self = -1;
}

impl Absent for f64 {
    const ABSENT: Self = -1.0;
}

fn read<R: Absent>(layer: &LayerObject, input: usize, look: impl FnOnce(&LayerKind) -> Option<R>) -> Result<R> {
    if layer.read(|it| it.input(input).is_some())? {
        return Ok(R::ABSENT);
    }
    get(layer, |kind, _| look(kind))
}

fn write(layer: &LayerObject, input: usize, put: impl FnOnce(&mut LayerKind) -> bool) -> Result<()> {
    let put = |it: &mut Layer| {
        if let Some(slot) = it.inputs.get_mut(input) {
            *slot = None;
        }
        put(&mut it.kind)
    };
    if layer.change(put)? { Ok(()) } else { Err(Error::invalid("the layer is of another kind")) }
}

macro_rules! dynamic {
    ($api:ident; $($class:ident: $type:ty = $get:ident $set:ident input $input:literal $pattern:pat => $field:ident;)*) => {$(
        entries! { $api;
            $class: LayerObject {
            fn $get(layer) -> <$type as Property>::Get {
                let family = layer.scope().family;
                read(layer, $input, |kind| match kind {
                    $pattern => Some(Property::show($field, family)),
                    _ => None,
                })
            }
            fn $set(layer, value: <$type as Property>::Set) {
                let value = <$type as Property>::take(value, layer.scope().family)?;
                write(layer, $input, |kind| match kind {
                    $pattern => {
                        *$field = value;
                        true
                    }
                    _ => false,
                })
            }
            }
        }
    )*};
}

/// Alpha and beta of a fill, each kept as a float and as an integer: which one counts depends on the output's type.
macro_rules! fill_numbers {
    ($api:ident; $($type:ty = $get:ident $set:ident input $input:literal $field:ident $other:ident: $other_type:ty;)*) => {$(
        entries! { $api;
            IFillLayer: LayerObject {
            fn $get(layer) -> $type {
                read(layer, $input, |kind| match kind {
                    LayerKind::Fill(fill) => Some(fill.$field),
                    _ => None,
                })
            }
            fn $set(layer, value: $type) {
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the nearest number of the other kind")]
                write(layer, $input, |kind| match kind {
                    LayerKind::Fill(fill) => {
                        (fill.$field, fill.$other) = (value, value as $other_type);
                        true
                    }
                    _ => false,
                })
            }
            }
        }
    )*};
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    dynamic! { api;
        IFillLayer: Dims = IFillLayer_getDimensions IFillLayer_setDimensions input 0 LayerKind::Fill(Fill { dims: it, .. }) => it;
        IShuffleLayer: Option<Dims> = IShuffleLayer_getReshapeDimensions IShuffleLayer_setReshapeDimensions input 1 LayerKind::Shuffle(Shuffle { reshape: it, .. }) => it;
        ISliceLayer: Option<Dims> = ISliceLayer_getStart ISliceLayer_setStart input 1 LayerKind::Slice(Slice { start: it, .. }) => it;
        ISliceLayer: Option<Dims> = ISliceLayer_getSize ISliceLayer_setSize input 2 LayerKind::Slice(Slice { size: it, .. }) => it;
        ISliceLayer: Option<Dims> = ISliceLayer_getStride ISliceLayer_setStride input 3 LayerKind::Slice(Slice { stride: it, .. }) => it;
        ISliceLayer: Option<Dims> = ISliceLayer_getAxes ISliceLayer_setAxes input 5 LayerKind::Slice(Slice { axes: it, .. }) => it;
        ITopKLayer: i32 = ITopKLayer_getK ITopKLayer_setK input 1 LayerKind::TopK(TopK { k: it, .. }) => it;
    }
    fill_numbers! { api;
        f64 = IFillLayer_getAlpha IFillLayer_setAlpha input 1 alpha alpha_int64: i64;
        f64 = IFillLayer_getBeta IFillLayer_setBeta input 2 beta beta_int64: i64;
        i64 = IFillLayer_getAlphaInt64 IFillLayer_setAlphaInt64 input 1 alpha_int64 alpha: f64;
        i64 = IFillLayer_getBetaInt64 IFillLayer_setBetaInt64 input 2 beta_int64 beta: f64;
    }
    entries! { api;
        IFillLayer: LayerObject {
        fn IFillLayer_isAlphaBetaInt64(layer) -> bool {
            get(layer, |kind, _| match kind {
                LayerKind::Fill(fill) => Some(fill.to == DataType::Int64),
                _ => None,
            })
        }
        }
        IResizeLayer: LayerObject {
        fn IResizeLayer_getOutputDimensions(layer) -> tensorrt_sys::Dims {
            read(layer, 1, |kind| resize(kind).map(|it| Property::show(&it.dims, layer.scope().family)))
        }
        fn IResizeLayer_setOutputDimensions(layer, dims: *const tensorrt_sys::Dims) {
            let dims = <Option<Dims> as Property>::take(dims, layer.scope().family)?;
            write(layer, 1, |kind| resize_mut(kind).map(|it| (it.dims, it.scales) = (dims, Vec::new())).is_some())
        }
        fn IResizeLayer_setScales(layer, scales: *const f32, count: i32) {
            let len = usize::try_from(count).ok().filter(|&len| len <= Dims::MAX && !scales.is_null());
            let len = len.ok_or_else(|| Error::invalid(format!("{count} scales")))?;
            if layer.read(|it| it.input(1).is_some())? {
                return Err(Error::invalid("input 1 gives the dimensions: scales cannot be set"));
            }
            // SAFETY: the table's contract: the array has `count` numbers, readable during the call.
            let given = unsafe { std::slice::from_raw_parts(scales, len) };
            write(layer, 1, |kind| resize_mut(kind).map(|it| (it.dims, it.scales) = (None, given.to_vec())).is_some())
        }
        fn IResizeLayer_getScales(layer, size: i32, scales: *mut f32) -> i32 {
            let own = get(layer, |kind, _| resize(kind).map(|it| it.scales.clone()))?;
            if own.is_empty() {
                return Ok(-1);
            }
            if !scales.is_null() && usize::try_from(size).is_ok_and(|size| size >= own.len()) {
                // SAFETY: the table's contract: the array has room for `size` numbers, which is enough.
                unsafe { std::slice::from_raw_parts_mut(scales, own.len()) }.copy_from_slice(&own);
            }
            Ok(i32::try_from(own.len()).unwrap_or(i32::MAX))
        }
        }
    }
}

fn resize(kind: &LayerKind) -> Option<&Resize> {
    if let LayerKind::Resize(resize) = kind { Some(resize) } else { None }
}

fn resize_mut(kind: &mut LayerKind) -> Option<&mut Resize> {
    if let LayerKind::Resize(resize) = kind { Some(resize) } else { None }
}
