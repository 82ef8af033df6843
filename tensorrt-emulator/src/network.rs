//! A network under construction: the graph and what shape inference knows of each tensor.

use std::collections::BTreeMap;

use tensorrt_sys::DataType;

use crate::graph::{Attention, ConditionalId, Graph, Layer, LayerId, LayerKind, LoopId, TensorId, ValueInfo};
use crate::tensor::{Dims, Tensor};
use crate::{Error, Result, shape};

/// What stands behind `INetworkDefinition`; the importer and the C API add layers to it, the builder turns it into a plan.
#[derive(Debug, Clone, Default)]
pub struct Network {
    graph: Graph,
    values: Vec<ValueInfo>,
    /// Why the layers of these tensors, or those they depend on, were refused.
    refused: BTreeMap<TensorId, Error>,
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

    /// What is known of a tensor.
    ///
    /// # Errors
    /// Its layer, or one that it depends on, was refused by [`infer`](Self::infer).
    pub fn accepted(&self, id: TensorId) -> Result<&ValueInfo> {
        self.refused.get(&id).map_or_else(|| Ok(self.value(id)), |error| Err(error.clone()))
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
        let known = self.graph.known_inputs(&kind, &inputs);
        let known: Vec<Option<&ValueInfo>> = known.iter().map(|id| id.map(|id| self.value(id))).collect();
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
    pub fn add_attention(&mut self, attention: Attention, inputs: Vec<Option<TensorId>>) -> Result<LayerId> {
        let name = attention.name.clone();
        let input = self.add(LayerKind::AttentionInput(attention), inputs)?;
        let inner = self.graph.layer(input).outputs[0];
        self.add(LayerKind::AttentionOutput, vec![Some(inner)])?;
        self.graph.name_attention(input, &name);
        Ok(input)
    }

    /// Adds an attention without a name, as [`add_lazily`](Self::add_lazily) adds a layer; returns its input and its output layer.
    pub fn add_attention_lazily(&mut self, mut attention: Attention, inputs: Vec<Option<TensorId>>) -> [LayerId; 2] {
        let others = self.graph.layers.iter().filter(|layer| matches!(layer.kind, LayerKind::AttentionInput(_)));
        let number = self.graph.layers.len() + others.count();
        attention.name = format!("(Unnamed Layer* {number}) [Attention]");
        let input = self.add_lazily(LayerKind::AttentionInput(attention), inputs);
        let inner = self.graph.layer(input).outputs[0];
        let output = self.add_lazily(LayerKind::AttentionOutput, vec![Some(inner)]);
        [input, output]
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

    /// Adds a loop; its boundary layers are added like other layers and name it.
    pub fn add_loop(&mut self) -> LoopId {
        self.graph.add_loop()
    }

    /// Adds a conditional; its boundary layers are added like other layers and name it.
    pub fn add_conditional(&mut self) -> ConditionalId {
        self.graph.add_conditional()
    }

    /// Sets what decides a conditional, and returns the layer that says so: the one there is, or a new one.
    ///
    /// # Errors
    /// The tensor is not a boolean scalar.
    pub fn set_condition(&mut self, conditional: ConditionalId, tensor: TensorId) -> Result<LayerId> {
        match self.graph.conditional(conditional).condition {
            Some(layer) => {
                self.set_input(layer, 0, tensor)?;
                Ok(layer)
            }
            None => self.add(LayerKind::Condition { conditional }, vec![Some(tensor)]),
        }
    }

    /// Sets an input of a layer after the fact: the second of a recurrence, the length of a loop's output.
    ///
    /// # Errors
    /// The layer, or one after it, refuses the tensor; the network is left as it was.
    pub fn set_input(&mut self, layer: LayerId, index: usize, tensor: TensorId) -> Result<()> {
        let at = layer.0 as usize;
        let inputs = &mut self.graph.layer_mut(layer).inputs;
        if index > inputs.len() {
            return Err(Error::invalid(format!("input {index} cannot be set before input {}", inputs.len())));
        }
        let before = inputs.clone();
        inputs.resize(inputs.len().max(index + 1), None);
        inputs[index] = Some(tensor);
        if matches!(self.graph.layer(layer).kind, LayerKind::Recurrence { .. }) && index == 1 {
            // The value before the first iteration alone decides the shape.
            return Ok(());
        }
        let inferred = self.infer_from(at);
        if inferred.is_err() {
            self.graph.layer_mut(layer).inputs = before;
            self.infer_from(at)?;
        }
        inferred
    }

    /// Marks a tensor as an output of the network.
    pub fn mark_output(&mut self, id: TensorId) {
        if !self.graph.outputs.contains(&id) {
            self.graph.outputs.push(id);
        }
    }

    /// Adds a layer whatever shape inference says of it: what refuses its outputs is told when they are asked for, and by
    /// [`infer`](Self::infer).
    pub fn add_lazily(&mut self, kind: LayerKind, inputs: Vec<Option<TensorId>>) -> LayerId {
        let known = self.graph.known_inputs(&kind, &inputs);
        let refused = known.iter().flatten().find_map(|id| self.refused.get(id)).cloned();
        let known: Vec<Option<&ValueInfo>> = known.iter().map(|id| id.map(|id| self.value(id))).collect();
        let inferred = refused.map_or_else(|| shape::infer(&kind, &self.graph, &known), Err);
        let (outputs, refused) = match inferred {
            Ok(outputs) => (outputs, None),
            Err(error) => {
                let dtype = known.iter().flatten().next().map_or(DataType::Float, |value| value.dtype);
                (vec![ValueInfo::new(dtype, Dims::scalar()); kind.num_outputs()], Some(error))
            }
        };
        let types: Vec<(DataType, Dims)> = outputs.iter().map(|value| (value.dtype, value.dims)).collect();
        let layer = self.graph.add_layer(kind, inputs, &types);
        self.values.extend(outputs);
        if let Some(error) = refused {
            let Layer { name, outputs, .. } = self.graph.layer(layer);
            let error = error.at(name);
            self.refused.extend(outputs.iter().map(|&id| (id, error.clone())));
        }
        layer
    }

    /// Infers every tensor anew, layer by layer; the outputs of a layer that is refused stay as they were.
    ///
    /// # Errors
    /// The first that [`shape::infer`] refuses, with the layer's name.
    pub fn infer(&mut self) -> Result<()> {
        for &id in &self.graph.inputs {
            let tensor = self.graph.tensor(id);
            self.values[id.0 as usize] = ValueInfo::new(tensor.dtype, tensor.dims);
        }
        match self.graph.order(|_| true) {
            Ok(order) => self.infer_in(0, order.into_iter()),
            Err(error) => self.infer_from(0).and(Err(error)),
        }
    }

    /// Infers the outputs of layer `first` and of those after it.
    fn infer_from(&mut self, first: usize) -> Result<()> {
        self.infer_in(first, first..self.graph.layers.len())
    }

    /// Infers the outputs of layers in an order; none before `first`.
    fn infer_in(&mut self, first: usize, order: impl Iterator<Item = usize>) -> Result<()> {
        let graph = &self.graph;
        self.refused.retain(|&id, _| graph.tensor(id).producer.is_some_and(|(layer, _)| (layer.0 as usize) < first));
        let mut refused = Ok(());
        for index in order {
            let layer = &self.graph.layers[index];
            let known = self.graph.known_inputs(&layer.kind, &layer.inputs);
            let outputs = match known.iter().flatten().find_map(|id| self.refused.get(id)) {
                Some(error) => Err(error.clone()),
                None => {
                    let known: Vec<Option<&ValueInfo>> =
                        known.iter().map(|id| id.map(|id| &self.values[id.0 as usize])).collect();
                    shape::infer(&layer.kind, &self.graph, &known).map_err(|error| error.at(&layer.name))
                }
            };
            let outputs = match outputs {
                Ok(outputs) => outputs,
                Err(error) => {
                    self.refused.extend(layer.outputs.iter().map(|&id| (id, error.clone())));
                    refused = refused.and(Err(error));
                    continue;
                }
            };
            for (id, value) in layer.outputs.clone().into_iter().zip(outputs) {
                let tensor = self.graph.tensor_mut(id);
                (tensor.dtype, tensor.dims) = (value.dtype, value.dims);
                self.values[id.0 as usize] = value;
            }
        }
        refused
    }
}
