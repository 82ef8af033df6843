//! Matrix products against the triple loop.

use tensorrt_sys::{DataType, MatrixOperation};

use crate::graph::LayerKind;
use crate::ops::testing::{Random, run, tensor};

/// The value of one element of the broadcast product.
fn element(
    (a, b): (&[f32], &[f32]),
    (p, q): (usize, usize),
    (m, n): (usize, usize),
    (rows, depth, columns): (usize, usize, usize),
    (ta, tb): (bool, bool),
) -> f64 {
    (0..depth)
        .map(|k| {
            let x = a[p * rows * depth + if ta { k * rows + m } else { m * depth + k }];
            let y = b[q * depth * columns + if tb { n * depth + k } else { k * columns + n }];
            f64::from(x) * f64::from(y)
        })
        .sum()
}

#[test]
fn agrees_with_the_triple_loop() {
    let mut rng = Random::new(2);
    for round in 0..200 {
        let [rows, depth, columns] = [(); 3].map(|()| rng.range(1, 70));
        let (ta, tb) = (rng.range(0, 2) == 1, rng.range(0, 2) == 1);
        let batch = rng.range(1, 4);
        let [p, q] = [(); 2].map(|()| if rng.range(0, 2) == 1 { batch } else { 1 });
        let op = |transposed| if transposed { MatrixOperation::Transpose } else { MatrixOperation::None };
        let shape = |batch, r, c, transposed: bool| if transposed { [batch, c, r] } else { [batch, r, c] };
        let (sa, sb) = (shape(p, rows, depth, ta), shape(q, depth, columns, tb));
        let volume = |s: [i64; 3]| usize::try_from(s.iter().product::<i64>()).unwrap();
        let (x, y) = (rng.floats(volume(sa)), rng.floats(volume(sb)));
        let kind = LayerKind::MatrixMultiply { ops: [op(ta), op(tb)] };
        let total = p.max(q);
        let outs = [(DataType::Float, &[total, rows, columns][..])];
        let out = run(&kind, &[Some(&tensor(&sa, &x)), Some(&tensor(&sb, &y))], &outs).unwrap();
        let view = out[0].view();
        let got = view.as_slice::<f32>().unwrap();
        let [rows, depth, columns, total, p, q] =
            [rows, depth, columns, total, p, q].map(|v| usize::try_from(v).unwrap());
        for i in 0..total {
            for m in 0..rows {
                for n in 0..columns {
                    let entries = (if p == 1 { 0 } else { i }, if q == 1 { 0 } else { i });
                    let wanted = element((&x, &y), entries, (m, n), (rows, depth, columns), (ta, tb));
                    let got = f64::from(got[(i * rows + m) * columns + n]);
                    assert!((got - wanted).abs() < 1e-3, "round {round}: {got} {wanted}");
                }
            }
        }
    }
}

#[test]
fn vectors_lose_their_dimension() {
    let kind = LayerKind::MatrixMultiply { ops: [MatrixOperation::Vector, MatrixOperation::None] };
    let (a, b) = (tensor(&[2], &[1.0f32, 2.0]), tensor(&[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let out = run(&kind, &[Some(&a), Some(&b)], &[(DataType::Float, &[3])]).unwrap();
    assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [9.0, 12.0, 15.0]);
    let kind = LayerKind::MatrixMultiply { ops: [MatrixOperation::Transpose, MatrixOperation::Vector] };
    let out = run(&kind, &[Some(&b), Some(&a)], &[(DataType::Float, &[3])]).unwrap();
    assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [9.0, 12.0, 15.0]);
    let out = run(&kind, &[Some(&a), Some(&b)], &[(DataType::Float, &[3])]);
    assert!(out.is_err());
}

#[test]
fn a_right_side_of_unit_batches_multiplies_every_left_side() {
    let kind = LayerKind::MatrixMultiply { ops: [MatrixOperation::None; 2] };
    let a = tensor(&[2, 1, 2, 1], &[1.0f32, 2.0, 3.0, 4.0]);
    let b = tensor(&[1, 1, 1, 2], &[10.0f32, 1.0]);
    let out = run(&kind, &[Some(&a), Some(&b)], &[(DataType::Float, &[2, 1, 2, 2])]).unwrap();
    let wanted = [10.0, 1.0, 20.0, 2.0, 30.0, 3.0, 40.0, 4.0];
    assert_eq!(out[0].view().as_slice::<f32>().unwrap(), wanted);
}

#[test]
fn an_empty_sum_is_zero() {
    let kind = LayerKind::MatrixMultiply { ops: [MatrixOperation::None; 2] };
    let (a, b) = (tensor::<f32>(&[2, 0], &[]), tensor::<f32>(&[0, 3], &[]));
    let out = run(&kind, &[Some(&a), Some(&b)], &[(DataType::Float, &[2, 3])]).unwrap();
    assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [0.0; 6]);
}
