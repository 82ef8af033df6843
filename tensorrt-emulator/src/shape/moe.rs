//! Mixtures of experts over [batch, tokens, hidden] states.

use super::inputs::{FLOATS, INDICES, Inputs, unify};
use crate::graph::{Moe, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The output, which has the hidden states' type and dimensions.
pub(super) fn infer(inputs: Inputs<'_>, _: &Moe) -> Result<ValueInfo> {
    let hidden = inputs.typed(0, FLOATS)?;
    let (experts, scores) = (inputs.typed(1, INDICES)?, inputs.typed(2, FLOATS)?);
    let &[batch, tokens, _] = &hidden.dims[..] else {
        return Err(Error::config(format!("the hidden states must have 3 dimensions, but have {}", hidden.dims)));
    };
    shaped("the selected experts", &experts.dims, &[batch, tokens, -1])?;
    shaped("the scores", &scores.dims, &[batch, tokens, experts.dims.last().copied().unwrap_or(-1)])?;
    let gate = inputs.get(3).map_err(|_| Error::config("the weights of the experts are not set"))?.dims;
    let &[count, size, inner] = &gate[..] else {
        return Err(Error::config(format!("the gate's weights must have 3 dimensions, but have {gate}")));
    };
    shaped("the up projection's weights", &inputs.get(4)?.dims, &[count, size, inner])?;
    shaped("the down projection's weights", &inputs.get(5)?.dims, &[count, inner, size])?;
    let biases = [("gate", inner), ("up projection", inner), ("down projection", size)];
    for (index, (what, extent)) in biases.into_iter().enumerate() {
        if let Some(bias) = inputs.optional(6 + index) {
            shaped(&format!("the {what}'s bias"), &bias.dims, &[count, extent])?;
        }
    }
    if let Some(scale) = inputs.optional(9)
        && scale.dims.rank() != 0
    {
        shaped("the activation's scale", &scale.dims, &[count])?;
    }
    Ok(ValueInfo::new(hidden.dtype, hidden.dims))
}

fn shaped(what: &str, dims: &Dims, wanted: &[i64]) -> Result<()> {
    if dims.rank() == wanted.len() && dims.iter().zip(wanted).all(|(&a, &b)| unify(a, b).is_some()) {
        return Ok(());
    }
    Err(Error::config(format!("{what} must have dimensions {wanted:?}, but have {dims}")))
}
