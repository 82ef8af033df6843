//! Writing updates into a copy of a tensor.

use tensorrt_sys::{DataType, ElementWiseOperation, ScatterMode};

use super::copy::copy_bytes;
use super::reduce::Number;
use super::words::{Word, axis, by_width, extents, position, steps, words, words_mut};
use super::{Call, Kernel, Request, convert};
use crate::{Error, Result};

/// A prepared scatter.
#[derive(Debug)]
struct Scatter {
    mode: ScatterMode,
    axis: usize,
    combine: Option<ElementWiseOperation>,
}

/// Prepares a scatter; of several updates to one element the last wins, or all are combined in their order. Indices out of range are an
/// error at run time.
///
/// # Errors
/// The axis is out of range, the mode or the combination is not known, or data and updates differ in type.
pub(super) fn prepare(
    request: &Request<'_>,
    mode: ScatterMode,
    along: i32,
    combine: Option<ElementWiseOperation>,
) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    let dtype = request.input_type(0)?;
    let computable = convert::is_computable(dtype) || is_integer(dtype);
    if dtype != request.input_type(2)? || (combine.is_some() && !computable) {
        return Err(request.unsupported_types());
    }
    let axis = match mode {
        ScatterMode::Nd => 0,
        ScatterMode::Element => axis(along.into(), rank)?,
        other => return Err(Error::unsupported(format!("the scatter mode {}", other.name()))),
    };
    Ok(Box::new(Scatter { mode, axis, combine }))
}

fn is_integer(dtype: DataType) -> bool {
    matches!(dtype, DataType::Int8 | DataType::Uint8 | DataType::Int32 | DataType::Int64)
}

/// What one update and what is there become.
fn combination<T: Number>(op: ElementWiseOperation) -> Result<fn(T, T) -> T> {
    Ok(match op {
        ElementWiseOperation::Sum => T::add,
        ElementWiseOperation::Prod => T::multiply,
        ElementWiseOperation::Max => T::larger,
        ElementWiseOperation::Min => T::smaller,
        other => return Err(Error::unsupported(format!("a scatter that combines by {}", other.name()))),
    })
}

impl Kernel for Scatter {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let data = call.input(0)?;
        let dtype = data.dtype();
        let Some(op) = self.combine else {
            copy_bytes(data.bytes(), call.output(0)?.bytes_mut())?;
            return by_width!(dtype, W => self.write::<W>(call));
        };
        match dtype {
            DataType::Int8 => self.reduce::<i8>(call, op),
            DataType::Uint8 => self.reduce::<u8>(call, op),
            DataType::Int32 => self.reduce::<i32>(call, op),
            DataType::Int64 => self.reduce::<i64>(call, op),
            _ => {
                let (mut values, updates) = (convert::load(&data)?.into_owned(), convert::load(&call.input(2)?)?);
                self.combine(call, &updates, &mut values, combination(op)?)?;
                convert::store(&values, call.output(0)?)
            }
        }
    }
}

impl Scatter {
    fn write<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let updates = call.input(2)?;
        let updates = words::<W>(&updates)?;
        let places = self.places(call)?;
        let out = words_mut::<W>(call.output(0)?)?;
        for (block, &start) in updates.chunks_exact(places.block.max(1)).zip(&places.starts) {
            out[start..start + block.len()].copy_from_slice(block);
        }
        Ok(())
    }

    fn reduce<T: Number>(&self, call: &mut Call<'_, '_>, op: ElementWiseOperation) -> Result<()> {
        let (data, updates) = (call.input(0)?, call.input(2)?);
        let mut values = data.as_slice::<T>()?.to_vec();
        self.combine(call, updates.as_slice::<T>()?, &mut values, combination(op)?)?;
        call.output(0)?.as_mut_slice::<T>()?.copy_from_slice(&values);
        Ok(())
    }

    fn combine<T: Number>(&self, call: &Call<'_, '_>, updates: &[T], out: &mut [T], with: fn(T, T) -> T) -> Result<()> {
        let places = self.places(call)?;
        for (block, &start) in updates.chunks_exact(places.block.max(1)).zip(&places.starts) {
            for (value, &update) in out[start..start + block.len()].iter_mut().zip(block) {
                *value = with(*value, update);
            }
        }
        Ok(())
    }

    /// Where the updates go, in their order.
    fn places(&self, call: &Call<'_, '_>) -> Result<Places> {
        let (indices, updates) = (call.input(1)?, call.input(2)?);
        let shape = extents(call.input(0)?.dims());
        let numbers = indices.to_i64()?;
        let (index_shape, update_shape) = (extents(indices.dims()), extents(updates.dims()));
        match self.mode {
            ScatterMode::Nd => tuples(&shape, &index_shape, &numbers, updates.len()),
            _ if index_shape != update_shape || index_shape.len() != shape.len() => Err(Error::invalid(format!(
                "updates of dimensions {update_shape:?} at indices of dimensions {index_shape:?}"
            ))),
            _ => self.elements(&shape, &index_shape, &numbers),
        }
    }

    fn elements(&self, shape: &[usize], index_shape: &[usize], numbers: &[i64]) -> Result<Places> {
        let steps = steps(shape);
        let mut starts = Vec::with_capacity(numbers.len());
        for (flat, &index) in numbers.iter().enumerate() {
            let (mut rest, mut at) = (flat, 0);
            for d in (0..shape.len()).rev() {
                let own = rest % index_shape[d];
                rest /= index_shape[d];
                let index = if d == self.axis { index } else { i64::try_from(own).unwrap_or(i64::MAX) };
                at += position(index, shape[d])? * steps[d];
            }
            starts.push(at);
        }
        Ok(Places { starts, block: 1 })
    }
}

/// The positions in the output that updates go to.
struct Places {
    /// The first of each block.
    starts: Vec<usize>,
    /// How many elements lie side by side.
    block: usize,
}

fn tuples(shape: &[usize], index_shape: &[usize], numbers: &[i64], updates: usize) -> Result<Places> {
    let Some((&width, outer)) = index_shape.split_last() else {
        return Err(Error::invalid("the indices of a scatter are a scalar"));
    };
    let count: usize = outer.iter().product();
    let block: usize = shape.get(width..).unwrap_or(&[]).iter().product();
    if width > shape.len() || count * block != updates {
        let text = format!("{updates} updates at indices of dimensions {index_shape:?} into {shape:?}");
        return Err(Error::invalid(text));
    }
    let steps = steps(shape);
    let mut starts = Vec::with_capacity(count);
    for tuple in 0..count {
        let mut start = 0;
        for d in 0..width {
            start += position(numbers[tuple * width + d], shape[d])? * steps[d];
        }
        starts.push(start);
    }
    Ok(Places { starts, block })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};
    use crate::tensor::Tensor;

    fn scatter(mode: ScatterMode, axis: i32, inputs: [&Tensor; 3]) -> Result<Vec<f32>> {
        let dims = inputs[0].dims().to_vec();
        let out =
            run(&LayerKind::Scatter { mode, axis, combine: None }, &inputs.map(Some), &[(DataType::Float, &dims)])?;
        Ok(out[0].view().as_slice::<f32>()?.to_vec())
    }

    #[test]
    fn elements_replace_one_coordinate() {
        let x = tensor(&[3, 3], &[0f32; 9]);
        let indices = tensor(&[2, 3], &[1i64, 0, 2, 0, -1, 1]);
        let updates = tensor(&[2, 3], &[1.0f32, 1.1, 1.2, 2.0, 2.1, 2.2]);
        let got = scatter(ScatterMode::Element, 0, [&x, &indices, &updates]).unwrap();
        assert_eq!(got, [2.0, 1.1, 0.0, 1.0, 0.0, 2.2, 0.0, 2.1, 1.2]);
        let got = scatter(ScatterMode::Element, -1, [&x, &indices, &updates]).unwrap();
        assert_eq!(got, [1.1, 1.0, 1.2, 2.0, 2.2, 2.1, 0.0, 0.0, 0.0]);
        let bad = tensor(&[2, 3], &[3i64; 6]);
        assert!(scatter(ScatterMode::Element, 0, [&x, &bad, &updates]).is_err());
        assert!(scatter(ScatterMode::Element, 0, [&x, &indices, &x]).is_err());
    }

    #[test]
    fn tuples_address_blocks() {
        let x = tensor(&[4, 2], &[0f32, 1., 2., 3., 4., 5., 6., 7.]);
        let rows = tensor(&[2, 1], &[3i32, 0]);
        let updates = tensor(&[2, 2], &[-1f32, -2., -3., -4.]);
        let got = scatter(ScatterMode::Nd, 0, [&x, &rows, &updates]).unwrap();
        assert_eq!(got, [-3., -4., 2., 3., 4., 5., -1., -2.]);
        let cells = tensor(&[2, 2], &[1i32, 1, -1, 0]);
        let got = scatter(ScatterMode::Nd, 0, [&x, &cells, &tensor(&[2], &[9f32, 8.])]).unwrap();
        assert_eq!(got, [0., 1., 2., 9., 4., 5., 8., 7.]);
        assert!(scatter(ScatterMode::Nd, 0, [&x, &tensor(&[2, 1], &[4i32, 0]), &updates]).is_err());
        assert!(scatter(ScatterMode::Nd, 0, [&x, &tensor(&[2, 3], &[0i32; 6]), &updates]).is_err());
    }

    #[test]
    fn updates_are_combined_with_what_is_there() {
        let x = tensor(&[3], &[1f32, 2., 3.]);
        let (indices, updates) = (tensor(&[4], &[0i64, 2, 0, -1]), tensor(&[4], &[4f32, 5., -6., 7.]));
        for (op, expected) in [
            (ElementWiseOperation::Sum, [-1f32, 2., 15.]),
            (ElementWiseOperation::Prod, [-24., 2., 105.]),
            (ElementWiseOperation::Max, [4., 2., 7.]),
            (ElementWiseOperation::Min, [-6., 2., 3.]),
        ] {
            let kind = LayerKind::Scatter { mode: ScatterMode::Element, axis: 0, combine: Some(op) };
            let inputs = [&x, &indices, &updates].map(Some);
            let out = run(&kind, &inputs, &[(DataType::Float, &[3])]).unwrap();
            assert_eq!(out[0].view().as_slice::<f32>().unwrap(), expected);
        }
    }
}
