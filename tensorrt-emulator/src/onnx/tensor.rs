//! Tensors of a model: from `TensorProto` to [`Tensor`].

use half::{bf16, f16};
use tensorrt_sys::DataType;

use super::data_type::{self, DOUBLE, FLOAT, INT64, STRING};
use super::error::{Refusal, Result};
use super::external::ExternalData;
use super::proto::{DATA_LOCATION_EXTERNAL, TensorProto};
use crate::memory::Storage;
use crate::tensor::{Dims, Tensor, byte_len};

/// The tensor that `proto` holds. Doubles become floats; values beyond float's range become its largest finite value.
///
/// # Errors
/// TensorRT lacks the type, the dimensions are negative, too many or too large, or the data does not have their size.
pub(crate) fn tensor(proto: &TensorProto, external: &ExternalData) -> Result<Tensor> {
    tensor_inner(proto, external).map_err(|mut refusal| {
        if !proto.name.is_empty() {
            refusal.message = format!("tensor \"{}\": {}", proto.name, refusal.message);
        }
        refusal
    })
}

fn tensor_inner(proto: &TensorProto, external: &ExternalData) -> Result<Tensor> {
    if proto.data_type == STRING {
        return Err(Refusal::datatype("tensors of strings are not supported"));
    }
    if proto.segment.is_some() {
        return Err(Refusal::value("tensors in segments are not supported"));
    }
    let dtype = data_type::convert(proto.data_type)?;
    if let Some(bad) = proto.dims.iter().find(|&&d| d < 0) {
        return Err(Refusal::value(format!("the dimension {bad} in {:?} is negative", proto.dims)));
    }
    let dims = Dims::new(&proto.dims)?;
    let count = dims.volume().ok_or_else(|| Refusal::value(format!("{dims} elements do not fit in memory")))?;
    let storage = if proto.data_location == DATA_LOCATION_EXTERNAL {
        let source_len = source_len(proto.data_type, dtype, count)?;
        let bytes = external.read(&proto.external_data, source_len)?;
        if proto.data_type == DOUBLE { doubles_le(&bytes) } else { bytes }
    } else if let Some(raw) = &proto.raw_data {
        let wanted = source_len(proto.data_type, dtype, count)?;
        if raw.len() != wanted {
            return Err(size_error(proto, dims, wanted, raw.len(), "bytes of raw_data"));
        }
        if proto.data_type == DOUBLE { doubles_le(raw) } else { Storage::copy_of(raw) }
    } else {
        typed(proto, dtype, dims, count)?
    };
    Ok(Tensor::new(dtype, dims, storage)?)
}

fn source_len(elem_type: i32, dtype: DataType, count: usize) -> Result<usize> {
    let len = if elem_type == DOUBLE { count.checked_mul(8) } else { byte_len(dtype, count) };
    len.ok_or_else(|| Refusal::value(format!("{count} elements do not fit in memory")))
}

fn size_error(proto: &TensorProto, dims: Dims, wanted: usize, got: usize, what: &str) -> Refusal {
    Refusal::value(format!("{dims} of {} needs {wanted} {what}, there are {got}", data_type::name(proto.data_type)))
}

#[expect(clippy::cast_possible_truncation, reason = "the value was clamped to float's range")]
fn to_f32(value: f64) -> f32 {
    if value.is_finite() { value.clamp(f32::MIN.into(), f32::MAX.into()) as f32 } else { value as f32 }
}

fn doubles_le(bytes: &[u8]) -> Storage {
    let floats: Vec<f32> = bytes.as_chunks::<8>().0.iter().map(|chunk| to_f32(f64::from_le_bytes(*chunk))).collect();
    Storage::copy_of(bytemuck::cast_slice(&floats))
}

/// The elements in the typed fields (`float_data` and its siblings).
fn typed(proto: &TensorProto, dtype: DataType, dims: Dims, count: usize) -> Result<Storage> {
    let check = |got: usize, wanted: usize, what: &str| {
        if got == wanted { Ok(()) } else { Err(size_error(proto, dims, wanted, got, what)) }
    };
    Ok(match proto.data_type {
        FLOAT => {
            check(proto.float_data.len(), count, "elements of float_data")?;
            Storage::copy_of(bytemuck::cast_slice(&proto.float_data))
        }
        DOUBLE => {
            check(proto.double_data.len(), count, "elements of double_data")?;
            let floats: Vec<f32> = proto.double_data.iter().map(|&v| to_f32(v)).collect();
            Storage::copy_of(bytemuck::cast_slice(&floats))
        }
        INT64 => {
            check(proto.int64_data.len(), count, "elements of int64_data")?;
            Storage::copy_of(bytemuck::cast_slice(&proto.int64_data))
        }
        _ => {
            let bytes = byte_len(dtype, count).unwrap_or(0);
            match crate::tensor::bits(dtype) {
                32 => {
                    check(proto.int32_data.len(), count, "elements of int32_data")?;
                    Storage::copy_of(bytemuck::cast_slice(&proto.int32_data))
                }
                16 => {
                    check(proto.int32_data.len(), count, "elements of int32_data")?;
                    let halves = proto.int32_data.iter().map(|&v| narrow::<u16>(v));
                    Storage::copy_of(bytemuck::cast_slice(&halves.collect::<Result<Vec<u16>>>()?))
                }
                // Four-bit elements come packed, a byte an entry.
                _ => {
                    check(proto.int32_data.len(), bytes, "entries of int32_data")?;
                    let bytes = proto.int32_data.iter().map(|&v| match dtype {
                        DataType::Int8 => i8::try_from(v).map(i8::cast_unsigned).map_err(|_| range_error(v)),
                        DataType::Bool => Ok(u8::from(v != 0)),
                        _ => narrow::<u8>(v),
                    });
                    Storage::copy_of(&bytes.collect::<Result<Vec<u8>>>()?)
                }
            }
        }
    })
}

fn narrow<T: TryFrom<i32>>(value: i32) -> Result<T> {
    T::try_from(value).map_err(|_| range_error(value))
}

fn range_error(value: i32) -> Refusal {
    Refusal::value(format!("{value} in int32_data is out of the type's range"))
}

/// One element of `dtype` with the given value, as packed bytes; `None` for types that have no constants.
pub(crate) fn element(dtype: DataType, value: f64) -> Option<Vec<u8>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
    Some(match dtype {
        DataType::Float => (value as f32).to_le_bytes().to_vec(),
        DataType::Half => f16::from_f64(value).to_le_bytes().to_vec(),
        DataType::Bf16 => bf16::from_f64(value).to_le_bytes().to_vec(),
        DataType::Int64 => (value as i64).to_le_bytes().to_vec(),
        DataType::Int32 => (value as i32).to_le_bytes().to_vec(),
        DataType::Int8 => (value as i8).to_le_bytes().to_vec(),
        DataType::Uint8 => vec![value as u8],
        DataType::Bool => vec![u8::from(value != 0.0)],
        _ => return None,
    })
}

/// The elements as `f64`: float, half, bfloat16 and integer tensors.
pub(crate) fn to_f64(tensor: &Tensor) -> Option<Vec<f64>> {
    let view = tensor.view();
    Some(match tensor.dtype() {
        DataType::Float => view.as_slice::<f32>().ok()?.iter().map(|&v| v.into()).collect(),
        DataType::Half => view.as_slice::<f16>().ok()?.iter().map(|&v| v.into()).collect(),
        DataType::Bf16 => view.as_slice::<bf16>().ok()?.iter().map(|&v| v.into()).collect(),
        #[expect(clippy::cast_precision_loss, reason = "callers want a number, not every bit")]
        _ => view.to_i64().ok()?.into_iter().map(|v| v as f64).collect(),
    })
}

/// What is wrong with the size of a tensor whose bytes are in the model, without reading them.
pub(crate) fn size_problem(proto: &TensorProto) -> Option<String> {
    let raw = proto.raw_data.as_ref().filter(|_| proto.data_location != DATA_LOCATION_EXTERNAL)?;
    let bits: usize = match proto.data_type {
        1 | 6 | 12 => 32,
        2 | 3 | 9 | 17..=20 | 24 => 8,
        4 | 5 | 10 | 16 => 16,
        7 | 11 | 13 | 14 => 64,
        15 => 128,
        21..=23 => 4,
        25 | 26 => 2,
        _ => return Some(format!("the data type {} has no raw data", proto.data_type)),
    };
    let count = proto.dims.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
    match count.and_then(|count| count.checked_mul(bits)).map(|bits| bits.div_ceil(8)) {
        Some(wanted) if wanted == raw.len() => None,
        Some(wanted) => Some(format!("{:?} needs {wanted} bytes of raw_data, there are {}", proto.dims, raw.len())),
        None => Some(format!("the dimensions {:?} have no size", proto.dims)),
    }
}
