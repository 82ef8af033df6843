//! One layer: its kind, its tensors, and what the user asked of its precision.

use serde::{Deserialize, Serialize};
use tensorrt_sys::DataType;

use super::{LayerKind, TensorId};

/// A layer of the network (`nvinfer1::ILayer`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The name; unique unless the user made it otherwise.
    pub name: String,
    /// Free text that the inspector shows (the importer writes the ONNX node here).
    pub metadata: String,
    /// What it computes.
    pub kind: LayerKind,
    /// The inputs in TensorRT's order; `None` is an optional input left out.
    pub inputs: Vec<Option<TensorId>>,
    /// The outputs.
    pub outputs: Vec<TensorId>,
    /// The precision asked for by `setPrecision` (TensorRT 10, weakly typed networks).
    pub precision: Option<DataType>,
    /// The output types asked for by `setOutputType`, one per output.
    pub output_types: Vec<Option<DataType>>,
}

impl Layer {
    /// The tensor at input `index`, `None` where it is absent.
    pub fn input(&self, index: usize) -> Option<TensorId> {
        self.inputs.get(index).copied().flatten()
    }
}
