use super::*;
use crate::graph::LayerKind;
use crate::ops::testing::{Random, bools, run, tensor};
use crate::tensor::{Element, Tensor};
use ElementWiseOperation as E;

fn pair<T: Element, O: Element>(op: E, x: &[T], y: &[T], to: DataType) -> Vec<O> {
    let n = i64::try_from(x.len()).unwrap();
    let out =
        run(&LayerKind::ElementWise { op }, &[Some(&tensor(&[n], x)), Some(&tensor(&[n], y))], &[(to, &[n])]).unwrap();
    out[0].view().as_slice::<O>().unwrap().to_vec()
}

#[test]
fn integer_arithmetic_has_no_traps() {
    let (x, y) = ([7, -7, 7, -7, 5, i32::MIN, 0], [2, 2, -2, -2, 0, -1, 0]);
    let i32s = |op| pair::<i32, i32>(op, &x, &y, DataType::Int32);
    assert_eq!(i32s(E::Div), [3, -3, -3, 3, 0, i32::MIN, 0]);
    assert_eq!(i32s(E::FloorDiv), [3, -4, -4, 3, 0, i32::MIN, 0]);
    assert_eq!(i32s(E::Sub)[5], i32::MIN.wrapping_add(1));
    assert_eq!(i32s(E::Pow), [49, 49, 0, 0, 1, 0, 1]);
    assert_eq!(pair::<i64, i64>(E::Pow, &[-1, -1, 3, 1], &[-3, -2, 39, -5], DataType::Int64)[..2], [-1, 1]);
    assert_eq!(pair::<i8, i8>(E::Sum, &[127], &[1], DataType::Int8), [-128]);
    assert_eq!(pair::<u8, u8>(E::FloorDiv, &[200, 9], &[7, 0], DataType::Uint8), [28, 0]);
    assert_eq!(pair::<u8, u8>(E::Pow, &[3, 255], &[5, 2], DataType::Uint8), [243, 1]);
}

#[test]
fn float_arithmetic_and_comparison_with_nan() {
    let nan = f32::NAN;
    let (x, y) = ([1.0, nan, 3.0, -0.0, -7.5], [2.0, 1.0, nan, 0.0, 2.0]);
    let floats = |op| pair::<f32, f32>(op, &x, &y, DataType::Float);
    assert!(floats(E::Max)[1].is_nan() && floats(E::Max)[2].is_nan());
    assert!(floats(E::Min)[1].is_nan() && floats(E::Min)[2].is_nan());
    assert_eq!(floats(E::FloorDiv)[4], -4.0);
    assert_eq!(floats(E::Pow)[4], 56.25);
    let flags = |op| pair::<f32, u8>(op, &x, &y, DataType::Bool);
    assert_eq!(flags(E::Equal), [0, 0, 0, 1, 0]);
    assert_eq!(flags(E::Less), [1, 0, 0, 0, 1]);
    assert_eq!(flags(E::Greater), [0, 0, 0, 0, 0]);
    assert_eq!(
        pair::<f32, f32>(E::Div, &[1.0, -1.0, 0.0], &[0.0; 3], DataType::Float)[..2],
        [f32::INFINITY, -f32::INFINITY]
    );
}

#[test]
fn scalar_exponents_equal_powf() {
    let x = [-2.5f32, 0.0, 0.1, 3.0, f32::INFINITY, -f32::INFINITY, f32::NAN];
    for exponent in [1.0f32, 2.0, 3.0, 0.5, -1.0, 0.0] {
        let out = run(
            &LayerKind::ElementWise { op: E::Pow },
            &[Some(&tensor(&[7], &x)), Some(&tensor(&[1], &[exponent]))],
            &[(DataType::Float, &[7])],
        )
        .unwrap();
        for (&x, &got) in x.iter().zip(out[0].view().as_slice::<f32>().unwrap()) {
            let wanted = x.powf(exponent);
            assert!(got.is_nan() && wanted.is_nan() || got == wanted || (got - wanted).abs() < wanted.abs() * 2e-7);
        }
    }
}

#[test]
fn bools_are_logical() {
    let (x, y) = (bools(&[4], &[false, false, true, true]), bools(&[4], &[false, true, false, true]));
    let go = |op| -> Vec<u8> {
        let out = run(&LayerKind::ElementWise { op }, &[Some(&x), Some(&y)], &[(DataType::Bool, &[4])]).unwrap();
        out[0].view().as_slice::<u8>().unwrap().to_vec()
    };
    assert_eq!(go(E::And), [0, 0, 0, 1]);
    assert_eq!(go(E::Or), [0, 1, 1, 1]);
    assert_eq!(go(E::Xor), [0, 1, 1, 0]);
    assert_eq!(go(E::Equal), [1, 0, 0, 1]);
    assert!(run(&LayerKind::ElementWise { op: E::Sum }, &[Some(&x), Some(&y)], &[(DataType::Bool, &[4])]).is_err());
}

#[test]
fn half_types_round_once() {
    let x =
        run(&LayerKind::Cast { to: DataType::Bf16 }, &[Some(&tensor(&[1], &[256.0f32]))], &[(DataType::Bf16, &[1])])
            .unwrap();
    let y = run(&LayerKind::Cast { to: DataType::Bf16 }, &[Some(&tensor(&[1], &[1.0f32]))], &[(DataType::Bf16, &[1])])
        .unwrap();
    let out =
        run(&LayerKind::ElementWise { op: E::Sum }, &[Some(&x[0]), Some(&y[0])], &[(DataType::Bf16, &[1])]).unwrap();
    assert_eq!(out[0].view().as_slice::<half::bf16>().unwrap()[0].to_f32(), 256.0);
}

#[test]
fn random_broadcasts_match_a_naive_reference() {
    let mut random = Random::new(11);
    for round in 0..200 {
        let rank = usize::try_from(random.range(0, 6)).unwrap();
        let mut out: Vec<i64> = (0..rank).map(|_| random.range(1, 6)).collect();
        if round % 20 == 0 && rank > 1 {
            out[rank - 1] = 20_000;
            out[0] = 3;
        }
        let mut part = || -> Vec<i64> { out.iter().map(|&d| if random.range(0, 3) == 0 { 1 } else { d }).collect() };
        let (dx, dy) = (part(), part());
        let out: Vec<i64> = dx.iter().zip(&dy).map(|(&x, &y)| x.max(y)).collect();
        let make = |dims: &[i64], random: &mut Random| -> Tensor {
            let count = usize::try_from(dims.iter().product::<i64>()).unwrap();
            tensor(dims, &random.floats(count))
        };
        let (x, y) = (make(&dx, &mut random), make(&dy, &mut random));
        let result =
            run(&LayerKind::ElementWise { op: E::Sub }, &[Some(&x), Some(&y)], &[(DataType::Float, &out)]).unwrap();
        let (x, y) = (x.view(), y.view());
        let (x, y) = (x.as_slice::<f32>().unwrap(), y.as_slice::<f32>().unwrap());
        for (flat, &got) in result[0].view().as_slice::<f32>().unwrap().iter().enumerate() {
            let (mut rest, mut ix, mut iy, mut sx, mut sy) = (i64::try_from(flat).unwrap(), 0, 0, 1, 1);
            for d in (0..rank).rev() {
                let index = rest % out[d];
                rest /= out[d];
                ix += if dx[d] == 1 { 0 } else { index * sx };
                iy += if dy[d] == 1 { 0 } else { index * sy };
                sx *= dx[d];
                sy *= dy[d];
            }
            assert_eq!(got, x[usize::try_from(ix).unwrap()] - y[usize::try_from(iy).unwrap()]);
        }
    }
}
