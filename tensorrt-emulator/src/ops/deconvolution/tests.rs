//! Deconvolution against the loop that spreads every input element.

use tensorrt_sys::{DataType, PaddingMode};

use crate::graph::{Conv, Graph, LayerKind, Weights};
use crate::memory::Storage;
use crate::ops::testing::{Random, run_in, tensor};
use crate::tensor::Dims;

#[test]
fn agrees_with_the_loop_over_every_input_element() {
    let mut rng = Random::new(8);
    for round in 0..200 {
        let groups = rng.range(1, 3);
        let (depth, maps) = (rng.range(1, 5), rng.range(1, 6));
        let (channels, all_maps) = (depth * groups, maps * groups);
        let spatial: Vec<[i64; 6]> = (0..2)
            .map(|_| {
                let (k, s, d, size) = (rng.range(1, 5), rng.range(1, 4), rng.range(1, 3), rng.range(1, 12));
                let full = (size - 1) * s + (k - 1) * d + 1;
                let pre = rng.range(0, 3).min((full - 1) / 2);
                // Less padding after than before, or even output padding.
                let out = full - pre - rng.range(-1, 2).min(full - pre - 1);
                [k, s, d, size, pre, out]
            })
            .collect();
        let column = |i: usize| Dims::new(&[spatial[0][i], spatial[1][i]]).unwrap();
        let (input, output) =
            ([2, channels, spatial[0][3], spatial[1][3]], [2, all_maps, spatial[0][5], spatial[1][5]]);
        let size = |d: &[i64]| usize::try_from(d.iter().product::<i64>()).unwrap();
        let x = rng.floats(size(&input));
        let w = rng.floats(size(&[channels, maps, spatial[0][0], spatial[1][0]]));
        let bias = rng.floats(size(&[all_maps]));
        let mut graph = Graph::default();
        let mut blob = |values: &[f32]| {
            let storage = Storage::copy_of(bytemuck::cast_slice(values));
            graph.add_weights(Weights::new("", DataType::Float, values.len(), storage).unwrap())
        };
        let kind = LayerKind::Deconvolution(Conv {
            num_output_maps: all_maps,
            kernel_size: column(0),
            stride: column(1),
            dilation: column(2),
            pre_padding: column(4),
            post_padding: column(4),
            padding_mode: PaddingMode::ExplicitRoundDown,
            groups,
            kernel: Some(blob(&w)),
            bias: Some(blob(&bias)),
        });
        let out = run_in(&graph, &kind, &[Some(&tensor(&input, &x))], &[(DataType::Float, &output)]).unwrap();
        let mut wanted: Vec<f64> = Vec::new();
        for i in 0..size(&output) {
            let map = i / size(&output[2..]) % size(&output[1..2]);
            wanted.push(bias[map].into());
        }
        let [k, s, d] = [0, 1, 2].map(|i| [spatial[0][i], spatial[1][i]]);
        let pre = [spatial[0][4], spatial[1][4]];
        for n in 0..2 {
            for c in 0..channels {
                for m in 0..maps {
                    let map = c / depth * maps + m;
                    for (y, xx) in (0..input[2]).flat_map(|y| (0..input[3]).map(move |x| (y, x))) {
                        for (ky, kx) in (0..k[0]).flat_map(|y| (0..k[1]).map(move |x| (y, x))) {
                            let (oy, ox) = (y * s[0] + ky * d[0] - pre[0], xx * s[1] + kx * d[1] - pre[1]);
                            if (0..output[2]).contains(&oy) && (0..output[3]).contains(&ox) {
                                let at = |v: i64| usize::try_from(v).unwrap();
                                let from = at(((n * channels + c) * input[2] + y) * input[3] + xx);
                                let tap = at(((c * maps + m) * k[0] + ky) * k[1] + kx);
                                let to = at(((n * all_maps + map) * output[2] + oy) * output[3] + ox);
                                wanted[to] += f64::from(x[from]) * f64::from(w[tap]);
                            }
                        }
                    }
                }
            }
        }
        for (got, wanted) in out[0].view().as_slice::<f32>().unwrap().iter().zip(wanted) {
            assert!((f64::from(*got) - wanted).abs() < 1e-3, "round {round}: {got} {wanted} {kind:?}");
        }
    }
}
