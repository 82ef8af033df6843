//! Sizes and kinds of TensorRT's data types, and the Rust types behind them.

use bytemuck::Pod;
use half::{bf16, f16};
use tensorrt_sys::DataType;

/// The bits of one element; int4 and fp4 are packed two to a byte, the lower nibble first.
pub fn bits(dtype: DataType) -> usize {
    match dtype {
        DataType::Int64 => 64,
        DataType::Float | DataType::Int32 => 32,
        DataType::Half | DataType::Bf16 => 16,
        DataType::Int4 | DataType::Fp4 => 4,
        _ => 8,
    }
}

/// The bytes of `count` packed elements; `None` where that overflows.
pub fn byte_len(dtype: DataType, count: usize) -> Option<usize> {
    Some(count.checked_mul(bits(dtype))?.div_ceil(8))
}

/// Whether the type holds fractions.
pub fn is_float(dtype: DataType) -> bool {
    matches!(dtype, DataType::Float | DataType::Half | DataType::Bf16 | DataType::Fp8 | DataType::Fp4 | DataType::E8m0)
}

/// A Rust type that stores one element of a [`DataType`].
pub trait Element: Pod + Send + Sync + PartialOrd {
    /// The data type.
    const DTYPE: DataType;
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident),* $(,)?) => {
        $(impl Element for $rust { const DTYPE: DataType = DataType::$dtype; })*
    };
}

elements! { f32 => Float, f16 => Half, bf16 => Bf16, i8 => Int8, u8 => Uint8, i32 => Int32, i64 => Int64 }
