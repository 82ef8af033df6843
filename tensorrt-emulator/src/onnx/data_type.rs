//! ONNX's element types and the TensorRT types they become.

use tensorrt_sys::DataType;

use super::error::{Refusal, Result};

pub(crate) const FLOAT: i32 = 1;
pub(crate) const UINT8: i32 = 2;
pub(crate) const INT8: i32 = 3;
pub(crate) const INT32: i32 = 6;
pub(crate) const INT64: i32 = 7;
pub(crate) const STRING: i32 = 8;
pub(crate) const BOOL: i32 = 9;
pub(crate) const FLOAT16: i32 = 10;
pub(crate) const DOUBLE: i32 = 11;
pub(crate) const BFLOAT16: i32 = 16;
pub(crate) const FLOAT8E4M3FN: i32 = 17;
pub(crate) const INT4: i32 = 22;
pub(crate) const FLOAT4E2M1: i32 = 23;
pub(crate) const FLOAT8E8M0: i32 = 24;

const NAMES: [&str; 27] = [
    "undefined",
    "float",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "double",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float8e5m2fnuz",
    "uint4",
    "int4",
    "float4e2m1",
    "float8e8m0",
    "uint2",
    "int2",
];

/// ONNX's name of the element type with the number `elem_type` in its files; "unknown" for other numbers.
pub fn name(elem_type: i32) -> &'static str {
    usize::try_from(elem_type).ok().and_then(|index| NAMES.get(index).copied()).unwrap_or("unknown")
}

/// The TensorRT type that stands for an element type; double becomes float, as NVIDIA's parser has it.
///
/// # Errors
/// TensorRT has no such type.
pub(crate) fn convert(elem_type: i32) -> Result<DataType> {
    Ok(match elem_type {
        FLOAT | DOUBLE => DataType::Float,
        UINT8 => DataType::Uint8,
        INT8 => DataType::Int8,
        INT32 => DataType::Int32,
        INT64 => DataType::Int64,
        BOOL => DataType::Bool,
        FLOAT16 => DataType::Half,
        BFLOAT16 => DataType::Bf16,
        FLOAT8E4M3FN => DataType::Fp8,
        INT4 => DataType::Int4,
        FLOAT4E2M1 => DataType::Fp4,
        FLOAT8E8M0 => DataType::E8m0,
        other => {
            return Err(Refusal::datatype(format!("TensorRT has no data type for ONNX's {} ({other})", name(other))));
        }
    })
}
