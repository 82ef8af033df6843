//! Linear and random sequences.
//!
//! Random numbers come from SplitMix64 at the element's index: the same for every run, whatever the number of threads. They are not
//! TensorRT's numbers; TensorRT promises none.

use tensorrt_sys::{DataType, FillOperation};

use super::wide::{GRAIN, for_chunks};
use super::words::{extents, steps};
use super::{Call, Kernel, Request, convert};
use crate::graph::Fill;
use crate::tensor::TensorView;
use crate::{Error, Result};

/// A prepared fill.
#[derive(Debug)]
struct Prepared {
    params: Fill,
}

/// Prepares a fill of float, half or bfloat16, or (linear only) int32 or int64; inputs: optional dimensions, alpha, beta.
///
/// # Errors
/// The operation is not defined on the type.
pub(super) fn prepare(_: &Request<'_>, params: &Fill) -> Result<Box<dyn Kernel>> {
    use FillOperation as F;
    let integer = matches!(params.to, DataType::Int32 | DataType::Int64);
    let fits = match params.op {
        F::Linspace => integer || convert::is_computable(params.to),
        F::RandomUniform | F::RandomNormal => convert::is_computable(params.to),
        _ => false,
    };
    if !fits {
        return Err(Error::unsupported(format!("{} of {}", params.op.name(), params.to.name())));
    }
    Ok(Box::new(Prepared { params: params.clone() }))
}

impl Kernel for Prepared {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (alpha, beta) = (call.optional(1), call.optional(2));
        let out = call.output(0)?;
        match out.dtype() {
            DataType::Int32 => {
                let line = self.integer_line(alpha, beta, &extents(out.dims()))?;
                #[expect(clippy::cast_possible_truncation, reason = "int32 arithmetic wraps around")]
                for_chunks(out.as_mut_slice::<i32>()?, GRAIN, |first, out| {
                    out.iter_mut().zip(first..).for_each(|(out, i)| *out = line.at(i) as i32);
                });
                Ok(())
            }
            DataType::Int64 => {
                let line = self.integer_line(alpha, beta, &extents(out.dims()))?;
                for_chunks(out.as_mut_slice::<i64>()?, GRAIN, |first, out| {
                    out.iter_mut().zip(first..).for_each(|(out, i)| *out = line.at(i));
                });
                Ok(())
            }
            _ => {
                let alpha = floats(alpha)?.unwrap_or_else(|| vec![self.params.alpha]);
                let beta = floats(beta)?.unwrap_or_else(|| vec![self.params.beta]);
                let shape = extents(out.dims());
                convert::fill(out, |out| self.fill_floats(&alpha, &beta, &shape, out))
            }
        }
    }
}

impl Prepared {
    #[expect(clippy::cast_possible_truncation, reason = "the output is f32")]
    fn fill_floats(&self, alpha: &[f64], beta: &[f64], shape: &[usize], out: &mut [f32]) -> Result<()> {
        let start = single(alpha)?;
        if self.params.op == FillOperation::Linspace {
            let line = Line::new(start, beta, shape)?;
            for_chunks(out, GRAIN, |first, out| {
                out.iter_mut().zip(first..).for_each(|(out, i)| *out = line.at(i) as f32);
            });
            return Ok(());
        }
        let end = single(beta)?;
        let normal = self.params.op == FillOperation::RandomNormal;
        for_chunks(out, GRAIN, |first, out| {
            for (out, i) in out.iter_mut().zip(first as u64..) {
                *out = if normal {
                    let radius = (-2.0 * (1.0 - uniform(2 * i)).ln()).sqrt();
                    (start + end * radius * (std::f64::consts::TAU * uniform(2 * i + 1)).cos()) as f32
                } else {
                    (start + (end - start) * uniform(i)) as f32
                };
            }
        });
        Ok(())
    }

    fn integer_line(
        &self,
        alpha: Option<TensorView<'_>>,
        beta: Option<TensorView<'_>>,
        shape: &[usize],
    ) -> Result<Line<i64>> {
        let start = alpha.map(|view| view.to_i64()).transpose()?.unwrap_or_else(|| vec![self.params.alpha_int64]);
        let deltas = beta.map(|view| view.to_i64()).transpose()?.unwrap_or_else(|| vec![self.params.beta_int64]);
        Line::new(single(&start)?, &deltas, shape)
    }
}

fn single<T: Copy>(values: &[T]) -> Result<T> {
    match values {
        [value] => Ok(*value),
        _ => Err(Error::invalid(format!("a fill takes one number here, not {}", values.len()))),
    }
}

fn floats(view: Option<TensorView<'_>>) -> Result<Option<Vec<f64>>> {
    let Some(view) = view else { return Ok(None) };
    Ok(Some(convert::load(&view)?.iter().map(|&v| v.into()).collect()))
}

/// start + Σ index\[d\] · delta\[d\].
struct Line<T> {
    start: T,
    deltas: Vec<T>,
    shape: Vec<usize>,
    steps: Vec<usize>,
}

trait Number: Copy {
    fn plus_times(self, index: usize, delta: Self) -> Self;
}

impl Number for f64 {
    #[expect(clippy::cast_precision_loss, reason = "an index has fewer than 53 bits")]
    fn plus_times(self, index: usize, delta: Self) -> Self {
        self + index as Self * delta
    }
}

impl Number for i64 {
    fn plus_times(self, index: usize, delta: Self) -> Self {
        self.wrapping_add(Self::try_from(index).unwrap_or(Self::MAX).wrapping_mul(delta))
    }
}

impl<T: Number> Line<T> {
    fn new(start: T, deltas: &[T], shape: &[usize]) -> Result<Self> {
        if deltas.len() != shape.len() {
            return Err(Error::invalid(format!("{} deltas for a linear fill of {shape:?}", deltas.len())));
        }
        Ok(Self { start, deltas: deltas.to_vec(), shape: shape.to_vec(), steps: steps(shape) })
    }

    fn at(&self, flat: usize) -> T {
        let mut sum = self.start;
        for ((&delta, &extent), &step) in self.deltas.iter().zip(&self.shape).zip(&self.steps) {
            sum = sum.plus_times(flat / step % extent, delta);
        }
        sum
    }
}

/// A number in [0, 1) from 53 random bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn uniform(index: u64) -> f64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};
    use crate::tensor::Dims;

    fn params(op: FillOperation, alpha: f64, beta: f64, to: DataType) -> LayerKind {
        LayerKind::Fill(Fill { op, dims: Dims::scalar(), alpha, beta, alpha_int64: 5, beta_int64: -2, to })
    }

    #[test]
    fn linear_fills_step_along_each_dimension() {
        let kind = params(FillOperation::Linspace, 1.0, 0.5, DataType::Float);
        let out = run(&kind, &[], &[(DataType::Float, &[4])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [1.0, 1.5, 2.0, 2.5]);
        assert!(run(&kind, &[], &[(DataType::Float, &[2, 2])]).is_err());
        let kind = params(FillOperation::Linspace, 0.0, 0.0, DataType::Int64);
        let out = run(&kind, &[], &[(DataType::Int64, &[3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [5, 3, 1]);
        let (alpha, beta) = (tensor(&[], &[10i32]), tensor(&[2], &[100i32, 1]));
        let kind = params(FillOperation::Linspace, 0.0, 0.0, DataType::Int32);
        let out = run(&kind, &[None, Some(&alpha), Some(&beta)], &[(DataType::Int32, &[2, 3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i32>().unwrap(), [10, 11, 12, 110, 111, 112]);
    }

    #[test]
    fn random_fills_have_the_right_moments() {
        let count = 100_000i64;
        for (op, mean, deviation) in
            [(FillOperation::RandomUniform, 1.0, 4.0 / 12f64.sqrt()), (FillOperation::RandomNormal, -1.0, 3.0)]
        {
            let kind = params(op, -1.0, 3.0, DataType::Float);
            let out = run(&kind, &[], &[(DataType::Float, &[count])]).unwrap();
            let values: Vec<f64> = out[0].view().as_slice::<f32>().unwrap().iter().map(|&v| v.into()).collect();
            let n = f64::from(u32::try_from(count).unwrap());
            let got = values.iter().sum::<f64>() / n;
            let spread = (values.iter().map(|v| (v - got).powi(2)).sum::<f64>() / n).sqrt();
            assert!((got - mean).abs() < 0.03, "{got}");
            assert!((spread - deviation).abs() < 0.03, "{spread}");
            if op == FillOperation::RandomUniform {
                assert!(values.iter().all(|v| (-1.0..=3.0).contains(v)));
            }
        }
        assert!(
            run(&params(FillOperation::RandomNormal, 0.0, 1.0, DataType::Int32), &[], &[(DataType::Int32, &[1])])
                .is_err()
        );
    }
}
