//! Picking slices, elements or tuples by index.

use tensorrt_sys::GatherMode;

use super::wide::{GRAIN, for_chunks};
use super::words::{Word, axis, by_width, extents, position, steps, words, words_mut};
use super::{Call, Kernel, Request};
use crate::{Error, Result};

/// A prepared gather.
#[derive(Debug)]
struct Gather {
    axis: usize,
    batch_dims: usize,
    mode: GatherMode,
}

/// Prepares a gather; negative indices count from the end, others out of range are an error at run time.
///
/// # Errors
/// The axis is out of range or the mode is not known.
pub(super) fn prepare(request: &Request<'_>, along: i32, batch_dims: i32, mode: GatherMode) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    let axis = match mode {
        GatherMode::Nd => 0,
        GatherMode::Default | GatherMode::Element => axis(along.into(), rank)?,
        other => return Err(Error::unsupported(format!("the gather mode {}", other.name()))),
    };
    let batch_dims = usize::try_from(batch_dims).ok().filter(|&n| n <= rank);
    let batch_dims = batch_dims.ok_or_else(|| Error::config("the number of elementwise dimensions is out of range"))?;
    if mode == GatherMode::Default && batch_dims > axis {
        return Err(Error::config(format!("{batch_dims} elementwise dimensions reach over axis {axis}")));
    }
    Ok(Box::new(Gather { axis, batch_dims, mode }))
}

impl Kernel for Gather {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(0)?.dtype(), W => self.gather::<W>(call))
    }
}

impl Gather {
    fn gather<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (data, indices) = (call.input(0)?, call.input(1)?);
        let numbers = indices.to_i64()?;
        let (shape, index_shape) = (extents(data.dims()), extents(indices.dims()));
        let x = words::<W>(&data)?;
        let out = words_mut::<W>(call.output(0)?)?;
        let (block, starts) = match self.mode {
            GatherMode::Nd => self.tuples(&shape, &index_shape, &numbers)?,
            GatherMode::Element => (1, self.elements(&shape, &index_shape, &numbers)?),
            _ => self.slices(&shape, &index_shape, &numbers)?,
        };
        if starts.len() * block != out.len() {
            return Err(Error::internal(format!("{} blocks of {block} for {} elements", starts.len(), out.len())));
        }
        if out.is_empty() {
            return Ok(());
        }
        for_chunks(out, GRAIN.div_ceil(block) * block, |first, out| {
            if block == 1 {
                for (out, &start) in out.iter_mut().zip(&starts[first..]) {
                    *out = x[start];
                }
            } else {
                for (out, &start) in out.chunks_exact_mut(block).zip(&starts[first / block..]) {
                    out.copy_from_slice(&x[start..start + block]);
                }
            }
        });
        Ok(())
    }

    /// The length of a block and where each starts: one block per outer index and index.
    fn slices(&self, shape: &[usize], index_shape: &[usize], numbers: &[i64]) -> Result<(usize, Vec<usize>)> {
        if shape.get(..self.batch_dims) != index_shape.get(..self.batch_dims) {
            return Err(Error::invalid(format!("elementwise dimensions of {shape:?} and {index_shape:?} differ")));
        }
        let extent = shape[self.axis];
        let block: usize = shape[self.axis + 1..].iter().product();
        let batches: usize = shape[..self.batch_dims].iter().product();
        let outer: usize = shape[self.batch_dims..self.axis].iter().product();
        let per_batch: usize = index_shape[self.batch_dims..].iter().product();
        let mut starts = Vec::with_capacity(batches * outer * per_batch);
        for batch in 0..batches {
            let mut found = Vec::with_capacity(per_batch);
            for &index in &numbers[batch * per_batch..][..per_batch] {
                found.push(position(index, extent)? * block);
            }
            for row in batch * outer..(batch + 1) * outer {
                starts.extend(found.iter().map(|at| row * extent * block + at));
            }
        }
        Ok((block, starts))
    }

    /// Where each element lies whose coordinate along the axis is replaced.
    fn elements(&self, shape: &[usize], index_shape: &[usize], numbers: &[i64]) -> Result<Vec<usize>> {
        let fits =
            shape.len() == index_shape.len() && (0..shape.len()).all(|d| d == self.axis || index_shape[d] <= shape[d]);
        if !fits {
            return Err(Error::invalid(format!("indices of dimensions {index_shape:?} into {shape:?}")));
        }
        let steps = steps(shape);
        let mut starts = Vec::with_capacity(numbers.len());
        for (flat, &index) in numbers.iter().enumerate() {
            let (mut rest, mut start) = (flat, position(index, shape[self.axis])? * steps[self.axis]);
            for d in (0..shape.len()).rev() {
                if d != self.axis {
                    start += rest % index_shape[d] * steps[d];
                }
                rest /= index_shape[d];
            }
            starts.push(start);
        }
        Ok(starts)
    }

    /// The length of a block and where each starts: one per tuple of coordinates.
    fn tuples(&self, shape: &[usize], index_shape: &[usize], numbers: &[i64]) -> Result<(usize, Vec<usize>)> {
        let width = index_shape.last().copied().unwrap_or(0);
        let fits = self.batch_dims < index_shape.len()
            && self.batch_dims + width <= shape.len()
            && shape[..self.batch_dims] == index_shape[..self.batch_dims];
        if !fits {
            return Err(Error::invalid(format!("tuples of dimensions {index_shape:?} into {shape:?}")));
        }
        let steps = steps(shape);
        let indexed = self.batch_dims..self.batch_dims + width;
        let block: usize = shape[indexed.end..].iter().product();
        let batch_step: usize = shape[self.batch_dims..].iter().product();
        let count: usize = index_shape[..index_shape.len() - 1].iter().product();
        let per_batch: usize = index_shape[self.batch_dims..index_shape.len() - 1].iter().product();
        let mut starts = Vec::with_capacity(count);
        for tuple in 0..count {
            let mut start = tuple / per_batch * batch_step;
            for (i, d) in indexed.clone().enumerate() {
                start += position(numbers[tuple * width + i], shape[d])? * steps[d];
            }
            starts.push(start);
        }
        Ok((block, starts))
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};
    use crate::tensor::Tensor;

    fn gather(data: &Tensor, indices: &Tensor, kind: (i32, i32, GatherMode), dims: &[i64]) -> Result<Vec<f32>> {
        let (axis, num_elementwise_dims, mode) = kind;
        let kind = LayerKind::Gather { axis, num_elementwise_dims, mode };
        let out = run(&kind, &[Some(data), Some(indices)], &[(DataType::Float, dims)])?;
        Ok(out[0].view().as_slice::<f32>()?.to_vec())
    }

    #[test]
    fn slices_along_an_axis() {
        let x = tensor(&[2, 3], &[0f32, 1., 2., 3., 4., 5.]);
        let indices = tensor(&[1, 2], &[-1i64, 0]);
        let kind = (1, 0, GatherMode::Default);
        assert_eq!(gather(&x, &indices, kind, &[2, 1, 2]).unwrap(), [2., 0., 5., 3.]);
        let kind = (0, 0, GatherMode::Default);
        assert_eq!(gather(&x, &indices, kind, &[1, 2, 3]).unwrap(), [3., 4., 5., 0., 1., 2.]);
        let scalar = tensor(&[], &[1i32]);
        assert_eq!(gather(&x, &scalar, kind, &[3]).unwrap(), [3., 4., 5.]);
        assert_eq!(gather(&x, &tensor(&[0], &[0i32; 0]), kind, &[0, 3]).unwrap(), [0f32; 0]);
        for bad in [2i64, -3, i64::MIN, i64::MAX] {
            assert!(gather(&x, &tensor(&[1], &[bad]), kind, &[1, 3]).is_err());
        }
    }

    #[test]
    fn elementwise_dimensions_pair_up() {
        let x = tensor(&[2, 2, 3], &(0..12u8).map(f32::from).collect::<Vec<_>>());
        let indices = tensor(&[2, 2], &[0i32, 2, 1, 1]);
        let got = gather(&x, &indices, (2, 1, GatherMode::Default), &[2, 2, 2]).unwrap();
        assert_eq!(got, [0., 2., 3., 5., 7., 7., 10., 10.]);
        assert!(gather(&x, &indices, (0, 1, GatherMode::Default), &[2, 2, 2]).is_err());
    }

    #[test]
    fn elements_replace_one_coordinate() {
        let x = tensor(&[3, 2], &[0f32, 1., 2., 3., 4., 5.]);
        let indices = tensor(&[2, 2], &[2i64, -3, 1, 1]);
        assert_eq!(gather(&x, &indices, (0, 0, GatherMode::Element), &[2, 2]).unwrap(), [4., 1., 2., 3.]);
        assert!(gather(&x, &tensor(&[1, 3], &[0i64; 3]), (0, 0, GatherMode::Element), &[1, 3]).is_err());
    }

    #[test]
    fn tuples_address_blocks() {
        let x = tensor(&[2, 2, 2], &(0..8u8).map(f32::from).collect::<Vec<_>>());
        let pairs = tensor(&[2, 2], &[0i64, -1, 1, 0]);
        assert_eq!(gather(&x, &pairs, (0, 0, GatherMode::Nd), &[2, 2]).unwrap(), [2., 3., 4., 5.]);
        let batched = tensor(&[2, 1], &[1i64, 0]);
        assert_eq!(gather(&x, &batched, (0, 1, GatherMode::Nd), &[2, 2]).unwrap(), [2., 3., 4., 5.]);
        assert!(gather(&x, &tensor(&[1, 4], &[0i64; 4]), (0, 0, GatherMode::Nd), &[1]).is_err());
    }
}
