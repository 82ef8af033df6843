//! The k largest or smallest elements along one axis.

use std::cmp::Ordering;

use rayon::prelude::*;
use tensorrt_sys::{DataType, TopKOperation};

use super::strided::{Around, single_axis};
use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::graph::TopK as Parameters;
use crate::tensor::TensorMut;
use crate::{Error, Result};

#[derive(Debug)]
struct TopK {
    axis: usize,
    largest: bool,
}

/// Checks a top-k.
pub(super) fn prepare(request: &Request<'_>, parameters: &Parameters) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    if !convert::is_computable(dtype) && !matches!(dtype, DataType::Int32 | DataType::Int64) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(TopK { axis: single_axis(parameters.axes)?, largest: parameters.op == TopKOperation::Max }))
}

/// The order of floats with NaN above everything.
fn order_floats(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl TopK {
    /// The positions of the best `k` elements of each line, best first, equal ones in their own order; [outer, k, inner].
    fn select<T: Copy + Sync>(
        &self,
        values: &[T],
        around: Around,
        k: usize,
        order: fn(T, T) -> Ordering,
    ) -> Vec<usize> {
        let Around { len, inner, outer } = around;
        let line = |at: usize| {
            let (base, offset) = (at / inner * len * inner, at % inner);
            let value = |position: usize| values[base + position * inner + offset];
            let compare = |&a: &usize, &b: &usize| {
                let by_value = order(value(a), value(b));
                (if self.largest { by_value.reverse() } else { by_value }).then(a.cmp(&b))
            };
            let mut positions: Vec<usize> = (0..len).collect();
            if k < len {
                positions.select_nth_unstable_by(k, compare);
                positions.truncate(k);
            }
            positions.sort_unstable_by(compare);
            positions
        };
        let lines: Vec<Vec<usize>> = (0..outer * inner).into_par_iter().with_min_len(16).map(line).collect();
        let mut all = vec![0; outer * k * inner];
        for (at, positions) in lines.iter().enumerate() {
            for (rank, &position) in positions.iter().enumerate() {
                all[(at / inner * k + rank) * inner + at % inner] = position;
            }
        }
        all
    }
}

fn store_indices(indices: &[usize], out: &mut TensorMut<'_>) -> Result<()> {
    super::same_count(indices.len(), out.len())?;
    let too_long = |_| Error::unsupported("an axis of more than 2^31 elements");
    if out.dtype() == DataType::Int64 {
        for (slot, &index) in out.as_mut_slice::<i64>()?.iter_mut().zip(indices) {
            *slot = i64::try_from(index).map_err(too_long)?;
        }
    } else {
        for (slot, &index) in out.as_mut_slice::<i32>()?.iter_mut().zip(indices) {
            *slot = i32::try_from(index).map_err(too_long)?;
        }
    }
    Ok(())
}

impl Kernel for TopK {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let around = Around::axis(input.dims(), self.axis)?;
        let out_dims = *call.output(0)?.dims();
        let k = extent(*out_dims.get(self.axis).unwrap_or(&-1))?;
        if k > around.len || out_dims.rank() != input.dims().rank() {
            return Err(Error::config(format!("the best {k} of {} elements do not exist", around.len)));
        }
        super::same_count(around.outer * k * around.inner, call.output(0)?.len())?;
        if call.output(0)?.is_empty() {
            return Ok(());
        }
        let Around { len, inner, .. } = around;
        // Where output element `at` is in the input.
        let source = |at: usize, position: usize| (at / (k * inner) * len + position) * inner + at % inner;
        macro_rules! typed {
            ($type:ty) => {{
                let values = input.as_slice::<$type>()?;
                let indices = self.select(values, around, k, |a, b| a.cmp(&b));
                let out = call.output(0)?.as_mut_slice::<$type>()?;
                for (at, (slot, &position)) in out.iter_mut().zip(&indices).enumerate() {
                    *slot = values[source(at, position)];
                }
                indices
            }};
        }
        let indices = match input.dtype() {
            DataType::Int32 => typed!(i32),
            DataType::Int64 => typed!(i64),
            _ => {
                let values = convert::load(&input)?;
                let indices = self.select(&values, around, k, order_floats);
                convert::fill(call.output(0)?, |out| {
                    for (at, (slot, &position)) in out.iter_mut().zip(&indices).enumerate() {
                        *slot = values[source(at, position)];
                    }
                    Ok(())
                })?;
                indices
            }
        };
        store_indices(&indices, call.output(1)?)
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{DataType, TopKOperation};

    use crate::graph::{LayerKind, TopK};
    use crate::ops::testing::{run, tensor};

    fn kind(op: TopKOperation, axis: u32, indices: DataType) -> LayerKind {
        LayerKind::TopK(TopK { op, k: 2, axes: 1 << axis, indices })
    }

    #[test]
    fn equal_elements_keep_their_order() {
        let x = tensor(&[2, 4], &[1.0f32, 3.0, 3.0, 2.0, 5.0, 5.0, 5.0, f32::NEG_INFINITY]);
        let outs = [(DataType::Float, &[2i64, 2][..]), (DataType::Int32, &[2, 2][..])];
        let out = run(&kind(TopKOperation::Max, 1, DataType::Int32), &[Some(&x)], &outs).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [3.0, 3.0, 5.0, 5.0]);
        assert_eq!(out[1].view().as_slice::<i32>().unwrap(), [1, 2, 0, 1]);
        let out = run(&kind(TopKOperation::Min, 1, DataType::Int32), &[Some(&x)], &outs).unwrap();
        assert_eq!(out[1].view().as_slice::<i32>().unwrap(), [0, 3, 3, 0]);
    }

    #[test]
    fn other_axes_integers_and_nan() {
        let x = tensor(&[3, 2], &[1i64, 9, 7, 9, 4, 2]);
        let outs = [(DataType::Int64, &[2i64, 2][..]), (DataType::Int64, &[2, 2][..])];
        let out = run(&kind(TopKOperation::Max, 0, DataType::Int64), &[Some(&x)], &outs).unwrap();
        assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [7, 9, 4, 9]);
        assert_eq!(out[1].view().as_slice::<i64>().unwrap(), [1, 0, 2, 1]);
        let x = tensor(&[3], &[1.0f32, f32::NAN, 2.0]);
        let outs = [(DataType::Float, &[2i64][..]), (DataType::Int32, &[2][..])];
        let out = run(&kind(TopKOperation::Max, 0, DataType::Int32), &[Some(&x)], &outs).unwrap();
        assert_eq!(out[1].view().as_slice::<i32>().unwrap(), [1, 2]);
        let outs = [(DataType::Float, &[4i64][..]), (DataType::Int32, &[4][..])];
        assert!(run(&kind(TopKOperation::Max, 0, DataType::Int32), &[Some(&x)], &outs).is_err());
    }
}
