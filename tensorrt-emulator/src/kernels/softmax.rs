//! Softmax of rows and of columns.

use super::math::exp;
use super::simd::{Op, Simd, dispatch};
use super::workspace::Buffer;

/// Independent partial maxima and sums.
const LANES: usize = 32;

/// The larger value, NaN where either is.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

struct Row<'a>(&'a [f32], &'a mut [f32]);

impl Op for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (from, to) = (self.0, self.1);
        let (chunks, rest) = from.as_chunks::<LANES>();
        let mut maxima = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            for i in 0..LANES {
                maxima[i] = larger(maxima[i], chunk[i]);
            }
        }
        for (max, &value) in maxima.iter_mut().zip(rest) {
            *max = larger(*max, value);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                maxima[i] = larger(maxima[i], maxima[i + width]);
            }
            width /= 2;
        }
        let max = maxima[0];
        // A row of −∞ alone has no softmax: NaN, as 0 / 0 says.
        to.iter_mut().zip(from).for_each(|(out, &value)| *out = exp::<S>(value - max));
        let mut sums = [0.0f32; LANES];
        let (chunks, rest) = to.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                sums[i] += chunk[i];
            }
        }
        let total: f32 = rest.iter().sum();
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                sums[i] += sums[i + width];
            }
            width /= 2;
        }
        let scale = 1.0 / (total + sums[0]);
        to.iter_mut().for_each(|value| *value *= scale);
    }
}

/// The softmax of one row; `to` is as long as `from`.
pub fn softmax_row(from: &[f32], to: &mut [f32]) {
    dispatch(Row(from, to));
}

struct Columns<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    max: &'a mut [f32],
    sum: &'a mut [f32],
}

impl Op for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { from, to, max, sum } = self;
        let inner = max.len();
        max.fill(f32::NEG_INFINITY);
        sum.fill(0.0);
        for line in from.chunks_exact(inner) {
            max.iter_mut().zip(line).for_each(|(max, &value)| *max = larger(*max, value));
        }
        for (line, out) in from.chunks_exact(inner).zip(to.chunks_exact_mut(inner)) {
            for (((out, &value), &max), sum) in out.iter_mut().zip(line).zip(&*max).zip(&mut *sum) {
                *out = exp::<S>(value - max);
                *sum += *out;
            }
        }
        sum.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
        for out in to.chunks_exact_mut(inner) {
            out.iter_mut().zip(&*sum).for_each(|(out, &scale)| *out *= scale);
        }
    }
}

/// The softmax of each column of a matrix of `inner` columns; `to` is as long as `from`.
pub fn softmax_columns(from: &[f32], to: &mut [f32], inner: usize) {
    let mut buffer = Buffer::take(2 * inner);
    let (max, sum) = buffer.split_at_mut(inner);
    if inner > 0 {
        dispatch(Columns { from, to, max, sum });
    }
}
