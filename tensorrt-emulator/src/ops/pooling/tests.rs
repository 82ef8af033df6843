//! Pooling against a loop over every window.

use tensorrt_sys::{DataType, PaddingMode, PoolingType};

use crate::graph::{LayerKind, Pooling};
use crate::ops::testing::{Random, run, tensor};
use crate::tensor::Dims;

#[test]
fn agrees_with_the_loop_over_every_window() {
    let mut rng = Random::new(5);
    for round in 0..300 {
        let (mut window, mut stride, mut pre, mut post) = (vec![], vec![], vec![], vec![]);
        let (mut input, mut output) = (vec![1, rng.range(1, 4)], vec![]);
        output.extend(&input);
        let ceil = rng.range(0, 2) == 1;
        for _ in 0..2 {
            let (k, s) = (rng.range(1, 5), rng.range(1, 4));
            let (a, b) = (rng.range(0, k), rng.range(0, k));
            let size = rng.range(k, 40);
            let span = size + a + b - k;
            window.push(k);
            stride.push(s);
            pre.push(a);
            post.push(b);
            input.push(size);
            // Rounding up never adds a window that starts in the padding after the input.
            let mut count = if ceil { (span + s - 1) / s } else { span / s } + 1;
            if (count - 1) * s >= size + a {
                count -= 1;
            }
            output.push(count);
        }
        let op = [PoolingType::Max, PoolingType::Average, PoolingType::MaxAverageBlend][round % 3];
        let excludes = rng.range(0, 2) == 1;
        let dims = |v: &[i64]| Dims::new(v).unwrap();
        let kind = LayerKind::Pooling(Pooling {
            op,
            window: dims(&window),
            stride: dims(&stride),
            pre_padding: dims(&pre),
            post_padding: dims(&post),
            padding_mode: if ceil { PaddingMode::ExplicitRoundUp } else { PaddingMode::ExplicitRoundDown },
            blend_factor: 0.25,
            average_count_excludes_padding: excludes,
        });
        let x = rng.floats(usize::try_from(input.iter().product::<i64>()).unwrap());
        let out = run(&kind, &[Some(&tensor(&input, &x))], &[(DataType::Float, &output)]).unwrap();
        let view = out[0].view();
        let got = view.as_slice::<f32>().unwrap();
        let mut at = 0;
        for c in 0..input[1] {
            for oy in 0..output[2] {
                for ox in 0..output[3] {
                    let (mut max, mut sum, mut real, mut padded) = (f64::NEG_INFINITY, 0.0, 0.0f64, 0.0);
                    for ky in 0..window[0] {
                        for kx in 0..window[1] {
                            let (y, x_) = (oy * stride[0] + ky - pre[0], ox * stride[1] + kx - pre[1]);
                            if y < input[2] + post[0] && x_ < input[3] + post[1] {
                                padded += 1.0;
                            }
                            if (0..input[2]).contains(&y) && (0..input[3]).contains(&x_) {
                                let index = usize::try_from((c * input[2] + y) * input[3] + x_).unwrap();
                                max = max.max(x[index].into());
                                sum += f64::from(x[index]);
                                real += 1.0;
                            }
                        }
                    }
                    let mean = sum / if excludes { real.max(1.0) } else { padded };
                    let wanted = match op {
                        PoolingType::Max => max,
                        PoolingType::Average => mean,
                        _ => 0.75 * max + 0.25 * mean,
                    };
                    let value = f64::from(got[at]);
                    assert!(value == wanted || (value - wanted).abs() < 1e-5, "{round}: {value} {wanted} {kind:?}");
                    at += 1;
                }
            }
        }
    }
}

#[test]
fn windows_over_the_whole_image_average_it() {
    let dims = |v: &[i64]| Dims::new(v).unwrap();
    let kind = LayerKind::Pooling(Pooling {
        op: PoolingType::Average,
        window: dims(&[2, 2, 2]),
        stride: dims(&[1, 1, 1]),
        pre_padding: dims(&[0, 0, 0]),
        post_padding: dims(&[0, 0, 0]),
        padding_mode: PaddingMode::ExplicitRoundDown,
        blend_factor: 0.0,
        average_count_excludes_padding: true,
    });
    let x = tensor(&[1, 1, 2, 2, 2], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let out = run(&kind, &[Some(&x)], &[(DataType::Float, &[1, 1, 1, 1, 1])]).unwrap();
    assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [4.5]);
}
