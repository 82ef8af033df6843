//! Loops and conditionals made ready to run: the layers between the boundary layers of one become a single layer whose kernel has an
//! engine of its own for them.
//!
//! A network is flat. Which layers a loop has follows from its boundary layers: those that depend on a recurrence or an iterator of it.
//! A branch of a conditional has the layers that nothing else reads, so that what is not taken does not run. Innermost ones come first,
//! and are then like any other layer to those around them.

mod body;
mod conditional;
mod loops;
mod lower;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Result;
use crate::graph::{Graph, LayerKind};
use crate::ops::Kernel;
use crate::plan::Identity;

/// The kernels of the layers that stand for loops and conditionals, by layer.
pub(super) type Kernels = BTreeMap<usize, Arc<dyn Kernel>>;

/// The graph with one layer for each loop and conditional; `None` where it has none.
///
/// # Errors
/// A loop or conditional is incomplete, or what is inside of one is read outside.
pub(super) fn lower(graph: &Graph, identity: &Identity) -> Result<Option<(Graph, Kernels)>> {
    if !graph.layers.iter().any(|layer| is_boundary(&layer.kind)) {
        return Ok(None);
    }
    lower::Lowering::new(graph, identity).run().map(Some)
}

/// Whether a layer is at the border of a loop or conditional.
fn is_boundary(kind: &LayerKind) -> bool {
    kind.loop_id().is_some() || kind.conditional_id().is_some()
}
