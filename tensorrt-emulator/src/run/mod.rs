//! From plan to answers: engines, contexts, and the schedules that contexts run.
//!
//! ```text
//! engine      a plan with its layers prepared       shapes    every tensor's extents for concrete inputs
//! context     shapes, profile and memory of a user  schedule  the steps of a run, and where each tensor lies
//! execute     a schedule on buffers                 arena     where tensors lie that do not live at one time
//! interpret   runs whose shapes depend on data      view      layers that only rename elements
//! regions     loops and conditionals as layers
//! ```

mod arena;
mod context;
mod engine;
mod evaluate;
mod execute;
mod hooks;
mod interpret;
mod io;
mod regions;
mod schedule;
mod shapes;
#[cfg(test)]
mod tests;
mod view;

pub use context::Context;
pub(crate) use engine::prepare;
pub use engine::{Engine, EngineOptions};
pub use hooks::{LayerProfiler, MemoryAccount};
pub use io::IoTensor;
pub(crate) use io::{shape_inputs, shape_tensors};
pub(crate) use shapes::element_bytes;
