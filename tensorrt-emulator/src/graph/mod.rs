//! The network: TensorRT's layers over tensors, as `INetworkDefinition` holds them.
//!
//! The importer, the C API and plans all speak this graph; operators see one [`Layer`]'s kind and its tensors.

mod control;
mod equation;
mod kind;
mod label;
mod layer;
mod network;
mod order;
mod transformer;
mod value;

pub use control::{Conditional, ConditionalId, Loop, LoopId};
pub(crate) use equation::Equation;
pub use kind::{
    Conv, Fill, LayerKind, Normalization, Permutation, Pooling, Quantization, Region, Resize, Scale, Shuffle, Slice,
    TopK,
};
pub use layer::Layer;
pub use network::{Graph, LayerId, TensorId, TensorInfo, Weights, WeightsId};
pub use transformer::{Attention, DistCollective, KvCacheUpdate, Moe};
pub use value::ValueInfo;
