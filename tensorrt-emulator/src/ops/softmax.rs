//! Softmax along one axis, and along the first elements of each row.

use rayon::prelude::*;

use super::strided::{Around, single_axis};
use super::{Call, Kernel, Request, convert};
use crate::kernels::softmax::{softmax_columns, softmax_row};
use crate::{Error, Result};

#[derive(Debug)]
struct Softmax {
    axis: usize,
}

/// Checks a softmax over `axes`.
pub(super) fn prepare(request: &Request<'_>, axes: u32) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(Softmax { axis: single_axis(axes)? }))
}

impl Kernel for Softmax {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let around = Around::axis(input.dims(), self.axis)?;
        let values = convert::load(&input)?;
        convert::fill(call.output(0)?, |out| {
            super::same_count(values.len(), out.len())?;
            let block = around.len * around.inner;
            if block == 0 {
                return Ok(());
            }
            let one = |(from, to): (&[f32], &mut [f32])| {
                if around.inner == 1 {
                    softmax_row(from, to);
                } else {
                    softmax_columns(from, to, around.inner);
                }
            };
            if out.len() < 1 << 14 || rayon::current_num_threads() == 1 {
                values.chunks_exact(block).zip(out.chunks_exact_mut(block)).for_each(one);
            } else {
                values.par_chunks_exact(block).zip(out.par_chunks_exact_mut(block)).for_each(one);
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
struct RaggedSoftmax;

/// Checks a ragged softmax.
pub(super) fn prepare_ragged(request: &Request<'_>) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(RaggedSoftmax))
}

impl Kernel for RaggedSoftmax {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, bounds) = (call.input(0)?, call.input(1)?.to_i64()?);
        let values = convert::load(&input)?;
        let last = input.dims().last().copied().unwrap_or(1);
        let len = super::window::extent(last)?;
        convert::fill(call.output(0)?, |out| {
            super::same_count(values.len(), out.len())?;
            if len == 0 {
                return Ok(());
            }
            if bounds.len() != values.len() / len {
                return Err(Error::config(format!("{} bounds for {} rows", bounds.len(), values.len() / len)));
            }
            for ((from, to), &bound) in values.chunks_exact(len).zip(out.chunks_exact_mut(len)).zip(&bounds) {
                let bound = usize::try_from(bound).ok().filter(|&bound| bound <= len);
                let bound = bound.ok_or_else(|| Error::invalid(format!("a bound is outside of 0 to {len}")))?;
                let (head, tail) = to.split_at_mut(bound);
                softmax_row(&from[..bound], head);
                tail.fill(0.0);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{Random, run, tensor};

    #[test]
    fn agrees_with_the_definition_on_every_axis() {
        let mut rng = Random::new(3);
        for axis in 0..3usize {
            let dims = [3i64, 37, 20];
            let x: Vec<f32> = rng.floats(3 * 37 * 20).iter().map(|v| v * 20.0).collect();
            let kind = LayerKind::Softmax { axes: 1 << axis };
            let out = run(&kind, &[Some(&tensor(&dims, &x))], &[(DataType::Float, &dims)]).unwrap();
            let view = out[0].view();
            let got = view.as_slice::<f32>().unwrap();
            let [strides, extents] = [[740usize, 20, 1], [3, 37, 20]];
            for (i, &value) in got.iter().enumerate() {
                let base = i - i / strides[axis] % extents[axis] * strides[axis];
                let line = (0..extents[axis]).map(|k| f64::from(x[base + k * strides[axis]]));
                let max = line.clone().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = line.map(|v| (v - max).exp()).sum();
                let wanted = (f64::from(x[i]) - max).exp() / sum;
                assert!((f64::from(value) - wanted).abs() < 1e-6 * wanted.max(1e-3), "{value} {wanted}");
            }
        }
    }

    #[test]
    fn large_values_and_nan() {
        let x = [1e38f32, 1e38, f32::NEG_INFINITY, f32::NAN, 0.0, 1.0];
        let out = run(&LayerKind::Softmax { axes: 2 }, &[Some(&tensor(&[2, 3], &x))], &[(DataType::Float, &[2, 3])]);
        let out = out.unwrap();
        let view = out[0].view();
        let got = view.as_slice::<f32>().unwrap();
        assert_eq!(got[..3], [0.5, 0.5, 0.0]);
        assert!(got[3..].iter().all(|v| v.is_nan()));
    }

    #[test]
    fn ragged_rows_end_in_zeros() {
        let x = tensor(&[2, 3], &[1.0f32, 1.0, 9.0, 5.0, 2.0, 2.0]);
        let bounds = tensor(&[2, 1], &[2i32, 0]);
        let kind = LayerKind::RaggedSoftmax;
        let out = run(&kind, &[Some(&x), Some(&bounds)], &[(DataType::Float, &[2, 3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
        let bounds = tensor(&[2, 1], &[2i32, 4]);
        assert!(run(&kind, &[Some(&x), Some(&bounds)], &[(DataType::Float, &[2, 3])]).is_err());
    }
}
