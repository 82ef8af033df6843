//! Writing updates into a copy of a tensor.

use tensorrt_sys::ScatterMode;

use super::copy::copy_bytes;
use super::words::{Word, axis, by_width, extents, position, steps, words, words_mut};
use super::{Call, Kernel, Request};
use crate::{Error, Result};

/// A prepared scatter.
#[derive(Debug)]
struct Scatter {
    mode: ScatterMode,
    axis: usize,
}

/// Prepares a scatter; of several updates to one element the last wins, indices out of range are an error at run time.
///
/// # Errors
/// The axis is out of range, the mode is not known, or data and updates differ in type.
pub(super) fn prepare(request: &Request<'_>, mode: ScatterMode, along: i32) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    if request.input_type(0)? != request.input_type(2)? {
        return Err(request.unsupported_types());
    }
    let axis = match mode {
        ScatterMode::Nd => 0,
        ScatterMode::Element => axis(along.into(), rank)?,
        other => return Err(Error::unsupported(format!("the scatter mode {}", other.name()))),
    };
    Ok(Box::new(Scatter { mode, axis }))
}

impl Kernel for Scatter {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let data = call.input(0)?;
        copy_bytes(data.bytes(), call.output(0)?.bytes_mut())?;
        by_width!(data.dtype(), W => self.write::<W>(call))
    }
}

impl Scatter {
    fn write<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (indices, updates) = (call.input(1)?, call.input(2)?);
        let shape = extents(call.input(0)?.dims());
        let numbers = indices.to_i64()?;
        let (index_shape, update_shape) = (extents(indices.dims()), extents(updates.dims()));
        let updates = words::<W>(&updates)?;
        let out = words_mut::<W>(call.output(0)?)?;
        match self.mode {
            ScatterMode::Nd => tuples(&shape, &index_shape, &numbers, updates, out),
            _ if index_shape != update_shape || index_shape.len() != shape.len() => Err(Error::invalid(format!(
                "updates of dimensions {update_shape:?} at indices of dimensions {index_shape:?}"
            ))),
            _ => self.elements(&shape, &index_shape, &numbers, updates, out),
        }
    }

    fn elements<W: Word>(
        &self,
        shape: &[usize],
        index_shape: &[usize],
        numbers: &[i64],
        updates: &[W],
        out: &mut [W],
    ) -> Result<()> {
        let steps = steps(shape);
        for (flat, (&index, &update)) in numbers.iter().zip(updates).enumerate() {
            let (mut rest, mut at) = (flat, 0);
            for d in (0..shape.len()).rev() {
                let own = rest % index_shape[d];
                rest /= index_shape[d];
                let index = if d == self.axis { index } else { i64::try_from(own).unwrap_or(i64::MAX) };
                at += position(index, shape[d])? * steps[d];
            }
            out[at] = update;
        }
        Ok(())
    }
}

fn tuples<W: Word>(
    shape: &[usize],
    index_shape: &[usize],
    numbers: &[i64],
    updates: &[W],
    out: &mut [W],
) -> Result<()> {
    let Some((&width, outer)) = index_shape.split_last() else {
        return Err(Error::invalid("the indices of a scatter are a scalar"));
    };
    let count: usize = outer.iter().product();
    let block: usize = shape.get(width..).unwrap_or(&[]).iter().product();
    if width > shape.len() || count * block != updates.len() {
        return Err(Error::invalid(format!(
            "{} updates at indices of dimensions {index_shape:?} into {shape:?}",
            updates.len()
        )));
    }
    let steps = steps(shape);
    for tuple in 0..count {
        let mut start = 0;
        for d in 0..width {
            start += position(numbers[tuple * width + d], shape[d])? * steps[d];
        }
        out[start..start + block].copy_from_slice(&updates[tuple * block..][..block]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};
    use crate::tensor::Tensor;

    fn scatter(mode: ScatterMode, axis: i32, inputs: [&Tensor; 3]) -> Result<Vec<f32>> {
        let dims = inputs[0].dims().to_vec();
        let out = run(&LayerKind::Scatter { mode, axis }, &inputs.map(Some), &[(DataType::Float, &dims)])?;
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
}
