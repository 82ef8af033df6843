//! Tensors, layers and weights by index.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use tensorrt_sys::DataType;

use super::{Conditional, ConditionalId, Layer, LayerKind, Loop, LoopId};
use crate::memory::Storage;
use crate::tensor::{Dims, Tensor, byte_len};
use crate::{Error, Result};

/// The index of a tensor in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TensorId(pub u32);

/// The index of a layer in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerId(pub u32);

/// The index of a weights blob in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeightsId(pub u32);

/// A tensor of the network (`nvinfer1::ITensor`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// The name.
    pub name: String,
    /// The type: declared for inputs, inferred for the rest.
    pub dtype: DataType,
    /// The extents: declared for inputs, inferred for the rest; −1 where unknown before run time.
    pub dims: Dims,
    /// A name per dimension; empty where it has none. Equal names of inputs bind equal extents.
    pub dim_names: Vec<String>,
    /// The layer and output that make it; `None` for network inputs.
    pub producer: Option<(LayerId, u32)>,
}

/// A named blob of weights (`nvinfer1::Weights`); plans map it from the file.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The name the refitter knows it by; may be empty.
    pub name: String,
    /// The element type.
    pub dtype: DataType,
    /// The number of elements.
    pub count: usize,
    /// The packed elements; empty where they were left out of the plan.
    pub storage: Storage,
    /// Whether the elements were left out of the plan, to be set before the first run.
    pub stripped: bool,
}

impl Weights {
    /// A blob whose storage holds exactly `count` elements.
    ///
    /// # Errors
    /// The byte count differs.
    pub fn new(name: impl Into<String>, dtype: DataType, count: usize, storage: Storage) -> Result<Self> {
        let name = name.into();
        if byte_len(dtype, count) != Some(storage.len()) {
            let type_name = dtype.name();
            return Err(Error::invalid(format!(
                "weights \"{name}\": {count} elements of {type_name} do not take {} bytes",
                storage.len()
            )));
        }
        Ok(Self { name, dtype, count, storage, stripped: false })
    }
}

/// A network: what is built, and what a plan holds.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// All tensors.
    pub tensors: Vec<TensorInfo>,
    /// All layers, each after the layers that make its inputs (but for the second input of a recurrence, which its loop computes).
    pub layers: Vec<Layer>,
    /// All weights.
    pub weights: Vec<Weights>,
    /// All loops.
    pub loops: Vec<Loop>,
    /// All conditionals.
    pub conditionals: Vec<Conditional>,
    /// The network's inputs, in the order of declaration.
    pub inputs: Vec<TensorId>,
    /// The network's outputs, in the order of marking.
    pub outputs: Vec<TensorId>,
    /// The tensors that are marked for debugging; they are kept whether an output needs them or not.
    pub debug: BTreeSet<TensorId>,
    /// The names of the weights that may be refitted where weights are chosen one by one.
    pub refittable: BTreeSet<String>,
    /// The network's name.
    pub name: String,
}

#[expect(clippy::cast_possible_truncation, reason = "a graph of 2^32 nodes does not fit in memory")]
fn index(len: usize) -> u32 {
    len as u32
}

impl Graph {
    /// The tensor behind `id`.
    pub fn tensor(&self, id: TensorId) -> &TensorInfo {
        &self.tensors[id.0 as usize]
    }

    /// The tensor behind `id`, to change.
    pub fn tensor_mut(&mut self, id: TensorId) -> &mut TensorInfo {
        &mut self.tensors[id.0 as usize]
    }

    /// Whether weights were left out of the plan.
    pub fn is_stripped(&self) -> bool {
        self.weights.iter().any(|weights| weights.stripped)
    }

    /// The layer behind `id`.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0 as usize]
    }

    /// The layer behind `id`, to change.
    pub fn layer_mut(&mut self, id: LayerId) -> &mut Layer {
        &mut self.layers[id.0 as usize]
    }

    /// The weights behind `id`.
    pub fn weights(&self, id: WeightsId) -> &Weights {
        &self.weights[id.0 as usize]
    }

    /// The weights behind `id`, to change.
    pub fn weights_mut(&mut self, id: WeightsId) -> &mut Weights {
        &mut self.weights[id.0 as usize]
    }

    /// The loop behind `id`.
    pub fn loop_of(&self, id: LoopId) -> &Loop {
        &self.loops[id.0 as usize]
    }

    /// The conditional behind `id`.
    pub fn conditional(&self, id: ConditionalId) -> &Conditional {
        &self.conditionals[id.0 as usize]
    }

    /// The tensor that decides a conditional.
    pub fn condition(&self, id: ConditionalId) -> Option<TensorId> {
        self.layer(self.conditionals.get(id.0 as usize)?.condition?).input(0)
    }

    /// The number in the name of the next loop or conditional: they are counted together.
    fn unnamed_scope(&self) -> usize {
        self.loops.len() + self.conditionals.len()
    }

    /// Adds a loop; it is named `"(Unnamed Loop* i)"` until renamed.
    pub fn add_loop(&mut self) -> LoopId {
        let id = LoopId(index(self.loops.len()));
        self.loops.push(Loop { name: format!("(Unnamed Loop* {})", self.unnamed_scope()) });
        id
    }

    /// Adds a conditional; it is named `"(Unnamed IfConditional* i)"` until renamed.
    pub fn add_conditional(&mut self) -> ConditionalId {
        let id = ConditionalId(index(self.conditionals.len()));
        let name = format!("(Unnamed IfConditional* {})", self.unnamed_scope());
        self.conditionals.push(Conditional { name, condition: None });
        id
    }

    /// What shape inference reads of a layer: its inputs and, after the two of a conditional's output, the condition.
    pub fn known_inputs(&self, kind: &LayerKind, inputs: &[Option<TensorId>]) -> SmallVec<[Option<TensorId>; 8]> {
        let mut all = SmallVec::from_slice(inputs);
        if let LayerKind::ConditionalOutput { conditional } = kind {
            all.resize(2, None);
            all.push(self.condition(*conditional));
        }
        all
    }

    /// Adds a blob of weights.
    pub fn add_weights(&mut self, weights: Weights) -> WeightsId {
        self.weights.push(weights);
        WeightsId(index(self.weights.len() - 1))
    }

    /// Adds a network input.
    ///
    /// # Errors
    /// The name is taken by another input.
    pub fn add_input(&mut self, name: &str, dtype: DataType, dims: Dims) -> Result<TensorId> {
        if self.inputs.iter().any(|&id| self.tensor(id).name == name) {
            return Err(Error::config(format!("the network already has an input \"{name}\"")));
        }
        let id = self.push_tensor(TensorInfo {
            name: name.to_owned(),
            dtype,
            dims,
            dim_names: vec![String::new(); dims.rank()],
            producer: None,
        });
        self.inputs.push(id);
        Ok(id)
    }

    /// Adds a layer and its output tensors; the outputs' types and dimensions are those `outputs` says
    /// (what [`shape`](crate::shape) inferred). Output tensors are named `"(Unnamed Layer* i) [Kind]_output"` until renamed.
    pub fn add_layer(
        &mut self,
        kind: LayerKind,
        inputs: Vec<Option<TensorId>>,
        outputs: &[(DataType, Dims)],
    ) -> LayerId {
        let id = LayerId(index(self.layers.len()));
        let name = format!("(Unnamed Layer* {}) [{}]", id.0, kind.label());
        let outputs: Vec<TensorId> = (0u32..)
            .zip(outputs)
            .map(|(i, &(dtype, dims))| {
                self.push_tensor(TensorInfo {
                    name: format!("{name}{}", kind.output_suffix(i)),
                    dtype,
                    dims,
                    dim_names: Vec::new(),
                    producer: Some((id, i)),
                })
            })
            .collect();
        if let LayerKind::Condition { conditional } = kind
            && let Some(conditional) = self.conditionals.get_mut(conditional.0 as usize)
        {
            conditional.condition = Some(id);
        }
        let output_types = vec![None; outputs.len()];
        self.layers.push(Layer { name, metadata: String::new(), kind, inputs, outputs, precision: None, output_types });
        id
    }

    /// Adds a constant layer and returns its output.
    pub fn add_constant(&mut self, name: &str, tensor: &Tensor) -> TensorId {
        let weights = self.add_weights(Weights {
            name: name.to_owned(),
            dtype: tensor.dtype(),
            count: tensor.dims().volume().unwrap_or(0),
            storage: tensor.storage().clone(),
            stripped: false,
        });
        let kind = LayerKind::Constant { weights, dims: *tensor.dims() };
        let layer = self.add_layer(kind, Vec::new(), &[(tensor.dtype(), *tensor.dims())]);
        if !name.is_empty() {
            self.layer_mut(layer).name = name.to_owned();
        }
        self.layer(layer).outputs[0]
    }

    /// The output layer of the attention whose input layer is `input`.
    pub fn attention_output(&self, input: LayerId) -> Option<LayerId> {
        let inner = self.layer(input).outputs.first()?;
        let reads = |layer: &Layer| layer.kind == LayerKind::AttentionOutput && layer.input(0) == Some(*inner);
        self.layers.iter().position(reads).map(|at| LayerId(index(at)))
    }

    /// Names an attention, and its two layers and their outputs after it.
    pub fn name_attention(&mut self, input: LayerId, name: &str) {
        if let LayerKind::AttentionInput(attention) = &mut self.layer_mut(input).kind {
            name.clone_into(&mut attention.name);
        }
        let output = self.attention_output(input);
        for (layer, suffix) in [(Some(input), "AttentionInput"), (output, "AttentionOutput")] {
            let Some(layer) = layer.map(|id| &mut self.layers[id.0 as usize]) else { continue };
            layer.name = format!("{name}_{suffix}");
            if let Some(&made) = layer.outputs.first() {
                let renamed = format!("{name}_{suffix}_output");
                self.tensor_mut(made).name = renamed;
            }
        }
    }

    /// The value of a constant layer's output; `None` where `id` is not one.
    pub fn constant(&self, id: TensorId) -> Option<Tensor> {
        let (layer, _) = self.tensor(id).producer?;
        match &self.layer(layer).kind {
            LayerKind::Constant { weights, dims } => {
                let weights = self.weights(*weights);
                Tensor::new(weights.dtype, *dims, weights.storage.clone()).ok()
            }
            _ => None,
        }
    }

    fn push_tensor(&mut self, tensor: TensorInfo) -> TensorId {
        self.tensors.push(tensor);
        TensorId(index(self.tensors.len() - 1))
    }
}
