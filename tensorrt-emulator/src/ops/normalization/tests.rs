//! Normalization against the definition, in f64.

use tensorrt_sys::DataType;

use crate::graph::{LayerKind, Normalization};
use crate::ops::testing::{Random, run, tensor};

fn check(dims: &[i64], axes: u32, groups: i64, coefficient: &[i64]) {
    let mut rng = Random::new(6);
    let size = |d: &[i64]| usize::try_from(d.iter().product::<i64>()).unwrap();
    let x: Vec<f32> = rng.floats(size(dims)).iter().map(|v| v + 100.0).collect();
    let (scale, bias) = (rng.floats(size(coefficient)), rng.floats(size(coefficient)));
    let kind = LayerKind::Normalization(Normalization {
        epsilon: 1e-3,
        axes,
        groups,
        compute_precision: DataType::Float,
        v2: false,
    });
    let inputs = [tensor(dims, &x), tensor(coefficient, &scale), tensor(coefficient, &bias)];
    let out = run(&kind, &inputs.each_ref().map(Some), &[(DataType::Float, dims)]).unwrap();
    let position = |mut i: usize| {
        let mut at = vec![0; dims.len()];
        for d in (0..dims.len()).rev() {
            let size = usize::try_from(dims[d]).unwrap();
            (at[d], i) = (i % size, i / size);
        }
        at
    };
    // Elements with the same key are normalized together.
    let key = |i: usize| {
        let mut at = position(i);
        for (d, p) in at.iter_mut().enumerate() {
            if axes >> d & 1 == 1 {
                *p = 0;
            }
        }
        if groups > 1 {
            at[1] = position(i)[1] * usize::try_from(groups).unwrap() / usize::try_from(dims[1]).unwrap();
        }
        at
    };
    let view = out[0].view();
    for (i, got) in view.as_slice::<f32>().unwrap().iter().enumerate() {
        let same: Vec<f64> = (0..x.len()).filter(|&j| key(j) == key(i)).map(|j| x[j].into()).collect();
        let n = f64::from(u32::try_from(same.len()).unwrap());
        let mean = same.iter().sum::<f64>() / n;
        let variance = same.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        let at = position(i);
        let c = coefficient.iter().enumerate().fold(0, |all, (d, &size)| {
            let p = match size {
                1 => 0,
                size if size == dims[d] => at[d],
                groups => at[d] * usize::try_from(groups).unwrap() / usize::try_from(dims[d]).unwrap(),
            };
            all * usize::try_from(size).unwrap() + p
        });
        let wanted = (f64::from(x[i]) - mean) / (variance + 1e-3).sqrt() * f64::from(scale[c]) + f64::from(bias[c]);
        assert!((f64::from(*got) - wanted).abs() < 1e-4, "{dims:?} {axes:b} {groups} {coefficient:?}: {got} {wanted}");
    }
}

#[test]
fn layer_instance_and_group_normalization_agree_with_the_definition() {
    check(&[2, 3, 20], 0b100, 1, &[1, 1, 20]);
    check(&[2, 3, 20], 0b110, 1, &[1, 3, 20]);
    check(&[2, 3, 20], 0b110, 1, &[1, 3, 1]);
    check(&[2, 4, 5, 3], 0b1100, 1, &[1, 4, 1, 1]);
    check(&[2, 6, 5, 3], 0b1100, 2, &[1, 6, 1, 1]);
    check(&[2, 6, 5, 3], 0b1100, 2, &[1, 2, 1, 1]);
    check(&[2, 6, 5, 3], 0b1110, 3, &[1, 6, 1, 1]);
    check(&[1, 6, 5, 3], 0b1110, 1, &[1, 6, 1, 1]);
    check(&[1, 2, 1, 1], 0b1100, 1, &[1, 2, 1, 1]);
}

#[test]
fn axes_that_are_not_the_last_are_refused() {
    let kind = LayerKind::Normalization(Normalization {
        epsilon: 0.0,
        axes: 0b010,
        groups: 1,
        compute_precision: DataType::Float,
        v2: false,
    });
    let (x, c) = (tensor(&[1, 2, 2], &[0.0f32; 4]), tensor(&[1, 1, 1], &[1.0f32]));
    assert!(run(&kind, &[Some(&x), Some(&c), Some(&c)], &[(DataType::Float, &[1, 2, 2])]).is_err());
}
