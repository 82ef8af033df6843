//! Which recurrent operators NVIDIA's parser takes.

use super::super::error::{Refusal, Result};
use super::super::importer::Context;

/// The activations, by their exact names.
const ACTIVATIONS: [&str; 10] = [
    "Elu",
    "HardSigmoid",
    "LeakyRelu",
    "Relu",
    "ScaledTanh",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
];

/// Refuses other activations, directions that differ in them, and coupled gates.
pub(super) fn recurrent(c: &Context<'_>) -> Result<()> {
    let refuse = |what: &str| {
        let operator = &c.node.op_type;
        Err(Refusal::attribute(format!("NVIDIA's parser takes no {operator} with {what}")))
    };
    if c.int_or("input_forget", 0)? != 0 {
        return refuse("input_forget");
    }
    let names = c.strings("activations")?.unwrap_or_default();
    if let Some(name) = names.iter().find(|name| !ACTIVATIONS.contains(&name.as_str())) {
        return refuse(&format!("the activation {name}"));
    }
    if c.string_or("direction", "forward")? == "bidirectional" {
        let (forward, backward) = names.split_at(names.len() / 2);
        if forward != backward {
            return refuse("other activations in one direction than in the other");
        }
    }
    Ok(())
}
