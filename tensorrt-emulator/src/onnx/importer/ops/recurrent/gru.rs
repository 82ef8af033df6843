//! GRU, whose gates are in the order z, r, h.

use tensorrt_sys::ElementWiseOperation;

use super::gates::Activations;
use super::sequence::Sequence;
use crate::onnx::error::Result;
use crate::onnx::importer::context::{Context, Outputs};

/// z = f(Xz + Hz), r = f(Xr + Hr), h = g(Xh + (r ⊙ H) · Rhᵀ), H = (1 − z) ⊙ h + z ⊙ H.
///
/// With `linear_before_reset`, h = g(Xh + r ⊙ (H · Rhᵀ + Rbh)).
pub(super) fn convert(c: &mut Context<'_>) -> Result<Outputs> {
    c.at_most_outputs(2)?;
    let mut sequence = Sequence::new(c, 3)?;
    let activations = Activations::new(c, sequence.directions(), &["Sigmoid", "Tanh"])?;
    let reset_after = c.int_or("linear_before_reset", 0)? != 0;
    let biases = sequence.biases(c)?;
    let first = sequence.initial(c, 5, "initial_h")?;
    let (sum, product) = (ElementWiseOperation::Sum, ElementWiseOperation::Prod);
    let weights = sequence.recurrent_weights();
    let gates_weights = sequence.gates(c, weights, 1, 0, 2)?;
    let hidden_weights = sequence.gates(c, weights, 1, 2, 1)?;
    // What the reset gate scales cannot be added before the loop.
    let (mut input_bias, mut candidate_bias) = (None, None);
    if let Some([of_input, of_state]) = biases {
        input_bias = Some(if reset_after {
            candidate_bias = Some(sequence.gates(c, of_state, 2, 2, 1)?);
            let (gates, candidate) = (sequence.gates(c, of_input, 2, 0, 2)?, sequence.gates(c, of_input, 2, 2, 1)?);
            let of_state = sequence.gates(c, of_state, 2, 0, 2)?;
            let gates = c.binary(sum, gates, of_state)?;
            c.concat(&[gates, candidate], 2)?
        } else {
            c.binary(sum, of_input, of_state)?
        });
    }
    sequence.project_input(c, input_bias)?;
    sequence.enter(c)?;
    let hidden = sequence.state(c, first)?;
    let input = sequence.projected_input(c)?;
    let part = |c: &mut Context<'_>, x, first, count| sequence.gates(c, x, 2, first, count);

    let mut gates = sequence.project(c, hidden, gates_weights)?;
    let of_input = part(c, input, 0, 2)?;
    gates = c.binary(sum, of_input, gates)?;
    let gates = activations.apply(c, 0, gates)?;
    let (update, reset) = (part(c, gates, 0, 1)?, part(c, gates, 1, 1)?);

    let before = if reset_after { hidden } else { c.binary(product, reset, hidden)? };
    let mut candidate = sequence.project(c, before, hidden_weights)?;
    if let Some(bias) = candidate_bias {
        candidate = c.binary(sum, candidate, bias)?;
    }
    if reset_after {
        candidate = c.binary(product, reset, candidate)?;
    }
    let of_input = part(c, input, 2, 1)?;
    candidate = c.binary(sum, of_input, candidate)?;
    let candidate = activations.apply(c, 1, candidate)?;

    let one = c.scalar_like(update, 1.0)?;
    let rest = c.binary(ElementWiseOperation::Sub, one, update)?;
    let new = c.binary(product, rest, candidate)?;
    let old = c.binary(product, update, hidden)?;
    let made = c.binary(sum, new, old)?;
    sequence.leave(c, made, &[(hidden, made)])
}
