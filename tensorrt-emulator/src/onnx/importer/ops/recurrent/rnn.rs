//! RNN: H = f(X · Wᵀ + H · Rᵀ + Wb + Rb).

use tensorrt_sys::ElementWiseOperation;

use super::gates::Activations;
use super::sequence::Sequence;
use crate::onnx::error::Result;
use crate::onnx::importer::context::{Context, Outputs};

pub(super) fn convert(c: &mut Context<'_>) -> Result<Outputs> {
    c.at_most_outputs(2)?;
    let mut sequence = Sequence::new(c, 1)?;
    let activations = Activations::new(c, sequence.directions(), &["Tanh"])?;
    let bias = sequence.summed_bias(c)?;
    let first = sequence.initial(c, 5, "initial_h")?;
    sequence.project_input(c, bias)?;
    sequence.enter(c)?;
    let hidden = sequence.state(c, first)?;
    let input = sequence.projected_input(c)?;
    let fed_back = sequence.projected_state(c, hidden)?;
    let gate = c.binary(ElementWiseOperation::Sum, input, fed_back)?;
    let made = activations.apply(c, 0, gate)?;
    sequence.leave(c, made, &[(hidden, made)])
}
