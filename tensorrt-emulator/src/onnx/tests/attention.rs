//! Attention over dynamic shapes against ONNX's definition, in f64; which forms become TensorRT's attention; caches.

use tensorrt_sys::{Family, LayerType, Version};

use super::*;
use crate::build::{BuildConfig, Quiet, build_engine};
use crate::memory::Storage;
use crate::plan::{Identity, Profile};
use crate::tensor::{Dims, Tensor};

/// One form of the operator and the extents that it runs on.
#[derive(Debug, Clone, Copy)]
struct Form {
    heads: usize,
    shared: usize,
    size: usize,
    value_size: usize,
    causal: bool,
    window: [Option<i64>; 2],
    softcap: f64,
    past: bool,
    lengths: bool,
    mask: bool,
}

const PLAIN: Form = Form {
    heads: 4,
    shared: 2,
    size: 3,
    value_size: 3,
    causal: false,
    window: [None, None],
    softcap: 0.0,
    past: false,
    lengths: false,
    mask: false,
};

/// [batch, queries, keys of the past, new keys].
type Extents = [usize; 4];

fn extents(form: Form, [batch, queries, past, new]: Extents) -> Vec<(&'static str, Vec<usize>)> {
    let mut all = vec![
        ("q", vec![batch, form.heads, queries, form.size]),
        ("k", vec![batch, form.shared, new, form.size]),
        ("v", vec![batch, form.shared, new, form.value_size]),
    ];
    if form.mask {
        all.push(("mask", vec![batch, 1, queries, past + new]));
    }
    if form.past {
        all.push(("past_k", vec![batch, form.shared, past, form.size]));
        all.push(("past_v", vec![batch, form.shared, past, form.value_size]));
    }
    if form.lengths {
        all.push(("lengths", vec![batch]));
    }
    all
}

fn node(form: Form) -> Build {
    let mut build = model(25)
        .input("q", 1, &["b", &form.heads.to_string(), "s", &form.size.to_string()])
        .input("k", 1, &["b", &form.shared.to_string(), "n", &form.size.to_string()])
        .input("v", 1, &["b", &form.shared.to_string(), "n", &form.value_size.to_string()]);
    if form.mask {
        build = build.input("mask", 1, &["b", "1", "s", "t"]);
    }
    if form.past {
        build = build.input("past_k", 1, &["b", &form.shared.to_string(), "p", &form.size.to_string()]).input(
            "past_v",
            1,
            &["b", &form.shared.to_string(), "p", &form.value_size.to_string()],
        );
    }
    if form.lengths {
        build = build.input("lengths", 7, &["b"]);
    }
    let side = |name: &str, size: Option<i64>| int(name, size.unwrap_or(-1));
    #[expect(clippy::cast_possible_truncation, reason = "the tests' softcaps are floats")]
    let attributes = [
        int("is_causal", form.causal.into()),
        side("left_window_size", form.window[0]),
        side("right_window_size", form.window[1]),
        float("softcap", form.softcap as f32),
    ];
    let name = |wanted: bool, name: &'static str| if wanted { name } else { "" };
    let inputs = [
        "q",
        "k",
        "v",
        name(form.mask, "mask"),
        name(form.past, "past_k"),
        name(form.past, "past_v"),
        name(form.lengths, "lengths"),
    ];
    build.node("Attention", &inputs, &["y"], &attributes).output("y")
}

/// Numbers from −1 to 1 that differ from tensor to tensor.
fn numbers(name: &str, count: usize) -> Vec<f32> {
    let seed = name.bytes().map(f32::from).sum::<f32>();
    (0..count).map(|i| (f32::from(u16::try_from(i).unwrap()) * 0.7 + seed).sin()).collect()
}

fn lengths(batch: usize, keys: usize) -> Vec<i64> {
    (0..batch).map(|b| i64::try_from(keys - b.min(keys - 1)).unwrap()).collect()
}

fn reference(form: Form, at: Extents) -> Vec<f64> {
    let [batch, queries, past, new] = at;
    let keys = past + new;
    let tensor = |name: &str, dims: &[usize]| numbers(name, dims.iter().product());
    let all: std::collections::HashMap<_, _> =
        extents(form, at).into_iter().map(|(name, dims)| (name, (tensor(name, &dims), dims))).collect();
    let element = |name: &str, index: [usize; 4]| -> f64 {
        let (values, dims) = &all[name];
        f64::from(values[index.iter().zip(dims).fold(0, |flat, (i, d)| flat * d + i)])
    };
    let key = |new_name: &str, past_name: &str, b: usize, h: usize, j: usize, i: usize| {
        if j < past { element(past_name, [b, h, j, i]) } else { element(new_name, [b, h, j - past, i]) }
    };
    let mut out = Vec::new();
    for (b, &valid) in lengths(batch, keys).iter().enumerate() {
        for h in 0..form.heads {
            let shared = h / (form.heads / form.shared);
            for row in 0..queries {
                let int = |i: usize| i64::try_from(i).unwrap();
                let first = if form.lengths { valid - int(queries) } else { int(past) };
                let position = int(row) + first;
                let mut scores: Vec<f64> = (0..keys)
                    .map(|j| {
                        let dot: f64 = (0..form.size)
                            .map(|i| element("q", [b, h, row, i]) * key("k", "past_k", b, shared, j, i))
                            .sum();
                        let mut score = dot / f64::from(u8::try_from(form.size).unwrap()).sqrt();
                        if form.softcap > 0.0 {
                            score = (score / form.softcap).tanh() * form.softcap;
                        }
                        if form.mask {
                            score += element("mask", [b, 0, row, j]);
                        }
                        let distance = position - int(j);
                        let hidden = form.causal && distance < 0
                            || form.window[0].is_some_and(|left| distance > left)
                            || form.window[1].is_some_and(|right| -distance > right)
                            || form.lengths && int(j) >= valid;
                        if hidden { f64::NEG_INFINITY } else { score }
                    })
                    .collect();
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                scores.iter_mut().for_each(|s| *s = if max.is_finite() { (*s - max).exp() } else { 0.0 });
                let sum = scores.iter().sum::<f64>().max(f64::MIN_POSITIVE);
                out.extend((0..form.value_size).map(|i| {
                    let weighed = |(j, s): (usize, &f64)| s / sum * key("v", "past_v", b, shared, j, i);
                    scores.iter().enumerate().map(weighed).sum::<f64>()
                }));
            }
        }
    }
    out
}

fn dims_of(extents: &[usize]) -> Dims {
    Dims::new(&extents.iter().map(|&d| i64::try_from(d).unwrap()).collect::<Vec<_>>()).unwrap()
}

fn check(form: Form, all: &[Extents]) {
    let network = node(form).import().unwrap();
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    let mut profile = Profile::default();
    for (index, (name, _)) in extents(form, all[0]).iter().enumerate() {
        let given = || all.iter().map(|&at| extents(form, at)[index].1.clone());
        let edge = |pick: fn(usize, usize) -> usize| {
            given().reduce(|a, b| a.iter().zip(&b).map(|(&a, &b)| pick(a, b)).collect()).unwrap()
        };
        let (least, most) = (edge(usize::min), edge(usize::max));
        profile.dims.insert((*name).to_owned(), [dims_of(&least), dims_of(&most), dims_of(&most)]);
    }
    config.profiles.push(profile);
    let engine = build_engine(&network, &config, &mut Quiet).unwrap();
    let mut context = engine.create_context(None).unwrap();
    for &at in all {
        let mut buffers = vec![Storage::zeroed(0); engine.num_inputs()];
        for (name, dims) in extents(form, at) {
            let index = engine.io_index(name).unwrap();
            context.set_input_shape(index, dims_of(&dims)).unwrap();
            buffers[index] = if name == "lengths" {
                Storage::copy_of(bytemuck::cast_slice(&lengths(at[0], at[2] + at[3])))
            } else {
                Storage::copy_of(bytemuck::cast_slice(&numbers(name, dims.iter().product())))
            };
        }
        let inputs: Vec<&[u8]> = buffers.iter().map(|storage| &storage[..]).collect();
        let outputs: Vec<Tensor> = context.run_dynamic(&inputs).unwrap();
        let got = outputs[0].view().as_slice::<f32>().unwrap().to_vec();
        let wanted = reference(form, at);
        assert_eq!(got.len(), wanted.len(), "{form:?} {at:?}");
        for (i, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            assert!((f64::from(*got) - wanted).abs() < 1e-5, "{form:?} {at:?} at {i}: {got} {wanted}");
        }
    }
}

#[test]
fn every_form_agrees_with_the_definition_for_every_shape() {
    let shapes: &[Extents] = &[[2, 3, 0, 5], [1, 1, 0, 1], [3, 4, 0, 4]];
    let cached: &[Extents] = &[[2, 3, 2, 3], [1, 1, 0, 1], [3, 4, 4, 4], [2, 1, 4, 1]];
    let square: &[Extents] = &[[2, 3, 2, 5], [1, 4, 1, 2]];
    for causal in [false, true] {
        let form = Form { causal, ..PLAIN };
        check(form, shapes);
        check(Form { heads: 2, ..form }, shapes);
        check(Form { mask: true, ..form }, shapes);
        check(Form { lengths: true, ..form }, shapes);
        check(Form { lengths: true, mask: true, ..form }, shapes);
        check(Form { past: true, ..form }, cached);
        check(Form { past: true, ..form }, square);
        check(Form { past: true, mask: true, value_size: 2, ..form }, cached);
        check(Form { softcap: 0.8, value_size: 5, ..form }, shapes);
        for window in [[Some(1), None], [None, Some(0)], [Some(0), Some(1)]] {
            check(Form { window, ..form }, shapes);
            check(Form { window, lengths: true, ..form }, shapes);
            check(Form { window, past: true, mask: true, ..form }, cached);
        }
    }
}

#[test]
fn what_tensorrt_has_becomes_its_attention() {
    let fused = |form: Form| kinds(&node(form).import().unwrap()).contains(&LayerType::AttentionInput);
    assert!(fused(PLAIN) && fused(Form { causal: true, ..PLAIN }) && fused(Form { mask: true, ..PLAIN }));
    assert!(fused(Form { lengths: true, causal: true, ..PLAIN }) && fused(Form { past: true, ..PLAIN }));
    for form in [
        Form { causal: true, mask: true, ..PLAIN },
        Form { window: [Some(1), None], ..PLAIN },
        Form { softcap: 1.0, ..PLAIN },
        Form { value_size: 2, ..PLAIN },
        Form { past: true, causal: true, ..PLAIN },
    ] {
        assert!(!fused(form), "{form:?}");
    }
}

#[test]
fn attributes_that_cannot_be_are_refused() {
    let refused = |attributes: &[AttributeProto], dims: &[&str]| {
        let build = model(25).input("q", 1, dims).node("Attention", &["q", "q", "q"], &["y"], attributes).output("y");
        if build.import().is_ok() { String::new() } else { build.messages().join("; ") }
    };
    let four = ["2", "4", "3", "8"];
    assert!(refused(&[int("left_window_size", -2)], &four).contains("left_window_size"));
    assert!(refused(&[float("softcap", -1.0)], &four).contains("softcap"));
    assert!(refused(&[int("qk_matmul_output_mode", 4)], &four).contains("qk_matmul_output_mode"));
    assert!(refused(&[], &["2", "3", "8"]).contains("q_num_heads"));
    assert!(refused(&[int("q_num_heads", 3), int("kv_num_heads", 3)], &["2", "3", "8"]).contains("divide"));
    assert!(refused(&[float("softcap", 1.0)], &["2", "h", "3", "8"]).contains("must be known"));
    assert!(refused(&[], &["2", "h", "3", "8"]).is_empty() && refused(&[], &["2", "4", "3", "e"]).is_empty());
    assert!(refused(&[], &["2", "8"]).contains("rank 2"));
}

#[test]
fn plain_caches_are_updated_in_place() {
    let cache = |mode: &str, axis: i64| {
        let build = model(24).input("cache", 1, &["b", "2", "8", "4"]).input("update", 1, &["b", "2", "n", "4"]).input(
            "at",
            7,
            &["b"],
        );
        build.node("TensorScatter", &["cache", "update", "at"], &["present"], &[text("mode", mode), int("axis", axis)])
    };
    let linear = cache("linear", -2).output("present").import().unwrap();
    assert!(kinds(&linear).contains(&LayerType::KvcacheUpdate));
    let circular = cache("circular", -2).output("present").import().unwrap();
    assert!(!kinds(&circular).contains(&LayerType::KvcacheUpdate));
    assert!(cache("square", -2).output("present").messages().join("; ").contains("square"));
    assert!(cache("linear", 0).output("present").messages().join("; ").contains("axis 0"));
}
