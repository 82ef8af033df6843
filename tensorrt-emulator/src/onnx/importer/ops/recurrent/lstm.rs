//! LSTM, whose gates are in the order i, o, f, c.

use tensorrt_sys::ElementWiseOperation;

use super::gates::Activations;
use super::sequence::Sequence;
use crate::graph::TensorId;
use crate::onnx::error::Result;
use crate::onnx::importer::context::{Context, Outputs};

/// i = f(Xi + Hi + Pi ⊙ C), f likewise, C = f ⊙ C + i ⊙ g(Xc + Hc), o = f(Xo + Ho + Po ⊙ C), H = o ⊙ h(C).
///
/// With `input_forget`, f = 1 − i.
pub(super) fn convert(c: &mut Context<'_>) -> Result<Outputs> {
    c.at_most_outputs(3)?;
    let mut sequence = Sequence::new(c, 4)?;
    let activations = Activations::new(c, sequence.directions(), &["Sigmoid", "Tanh", "Tanh"])?;
    let coupled = c.int_or("input_forget", 0)? != 0;
    let bias = sequence.summed_bias(c)?;
    let peepholes = sequence.peepholes(c)?;
    let first_hidden = sequence.initial(c, 5, "initial_h")?;
    let first_cell = sequence.initial(c, 6, "initial_c")?;
    let (sum, product) = (ElementWiseOperation::Sum, ElementWiseOperation::Prod);
    sequence.project_input(c, bias)?;
    sequence.enter(c)?;
    let hidden = sequence.state(c, first_hidden)?;
    let cell = sequence.state(c, first_cell)?;
    let input = sequence.projected_input(c)?;
    let fed_back = sequence.projected_state(c, hidden)?;
    let gates = c.binary(sum, input, fed_back)?;
    // The cell that a gate sees through its peephole; the weights are in the order i, o, f.
    let gate = |c: &mut Context<'_>, index: i64, cell: TensorId| -> Result<TensorId> {
        let mut x = sequence.gates(c, gates, 2, index, 1)?;
        if let Some(peepholes) = peepholes {
            let weights = sequence.gates(c, peepholes, 2, index, 1)?;
            let seen = c.binary(product, weights, cell)?;
            x = c.binary(sum, x, seen)?;
        }
        activations.apply(c, 0, x)
    };
    let admitted = gate(c, 0, cell)?;
    let kept = if coupled {
        let one = c.scalar_like(admitted, 1.0)?;
        c.binary(ElementWiseOperation::Sub, one, admitted)?
    } else {
        gate(c, 2, cell)?
    };
    let candidate = sequence.gates(c, gates, 2, 3, 1)?;
    let candidate = activations.apply(c, 1, candidate)?;
    let new = c.binary(product, admitted, candidate)?;
    let old = c.binary(product, kept, cell)?;
    let next_cell = c.binary(sum, old, new)?;
    let shown = gate(c, 1, next_cell)?;
    let seen = activations.apply(c, 2, next_cell)?;
    let made = c.binary(product, shown, seen)?;
    sequence.leave(c, made, &[(hidden, made), (cell, next_cell)])
}
