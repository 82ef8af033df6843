//! Recurrent operators over dynamic extents against ONNX's definition, in f64; what is refused.

use super::*;
use crate::memory::Storage;

const LENGTH: usize = 4;
const BATCH: usize = 3;
const FEATURES: usize = 2;
const HIDDEN: usize = 3;
/// The lengths of the sequences.
const LENGTHS: [i32; BATCH] = [4, 2, 1];

/// Numbers from −0.8 to 0.8 that differ from tensor to tensor.
fn numbers(seed: u16, count: usize) -> Vec<f32> {
    let at = |i: usize| f32::from(u16::try_from(i).unwrap()) * 0.7 + f32::from(seed) * 1.3;
    (0..count).map(|i| at(i).sin() * 0.8).collect()
}

#[derive(Debug, Clone, Copy)]
struct Form {
    op: &'static str,
    gates: usize,
    direction: &'static str,
    batch_first: bool,
    lengths: bool,
    reset_after: bool,
    peepholes: bool,
    coupled: bool,
}

const LSTM: Form = Form {
    op: "LSTM",
    gates: 4,
    direction: "forward",
    batch_first: false,
    lengths: false,
    reset_after: false,
    peepholes: false,
    coupled: false,
};
const GRU: Form = Form { op: "GRU", gates: 3, ..LSTM };
const RNN: Form = Form { op: "RNN", gates: 1, ..LSTM };

impl Form {
    fn reversed(self) -> &'static [bool] {
        match self.direction {
            "forward" => &[false],
            "reverse" => &[true],
            _ => &[false, true],
        }
    }

    /// W, R, B and P.
    fn weights(self) -> [(&'static str, Vec<usize>); 4] {
        let (rows, directions) = (self.gates * HIDDEN, self.reversed().len());
        [
            ("w", vec![directions, rows, FEATURES]),
            ("r", vec![directions, rows, HIDDEN]),
            ("b", vec![directions, 2 * rows]),
            ("p", vec![directions, 3 * HIDDEN]),
        ]
    }

    fn build(self) -> Build {
        let x: &[&str] = if self.batch_first { &["n", "t", "2"] } else { &["t", "n", "2"] };
        let mut build = model(14).input("x", 1, x);
        for (seed, (name, dims)) in (1u16..).zip(self.weights()) {
            let extents: Vec<i64> = dims.iter().map(|&d| i64::try_from(d).unwrap()).collect();
            build = build.weights(floats(name, &extents, &numbers(seed, dims.iter().product())));
        }
        if self.lengths {
            build = build.input("lengths", 6, &["n"]);
        }
        let mut inputs = vec!["x", "w", "r", "b", if self.lengths { "lengths" } else { "" }];
        if self.peepholes {
            inputs.extend(["", "", "p"]);
        }
        let attributes = [
            int("hidden_size", i64::try_from(HIDDEN).unwrap()),
            int("layout", self.batch_first.into()),
            int("linear_before_reset", self.reset_after.into()),
            int("input_forget", self.coupled.into()),
            text("direction", self.direction),
        ];
        build.node(self.op, &inputs, &["y", "last"], &attributes).output("y").output("last")
    }

    /// The state and the cell after an element.
    fn step(self, direction: usize, x: &[f64], h: &[f64], cell: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let rows = self.gates * HIDDEN;
        let all: Vec<Vec<f32>> =
            (1u16..).zip(self.weights()).map(|(seed, (_, dims))| numbers(seed, dims.iter().product())).collect();
        let at = |tensor: usize, index: usize| f64::from(all[tensor][index]);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let input = |row: usize| -> f64 {
            let products = x.iter().enumerate().map(|(i, x)| x * at(0, (direction * rows + row) * FEATURES + i));
            products.sum::<f64>() + at(2, direction * 2 * rows + row)
        };
        let state = |row: usize, h: &[f64]| -> f64 {
            let products = h.iter().enumerate().map(|(i, h)| h * at(1, (direction * rows + row) * HIDDEN + i));
            products.sum::<f64>() + at(2, direction * 2 * rows + rows + row)
        };
        let gate = |index: usize, unit: usize| input(index * HIDDEN + unit) + state(index * HIDDEN + unit, h);
        let units = 0..HIDDEN;
        match self.op {
            "RNN" => (units.map(|unit| gate(0, unit).tanh()).collect(), Vec::new()),
            "GRU" => {
                let reset: Vec<f64> = units.clone().map(|unit| sigmoid(gate(1, unit))).collect();
                let before: Vec<f64> = reset.iter().zip(h).map(|(r, h)| r * h).collect();
                let next = units.map(|unit| {
                    let (update, row) = (sigmoid(gate(0, unit)), 2 * HIDDEN + unit);
                    let fed = if self.reset_after { reset[unit] * state(row, h) } else { state(row, &before) };
                    (1.0 - update) * (input(row) + fed).tanh() + update * h[unit]
                });
                (next.collect(), Vec::new())
            }
            _ => {
                let peephole = |index: usize, unit: usize, cell: f64| {
                    if self.peepholes { cell * at(3, direction * 3 * HIDDEN + index * HIDDEN + unit) } else { 0.0 }
                };
                let next = units.map(|unit| {
                    let admitted = sigmoid(gate(0, unit) + peephole(0, unit, cell[unit]));
                    let kept = if self.coupled {
                        1.0 - admitted
                    } else {
                        sigmoid(gate(2, unit) + peephole(2, unit, cell[unit]))
                    };
                    let next = kept * cell[unit] + admitted * gate(3, unit).tanh();
                    (sigmoid(gate(1, unit) + peephole(1, unit, next)) * next.tanh(), next)
                });
                next.unzip()
            }
        }
    }

    /// The states after every element, and the last ones, each in the order of its output.
    fn reference(self, x: &[f32]) -> [Vec<f64>; 2] {
        let directions = self.reversed().len();
        let mut all = vec![0.0; LENGTH * directions * BATCH * HIDDEN];
        let mut last = vec![0.0; directions * BATCH * HIDDEN];
        for (direction, &reversed) in self.reversed().iter().enumerate() {
            for (batch, length) in LENGTHS.into_iter().enumerate() {
                let length = if self.lengths { usize::try_from(length).unwrap() } else { LENGTH };
                let (mut h, mut cell) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
                for step in 0..length {
                    let t = if reversed { length - 1 - step } else { step };
                    let row = if self.batch_first { batch * LENGTH + t } else { t * BATCH + batch };
                    let element: Vec<f64> = x[row * FEATURES..][..FEATURES].iter().copied().map(f64::from).collect();
                    (h, cell) = self.step(direction, &element, &h, &cell);
                    let row = if self.batch_first {
                        (batch * LENGTH + t) * directions + direction
                    } else {
                        (t * directions + direction) * BATCH + batch
                    };
                    all[row * HIDDEN..][..HIDDEN].copy_from_slice(&h);
                }
                let row = if self.batch_first { batch * directions + direction } else { direction * BATCH + batch };
                last[row * HIDDEN..][..HIDDEN].copy_from_slice(&h);
            }
        }
        [all, last]
    }
}

#[test]
fn recurrent_operators_follow_their_definition() {
    for form in [
        RNN,
        Form { direction: "reverse", lengths: true, ..RNN },
        Form { direction: "bidirectional", batch_first: true, lengths: true, ..RNN },
        GRU,
        Form { reset_after: true, lengths: true, batch_first: true, ..GRU },
        Form { direction: "bidirectional", lengths: true, ..GRU },
        LSTM,
        Form { direction: "reverse", peepholes: true, ..LSTM },
        Form { direction: "bidirectional", coupled: true, lengths: true, ..LSTM },
        Form { direction: "bidirectional", peepholes: true, lengths: true, batch_first: true, ..LSTM },
    ] {
        let network = form.build().import().unwrap_or_else(|errors| panic!("{form:?}: {errors:?}"));
        assert_eq!(network.graph().loops.len(), 1);
        let x = numbers(9, LENGTH * BATCH * FEATURES);
        let extents = if form.batch_first { [BATCH, LENGTH, FEATURES] } else { [LENGTH, BATCH, FEATURES] };
        let dims = Dims::new(&extents.map(|d| i64::try_from(d).unwrap())).unwrap();
        let mut inputs = vec![Tensor::from_slice(dims, &x).unwrap()];
        if form.lengths {
            let bytes: Vec<u8> = LENGTHS.iter().flat_map(|length| length.to_le_bytes()).collect();
            let dims = Dims::new(&[i64::try_from(BATCH).unwrap()]).unwrap();
            inputs.push(Tensor::new(DataType::Int32, dims, Storage::copy_of(&bytes)).unwrap());
        }
        let outputs = run(&network, &inputs);
        for (output, expected) in outputs.iter().zip(form.reference(&x)) {
            let found = values(output);
            assert_eq!(found.len(), expected.len(), "{form:?}");
            for (&found, expected) in found.iter().zip(expected) {
                assert!((f64::from(found) - expected).abs() < 1e-5, "{form:?}: {found} is not {expected}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_recurrent_node_is_said() {
    let weights = [floats("w", &[1, 4, 2], &[0.0; 8]), floats("r", &[1, 4, 4], &[0.0; 16])];
    let messages = |attributes: &[AttributeProto]| single(14, "RNN", &["3", "1", "2"], &weights, attributes).messages();
    for (attributes, expected) in [
        (vec![int("hidden_size", 3)], "W has dimensions [1,4,2]"),
        (vec![int("hidden_size", 4), text("direction", "sideways")], "direction = sideways is not known"),
        (vec![int("hidden_size", 4), text("direction", "bidirectional")], "W has dimensions [1,4,2]"),
        (vec![int("hidden_size", 4), int("layout", 2)], "layout = 2 is not known"),
        (vec![int("hidden_size", i64::MAX)], "is out of range"),
    ] {
        let found = messages(&attributes);
        assert!(found[0].contains(expected), "{found:?} does not say {expected}");
    }
    let activations = AttributeProto {
        name: "activations".to_owned(),
        r#type: at::STRINGS,
        strings: vec![b"Cosine".to_vec().into()],
        ..AttributeProto::default()
    };
    let found = messages(&[int("hidden_size", 4), activations]);
    assert!(found[0].contains("the activation Cosine is not supported"), "{found:?}");
}
