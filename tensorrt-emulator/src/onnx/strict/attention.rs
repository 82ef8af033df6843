//! Which forms of attention and of cache updates NVIDIA's parser takes.

use tensorrt_sys::DataType;

use super::super::error::{Refusal, Result};
use super::super::importer::Context;

/// Refuses an Attention node that has no counterpart in TensorRT's attention.
pub(super) fn attention(c: &Context<'_>) -> Result<()> {
    let refuse = |what: &str| Err(Refusal::node(format!("NVIDIA's parser takes no Attention with {what}")));
    if c.node.output.len() > 1 {
        return refuse("more than one output");
    }
    if c.float_or("softcap", 0.0)? != 0.0 {
        return refuse("a softcap");
    }
    if c.has_attribute("softmax_precision") {
        return refuse("a softmax precision");
    }
    if c.has(4) || c.has(5) {
        return refuse("a past");
    }
    let (key, value) = (c.input_dims(1)?, c.input_dims(2)?);
    if key != value {
        return refuse("keys and values of different shapes");
    }
    if !c.has(3) {
        return Ok(());
    }
    if c.int_or("is_causal", 0)? != 0 {
        return refuse("a mask while it is causal");
    }
    let keys = if key.rank() == 3 { key[1] } else { key.get(2).copied().unwrap_or(-1) };
    match c.input_dims(3)?.last() {
        Some(&last) if last >= 0 && keys >= 0 && last != 1 && last != keys => refuse("a mask of fewer or more keys"),
        _ => Ok(()),
    }
}

/// Refuses a TensorScatter node that is no update of a cache of keys or values.
pub(super) fn tensor_scatter(c: &Context<'_>) -> Result<()> {
    let refuse = |what: &str| Err(Refusal::node(format!("NVIDIA's parser takes no TensorScatter {what}")));
    let cache = c.input_dims(0)?;
    let axis = c.int_or("axis", -2)?;
    if cache.rank() != 4 {
        return refuse("of a cache without 4 dimensions");
    }
    if axis != -2 && axis != 2 {
        return refuse("along another axis than the last but one");
    }
    if c.string_or("mode", "linear")? != "linear" {
        return refuse("that is circular");
    }
    if !matches!(c.input_type(0)?, DataType::Float | DataType::Half | DataType::Bf16) {
        return refuse("of integers");
    }
    if cache[2] < 0 {
        return refuse("of a cache with an unknown number of positions");
    }
    Ok(())
}
