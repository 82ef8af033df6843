//! The Rust types of tensors' elements.

use bytemuck::{CheckedBitPattern, NoUninit};
use half::{bf16, f16};
use tensorrt_sys::DataType;

use crate::error::{Error, ErrorKind, Result};

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the element type of a tensor: `f32`, `f16`, `bf16`, `i8`, `u8`, `i32`, `i64`, `bool`.
pub trait TensorElement: CheckedBitPattern + NoUninit + Send + Sync + sealed::Sealed + 'static {
    /// The data type that it stands for.
    const DATA_TYPE: DataType;
}

macro_rules! elements {
    ($($rust:ty => $data_type:ident),+ $(,)?) => {
        $(impl sealed::Sealed for $rust {}
        impl TensorElement for $rust {
            const DATA_TYPE: DataType = DataType::$data_type;
        })+
    };
}

elements! {
    f32 => Float,
    f16 => Half,
    bf16 => Bf16,
    i8 => Int8,
    u8 => Uint8,
    i32 => Int32,
    i64 => Int64,
    bool => Bool,
}

/// A type of device buffers that holds elements of a tensor: every [`TensorElement`] that CUDA copies; `u8` also holds booleans, one a
/// byte.
pub trait DeviceElement: cuda_utils::Element {
    /// Whether elements of a data type are of this type.
    fn holds(data_type: DataType) -> bool;
}

macro_rules! device_elements {
    ($($rust:ty => $($data_type:ident)|+),+ $(,)?) => {
        $(impl DeviceElement for $rust {
            fn holds(data_type: DataType) -> bool {
                matches!(data_type, $(DataType::$data_type)|+)
            }
        })+
    };
}

device_elements! {
    f32 => Float,
    f16 => Half,
    bf16 => Bf16,
    i8 => Int8,
    u8 => Uint8 | Bool | Fp8 | E8m0,
    i32 => Int32,
    i64 => Int64,
}

/// The size of an element in bits.
pub(crate) fn bits_of(data_type: DataType) -> Result<usize> {
    Ok(match data_type {
        DataType::Int4 | DataType::Fp4 => 4,
        DataType::Int8 | DataType::Bool | DataType::Uint8 | DataType::Fp8 | DataType::E8m0 => 8,
        DataType::Half | DataType::Bf16 => 16,
        DataType::Float | DataType::Int32 => 32,
        DataType::Int64 => 64,
        other => {
            let said = "its size is not known";
            return Err(Error::new(
                ErrorKind::UnknownValue,
                format_args!("use elements of type {}", other.name()),
                said,
            ));
        }
    })
}

/// The size of some elements in bytes; none if it exceeds the address space.
pub(crate) fn bytes_of(data_type: DataType, elements: usize) -> Result<usize> {
    let bits = bits_of(data_type)?;
    let bytes = elements.checked_mul(bits).map(|bits| bits.div_ceil(8));
    bytes.ok_or_else(|| {
        let tried = format!("hold {elements} elements of type {}", data_type.name());
        Error::new(ErrorKind::OutOfMemory, tried, "more than the address space holds")
    })
}

#[cfg(test)]
mod tests {
    use super::{TensorElement, bytes_of};
    use tensorrt_sys::DataType;

    #[test]
    fn rust_types_have_the_size_of_their_data_type() {
        fn same<T: TensorElement>() {
            assert_eq!(bytes_of(T::DATA_TYPE, 3).unwrap(), 3 * size_of::<T>(), "{}", T::DATA_TYPE);
        }
        same::<f32>();
        same::<half::f16>();
        same::<half::bf16>();
        same::<i8>();
        same::<u8>();
        same::<i32>();
        same::<i64>();
        same::<bool>();
    }

    #[test]
    fn every_data_type_has_a_size() {
        for data_type in DataType::ALL {
            assert!(bytes_of(*data_type, 2).unwrap() >= 1, "{data_type}");
        }
        assert_eq!(bytes_of(DataType::Int4, 3).unwrap(), 2);
        assert!(bytes_of(DataType::Int64, usize::MAX / 2).is_err());
    }
}
