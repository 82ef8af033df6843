//! The statistics of a row, and the row normalized by them.

use super::dot::moments;
use super::math::fma;
use super::simd::{Op, Simd, dispatch};

/// The mean of a row and 1 / sqrt(variance + epsilon).
#[expect(clippy::cast_precision_loss, reason = "a row of 2^52 elements does not fit in memory")]
#[expect(clippy::cast_possible_truncation, reason = "the statistics' one rounding")]
pub fn statistics(row: &[f32], epsilon: f32) -> (f32, f32) {
    let count = row.len() as f64;
    let mean = moments(row, 0.0).0 / count;
    // Around the rounded mean, then corrected for the rounding.
    let shift = mean as f32;
    let (sum, squares) = moments(row, shift);
    let variance = (squares / count - (sum / count) * (sum / count)).max(0.0);
    let variance = if squares.is_nan() { squares } else { variance };
    (shift, (1.0 / (variance + f64::from(epsilon)).sqrt()) as f32)
}

struct Normalize<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    mean: f32,
    inverse: f32,
    scale: &'a [f32],
    bias: &'a [f32],
}

impl Op for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { from, to, mean, inverse, scale, bias } = self;
        let pairs = to.iter_mut().zip(from);
        match (scale, bias) {
            (&[scale], &[bias]) => {
                let factor = scale * inverse;
                pairs.for_each(|(to, &x)| *to = fma::<S>(x - mean, factor, bias));
            }
            (&[scale], bias) => {
                let factor = scale * inverse;
                pairs.zip(bias).for_each(|((to, &x), &bias)| *to = fma::<S>(x - mean, factor, bias));
            }
            (scale, &[bias]) => {
                pairs.zip(scale).for_each(|((to, &x), &scale)| *to = fma::<S>(x - mean, scale * inverse, bias));
            }
            (scale, bias) => {
                let pairs = pairs.zip(scale).zip(bias);
                pairs.for_each(|(((to, &x), &scale), &bias)| *to = fma::<S>(x - mean, scale * inverse, bias));
            }
        }
    }
}

/// `to[i] = (from[i] − mean) · inverse · scale[i] + bias[i]`, where `scale` and `bias` are as long as the row or have one element.
pub fn normalize(from: &[f32], to: &mut [f32], mean: f32, inverse: f32, scale: &[f32], bias: &[f32]) {
    dispatch(Normalize { from, to, mean, inverse, scale, bias });
}
