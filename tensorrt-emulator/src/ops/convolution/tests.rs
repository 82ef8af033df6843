//! Convolution against a loop over every output and kernel element.

use tensorrt_sys::{DataType, PaddingMode};

use crate::graph::{Conv, Graph, LayerKind, Weights};
use crate::memory::Storage;
use crate::ops::testing::{Random, run_in, tensor};
use crate::tensor::Dims;

fn below(rng: &mut Random, limit: i64) -> i64 {
    rng.range(0, limit)
}

fn values(rng: &mut Random, count: usize) -> Vec<f32> {
    rng.floats(count).into_iter().map(|v| v / 4.0).collect()
}

fn at(base: usize, step: usize, tap: usize, distance: usize, pad: usize, limit: usize) -> Option<usize> {
    (base * step + tap * distance).checked_sub(pad).filter(|&i| i < limit)
}

struct Case {
    conv: Conv,
    input: Dims,
    output: Dims,
}

fn naive(case: &Case, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let pad3 = |dims: &[i64], fill: usize| {
        let mut all = vec![fill; 3 - dims.len()];
        all.extend(dims.iter().map(|&d| usize::try_from(d).unwrap()));
        all
    };
    let [i, o] = [&case.input, &case.output].map(|d| pad3(&d[2..], 1));
    let [k, s, d] = [&case.conv.kernel_size, &case.conv.stride, &case.conv.dilation].map(|d| pad3(d, 1));
    let p = pad3(&case.conv.pre_padding, 0);
    let [n, c, m, g] =
        [case.input[0], case.input[1], case.output[1], case.conv.groups].map(|v| usize::try_from(v).unwrap());
    let mut out = Vec::new();
    for b in 0..n {
        for map in 0..m {
            for z in 0..o[0] {
                for y in 0..o[1] {
                    for xx in 0..o[2] {
                        let mut sum = f64::from(bias.get(map).copied().unwrap_or(0.0));
                        for cc in 0..c / g {
                            let channel = map / (m / g) * (c / g) + cc;
                            for kz in 0..k[0] {
                                for ky in 0..k[1] {
                                    for kx in 0..k[2] {
                                        let (Some(iz), Some(iy), Some(ix)) = (
                                            at(z, s[0], kz, d[0], p[0], i[0]),
                                            at(y, s[1], ky, d[1], p[1], i[1]),
                                            at(xx, s[2], kx, d[2], p[2], i[2]),
                                        ) else {
                                            continue;
                                        };
                                        let from = (((b * c + channel) * i[0] + iz) * i[1] + iy) * i[2] + ix;
                                        let tap = (((map * (c / g) + cc) * k[0] + kz) * k[1] + ky) * k[2] + kx;
                                        sum += f64::from(x[from]) * f64::from(w[tap]);
                                    }
                                }
                            }
                        }
                        #[expect(clippy::cast_possible_truncation, reason = "the reference's own rounding")]
                        out.push(sum as f32);
                    }
                }
            }
        }
    }
    out
}

fn random_case(rng: &mut Random) -> Case {
    let rank = usize::try_from(1 + below(rng, 3)).unwrap();
    let groups = 1 + below(rng, 3) * below(rng, 2);
    let (channels, maps) = (groups * (1 + below(rng, 5)), groups * (1 + below(rng, 21)));
    let limit = [70, 19, 8][rank - 1];
    let (mut kernel, mut stride, mut dilation, mut pre, mut post) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut input, mut output) = (vec![1 + below(rng, 2), channels], vec![]);
    output.extend([input[0], maps]);
    for _ in 0..rank {
        let (k, s, d) = (1 + below(rng, 4), 1 + below(rng, 3), 1 + below(rng, 2));
        let (a, b) = (below(rng, 3), below(rng, 3));
        let reach = (k - 1) * d + 1;
        let size = (reach - a - b).max(1) + below(rng, limit);
        kernel.push(k);
        stride.push(s);
        dilation.push(d);
        pre.push(a);
        post.push(b);
        input.push(size);
        output.push((size + a + b - reach) / s + 1);
    }
    let dims = |v: &[i64]| Dims::new(v).unwrap();
    let conv = Conv {
        num_output_maps: maps,
        kernel_size: dims(&kernel),
        stride: dims(&stride),
        dilation: dims(&dilation),
        pre_padding: dims(&pre),
        post_padding: dims(&post),
        padding_mode: PaddingMode::ExplicitRoundDown,
        groups,
        kernel: None,
        bias: None,
    };
    Case { conv, input: dims(&input), output: dims(&output) }
}

fn weights(values: &[f32]) -> Weights {
    Weights::new("w", DataType::Float, values.len(), Storage::copy_of(bytemuck::cast_slice(values))).unwrap()
}

#[test]
fn agrees_with_the_loop_over_every_element() {
    let mut rng = Random::new(1);
    for round in 0..300 {
        let mut case = random_case(&mut rng);
        let mut graph = Graph::default();
        let x = values(&mut rng, case.input.volume().unwrap());
        let taps = case.conv.kernel_size.volume().unwrap();
        let depth = usize::try_from(case.input[1] / case.conv.groups).unwrap();
        let maps = usize::try_from(case.conv.num_output_maps).unwrap();
        let w = values(&mut rng, maps * depth * taps);
        let bias = if below(&mut rng, 2) == 0 { values(&mut rng, maps) } else { Vec::new() };
        let wanted = naive(&case, &x, &w, &bias);
        let as_input = below(&mut rng, 2) == 0;
        let input = tensor(&case.input, &x);
        let mut kernel_dims = vec![case.conv.num_output_maps, case.input[1] / case.conv.groups];
        kernel_dims.extend(case.conv.kernel_size.iter());
        let kernel = as_input.then(|| tensor(&kernel_dims, &w));
        if !as_input {
            case.conv.kernel = Some(graph.add_weights(weights(&w)));
        }
        if !bias.is_empty() {
            case.conv.bias = Some(graph.add_weights(weights(&bias)));
        }
        let kind = LayerKind::Convolution(case.conv.clone());
        let outputs = [(DataType::Float, &*case.output)];
        let out = run_in(&graph, &kind, &[Some(&input), kernel.as_ref()], &outputs).unwrap();
        for (got, wanted) in out[0].view().as_slice::<f32>().unwrap().iter().zip(&wanted) {
            assert!((got - wanted).abs() < 1e-4, "round {round}: {got} {wanted} {:?} {}", case.conv, case.input);
        }
    }
}
