//! Inner products and sums of long rows.

use super::simd::{Op, Simd, dispatch};

/// Independent partial sums; a fixed number, so that results are the same on every instruction set but for fused rounding.
const LANES: usize = 64;

struct Dot<'a>(&'a [f32], &'a [f32]);

impl Op for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        let mut sums = [0.0f32; LANES];
        let (a, b) = (self.0.as_chunks::<LANES>(), self.1.as_chunks::<LANES>());
        for (a, b) in a.0.iter().zip(b.0) {
            for i in 0..LANES {
                sums[i] = if S::FMA { a[i].mul_add(b[i], sums[i]) } else { sums[i] + a[i] * b[i] };
            }
        }
        let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
        fold(sums) + rest
    }
}

/// Adds up the partial sums, halving their number each time.
#[inline(always)]
fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Σ `a[i] · b[i]` over the shorter length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dispatch(Dot(a, b))
}

struct Sum<'a>(&'a [f32], f32);

impl Op for Sum<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> (f64, f64) {
        let (mut total, mut squares) = (0.0f64, 0.0f64);
        for block in self.0.chunks(LANES * 16) {
            let (chunks, rest) = block.as_chunks::<LANES>();
            let (mut sums, mut squared) = ([0.0f32; LANES], [0.0f32; LANES]);
            for chunk in chunks {
                for i in 0..LANES {
                    let value = chunk[i] - self.1;
                    sums[i] += value;
                    squared[i] += value * value;
                }
            }
            for (i, value) in rest.iter().enumerate() {
                let value = value - self.1;
                sums[i] += value;
                squared[i] += value * value;
            }
            total += f64::from(fold(sums));
            squares += f64::from(fold(squared));
        }
        (total, squares)
    }
}

/// Σ (x − shift) and Σ (x − shift)²; blocks of 1024 in f32, their sums in f64.
pub fn moments(values: &[f32], shift: f32) -> (f64, f64) {
    dispatch(Sum(values, shift))
}

/// Σ x, as [`moments`].
pub fn sum(values: &[f32]) -> f64 {
    moments(values, 0.0).0
}

#[cfg(test)]
mod tests {
    use super::{dot, moments, sum};

    #[test]
    fn sums_are_exact_where_f32_is() {
        for len in [0u16, 1, 63, 64, 65, 1024, 1025, 5000] {
            let values: Vec<f32> = (0..len).map(|i| f32::from(i % 7)).collect();
            let wanted: f64 = values.iter().map(|&v| f64::from(v)).sum();
            let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            assert_eq!(sum(&values), wanted);
            assert_eq!(moments(&values, 0.0), (wanted, squares));
            assert_eq!(f64::from(dot(&values, &values)), squares);
        }
    }
}
