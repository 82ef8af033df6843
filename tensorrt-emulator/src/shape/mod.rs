//! Shape inference: a layer's output types and dimensions from its inputs', with −1 where only run time knows.
//!
//! The same code runs when a network is defined (dimensions may be dynamic), when a profile is checked, and when a context plans a run
//! (every dimension known): an unknown stays unknown, and what contradicts TensorRT's rules is an error.

use crate::graph::{Graph, LayerKind, ValueInfo};
use crate::{Error, Result};

/// The outputs of a layer of `kind` on `inputs`; `graph` is only asked for the weights that the kind names.
///
/// # Errors
/// What TensorRT refuses: wrong types, ranks or extents, axes out of range, a missing input.
pub fn infer(kind: &LayerKind, graph: &Graph, inputs: &[Option<&ValueInfo>]) -> Result<Vec<ValueInfo>> {
    let _ = (graph, inputs);
    Err(Error::unsupported(format!("{} has no shape inference", kind.layer_type().name())))
}
