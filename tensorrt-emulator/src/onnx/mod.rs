//! The ONNX importer: models as files hold them, and what TensorRT's parser makes of them.
//!
//! ```text
//! proto      the messages            model     bytes and files, external data
//! tensor     typed tensors           function  local functions, inlined
//! importer   nodes to layers         check     what is in a model, and what is wrong with it
//! strict     what NVIDIA's parser refuses, for the strict setting
//! ```

mod check;
mod data_type;
mod error;
mod external;
mod function;
mod importer;
mod model;
pub mod proto;
mod schema;
mod strict;
mod tensor;

#[cfg(test)]
mod tests;

pub use check::{ModelReport, Problem, ValueReport, check};
pub use data_type::name as element_type_name;
pub use error::ParserError;
pub use importer::{Imported, Importer, Subgraph};
pub use model::Model;
