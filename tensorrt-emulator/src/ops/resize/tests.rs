//! Resizes against values computed by the ONNX reference implementation, and against a direct evaluation.

use tensorrt_sys::{DataType, InterpolationMode, ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector};

use crate::graph::{LayerKind, Resize};
use crate::ops::testing::{Random, run, tensor};

fn parameters(mode: InterpolationMode, transformation: ResizeCoordinateTransformation) -> Resize {
    Resize {
        mode,
        transformation,
        selector: ResizeSelector::Formula,
        rounding: ResizeRoundMode::HalfDown,
        cubic_coeff: -0.75,
        exclude_outside: false,
        dims: None,
        scales: Vec::new(),
    }
}

fn resized(parameters: Resize, x: &[f32], from: &[i64], to: &[i64]) -> Vec<f32> {
    let kind = LayerKind::Resize(parameters);
    let out = run(&kind, &[Some(&tensor(from, x))], &[(DataType::Float, to)]).unwrap();
    out[0].view().as_slice::<f32>().unwrap().to_vec()
}

#[test]
fn linear_half_pixel_doubles_a_square() {
    let p = parameters(InterpolationMode::Linear, ResizeCoordinateTransformation::HalfPixel);
    let got = resized(p, &[1.0, 2.0, 3.0, 4.0], &[1, 1, 2, 2], &[1, 1, 4, 4]);
    let wanted = [1.0, 1.25, 1.75, 2.0, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3.0, 3.25, 3.75, 4.0];
    assert_eq!(got, wanted);
}

#[test]
fn cubic_half_pixel_agrees_with_the_onnx_specification() {
    // test_resize_upsample_scales_cubic of the ONNX backend tests, first row.
    let p = parameters(InterpolationMode::Cubic, ResizeCoordinateTransformation::HalfPixel);
    let x: Vec<f32> = (1..=16u8).map(f32::from).collect();
    let got = resized(p, &x, &[1, 1, 4, 4], &[1, 1, 8, 8]);
    let wanted = [0.472_656, 0.769_531, 1.246_094, 1.875, 2.28125, 2.910_156, 3.386_719, 3.683_594];
    for (got, wanted) in got.iter().zip(wanted) {
        assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
    }
}

#[test]
fn weights_outside_of_the_input_can_be_excluded() {
    // A constant stays constant, whichever weights are left out.
    let mut p = parameters(InterpolationMode::Cubic, ResizeCoordinateTransformation::HalfPixel);
    p.exclude_outside = true;
    let got = resized(p, &[3.0; 9], &[1, 1, 3, 3], &[1, 1, 7, 5]);
    assert!(got.iter().all(|v| (v - 3.0).abs() < 1e-5), "{got:?}");
}

#[test]
fn nearest_rounds_as_told_and_keeps_any_type() {
    for (rounding, wanted) in [
        (ResizeRoundMode::HalfUp, [0i32, 1, 1, 2, 2]),
        (ResizeRoundMode::HalfDown, [0, 0, 1, 1, 2]),
        (ResizeRoundMode::Floor, [0, 0, 1, 1, 2]),
        (ResizeRoundMode::Ceil, [0, 1, 1, 2, 2]),
    ] {
        let mut p = parameters(InterpolationMode::Nearest, ResizeCoordinateTransformation::AlignCorners);
        p.rounding = rounding;
        let out = run(&LayerKind::Resize(p), &[Some(&tensor(&[3], &[0i32, 1, 2]))], &[(DataType::Int32, &[5])]);
        assert_eq!(out.unwrap()[0].view().as_slice::<i32>().unwrap(), wanted, "{rounding:?}");
    }
}

#[test]
fn a_single_output_pixel_follows_the_selector() {
    let mut p = parameters(InterpolationMode::Linear, ResizeCoordinateTransformation::HalfPixel);
    assert_eq!(resized(p.clone(), &[1.0, 2.0, 3.0, 4.0], &[4], &[1]), [2.5]);
    p.selector = ResizeSelector::Upper;
    assert_eq!(resized(p, &[1.0, 2.0, 3.0, 4.0], &[4], &[1]), [1.0]);
}

#[test]
fn linear_in_three_dimensions_is_the_product_of_its_axes() {
    let mut rng = Random::new(7);
    let (from, to) = ([2usize, 3, 4, 5], [2usize, 5, 3, 8]);
    let x = rng.floats(120);
    let p = parameters(InterpolationMode::Linear, ResizeCoordinateTransformation::Asymmetric);
    let got = resized(p, &x, &[2, 3, 4, 5], &[2, 5, 3, 8]);
    for (i, got) in got.iter().enumerate() {
        let at = [i / 120, i / 24 % 5, i / 8 % 3, i % 8];
        let mut wanted = 0.0;
        for corner in 0..8 {
            let (mut weight, mut index) = (1.0f64, at[0]);
            for d in 1..4 {
                let size = |v: usize| f64::from(u32::try_from(v).unwrap());
                let coordinate = (size(at[d]) * size(from[d]) / size(to[d])).min(size(from[d] - 1));
                let low = (0..from[d]).rev().find(|&v| size(v) <= coordinate + 1e-6).unwrap();
                let t = coordinate - size(low);
                let high = corner >> (d - 1) & 1 == 1;
                weight *= if high { t } else { 1.0 - t };
                index = index * from[d] + (low + usize::from(high)).min(from[d] - 1);
            }
            wanted += weight * f64::from(x[index]);
        }
        assert!((f64::from(*got) - wanted).abs() < 1e-5, "{got} {wanted}");
    }
}
