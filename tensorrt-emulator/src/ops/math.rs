//! Elementary functions as branch-free scalar code, which the compiler vectorizes inside [`wide`](super::wide).
//!
//! Errors stay below 1e-6 relative to the function's value wherever that value is not itself the difference of close numbers; NaN in, NaN out.

/// 2^k by way of the exponent bits, for k in [-126, 127].
#[inline(always)]
fn power_of_two(k: i32) -> f32 {
    f32::from_bits(k.wrapping_add(127).cast_unsigned() << 23)
}

/// e^x; 0 below −104, infinity above 88.73.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer
    const LN2_HIGH: f32 = 0.693_145_75;
    const LN2_LOW: f32 = 1.428_606_8e-6;
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let k = shifted.to_bits().wrapping_sub(MAGIC.to_bits()).cast_signed();
    let rounded = shifted - MAGIC;
    let r = x - rounded * LN2_HIGH - rounded * LN2_LOW;
    // The Taylor series: |r| ≤ ln(2)/2 makes the first term left out smaller than 2e-8.
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    let half = k >> 1;
    p * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// e^x − 1, exact to the last digits next to 0.
#[inline(always)]
pub(super) fn exp_m1(x: f32) -> f32 {
    // The Taylor series divided by x.
    const SMALL: [f32; 8] = [1.0 / 40_320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];
    let small = polynomial(&SMALL, x) * x;
    let large = exp(x) - 1.0;
    if x.abs() < 0.5 { small } else { large }
}

/// The error function.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    // erf(x) / x in x², for |x| ≤ 0.97; interpolated at the Chebyshev nodes, error 9e-10.
    const SMALL: [f32; 7] = [
        8.042_412e-5,
        -8.061_621_4e-4,
        5.193_564e-3,
        -2.685_625_7e-2,
        1.128_363_7e-1,
        -3.761_263e-1,
        std::f32::consts::FRAC_2_SQRT_PI,
    ];
    // ln(1 − erf(x)) in x, for x in [0.9, 4]; error 2e-8.
    const LARGE: [f32; 9] = [
        1.643_063_7e-6,
        -4.616_383_9e-5,
        5.975_857_7e-4,
        -4.762_626e-3,
        2.642_763_7e-2,
        -1.100_871_7e-1,
        -6.318_239e-1,
        -1.130_231_1,
        3.185_396_6e-4,
    ];
    let size = x.abs();
    let square = size * size;
    let small = polynomial(&SMALL, square) * x;
    let size = if size > 4.0 { 4.0 } else { size };
    let large = (1.0 - exp(polynomial(&LARGE, size))).copysign(x);
    if square <= 0.94 { small } else { large }
}

/// A polynomial, the highest coefficient first.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    coefficients.iter().fold(0.0, |sum, &c| sum * x + c)
}

/// x · (1 + erf(x / √2)) / 2.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2, as x · sigmoid(2 · …): nothing cancels for negative x.
#[inline(always)]
pub(super) fn gelu_tanh(x: f32) -> f32 {
    const SCALE: f32 = 1.595_769; // 2 · √(2/π)
    x / (1.0 + exp(-SCALE * (x + 0.044_715 * x * x * x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Taylor series in f64; enough terms for |x| ≤ 5.
    fn reference_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn functions_are_close_to_f64() {
        for i in -32_000..=32_000i16 {
            let x = f32::from(i) / 370.0;
            let wanted = f64::from(x).exp();
            assert!((f64::from(exp(x)) - wanted).abs() <= wanted * 3e-7 + 1e-45, "exp({x})");
            let wanted = f64::from(x).exp_m1();
            assert!((f64::from(exp_m1(x)) - wanted).abs() <= wanted.abs() * 5e-7, "exp_m1({x})");
            let x = x / 20.0;
            let wanted = reference_erf(x.into());
            assert!((f64::from(erf(x)) - wanted).abs() <= wanted.abs() * 3e-7, "erf({x}) = {} {wanted}", erf(x));
            let wanted = f64::from(x) * 0.5 * (1.0 + reference_erf(f64::from(x) / 2f64.sqrt()));
            assert!((f64::from(gelu(x)) - wanted).abs() <= 3e-7 * f64::from(x).abs().max(wanted), "gelu({x})");
        }
    }

    #[test]
    fn limits() {
        assert!(exp(f32::NAN).is_nan() && erf(f32::NAN).is_nan() && gelu(f32::NAN).is_nan());
        assert_eq!((exp(f32::NEG_INFINITY), exp(f32::INFINITY), exp(0.0)), (0.0, f32::INFINITY, 1.0));
        assert_eq!((erf(f32::NEG_INFINITY), erf(f32::INFINITY), erf(0.0)), (-1.0, 1.0, 0.0));
        assert_eq!(gelu(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(-200.0), 0.0);
    }
}
