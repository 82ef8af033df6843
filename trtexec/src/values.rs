//! Elements of tensors: their names, and bytes as numbers.

use half::{bf16, f16};
use serde::Serialize;
use tensorrt::DataType;

/// The name that NumPy and ONNX give an element type, where they have it.
pub(crate) fn name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Float => "float32",
        DataType::Half => "float16",
        DataType::Bf16 => "bfloat16",
        DataType::Int8 => "int8",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::Uint8 => "uint8",
        DataType::Bool => "bool",
        DataType::Fp8 => "float8e4m3",
        DataType::Int4 => "int4",
        DataType::Fp4 => "float4e2m1",
        DataType::E8m0 => "float8e8m0",
        other => other.name(),
    }
}

/// The values of a tensor in row-major order. In JSON a float that is not finite is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Values {
    Float(Vec<f32>),
    Integer(Vec<i64>),
    Bool(Vec<bool>),
    /// The bytes of a type that has no numbers here: 8-bit and 4-bit floats, packed as TensorRT does.
    Bytes(Vec<u8>),
}

impl Values {
    /// Reads what a device wrote.
    pub(crate) fn read(data_type: DataType, bytes: &[u8]) -> Self {
        fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
            bytes.as_chunks::<N>().0.iter().copied().map(read).collect()
        }
        match data_type {
            DataType::Float => Self::Float(each(bytes, f32::from_ne_bytes)),
            DataType::Half => Self::Float(each(bytes, |bytes| f16::from_ne_bytes(bytes).to_f32())),
            DataType::Bf16 => Self::Float(each(bytes, |bytes| bf16::from_ne_bytes(bytes).to_f32())),
            DataType::Int8 => Self::Integer(each(bytes, |bytes| i8::from_ne_bytes(bytes).into())),
            DataType::Int32 => Self::Integer(each(bytes, |bytes| i32::from_ne_bytes(bytes).into())),
            DataType::Int64 => Self::Integer(each(bytes, i64::from_ne_bytes)),
            DataType::Uint8 => Self::Integer(each(bytes, |[byte]| byte.into())),
            DataType::Bool => Self::Bool(each(bytes, |[byte]| byte != 0)),
            _ => Self::Bytes(bytes.to_vec()),
        }
    }

    /// Each value as text.
    pub(crate) fn texts(&self) -> Vec<String> {
        fn all<T: ToString>(values: &[T]) -> Vec<String> {
            values.iter().map(T::to_string).collect()
        }
        match self {
            Self::Float(values) => values.iter().map(|value| float(*value)).collect(),
            Self::Integer(values) => all(values),
            Self::Bool(values) => all(values),
            Self::Bytes(values) => all(values),
        }
    }
}

/// A float with what digits it has, and an exponent where it is very small or large.
fn float(value: f32) -> String {
    if value != 0.0 && value.is_finite() && !(1e-3..1e7).contains(&value.abs()) {
        return format!("{value:e}");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::Values;
    use half::f16;
    use tensorrt::DataType;

    #[test]
    fn bytes_become_numbers() {
        let bytes: Vec<u8> = [1.5_f32, f32::NAN].iter().flat_map(|value| value.to_ne_bytes()).collect();
        let values = Values::read(DataType::Float, &bytes);
        assert_eq!(serde_json::to_string(&values).unwrap(), "[1.5,null]");
        assert_eq!(values.texts(), ["1.5", "NaN"]);
        assert_eq!(Values::Float(vec![0.0, -7.5e-8, 1e9]).texts(), ["0", "-7.5e-8", "1e9"]);
        let bytes = f16::from_f32(-2.0).to_ne_bytes();
        assert_eq!(Values::read(DataType::Half, &bytes), Values::Float(vec![-2.0]));
        assert_eq!(Values::read(DataType::Int8, &[255, 1]), Values::Integer(vec![-1, 1]));
        assert_eq!(Values::read(DataType::Bool, &[0, 1]), Values::Bool(vec![false, true]));
        assert_eq!(Values::read(DataType::Int64, &7_i64.to_ne_bytes()), Values::Integer(vec![7]));
    }
}
