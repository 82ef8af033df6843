//! Attention against its definition in f64.

use tensorrt_sys::{AttentionIOForm, AttentionNormalizationOp, CausalMaskKind, DataType};

use crate::Result;
use crate::graph::{Attention, LayerKind};
use crate::ops::testing::{Random, bools, run, tensor};
use crate::tensor::Tensor;

/// The extents of a padded case.
#[derive(Debug, Clone, Copy)]
struct Case {
    batch: usize,
    heads: usize,
    shared: usize,
    queries: usize,
    keys: usize,
    size: usize,
}

/// Softmax(q · kᵀ + bias) · v, where `bias(batch, head, query, key)` is −∞ for keys that are hidden.
fn reference(c: Case, [q, k, v]: [&[f32]; 3], bias: impl Fn([usize; 4]) -> f64) -> Vec<f64> {
    let mut out = Vec::new();
    let at = |x: &[f32], row: usize, i: usize| f64::from(x[row * c.size + i]);
    for b in 0..c.batch {
        for h in 0..c.heads {
            let shared = (b * c.shared + h * c.shared / c.heads) * c.keys;
            for row in 0..c.queries {
                let own = (b * c.heads + h) * c.queries + row;
                let scores: Vec<f64> = (0..c.keys)
                    .map(|j| {
                        let dot: f64 = (0..c.size).map(|i| at(q, own, i) * at(k, shared + j, i)).sum();
                        dot + bias([b, h, row, j])
                    })
                    .collect();
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> =
                    scores.iter().map(|s| if max == f64::NEG_INFINITY { 0.0 } else { (s - max).exp() }).collect();
                let sum: f64 = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
                out.extend(
                    (0..c.size)
                        .map(|i| weights.iter().enumerate().map(|(j, w)| w / sum * at(v, shared + j, i)).sum::<f64>()),
                );
            }
        }
    }
    out
}

fn dims(extents: &[usize]) -> Vec<i64> {
    extents.iter().map(|&d| i64::try_from(d).unwrap()).collect()
}

struct Data {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Data {
    fn of(c: Case) -> Self {
        let mut rng = Random::new(7);
        let (own, shared) = (c.batch * c.heads * c.queries * c.size, c.batch * c.shared * c.keys * c.size);
        let mut floats = |count: usize| -> Vec<f32> { rng.floats(count).iter().map(|v| v / 3.0).collect() };
        Self { q: floats(own), k: floats(shared), v: floats(shared) }
    }

    fn all(&self) -> [&[f32]; 3] {
        [&self.q, &self.k, &self.v]
    }

    fn run(&self, c: Case, attention: Attention, rest: &[Option<&Tensor>]) -> Result<Vec<f32>> {
        let (own, shared) = (dims(&[c.batch, c.heads, c.queries, c.size]), dims(&[c.batch, c.shared, c.keys, c.size]));
        let tensors = [tensor(&own, &self.q), tensor(&shared, &self.k), tensor(&shared, &self.v)];
        let mut inputs: Vec<Option<&Tensor>> = tensors.iter().map(Some).collect();
        inputs.extend_from_slice(rest);
        let out = run(&LayerKind::AttentionInput(attention), &inputs, &[(DataType::Float, &own)])?;
        Ok(out[0].view().as_slice::<f32>().unwrap().to_vec())
    }
}

fn close(got: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert!((f64::from(*got) - wanted).abs() < 2e-5, "{what} at {i}: {got} {wanted}");
    }
}

fn plain(causal: CausalMaskKind) -> Attention {
    Attention::new(AttentionNormalizationOp::Softmax, causal)
}

const SMALL: Case = Case { batch: 2, heads: 4, shared: 2, queries: 3, keys: 5, size: 6 };

fn hidden(hide: bool) -> f64 {
    if hide { f64::NEG_INFINITY } else { 0.0 }
}

#[test]
fn agrees_with_the_definition() {
    let large = Case { batch: 1, heads: 2, shared: 1, queries: 300, keys: 1100, size: 16 };
    let single = Case { batch: 3, heads: 2, shared: 2, queries: 1, keys: 9, size: 8 };
    for c in [SMALL, single, large] {
        let data = Data::of(c);
        let wanted = reference(c, data.all(), |_| 0.0);
        close(&data.run(c, plain(CausalMaskKind::None), &[]).unwrap(), &wanted, &format!("{c:?}"));
    }
}

#[test]
fn causal_kinds_hide_later_keys() {
    for c in [SMALL, Case { queries: 7, keys: 4, ..SMALL }] {
        let data = Data::of(c);
        let wanted = reference(c, data.all(), |[_, _, i, j]| hidden(j > i));
        close(&data.run(c, plain(CausalMaskKind::UpperLeft), &[]).unwrap(), &wanted, "upper left");
        let wanted = reference(c, data.all(), |[_, _, i, j]| hidden(j + c.queries > i + c.keys));
        close(&data.run(c, plain(CausalMaskKind::LowerRight), &[]).unwrap(), &wanted, "lower right");
    }
}

#[test]
fn lengths_hide_the_end() {
    let data = Data::of(SMALL);
    let lengths = tensor(&[2], &[4i32, 2]);
    let given = [None, None, None, Some(&lengths)];
    let valid = [4usize, 2];
    let wanted = reference(SMALL, data.all(), |[b, _, _, j]| hidden(j >= valid[b]));
    close(&data.run(SMALL, plain(CausalMaskKind::None), &given).unwrap(), &wanted, "lengths");
    let wanted = reference(SMALL, data.all(), |[b, _, i, j]| hidden(j >= valid[b] || j + 3 > i + valid[b]));
    close(&data.run(SMALL, plain(CausalMaskKind::LowerRight), &given).unwrap(), &wanted, "lower right of the length");
    let long = tensor(&[2], &[4i32, 6]);
    assert!(data.run(SMALL, plain(CausalMaskKind::None), &[None, None, None, Some(&long)]).is_err());
}

#[test]
fn what_lies_beyond_the_length_is_not_read() {
    let mut data = Data::of(SMALL);
    let lengths = tensor(&[2], &[4i32, 0]);
    let given = [None, None, None, Some(&lengths)];
    let clean = data.run(SMALL, plain(CausalMaskKind::None), &given).unwrap();
    let row = |batch: usize, head: usize, key: usize| ((batch * SMALL.shared + head) * SMALL.keys + key) * SMALL.size;
    for (batch, length) in [(0, 4), (1, 0)] {
        for (head, key) in (0..SMALL.shared).flat_map(|head| (length..SMALL.keys).map(move |key| (head, key))) {
            data.k[row(batch, head, key)..][..SMALL.size].fill(f32::NAN);
            data.v[row(batch, head, key)..][..SMALL.size].fill(f32::NAN);
        }
    }
    assert_eq!(data.run(SMALL, plain(CausalMaskKind::None), &given).unwrap(), clean);
    assert!(clean[clean.len() / 2..].iter().all(|&value| value == 0.0));
}

#[test]
fn masks_broadcast() {
    let data = Data::of(SMALL);
    let allowed: Vec<bool> = (0..2 * 3 * 5).map(|i| i % 7 != 0 && i / 5 != 4).collect();
    let mask = bools(&[2, 1, 3, 5], &allowed);
    // Row 1 of entry 1 sees nothing: zeros.
    let wanted = reference(SMALL, data.all(), |[b, _, i, j]| hidden(!allowed[(b * 3 + i) * 5 + j]));
    let got = data.run(SMALL, plain(CausalMaskKind::None), &[Some(&mask)]).unwrap();
    close(&got, &wanted, "bool");
    assert!(got[(4 * 3 + 1) * 6..][..6].iter().all(|&v| v == 0.0));
    let added: Vec<f32> = (0u8..20).map(|i| f32::from(i % 5) / 2.0).collect();
    let mask = tensor(&[1, 4, 1, 5], &added);
    let wanted = reference(SMALL, data.all(), |[_, h, _, j]| f64::from(added[h * 5 + j]));
    close(&data.run(SMALL, plain(CausalMaskKind::None), &[Some(&mask)]).unwrap(), &wanted, "added");
    let one = tensor(&[1, 1, 1, 1], &[f32::NEG_INFINITY]);
    let got = data.run(SMALL, plain(CausalMaskKind::None), &[Some(&one)]).unwrap();
    assert!(got.iter().all(|&v| v == 0.0));
    let wrong = bools(&[1, 1, 2, 5], &[true; 10]);
    assert!(data.run(SMALL, plain(CausalMaskKind::None), &[Some(&wrong)]).is_err());
}

/// [batch, heads, tokens, size] to the packed form, with `counts[b]` tokens of each entry.
fn packed(x: &[f32], [heads, tokens, size]: [usize; 3], counts: &[usize]) -> Vec<f32> {
    let mut out = Vec::new();
    for (b, &count) in counts.iter().enumerate() {
        for t in 0..count {
            for h in 0..heads {
                out.extend_from_slice(&x[((b * heads + h) * tokens + t) * size..][..size]);
            }
        }
    }
    out
}

#[test]
fn packed_tokens_agree_with_padded_ones() {
    let c = SMALL;
    let data = Data::of(c);
    let (queries, keys) = ([3usize, 2], [5usize, 1]);
    let own = packed(&data.q, [c.heads, c.queries, c.size], &queries);
    let k = packed(&data.k, [c.shared, c.keys, c.size], &keys);
    let v = packed(&data.v, [c.shared, c.keys, c.size], &keys);
    let attention = Attention {
        query_form: AttentionIOForm::PackedNhd,
        key_value_form: AttentionIOForm::PackedNhd,
        ..plain(CausalMaskKind::LowerRight)
    };
    let (q_totals, k_totals) = (tensor(&[3], &[0i32, 3, 5]), tensor(&[3], &[0i32, 5, 6]));
    // One token more than the totals count.
    let spare = [own.clone(), vec![9.0; c.heads * c.size]].concat();
    let inputs = [tensor(&[6, 4, 6], &spare), tensor(&[6, 2, 6], &k), tensor(&[6, 2, 6], &v)];
    let all = [Some(&inputs[0]), Some(&inputs[1]), Some(&inputs[2]), None, None, Some(&q_totals), Some(&k_totals)];
    let kind = LayerKind::AttentionInput(attention);
    let out = run(&kind, &all, &[(DataType::Float, &[6, 4, 6])]).unwrap();
    let wanted = reference(c, data.all(), |[b, _, i, j]| hidden(j >= keys[b] || j + queries[b] > i + keys[b]));
    let wanted: Vec<f32> = wanted.iter().map(|&v| format!("{v}").parse().unwrap()).collect();
    let mut wanted = packed(&wanted, [c.heads, c.queries, c.size], &queries);
    wanted.extend(vec![0.0; c.heads * c.size]);
    let wanted: Vec<f64> = wanted.into_iter().map(f64::from).collect();
    close(out[0].view().as_slice::<f32>().unwrap(), &wanted, "packed");
    let wrong = tensor(&[3], &[0i32, 5, 7]);
    let all = [all[0], all[1], all[2], None, None, all[5], Some(&wrong)];
    assert!(run(&kind, &all, &[(DataType::Float, &[6, 4, 6])]).unwrap_err().message().contains("running totals"));
}

#[test]
fn without_normalization_scores_weigh_the_values() {
    let data = Data::of(SMALL);
    let none = Attention::new(AttentionNormalizationOp::None, CausalMaskKind::None);
    let got = data.run(SMALL, none, &[]).unwrap();
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    let wanted: f64 = (0..5).map(|j| dot(&data.q[..6], &data.k[j * 6..][..6]) * f64::from(data.v[j * 6])).sum();
    assert!((f64::from(got[0]) - wanted).abs() < 1e-4, "{} {wanted}", got[0]);
    let causal = Attention::new(AttentionNormalizationOp::None, CausalMaskKind::UpperLeft);
    assert!(data.run(SMALL, causal, &[]).is_err());
}

#[test]
fn weights_are_quantized() {
    let c = Case { batch: 1, heads: 1, shared: 1, queries: 1, keys: 2, size: 1 };
    let data = Data { q: vec![0.0], k: vec![0.0, 0.0], v: vec![1.0, 0.0] };
    let go = |to: Option<DataType>, scale: &[f32]| {
        let attention = Attention { quantize_to: to, ..plain(CausalMaskKind::None) };
        let scale = tensor(&[i64::try_from(scale.len()).unwrap()], scale);
        data.run(c, attention, &[None, Some(&scale)])
    };
    // 0.5 / 0.3 rounds to 2 steps of 0.3; in fp8, 1.6667 rounds to 1.625.
    assert!((go(Some(DataType::Int8), &[0.3]).unwrap()[0] - 0.6).abs() < 1e-6);
    assert!((go(Some(DataType::Fp8), &[0.3]).unwrap()[0] - 0.4875).abs() < 1e-6);
    assert!(go(None, &[0.3]).is_err());
    assert!(go(Some(DataType::Int8), &[0.3, 0.3]).is_err());
    assert!(go(Some(DataType::Int8), &[0.0]).is_err());
}

#[test]
fn nothing_to_see_is_zero() {
    let c = Case { keys: 0, ..SMALL };
    let data = Data::of(c);
    assert!(data.run(c, plain(CausalMaskKind::None), &[]).unwrap().iter().all(|&v| v == 0.0));
    let c = Case { queries: 0, ..SMALL };
    assert!(Data::of(c).run(c, plain(CausalMaskKind::None), &[]).unwrap().is_empty());
}

#[test]
fn types_are_one() {
    let q = tensor(&[1, 1, 1, 1], &[1f32]);
    let h = tensor(&[1, 1, 1, 1], &[half::f16::ONE]);
    let kind = LayerKind::AttentionInput(plain(CausalMaskKind::None));
    let out = [(DataType::Float, &[1i64, 1, 1, 1][..])];
    assert!(run(&kind, &[Some(&q), Some(&h), Some(&q)], &out).is_err());
    assert!(run(&kind, &[Some(&q), Some(&q), Some(&q), Some(&h)], &out).is_err());
    let out = run(&kind, &[Some(&h), Some(&h), Some(&h)], &[(DataType::Half, &[1, 1, 1, 1])]).unwrap();
    assert_eq!(out[0].view().as_slice::<half::f16>().unwrap(), [half::f16::ONE]);
}
