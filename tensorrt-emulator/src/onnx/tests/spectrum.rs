//! Fourier transforms against their definition.

use super::*;

/// Bin `bin` of the transform of `signal`, (real, imaginary) pairs, over a period; values beyond the signal are zeros.
fn bin(signal: &[(f64, f64)], bin: usize, period: usize, sign: f64) -> (f64, f64) {
    let whole = |n: usize| f64::from(u32::try_from(n).unwrap());
    signal.iter().take(period).enumerate().fold((0.0, 0.0), |(re, im), (n, (a, b))| {
        let (sin, cos) = (sign * std::f64::consts::TAU * whole(n * bin) / whole(period)).sin_cos();
        (re + a * cos - b * sin, im + a * sin + b * cos)
    })
}

fn numbers(count: u16) -> Vec<f32> {
    (0..count).map(|i| (f32::from(i) * 0.7).sin()).collect()
}

fn close(found: &[f32], expected: &[(f64, f64)], scale: f64) {
    assert_eq!(found.len(), expected.len() * 2);
    for (found, (re, im)) in found.chunks_exact(2).zip(expected) {
        let off = (f64::from(found[0]) - re / scale).abs().max((f64::from(found[1]) - im / scale).abs());
        assert!(off < 1e-5, "{found:?} is not {re} + {im}i over {scale}");
    }
}

#[test]
fn transforms_follow_their_definition() {
    // A period that cuts the signal of seven values off, and one that pads it.
    for (period, inverse, half) in [(5, false, false), (7, true, false), (9, false, true), (12, false, false)] {
        let parts: u16 = if half { 1 } else { 2 };
        let x = numbers(7 * parts);
        let attributes = [int("axis", 1), int("inverse", inverse.into()), int("onesided", half.into())];
        let build = model(17)
            .input("x", 1, &["n", "7", if half { "1" } else { "2" }])
            .weights(int64s("length", &[period]))
            .node("DFT", &["x", "length"], &["y"], &attributes)
            .output("y");
        let outputs = run(&build.import().unwrap(), &[tensor(&[1, 7, parts.into()], &x)]);
        let signal: Vec<(f64, f64)> = x
            .chunks_exact(parts.into())
            .map(|value| (value[0].into(), value.get(1).copied().unwrap_or(0.0).into()))
            .collect();
        let period = usize::try_from(period).unwrap();
        let bins = if half { period / 2 + 1 } else { period };
        let (sign, scale) = if inverse { (1.0, 7.0) } else { (-1.0, 1.0) };
        let expected: Vec<_> = (0..bins).map(|k| bin(&signal, k, period, sign)).collect();
        close(&values(&outputs[0]), &expected, scale);
    }
}

#[test]
fn half_a_spectrum_comes_back_as_the_signal() {
    for length in [8, 9] {
        let x = numbers(u16::try_from(length).unwrap());
        let onesided = |inverse: i64| [int("axis", 1), int("inverse", inverse), int("onesided", 1)];
        let build = model(17)
            .input("x", 1, &["n", &length.to_string(), "1"])
            .weights(int64s("length", &[length]))
            .node("DFT", &["x", "length"], &["spectrum"], &onesided(0))
            .node("DFT", &["spectrum", "length"], &["y"], &onesided(1))
            .output("y");
        let outputs = run(&build.import().unwrap(), &[tensor(&[1, length, 1], &x)]);
        assert_eq!(outputs[0].dims()[..], [1, length, 1]);
        assert!(values(&outputs[0]).iter().zip(&x).all(|(found, expected)| (found - expected).abs() < 1e-5));
    }
}

#[test]
fn frames_of_a_signal_of_any_length_are_transformed() {
    let window = [0.5_f32, 1.0, 1.0, 0.5];
    let build = model(17)
        .input("x", 1, &["1", "n", "1"])
        .weights(int64s("step", &[3]))
        .weights(floats("window", &[4], &window))
        .node("STFT", &["x", "step", "window"], &["y"], &[])
        .output("y");
    let network = build.import().unwrap();
    for (length, frames) in [(4, 1), (9, 2), (10, 3)] {
        let x = numbers(length);
        let outputs = run(&network, &[tensor(&[1, length.into(), 1], &x)]);
        assert_eq!(outputs[0].dims()[..], [1, frames, 3, 2]);
        let mut expected = Vec::new();
        for frame in x.windows(4).step_by(3) {
            let seen: Vec<(f64, f64)> =
                frame.iter().zip(window).map(|(&x, w)| (f64::from(x) * f64::from(w), 0.0)).collect();
            expected.extend((0..3).map(|k| bin(&seen, k, 4, -1.0)));
        }
        close(&values(&outputs[0]), &expected, 1.0);
    }
}
