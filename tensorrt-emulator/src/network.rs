//! A network under construction: the graph and what shape inference knows of each tensor.

use tensorrt_sys::DataType;

use crate::graph::{Attention, Graph, LayerId, LayerKind, TensorId, ValueInfo};
use crate::tensor::{Dims, Tensor};
use crate::{Result, shape};

/// What stands behind `INetworkDefinition`; the importer and the C API add layers to it, the builder turns it into a plan.
#[derive(Debug, Clone, Default)]
pub struct Network {
    graph: Graph,
    values: Vec<ValueInfo>,
}

impl Network {
    /// An empty network.
    pub fn new() -> Self {
        Self::default()
    }

    /// The layers, tensors and weights.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The layers, tensors and weights, to change; call [`infer`](Self::infer) after changing anything that shapes depend on.
    pub fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// What is known of a tensor.
    pub fn value(&self, id: TensorId) -> &ValueInfo {
        &self.values[id.0 as usize]
    }

    /// Adds a network input; −1 extents are dynamic.
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_input(&mut self, name: &str, dtype: DataType, dims: Dims) -> Result<TensorId> {
        let id = self.graph.add_input(name, dtype, dims)?;
        self.values.push(ValueInfo::new(dtype, dims));
        Ok(id)
    }

    /// Adds a layer; its outputs' types and dimensions are inferred at once.
    ///
    /// # Errors
    /// What [`shape::infer`] refuses; the network is left as it was.
    pub fn add(&mut self, kind: LayerKind, inputs: Vec<Option<TensorId>>) -> Result<LayerId> {
        let known: Vec<Option<&ValueInfo>> = inputs.iter().map(|id| id.map(|id| self.value(id))).collect();
        let outputs = shape::infer(&kind, &self.graph, &known)?;
        let types: Vec<(DataType, Dims)> = outputs.iter().map(|value| (value.dtype, value.dims)).collect();
        let layer = self.graph.add_layer(kind, inputs, &types);
        self.values.extend(outputs);
        Ok(layer)
    }

    /// Adds a layer with one output and returns that.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_one(&mut self, kind: LayerKind, inputs: Vec<Option<TensorId>>) -> Result<TensorId> {
        let layer = self.add(kind, inputs)?;
        Ok(self.graph.layer(layer).outputs[0])
    }

    /// Adds an attention, which is a pair of boundary layers; returns the input layer, which the output layer follows.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_attention(&mut self, mut attention: Attention, inputs: Vec<Option<TensorId>>) -> Result<LayerId> {
        if attention.name.is_empty() {
            attention.name = format!("(Unnamed Layer* {}) [Attention]", self.graph.layers.len());
        }
        let name = attention.name.clone();
        let input = self.add(LayerKind::AttentionInput(attention), inputs)?;
        let inner = self.graph.layer(input).outputs[0];
        self.add(LayerKind::AttentionOutput, vec![Some(inner)])?;
        self.graph.name_attention(input, &name);
        Ok(input)
    }

    /// Adds a constant layer and returns its output.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_constant(&mut self, name: &str, tensor: &Tensor) -> Result<TensorId> {
        let id = self.graph.add_constant(name, tensor);
        let layer = &self.graph.layers[self.graph.layers.len() - 1];
        let outputs = shape::infer(&layer.kind, &self.graph, &[])?;
        self.values.extend(outputs);
        Ok(id)
    }

    /// Marks a tensor as an output of the network.
    pub fn mark_output(&mut self, id: TensorId) {
        if !self.graph.outputs.contains(&id) {
            self.graph.outputs.push(id);
        }
    }

    /// Infers every tensor anew, in the order of the layers.
    ///
    /// # Errors
    /// What [`shape::infer`] refuses, with the layer's name.
    pub fn infer(&mut self) -> Result<()> {
        for &id in &self.graph.inputs {
            let tensor = self.graph.tensor(id);
            self.values[id.0 as usize] = ValueInfo::new(tensor.dtype, tensor.dims);
        }
        for index in 0..self.graph.layers.len() {
            let layer = &self.graph.layers[index];
            let known: Vec<Option<&ValueInfo>> =
                layer.inputs.iter().map(|id| id.map(|id| &self.values[id.0 as usize])).collect();
            let outputs = shape::infer(&layer.kind, &self.graph, &known).map_err(|error| error.at(&layer.name))?;
            for (id, value) in layer.outputs.clone().into_iter().zip(outputs) {
                let tensor = self.graph.tensor_mut(id);
                (tensor.dtype, tensor.dims) = (value.dtype, value.dims);
                self.values[id.0 as usize] = value;
            }
        }
        Ok(())
    }
}
