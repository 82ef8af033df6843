//! What NVIDIA's parser (TensorRT for RTX 1.7.1) refuses although the emulator could do it: the rules of the strict setting.

mod attention;
mod operators;

use super::error::{Refusal, Result};
use super::importer::Context;

/// Whether NVIDIA's parser has a converter for an operator of ONNX's own domain.
pub(crate) fn has_operator(name: &str) -> bool {
    !operators::MISSING.contains(&name)
}

/// Refuses a node that NVIDIA's parser refuses.
pub(crate) fn check(context: &Context<'_>) -> Result<()> {
    let operator = context.node.op_type.as_str();
    if !has_operator(operator) {
        return Err(Refusal::node(format!(
            "NVIDIA's parser has no converter for the operator {operator}, and no plugin is registered"
        )));
    }
    match operator {
        "Attention" => attention::attention(context),
        "TensorScatter" => attention::tensor_scatter(context),
        _ => Ok(()),
    }
}
