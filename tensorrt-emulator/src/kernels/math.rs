//! Elementary functions as branch-free arithmetic that the compiler vectorises.

use super::simd::Simd;

/// `a * b + c`, fused where that is one instruction.
#[inline(always)]
pub fn fma<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// 2^n for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23).cast_unsigned())
}

/// e^x with an error of about one unit in the last place: 0 below −104, ∞ above 89, NaN for NaN.
#[inline(always)]
pub fn exp<S: Simd>(x: f32) -> f32 {
    /// 1.5 · 2^23: adding it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // Written so that NaN passes.
    let clamped = if x > 89.0 { 89.0 } else { x };
    let clamped = if clamped < -104.0 { -104.0 } else { clamped };
    let shifted = fma::<S>(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<S>(n, -0.693_359_4, clamped);
    let r = fma::<S>(n, 2.121_944_4e-4, r);
    let mut p = fma::<S>(1.987_569_1e-4, r, 1.398_199_9e-3);
    p = fma::<S>(p, r, 8.333_452e-3);
    p = fma::<S>(p, r, 4.166_579_6e-2);
    p = fma::<S>(p, r, 1.666_666_5e-1);
    p = fma::<S>(p, r, 0.5);
    let p = fma::<S>(p, r * r, r) + 1.0;
    // Two factors reach the subnormals and the largest values.
    let n = shifted.to_bits().cast_signed().wrapping_sub(ROUND.to_bits().cast_signed());
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

#[cfg(test)]
mod tests {
    use super::exp;
    use crate::kernels::simd::{Op, Simd, dispatch};

    struct Exp<'a>(&'a mut [f32]);

    impl Op for Exp<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, _: S) {
            self.0.iter_mut().for_each(|x| *x = exp::<S>(*x));
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let inputs: Vec<f32> = (-26_000i16..=22_000).map(|i| f32::from(i) / 250.0).collect();
        let mut outputs = inputs.clone();
        dispatch(Exp(&mut outputs));
        for (x, got) in inputs.iter().zip(outputs) {
            let wanted = f64::from(*x).exp();
            let tolerance = wanted * 2.4e-7 + 1.5e-45;
            assert!((f64::from(got) - wanted).abs() <= tolerance, "{x}: {got} {wanted}");
        }
        let mut special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 100.0, 0.0, -200.0];
        dispatch(Exp(&mut special));
        assert!(special[0].is_nan());
        assert_eq!(special[1..], [f32::INFINITY, 0.0, f32::INFINITY, 1.0, 0.0]);
    }
}
