//! Reading and writing the float types: operators compute in f32 and round once, at the output.

use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use tensorrt_sys::DataType;

use crate::tensor::{TensorMut, TensorView};
use crate::{Error, Result};

/// Whether [`load`] and [`store`] know the type: float, half and bfloat16.
pub fn is_computable(dtype: DataType) -> bool {
    matches!(dtype, DataType::Float | DataType::Half | DataType::Bf16)
}

fn refused(dtype: DataType) -> Error {
    Error::unsupported(format!("arithmetic on {} is not supported", dtype.name()))
}

/// The elements of a float, half or bfloat16 tensor as f32; borrowed where they already are.
///
/// # Errors
/// The tensor has another type.
pub fn load<'t>(view: &TensorView<'t>) -> Result<Cow<'t, [f32]>> {
    Ok(match view.dtype() {
        DataType::Float => Cow::Borrowed(view.as_slice::<f32>()?),
        DataType::Half => {
            let mut values = vec![0.0; view.len()];
            view.as_slice::<f16>()?.convert_to_f32_slice(&mut values);
            Cow::Owned(values)
        }
        DataType::Bf16 => Cow::Owned(view.as_slice::<bf16>()?.iter().map(|v| v.to_f32()).collect()),
        other => return Err(refused(other)),
    })
}

/// Writes `values` to a float, half or bfloat16 tensor, rounding to nearest, ties to even.
///
/// # Errors
/// The tensor has another type, or another number of elements.
pub fn store(values: &[f32], out: &mut TensorMut<'_>) -> Result<()> {
    if values.len() != out.len() {
        return Err(Error::internal(format!("{} values for a tensor of {}", values.len(), out.len())));
    }
    match out.dtype() {
        DataType::Float => out.as_mut_slice::<f32>()?.copy_from_slice(values),
        DataType::Half => out.as_mut_slice::<f16>()?.convert_from_f32_slice(values),
        DataType::Bf16 => {
            for (slot, &value) in out.as_mut_slice::<bf16>()?.iter_mut().zip(values) {
                *slot = bf16::from_f32(value);
            }
        }
        other => return Err(refused(other)),
    }
    Ok(())
}

/// Lets `compute` fill the tensor's elements as f32, then rounds them to its type. A float tensor is written in place.
///
/// `compute` must write every element: it sees undefined contents.
///
/// # Errors
/// The tensor is not float, half or bfloat16, or `compute` fails.
pub fn fill(out: &mut TensorMut<'_>, compute: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<()> {
    if out.dtype() == DataType::Float {
        return compute(out.as_mut_slice::<f32>()?);
    }
    if !is_computable(out.dtype()) {
        return Err(refused(out.dtype()));
    }
    let mut values = vec![0.0; out.len()];
    compute(&mut values)?;
    store(&values, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Dims, Tensor};

    #[test]
    fn half_types_round_once_to_nearest_even() {
        // 2049 lies between 2048 and 2050 in half; 257 between 256 and 258 in bfloat16.
        let values = [1.0, 2049.0, 257.0, f32::INFINITY, 65536.0];
        for (dtype, wanted) in [
            (DataType::Half, [1.0, 2048.0, 257.0, f32::INFINITY, f32::INFINITY]),
            (DataType::Bf16, [1.0, 2048.0, 256.0, f32::INFINITY, 65536.0]),
        ] {
            let mut tensor = Tensor::zeroed(dtype, Dims::new(&[5]).unwrap()).unwrap();
            fill(&mut tensor.view_mut(), |out| {
                out.copy_from_slice(&values);
                Ok(())
            })
            .unwrap();
            let back = load(&tensor.view()).unwrap();
            assert_eq!(*back, wanted);
        }
    }

    #[test]
    fn other_types_are_refused() {
        let mut tensor = Tensor::zeroed(DataType::Int32, Dims::new(&[2]).unwrap()).unwrap();
        assert!(load(&tensor.view()).is_err());
        assert!(store(&[0.0; 2], &mut tensor.view_mut()).is_err());
        assert!(fill(&mut tensor.view_mut(), |_| Ok(())).is_err());
    }
}
