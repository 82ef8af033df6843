use tensorrt_sys::DataType;

use super::*;
use crate::graph::LayerKind;
use crate::ops::testing::{Random, run, tensor};
use crate::tensor::Tensor;

fn params(start: &[i64], size: &[i64], stride: &[i64], mode: SampleMode) -> Slice {
    let dims = |values: &[i64]| Some(Dims::of(values).unwrap());
    Slice { start: dims(start), size: dims(size), stride: dims(stride), mode, axes: None }
}

fn line(start: i64, size: i64, stride: i64, mode: SampleMode) -> Result<Vec<i32>> {
    let x = tensor(&[4], &[10i32, 11, 12, 13]);
    let kind = LayerKind::Slice(params(&[start], &[size], &[stride], mode));
    Ok(run(&kind, &[Some(&x)], &[(DataType::Int32, &[size])])?[0].view().as_slice()?.to_vec())
}

#[test]
fn modes_say_what_lies_outside() {
    use SampleMode as M;
    assert_eq!(line(3, 4, -1, M::StrictBounds).unwrap(), [13, 12, 11, 10]);
    assert_eq!(line(1, 2, 2, M::StrictBounds).unwrap(), [11, 13]);
    assert!(line(1, 4, 1, M::StrictBounds).is_err());
    assert!(line(-1, 1, 1, M::StrictBounds).is_err());
    assert_eq!(line(-3, 9, 1, M::Wrap).unwrap(), [11, 12, 13, 10, 11, 12, 13, 10, 11]);
    assert_eq!(line(-2, 7, 1, M::Clamp).unwrap(), [10, 10, 10, 11, 12, 13, 13]);
    assert_eq!(line(-2, 7, 1, M::Fill).unwrap(), [0, 0, 10, 11, 12, 13, 0]);
    assert_eq!(line(-4, 12, 1, M::Reflect).unwrap(), [12, 13, 12, 11, 10, 11, 12, 13, 12, 11, 10, 11]);
    assert_eq!(line(2, 3, 0, M::StrictBounds).unwrap(), [12, 12, 12]);
    assert_eq!(line(9, 0, 1, M::StrictBounds).unwrap(), [0i32; 0]);
    assert!(line(i64::MAX, 2, i64::MAX, M::Wrap).is_err());
}

#[test]
fn inputs_take_the_place_of_parameters() {
    let x = tensor(&[2, 4], &[0i64, 1, 2, 3, 4, 5, 6, 7]);
    let mut slice = params(&[0], &[0], &[0], SampleMode::Fill);
    (slice.start, slice.stride) = (None, None);
    let (start, stride, axes) = (tensor(&[1], &[3i32]), tensor(&[1], &[-2i32]), tensor(&[1], &[-1i32]));
    let fill = tensor(&[], &[-9i64]);
    let inputs = [Some(&x), Some(&start), None, Some(&stride), Some(&fill), Some(&axes)];
    let out = run(&LayerKind::Slice(slice), &inputs, &[(DataType::Int64, &[2, 3])]).unwrap();
    assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [3, 1, -9, 7, 5, -9]);
}

#[test]
fn random_slices_match_a_naive_reference() {
    let mut random = Random::new(5);
    for _ in 0..300 {
        let rank = usize::try_from(random.range(1, 5)).unwrap();
        let dims: Vec<i64> = (0..rank).map(|_| random.range(1, 6)).collect();
        let count = dims.iter().product::<i64>();
        let x: Tensor =
            tensor(&dims, &(0..i16::try_from(count).unwrap()).map(|v| f32::from(v) + 1.0).collect::<Vec<_>>());
        let start: Vec<i64> = dims.iter().map(|&d| random.range(-2, d + 2)).collect();
        let stride: Vec<i64> = dims.iter().map(|_| random.range(-2, 3)).collect();
        let size: Vec<i64> = dims.iter().map(|_| random.range(0, 6)).collect();
        let kind = LayerKind::Slice(params(&start, &size, &stride, SampleMode::Fill));
        let out = run(&kind, &[Some(&x)], &[(DataType::Float, &size)]).unwrap();
        let got = out[0].view().as_slice::<f32>().unwrap().to_vec();
        let values = x.view().as_slice::<f32>().unwrap().to_vec();
        for (flat, got) in got.into_iter().enumerate() {
            let mut rest = i64::try_from(flat).unwrap();
            let (mut at, mut step, mut outside) = (0, 1, false);
            for d in (0..rank).rev() {
                let index = start[d] + rest % size[d] * stride[d];
                rest /= size[d];
                outside |= index < 0 || index >= dims[d];
                at += index * step;
                step *= dims[d];
            }
            let wanted = if outside { 0.0 } else { values[usize::try_from(at).unwrap()] };
            assert_eq!(got, wanted);
        }
    }
}
