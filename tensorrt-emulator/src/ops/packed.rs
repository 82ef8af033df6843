//! The small formats of quantized tensors: int4, fp8 (e4m3), fp4 (e2m1) and e8m0.

use tensorrt_sys::DataType;

/// The signed value of nibble `index` of packed int4 elements, the lower nibble first.
pub(super) fn int4(bytes: &[u8], index: usize) -> i8 {
    let byte = bytes[index / 2];
    let nibble = if index.is_multiple_of(2) { byte << 4 } else { byte & 0xF0 };
    nibble.cast_signed() >> 4
}

/// Packs one code per nibble, the lower nibble first; an odd count leaves the last upper nibble 0.
pub(super) fn pack(codes: &[u8], out: &mut [u8]) {
    for (out, pair) in out.iter_mut().zip(codes.chunks(2)) {
        *out = pair[0] & 0xF | pair.get(1).map_or(0, |high| high << 4);
    }
}

/// The value of an e4m3 code: 4 exponent bits (bias 7), 3 mantissa bits, no infinity.
pub(super) fn fp8_to_f32(code: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 0xF), f32::from(code & 7));
    let size = match (exponent, code & 7) {
        (15, 7) => f32::NAN,
        (0, _) => mantissa * 2f32.powi(-9),
        _ => (8.0 + mantissa) * 2f32.powi(exponent - 10),
    };
    if code & 0x80 == 0 { size } else { -size }
}

/// The nearest e4m3 code, ties to even, saturating at ±448.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "every value was brought into range")]
pub(super) fn f32_to_fp8(x: f32) -> u8 {
    let sign = if x.is_sign_negative() { 0x80 } else { 0 };
    let size = x.abs();
    let code = if x.is_nan() {
        0x7F
    } else if size < 2f32.powi(-6) {
        (size * 512.0).round_ties_even() as u8
    } else {
        let bits = size.min(448.0).to_bits();
        let rounded = bits + 0x7_FFFF + (bits >> 20 & 1);
        ((rounded >> 20) - (120 << 3)) as u8
    };
    sign | code
}

/// The magnitudes of the eight non-negative e2m1 codes.
const FP4: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// The value of an e2m1 code in the low nibble.
pub(super) fn fp4_to_f32(code: u8) -> f32 {
    let size = FP4[usize::from(code & 7)];
    if code & 8 == 0 { size } else { -size }
}

/// The nearest e2m1 code, ties to even, saturating at ±6; NaN, which e2m1 lacks, becomes −0.
pub(super) fn f32_to_fp4(x: f32) -> u8 {
    if x.is_nan() {
        return 8;
    }
    let sign = if x.is_sign_negative() { 8 } else { 0 };
    let size = x.abs();
    let mut code = 0u8;
    for (next, pair) in (1u8..).zip(FP4.windows(2)) {
        let middle = (pair[0] + pair[1]) / 2.0;
        if size > middle || (size == middle && next % 2 == 0) {
            code = next;
        }
    }
    sign | code
}

/// The least e8m0 code whose value is not below `x`, at most 2^127; NaN and infinity become NaN.
#[expect(clippy::cast_possible_truncation, reason = "the exponent of a float has eight bits")]
pub(super) fn f32_to_e8m0(x: f32) -> u8 {
    if !x.is_finite() {
        return 255;
    }
    let bits = x.abs().to_bits();
    let (exponent, fraction) = ((bits >> 23) as u8, bits & 0x7F_FFFF);
    // The value of code 0 is 2^−127, a subnormal float.
    let above = if exponent == 0 { fraction > 0x40_0000 } else { fraction > 0 };
    (exponent + u8::from(above)).min(254)
}

/// The values of the elements of fp8, packed fp4 or e8m0; `None` for other types.
pub(super) fn floats(dtype: DataType, bytes: &[u8], count: usize) -> Option<Vec<f32>> {
    match dtype {
        DataType::Fp8 => Some(bytes.iter().map(|&code| fp8_to_f32(code)).collect()),
        DataType::Fp4 => Some((0..count).map(|i| fp4_to_f32(bytes[i / 2] >> (i % 2 * 4))).collect()),
        DataType::E8m0 => Some(bytes.iter().map(|&code| e8m0_to_f32(code)).collect()),
        _ => None,
    }
}

/// The value of an e8m0 code: 2^(code − 127), 255 is NaN.
pub(super) fn e8m0_to_f32(code: u8) -> f32 {
    if code == 255 { f32::NAN } else { 2f32.powi(i32::from(code) - 127) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for code in 0..=255u8 {
            let value = fp8_to_f32(code);
            if value.is_nan() {
                assert_eq!(f32_to_fp8(value) & 0x7F, 0x7F);
            } else {
                assert_eq!(f32_to_fp8(value), code, "{value}");
            }
        }
        for code in 0..16u8 {
            assert_eq!(f32_to_fp4(fp4_to_f32(code)), code);
        }
        assert_eq!(fp8_to_f32(0x7E), 448.0);
        assert_eq!(fp8_to_f32(0x01), 2f32.powi(-9));
        assert_eq!((e8m0_to_f32(127), e8m0_to_f32(0)), (1.0, 2f32.powi(-127)));
        for code in 0..255u8 {
            assert_eq!(f32_to_e8m0(e8m0_to_f32(code)), code);
        }
        assert_eq!([0.0, 1.1, 1e-40, f32::MAX, f32::NAN].map(f32_to_e8m0), [0, 128, 0, 254, 255]);
    }

    #[test]
    fn rounding_finds_the_nearest_ties_to_even() {
        // Against a search over all codes.
        for i in -5000..=5000i16 {
            let x = f32::from(i) / 10.0;
            let nearest = (0..=255u8)
                .filter(|&code| {
                    !fp8_to_f32(code).is_nan() && fp8_to_f32(code).is_sign_negative() == x.is_sign_negative()
                })
                .min_by(|&a, &b| {
                    let far = |code: u8| (f64::from(fp8_to_f32(code)) - f64::from(x)).abs();
                    far(a).total_cmp(&far(b)).then((a % 2).cmp(&(b % 2)))
                });
            assert_eq!(Some(f32_to_fp8(x)), nearest, "{x}");
        }
        assert_eq!(f32_to_fp8(f32::INFINITY), 0x7E);
        assert_eq!(
            [0.25, 0.75, 2.5, 5.0, 5.1, 99.0, f32::NAN].map(|x| fp4_to_f32(f32_to_fp4(x))),
            [0.0, 1.0, 2.0, 4.0, 6.0, 6.0, -0.0]
        );
    }

    #[test]
    fn nibbles_are_packed_low_first() {
        let mut out = [0; 2];
        pack(&[0x1, 0xF, 0x8], &mut out);
        assert_eq!(out, [0xF1, 0x08]);
        assert_eq!([0, 1, 2, 3].map(|i| int4(&out, i)), [1, -1, -8, 0]);
    }
}
