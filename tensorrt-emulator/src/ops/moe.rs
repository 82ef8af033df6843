//! Mixtures of experts: each token goes through the gated linear units that were selected for it.

use tensorrt_sys::{DataType, MoEActType};

use super::matmul::{Operand, product};
use super::words::extents;
use super::{Call, Kernel, Request, convert, same_len};
use crate::graph::Moe;
use crate::{Error, Result};

/// A prepared mixture.
#[derive(Debug)]
struct Mixture {
    activation: MoEActType,
}

/// Prepares a mixture: the sum over a token's experts of score · down(up(x) · activation(gate(x))), computed in f32 and rounded once.
///
/// # Errors
/// Weights are missing, biases are given in part, types are not floats, the product is quantized, or the SwiGLU parameters are not the
/// defaults.
pub(super) fn prepare(request: &Request<'_>, params: &Moe) -> Result<Box<dyn Kernel>> {
    let given = |index: usize| request.input_types.get(index).copied().flatten();
    for index in [0, 2, 3, 4, 5] {
        if !convert::is_computable(request.input_type(index)?) {
            return Err(request.unsupported_types());
        }
    }
    let biases = (6..9).filter(|&index| given(index).is_some()).count();
    if biases != 0 && biases != 3 {
        return Err(Error::config("a mixture of experts has three biases or none: see setGatedBiases"));
    }
    if params.quantize_to != DataType::Float || given(9).is_some() || given(10).is_some() {
        return Err(Error::unsupported("a mixture of experts with a quantized activation is not supported"));
    }
    let plain = params.swiglu_limit == f32::INFINITY && params.swiglu_alpha == 1.0 && params.swiglu_beta == 0.0;
    if !plain {
        return Err(Error::unsupported("SwiGLU parameters other than +inf, 1, 0 are not supported"));
    }
    Ok(Box::new(Mixture { activation: params.activation }))
}

/// The weights or biases of one projection, expert after expert.
struct Projection<'a> {
    weights: std::borrow::Cow<'a, [f32]>,
    biases: Option<std::borrow::Cow<'a, [f32]>>,
    depth: usize,
    columns: usize,
}

impl Projection<'_> {
    /// x · W + b of one expert.
    fn apply(&self, expert: usize, x: &[f32], rows: usize) -> Vec<f32> {
        let len = self.depth * self.columns;
        let mut out = vec![0.0; rows * self.columns];
        let left = Operand::matrix(rows, self.depth, self.depth, 1);
        let right = Operand::matrix(self.depth, self.columns, self.columns, 1);
        product(x, &left, &self.weights[expert * len..][..len], &right, &mut out);
        if let Some(biases) = &self.biases {
            let bias = &biases[expert * self.columns..][..self.columns];
            for row in out.chunks_exact_mut(self.columns) {
                row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
            }
        }
        out
    }
}

impl Kernel for Mixture {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (hidden, selected, scores) = (call.input(0)?, call.input(1)?, call.input(2)?);
        let gate_dims = *call.input(3)?.dims();
        let &[experts, size, inner] = &extents(&gate_dims)[..] else {
            return Err(Error::internal(format!("experts of {gate_dims}")));
        };
        if extents(hidden.dims()).last() != Some(&size) || inner == 0 {
            return Err(Error::invalid(format!("states of {} for experts of {gate_dims}", hidden.dims())));
        }
        let projection = |index: usize, depth: usize, columns: usize| -> Result<Projection<'_>> {
            let weights = convert::load(&call.input(index)?)?;
            let biases = call.optional(index + 3).map(|view| convert::load(&view)).transpose()?;
            let fits = weights.len() == experts * depth * columns
                && biases.as_ref().is_none_or(|biases| biases.len() == experts * columns);
            if fits {
                Ok(Projection { weights, biases, depth, columns })
            } else {
                Err(Error::invalid("the experts differ"))
            }
        };
        let (gate, up, down) = (projection(3, size, inner)?, projection(4, size, inner)?, projection(5, inner, size)?);
        let (x, scores, selected) = (convert::load(&hidden)?, convert::load(&scores)?, selected.to_i64()?);
        let tokens = x.len().checked_div(size).unwrap_or(0);
        let top = selected.len().checked_div(tokens).unwrap_or(0);
        if scores.len() != selected.len() || top * tokens != selected.len() {
            return Err(Error::invalid(format!("{} scores of {} selected experts", scores.len(), selected.len())));
        }
        let mut chosen: Vec<Vec<usize>> = vec![Vec::new(); experts];
        for (at, &expert) in selected.iter().enumerate() {
            let of = usize::try_from(expert).ok().and_then(|expert| chosen.get_mut(expert));
            of.ok_or_else(|| Error::invalid(format!("expert {expert} is selected, there are {experts}")))?.push(at);
        }
        let out = call.output(0)?;
        same_len(&hidden, out)?;
        convert::fill(out, |out| {
            out.fill(0.0);
            if size == 0 {
                return Ok(());
            }
            for (expert, slots) in chosen.iter().enumerate().filter(|(_, slots)| !slots.is_empty()) {
                let rows: Vec<f32> = slots.iter().flat_map(|slot| &x[slot / top * size..][..size]).copied().collect();
                let mut middle = gate.apply(expert, &rows, slots.len());
                let upper = up.apply(expert, &rows, slots.len());
                for (gate, up) in middle.iter_mut().zip(&upper) {
                    *gate = up * self.activate(*gate);
                }
                let results = down.apply(expert, &middle, slots.len());
                for (slot, result) in slots.iter().zip(results.chunks_exact(size)) {
                    let target = &mut out[slot / top * size..][..size];
                    target.iter_mut().zip(result).for_each(|(sum, value)| *sum += scores[*slot] * value);
                }
            }
            Ok(())
        })
    }
}

impl Mixture {
    fn activate(&self, x: f32) -> f32 {
        if self.activation == MoEActType::Silu { x / (1.0 + (-x).exp()) } else { x }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{Random, run, tensor};

    /// The definition, in f64.
    fn reference(x: &[f32], at: &[i64], scores: &[f32], w: [&[f32]; 3], b: [&[f32]; 3], silu: bool) -> Vec<f64> {
        let (size, inner, top) = (3, 5, 2);
        let f = f64::from;
        let mut out = vec![0.0; x.len()];
        for (slot, (&expert, &score)) in at.iter().zip(scores).enumerate() {
            let (e, token) = (usize::try_from(expert).unwrap(), slot / top);
            let project = |w: &[f32], b: &[f32], i: usize| -> f64 {
                let sum: f64 = (0..size).map(|k| f(x[token * size + k]) * f(w[(e * size + k) * inner + i])).sum();
                sum + f(b[e * inner + i])
            };
            let middle: Vec<f64> = (0..inner)
                .map(|i| {
                    let gate = project(w[0], b[0], i);
                    project(w[1], b[1], i) * if silu { gate / (1.0 + (-gate).exp()) } else { gate }
                })
                .collect();
            for n in 0..size {
                let sum: f64 = (0..inner).map(|i| middle[i] * f(w[2][(e * inner + i) * size + n])).sum();
                out[token * size + n] += f(score) * (sum + f(b[2][e * size + n]));
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut rng = Random::new(11);
        let mut floats = |count: usize| -> Vec<f32> { rng.floats(count).iter().map(|v| v / 4.0).collect() };
        let (x, scores) = (floats(12), floats(8));
        let (gate, up, down) = (floats(60), floats(60), floats(60));
        let (gate_bias, up_bias, down_bias) = (floats(20), floats(20), floats(12));
        let at = [0i64, 3, 1, 1, 2, 0, 3, 2];
        for activation in [MoEActType::Silu, MoEActType::None] {
            let kind = LayerKind::Moe(Moe { activation, ..Moe::default() });
            let all = [
                tensor(&[2, 2, 3], &x),
                tensor(&[2, 2, 2], &at),
                tensor(&[2, 2, 2], &scores),
                tensor(&[4, 3, 5], &gate),
                tensor(&[4, 3, 5], &up),
                tensor(&[4, 5, 3], &down),
                tensor(&[4, 5], &gate_bias),
                tensor(&[4, 5], &up_bias),
                tensor(&[4, 3], &down_bias),
            ];
            let inputs: Vec<Option<&_>> = all.iter().map(Some).collect();
            let out = run(&kind, &inputs, &[(DataType::Float, &[2, 2, 3])]).unwrap();
            let biases: [&[f32]; 3] = [&gate_bias, &up_bias, &down_bias];
            let silu = activation == MoEActType::Silu;
            let wanted = reference(&x, &at, &scores, [&gate, &up, &down], biases, silu);
            for (got, wanted) in out[0].view().as_slice::<f32>().unwrap().iter().zip(wanted) {
                assert!((f64::from(*got) - wanted).abs() < 1e-5, "{got} {wanted}");
            }
        }
    }

    #[test]
    fn what_is_not_defined_is_refused() {
        let (x, at, scores) = (tensor(&[1, 1, 1], &[1f32]), tensor(&[1, 1, 1], &[5i32]), tensor(&[1, 1, 1], &[1f32]));
        let w = tensor(&[2, 1, 1], &[1f32, 1.]);
        let inputs = [Some(&x), Some(&at), Some(&scores), Some(&w), Some(&w), Some(&w)];
        let go = |moe: Moe, inputs: &[Option<&_>]| run(&LayerKind::Moe(moe), inputs, &[(DataType::Float, &[1, 1, 1])]);
        assert!(go(Moe::default(), &inputs).unwrap_err().message().contains("expert 5"));
        assert!(go(Moe { swiglu_alpha: 1.7, ..Moe::default() }, &inputs).is_err());
        assert!(go(Moe { quantize_to: DataType::Fp8, ..Moe::default() }, &inputs).is_err());
        assert!(go(Moe::default(), &inputs[..5]).is_err());
    }
}
