//! The positions of the elements that are not zero.

use tensorrt_sys::DataType;

use super::words::{extents, steps};
use super::{Call, Kernel, Request, convert, same_count};
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};

/// A prepared layer of non-zeros.
#[derive(Debug)]
struct NonZero;

/// Prepares the positions of the non-zero elements of floats, integers or booleans, as a matrix [rank, count] in row-major order.
///
/// # Errors
/// The input has another type.
pub(super) fn prepare(request: &Request<'_>) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    if is_integer(dtype) || convert::is_computable(dtype) {
        return Ok(Box::new(NonZero));
    }
    Err(request.unsupported_types())
}

fn is_integer(dtype: DataType) -> bool {
    matches!(dtype, DataType::Int8 | DataType::Uint8 | DataType::Bool | DataType::Int32 | DataType::Int64)
}

/// The indices of the elements that are not zero; NaN is none, −0 is.
fn found(input: &TensorView<'_>) -> Result<Vec<usize>> {
    if is_integer(input.dtype()) {
        let values = input.to_i64()?;
        return Ok((0..values.len()).filter(|&i| values[i] != 0).collect());
    }
    let values = convert::load(input)?;
    Ok((0..values.len()).filter(|&i| values[i] != 0.0).collect())
}

fn first<'t>(inputs: &[Option<TensorView<'t>>]) -> Result<TensorView<'t>> {
    inputs.first().copied().flatten().ok_or_else(|| Error::internal("input 0 is missing at run time"))
}

impl Kernel for NonZero {
    fn output_dims(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Dims>>> {
        let input = first(inputs)?;
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let dims = Dims::new(&[size(input.dims().rank()), size(found(&input)?.len())])?;
        Ok(Some(vec![dims]))
    }

    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let (extents, found) = (extents(input.dims()), found(&input)?);
        let steps = steps(&extents);
        let out = call.output(0)?;
        same_count(found.len() * extents.len(), out.len())?;
        let positions = extents.iter().zip(&steps).flat_map(|(&extent, &step)| {
            found.iter().map(move |&index| i64::try_from(index / step % extent).unwrap_or(i64::MAX))
        });
        store(positions, out)
    }
}

/// Writes indices as int32 or int64.
pub(super) fn store(indices: impl Iterator<Item = i64>, out: &mut crate::tensor::TensorMut<'_>) -> Result<()> {
    if out.dtype() == DataType::Int64 {
        out.as_mut_slice::<i64>()?.iter_mut().zip(indices).for_each(|(slot, index)| *slot = index);
        return Ok(());
    }
    for (slot, index) in out.as_mut_slice::<i32>()?.iter_mut().zip(indices) {
        *slot = i32::try_from(index).map_err(|_| Error::unsupported("an index beyond 2^31 as int32"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{bools, run, tensor};

    #[test]
    fn positions_are_columns_in_row_major_order() {
        let kind = LayerKind::NonZero { indices: DataType::Int32 };
        let x = tensor(&[2, 3], &[0.0f32, 2.0, -0.0, f32::NAN, 0.0, -1.0]);
        let dims = NonZero.output_dims(&[Some(x.view())]).unwrap().unwrap();
        assert_eq!(dims[0][..], [2, 3]);
        let out = run(&kind, &[Some(&x)], &[(DataType::Int32, &[2, 3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i32>().unwrap(), [0, 1, 1, 1, 0, 2]);
        let x = bools(&[4], &[true, false, false, true]);
        let kind = LayerKind::NonZero { indices: DataType::Int64 };
        let out = run(&kind, &[Some(&x)], &[(DataType::Int64, &[1, 2])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [0, 3]);
        assert!(run(&kind, &[Some(&x)], &[(DataType::Int64, &[1, 3])]).is_err());
    }
}
