//! Sum, product, maximum, minimum and average over any axes.

use rayon::prelude::*;
use tensorrt_sys::{DataType, ReduceOperation};

use super::strided::Around;
use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::kernels::dot;
use crate::tensor::{Dims, Element};
use crate::{Error, Result};

#[derive(Debug)]
struct Reduce {
    op: ReduceOperation,
    axes: u32,
}

/// Checks a reduction.
pub(super) fn prepare(request: &Request<'_>, op: ReduceOperation, axes: u32) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    let computable = convert::is_computable(dtype)
        || matches!(dtype, DataType::Int32 | DataType::Int64 | DataType::Int8 | DataType::Uint8);
    if !computable {
        return Err(request.unsupported_types());
    }
    if op == ReduceOperation::None {
        return Err(Error::unsupported("a reduction of kNONE is not supported"));
    }
    Ok(Box::new(Reduce { op, axes }))
}

/// How two elements are combined.
pub(super) trait Number: Element {
    const ZERO: Self;
    const ONE: Self;
    const LOWEST: Self;
    const HIGHEST: Self;
    fn add(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn larger(self, other: Self) -> Self;
    fn smaller(self, other: Self) -> Self;
    fn divide(self, count: usize) -> Self;
    /// The sums of the columns of rows of `line.len()` elements.
    fn column_sums(rows: &[Self], line: &mut [Self]) {
        line.fill(Self::ZERO);
        for row in rows.chunks_exact(line.len()) {
            line.iter_mut().zip(row).for_each(|(a, &b)| *a = a.add(b));
        }
    }
    /// The sum of a contiguous row.
    fn row_sum(row: &[Self]) -> Self {
        row.iter().fold(Self::ZERO, |sum, &value| sum.add(value))
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LOWEST: Self = Self::MIN;
            const HIGHEST: Self = Self::MAX;
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            fn multiply(self, other: Self) -> Self { self.wrapping_mul(other) }
            fn larger(self, other: Self) -> Self { self.max(other) }
            fn smaller(self, other: Self) -> Self { self.min(other) }
            fn divide(self, count: usize) -> Self {
                Self::try_from(count).ok().and_then(|count| self.checked_div(count)).unwrap_or(0)
            }
        }
    )*};
}

integers!(i8, u8, i32, i64);

impl Number for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = Self::NEG_INFINITY;
    const HIGHEST: Self = Self::INFINITY;
    fn add(self, other: Self) -> Self {
        self + other
    }
    fn multiply(self, other: Self) -> Self {
        self * other
    }
    fn larger(self, other: Self) -> Self {
        if other > self || other.is_nan() { other } else { self }
    }
    fn smaller(self, other: Self) -> Self {
        if other < self || other.is_nan() { other } else { self }
    }
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "one rounding of the quotient")]
    fn divide(self, count: usize) -> Self {
        (f64::from(self) / count as f64) as f32
    }
    #[expect(clippy::cast_possible_truncation, reason = "the sum's one rounding")]
    fn column_sums(rows: &[Self], line: &mut [Self]) {
        const WIDTH: usize = 64;
        let inner = line.len();
        for (at, part) in line.chunks_mut(WIDTH).enumerate() {
            let mut sums = [0.0_f64; WIDTH];
            for row in rows.chunks_exact(inner) {
                let row = &row[at * WIDTH..][..part.len()];
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            part.iter_mut().zip(sums).for_each(|(slot, sum)| *slot = sum as f32);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "the sum's one rounding")]
    fn row_sum(row: &[Self]) -> Self {
        dot::sum(row) as f32
    }
}

/// Reduces the middle of [outer, len, inner].
fn reduce_middle<T: Number>(op: ReduceOperation, from: &[T], to: &mut [T], around: Around) {
    let Around { len, inner, .. } = around;
    let start = match op {
        ReduceOperation::Prod => T::ONE,
        ReduceOperation::Max => T::LOWEST,
        ReduceOperation::Min => T::HIGHEST,
        _ => T::ZERO,
    };
    if len == 0 || inner == 0 {
        to.fill(start);
        return;
    }
    if inner == 1 {
        let one = |(row, slot): (&[T], &mut T)| {
            *slot = match op {
                ReduceOperation::Max => row.iter().fold(start, |a, &b| a.larger(b)),
                ReduceOperation::Min => row.iter().fold(start, |a, &b| a.smaller(b)),
                ReduceOperation::Prod => row.iter().fold(start, |a, &b| a.multiply(b)),
                _ => T::row_sum(row),
            };
        };
        if from.len() < 1 << 15 || rayon::current_num_threads() == 1 {
            from.chunks_exact(len).zip(to).for_each(one);
        } else {
            from.par_chunks_exact(len).zip(to).with_min_len(4).for_each(one);
        }
        return;
    }
    let one = |(block, line): (&[T], &mut [T])| {
        if matches!(op, ReduceOperation::Sum | ReduceOperation::Avg) {
            T::column_sums(block, line);
            return;
        }
        line.fill(start);
        for row in block.chunks_exact(inner) {
            match op {
                ReduceOperation::Max => line.iter_mut().zip(row).for_each(|(a, &b)| *a = a.larger(b)),
                ReduceOperation::Min => line.iter_mut().zip(row).for_each(|(a, &b)| *a = a.smaller(b)),
                _ => line.iter_mut().zip(row).for_each(|(a, &b)| *a = a.multiply(b)),
            }
        }
    };
    if from.len() < 1 << 15 || rayon::current_num_threads() == 1 {
        from.chunks_exact(len * inner).zip(to.chunks_exact_mut(inner)).for_each(one);
    } else {
        from.par_chunks_exact(len * inner).zip(to.par_chunks_exact_mut(inner)).for_each(one);
    }
}

/// Reduces `values` over `axes`, the last run of axes first.
fn reduce<T: Number>(op: ReduceOperation, values: &[T], dims: &Dims, axes: u32, out: &mut [T]) -> Result<()> {
    // Runs of axes: [outer, (len), inner] with everything between merged.
    let mut extents: Vec<(usize, bool)> = Vec::new();
    for (d, &size) in dims.iter().enumerate() {
        let (size, reduced) = (extent(size)?, axes >> d & 1 == 1);
        match extents.last_mut() {
            Some((last, same)) if *same == reduced => *last *= size,
            _ => extents.push((size, reduced)),
        }
    }
    let mut count = 1;
    let mut current: Option<Vec<T>> = None;
    while let Some(at) = extents.iter().rposition(|e| e.1) {
        let product = |part: &[(usize, bool)]| part.iter().map(|e| e.0).product::<usize>();
        let around = Around { outer: product(&extents[..at]), len: extents[at].0, inner: product(&extents[at + 1..]) };
        count *= around.len;
        extents.remove(at);
        let from = current.as_deref().unwrap_or(values);
        if extents.iter().any(|e| e.1) {
            let mut next = vec![T::ZERO; around.outer * around.inner];
            reduce_middle(op, from, &mut next, around);
            current = Some(next);
        } else {
            super::same_count(around.outer * around.inner, out.len())?;
            reduce_middle(op, from, out, around);
            current = None;
        }
    }
    if axes == 0 {
        super::same_count(values.len(), out.len())?;
        out.copy_from_slice(values);
    }
    if op == ReduceOperation::Avg {
        out.iter_mut().for_each(|value| *value = value.divide(count));
    }
    Ok(())
}

impl Kernel for Reduce {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let dims = *input.dims();
        let axes = self.axes & ((1u32 << dims.rank()) - 1);
        if axes != self.axes {
            return Err(Error::config(format!("axes {:#b} are not all axes of {dims}", self.axes)));
        }
        let out = call.output(0)?;
        macro_rules! typed {
            ($type:ty) => {
                reduce::<$type>(self.op, input.as_slice()?, &dims, axes, out.as_mut_slice()?)
            };
        }
        match input.dtype() {
            DataType::Int8 => typed!(i8),
            DataType::Uint8 => typed!(u8),
            DataType::Int32 => typed!(i32),
            DataType::Int64 => typed!(i64),
            _ => {
                let values = convert::load(&input)?;
                convert::fill(out, |out| reduce(self.op, &values, &dims, axes, out))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{DataType, ReduceOperation};

    use crate::graph::LayerKind;
    use crate::ops::testing::{Random, run, tensor};

    #[test]
    fn agrees_with_a_loop_over_every_element() {
        let mut rng = Random::new(4);
        let dims = [3i64, 5, 4, 7];
        for axes in 1u32..16 {
            for op in [
                ReduceOperation::Sum,
                ReduceOperation::Prod,
                ReduceOperation::Max,
                ReduceOperation::Min,
                ReduceOperation::Avg,
            ] {
                let x: Vec<f32> = rng.floats(420).iter().map(|v| v / 4.0 + 1.1).collect();
                let kept: Vec<i64> = (0..4).map(|d| if axes >> d & 1 == 1 { 1 } else { dims[d] }).collect();
                let count = usize::try_from(kept.iter().product::<i64>()).unwrap();
                let mut wanted: Vec<Vec<f64>> = vec![Vec::new(); count];
                for (i, &value) in x.iter().enumerate() {
                    let at = [i / 140, i / 28 % 5, i / 7 % 4, i % 7];
                    let slot = (0..4).fold(0, |all, d| {
                        let size = usize::try_from(kept[d]).unwrap();
                        all * size + if size == 1 { 0 } else { at[d] }
                    });
                    wanted[slot].push(value.into());
                }
                let kind = LayerKind::Reduce { op, axes, keep_dims: true };
                let out = run(&kind, &[Some(&tensor(&dims, &x))], &[(DataType::Float, &kept)]).unwrap();
                for (got, all) in out[0].view().as_slice::<f32>().unwrap().iter().zip(wanted) {
                    let n = f64::from(u32::try_from(all.len()).unwrap());
                    let wanted = match op {
                        ReduceOperation::Sum => all.iter().sum(),
                        ReduceOperation::Prod => all.iter().product(),
                        ReduceOperation::Max => all.iter().copied().fold(f64::MIN, f64::max),
                        ReduceOperation::Min => all.iter().copied().fold(f64::MAX, f64::min),
                        _ => all.iter().sum::<f64>() / n,
                    };
                    assert!((f64::from(*got) - wanted).abs() <= 2e-5 * wanted.abs(), "{op:?} {axes:b}: {got} {wanted}");
                }
            }
        }
    }

    #[test]
    fn integers_and_empty_ranges() {
        let kind = |op| LayerKind::Reduce { op, axes: 2, keep_dims: false };
        let x = tensor(&[2, 2], &[i64::MAX, 1, -7, 4]);
        let out = run(&kind(ReduceOperation::Sum), &[Some(&x)], &[(DataType::Int64, &[2])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [i64::MIN, -3]);
        let empty = tensor::<f32>(&[1, 0], &[]);
        for (op, wanted) in [
            (ReduceOperation::Sum, 0.0),
            (ReduceOperation::Prod, 1.0),
            (ReduceOperation::Max, f32::NEG_INFINITY),
            (ReduceOperation::Min, f32::INFINITY),
        ] {
            let out = run(&kind(op), &[Some(&empty)], &[(DataType::Float, &[1])]).unwrap();
            assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [wanted]);
        }
        let nan = tensor(&[1, 2], &[f32::NAN, 1.0]);
        let out = run(&kind(ReduceOperation::Max), &[Some(&nan)], &[(DataType::Float, &[1])]).unwrap();
        assert!(out[0].view().as_slice::<f32>().unwrap()[0].is_nan());
    }
}
