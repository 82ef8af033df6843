use half::f16;

use super::*;
use crate::graph::LayerKind;
use crate::ops::testing::{run, tensor};
use crate::tensor::Tensor;

fn kind(axis: i32, to: DataType) -> LayerKind {
    LayerKind::Quantize(Quantization { axis, to, block_shape: None })
}

fn inverse(axis: i32, to: DataType) -> LayerKind {
    LayerKind::Dequantize(Quantization { axis, to, block_shape: None })
}

fn floats(t: &Tensor) -> Vec<f32> {
    t.view().as_slice::<f32>().unwrap().to_vec()
}

#[test]
fn int8_rounds_to_even_and_saturates() {
    let x = tensor(&[8], &[0.25f32, 0.75, 1.25, -0.25, -0.75, 1e9, -1e9, f32::NAN]);
    let scale = tensor(&[], &[0.5f32]);
    let out = run(&kind(-1, DataType::Int8), &[Some(&x), Some(&scale)], &[(DataType::Int8, &[8])]).unwrap();
    assert_eq!(out[0].view().as_slice::<i8>().unwrap(), [0, 2, 2, 0, -2, 127, -128, 0]);
    let back = run(&inverse(-1, DataType::Float), &[Some(&out[0]), Some(&scale)], &[(DataType::Float, &[8])]).unwrap();
    assert_eq!(floats(&back[0]), [0., 1., 1., 0., -1., 63.5, -64., 0.]);
}

#[test]
fn uint8_has_a_zero_point() {
    let x = tensor(&[4], &[-3f32, 0., 2.4, 900.]);
    let (scale, zero) = (tensor(&[1], &[1f32]), tensor(&[1], &[128u8]));
    let inputs = [Some(&x), Some(&scale), Some(&zero)];
    let out = run(&kind(-1, DataType::Uint8), &inputs, &[(DataType::Uint8, &[4])]).unwrap();
    assert_eq!(out[0].view().as_slice::<u8>().unwrap(), [125, 128, 130, 255]);
    let inputs = [Some(&out[0]), Some(&scale), Some(&zero)];
    let back = run(&inverse(-1, DataType::Float), &inputs, &[(DataType::Float, &[4])]).unwrap();
    assert_eq!(floats(&back[0]), [-3., 0., 2., 127.]);
}

#[test]
fn scales_per_axis_and_per_block() {
    let x = tensor(&[2, 4], &[1f32, 2., 3., 4., 5., 6., 7., 8.]);
    let scale = tensor(&[2], &[1f32, 2.]);
    let out = run(&kind(0, DataType::Int8), &[Some(&x), Some(&scale)], &[(DataType::Int8, &[2, 4])]).unwrap();
    assert_eq!(out[0].view().as_slice::<i8>().unwrap(), [1, 2, 3, 4, 2, 3, 4, 4]);
    assert!(run(&kind(1, DataType::Int8), &[Some(&x), Some(&scale)], &[(DataType::Int8, &[2, 4])]).is_err());
    let scale = tensor(&[1, 2], &[1f32, 10.]);
    let back =
        run(&inverse(-1, DataType::Float), &[Some(&out[0]), Some(&scale)], &[(DataType::Float, &[2, 4])]).unwrap();
    assert_eq!(floats(&back[0]), [1., 2., 30., 40., 2., 3., 40., 40.]);
    let scale = tensor(&[1, 3], &[1f32, 10., 100.]);
    assert!(run(&inverse(-1, DataType::Float), &[Some(&out[0]), Some(&scale)], &[(DataType::Float, &[2, 4])]).is_err());
}

#[test]
fn packed_and_float_formats() {
    let x = tensor(&[3], &[-20f32, 3.4, 1.0]);
    let scale = tensor(&[], &[1f32]);
    let out = run(&kind(-1, DataType::Int4), &[Some(&x), Some(&scale)], &[(DataType::Int4, &[3])]).unwrap();
    assert_eq!(out[0].view().bytes(), [0x38, 0x01]);
    for (to, wanted) in [(DataType::Fp8, [-20., 3.5, 1.]), (DataType::Fp4, [-6., 3., 1.])] {
        let out = run(&kind(-1, to), &[Some(&x), Some(&scale)], &[(to, &[3])]).unwrap();
        let back =
            run(&inverse(-1, DataType::Float), &[Some(&out[0]), Some(&scale)], &[(DataType::Float, &[3])]).unwrap();
        assert_eq!(floats(&back[0]), wanted);
        let half =
            run(&inverse(-1, DataType::Half), &[Some(&out[0]), Some(&scale)], &[(DataType::Half, &[3])]).unwrap();
        assert_eq!(half[0].view().as_slice::<f16>().unwrap()[1].to_f32(), wanted[1]);
    }
}
