//! `IAttention` and its boundary layers.

use std::ffi::c_char;
use std::sync::{Arc, Weak};

use tensorrt_sys::{Api, AttentionIOForm, AttentionNormalizationOp, CausalMaskKind, DataType, IAttention, ITensor};

use super::layer::LayerObject;
use super::{NetworkObject, Shared, add, count, part, tensor_id, tensor_object, upgrade};
use crate::ffi::dims::data_type;
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::scope::Scope;
use crate::ffi::text::{Text, read};
use crate::ffi::value::Value;
use crate::graph::{Attention, Layer, LayerId, LayerKind, TensorId};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The inputs of an attention's input layer that have setters of their own.
const MASK: usize = 3;
const SCALE: usize = 4;
const QUERY_LENGTHS: usize = 5;
const KEY_VALUE_LENGTHS: usize = 6;

/// The object behind `IAttention`; it lives in its network and stands for a pair of layers.
#[derive(Debug)]
pub(super) struct AttentionObject {
    shared: Weak<Shared>,
    /// The input layer, which has the parameters.
    input: LayerId,
    scope: Scope,
    name: Text,
    metadata: Text,
}

impl Object for AttentionObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl AttentionObject {
    fn layer<R>(&self, look: impl FnOnce(&Layer, &Attention) -> R) -> Result<R> {
        let shared = upgrade(&self.shared)?;
        let state = shared.state();
        let layer = state.network().graph().layer(self.input);
        match &layer.kind {
            LayerKind::AttentionInput(attention) => Ok(look(layer, attention)),
            _ => Err(Error::internal("an attention without its layer")),
        }
    }

    fn read<R>(&self, look: impl FnOnce(&Attention) -> R) -> Result<R> {
        self.layer(|_, attention| look(attention))
    }

    fn change(&self, change: impl FnOnce(&mut Attention)) -> Result<bool> {
        let shared = upgrade(&self.shared)?;
        let mut state = shared.state();
        match &mut state.change().graph_mut().layer_mut(self.input).kind {
            LayerKind::AttentionInput(attention) => change(attention),
            _ => return Err(Error::internal("an attention without its layer")),
        }
        Ok(true)
    }

    /// The output layer, which has the metadata.
    fn output(&self, shared: &Shared) -> Result<LayerId> {
        let found = shared.state().network().graph().attention_output(self.input);
        found.ok_or_else(|| Error::internal("an attention without its output layer"))
    }

    fn input(&self, index: usize) -> Result<*mut ITensor> {
        let id = self.layer(|layer, _| layer.input(index))?;
        let shared = upgrade(&self.shared)?;
        Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&shared, id)))
    }

    /// Sets input `index`, or takes it away.
    fn set_input(&self, index: usize, id: Option<TensorId>) -> Result<bool> {
        let shared = upgrade(&self.shared)?;
        let mut state = shared.state();
        let inputs = &mut state.change().graph_mut().layer_mut(self.input).inputs;
        if inputs.len() <= index {
            inputs.resize(index + 1, None);
        }
        inputs[index] = id;
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        Ok(true)
    }

    /// A tensor's identity, type and dimensions.
    fn tensor(&self, tensor: *mut ITensor) -> Result<(TensorId, DataType, Dims)> {
        let shared = upgrade(&self.shared)?;
        let id = tensor_id(&shared, tensor)?;
        let mut state = shared.state();
        let value = state.inferred().value(id);
        Ok((id, value.dtype, value.dims))
    }

    fn set_lengths(&self, index: usize, tensor: *mut ITensor, what: &str) -> Result<bool> {
        if tensor.is_null() {
            return self.set_input(index, None);
        }
        let (id, dtype, dims) = self.tensor(tensor)?;
        if dtype != DataType::Int32 || dims.rank() != 1 {
            let name = dtype.name();
            return Err(Error::invalid(format!("the {what} lengths must be a vector of kINT32, not {dims} of {name}")));
        }
        self.set_input(index, Some(id))
    }

    fn set_causal(&self, kind: CausalMaskKind) -> Result<bool> {
        if kind != CausalMaskKind::None && self.layer(|layer, _| layer.input(MASK).is_some())? {
            return Err(Error::invalid("a causal kind cannot be used together with a mask"));
        }
        self.change(|it| it.causal = kind)
    }
}

/// The object of the attention that has the input layer `input`.
fn attention_object(shared: &Arc<Shared>, input: LayerId) -> *mut IAttention {
    let make = || AttentionObject {
        shared: Arc::downgrade(shared),
        input,
        scope: shared.scope.clone(),
        name: Text::default(),
        metadata: Text::default(),
    };
    part(&mut shared.state().attentions, input.0, make).cast()
}

/// The attention that a boundary layer belongs to.
fn attention_of(layer: &LayerObject) -> Result<*mut IAttention> {
    let shared = upgrade(&layer.shared)?;
    let input = {
        let state = shared.state();
        let graph = state.network().graph();
        let own = graph.layer(layer.id);
        match &own.kind {
            LayerKind::AttentionInput(_) => Some(layer.id),
            LayerKind::AttentionOutput => {
                own.input(0).and_then(|inner| graph.tensor(inner).producer).map(|(input, _)| input)
            }
            _ => None,
        }
    };
    let input = input.ok_or_else(|| Error::invalid("the layer is no boundary of an attention"))?;
    Ok(attention_object(&shared, input))
}

fn add_attention(
    network: &NetworkObject,
    [query, key, value]: [*mut ITensor; 3],
    normalization: i32,
    causal: CausalMaskKind,
) -> Result<*mut IAttention> {
    let normalization = AttentionNormalizationOp::read(network.scope().family, normalization)?;
    let shared = &network.shared;
    let inputs = [tensor_id(shared, query)?, tensor_id(shared, key)?, tensor_id(shared, value)?];
    let mut state = shared.state();
    for (id, what) in inputs.iter().zip(["query", "key", "value"]) {
        let dims = state.inferred().value(*id).dims;
        if !matches!(dims.rank(), 3 | 4) {
            return Err(Error::invalid(format!("the {what} must have 3 or 4 dimensions, but has {dims}")));
        }
    }
    let attention = Attention::new(normalization, causal);
    let layers = state.inferred().add_attention_lazily(attention, inputs.map(Some).to_vec());
    layers.into_iter().for_each(|layer| state.settle_names(layer));
    let [input, _] = layers;
    drop(state);
    Ok(attention_object(shared, input))
}

/// Fills the entries.
#[expect(clippy::too_many_lines, reason = "one entry a fact, in the order of NVIDIA's header")]
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addAttention(network, query: *mut ITensor, key: *mut ITensor, value: *mut ITensor, normalization: i32, causal: bool) -> *mut IAttention {
            let causal = if causal { CausalMaskKind::UpperLeft } else { CausalMaskKind::None };
            add_attention(network, [query, key, value], normalization, causal)
        }
        fn INetworkDefinition_addAttentionV2(network, query: *mut ITensor, key: *mut ITensor, value: *mut ITensor, normalization: i32, causal: i32) -> *mut IAttention {
            let causal = CausalMaskKind::read(network.scope().family, causal)?;
            add_attention(network, [query, key, value], normalization, causal)
        }
        fn INetworkDefinition_addRotaryEmbedding(network, input: *mut ITensor, cos: *mut ITensor, sin: *mut ITensor, interleaved: bool, dim: i32) -> *mut tensorrt_sys::IRotaryEmbeddingLayer {
            let id = tensor_id(&network.shared, input)?;
            let dims = network.shared.state().inferred().value(id).dims;
            let fits = dims.rank() == 4 && dim >= 0 && dim % 2 == 0 && i64::from(dim) <= dims[3];
            if !fits {
                return Err(Error::invalid(format!("a rotary embedding of {dim} dimensions on a tensor of {dims}")));
            }
            add(network, LayerKind::RotaryEmbedding { interleaved, dim }, &[input, cos, sin])
        }
        }
        IAttentionBoundaryLayer: LayerObject {
        fn IAttentionBoundaryLayer_getAttention(layer) -> *mut IAttention { attention_of(layer) }
        }
        IAttention: AttentionObject {
        fn IAttention_setNormalizationOperation(attention, op: i32) -> bool {
            let op = AttentionNormalizationOp::read(attention.scope.family, op)?;
            attention.change(|it| it.normalization = op)
        }
        fn IAttention_getNormalizationOperation(attention) -> i32 {
            attention.read(|it| it.normalization.show(attention.scope.family))
        }
        fn IAttention_setMask(attention, mask: *mut ITensor) -> bool {
            let (id, ..) = attention.tensor(mask)?;
            if attention.read(|it| it.causal)? != CausalMaskKind::None {
                return Err(Error::invalid("a mask cannot be used together with a causal kind"));
            }
            attention.set_input(MASK, Some(id))
        }
        fn IAttention_getMask(attention) -> *mut ITensor { attention.input(MASK) }
        fn IAttention_setCausal(attention, causal: bool) -> bool {
            attention.set_causal(if causal { CausalMaskKind::UpperLeft } else { CausalMaskKind::None })
        }
        fn IAttention_getCausal(attention) -> bool { attention.read(|it| it.causal != CausalMaskKind::None) }
        fn IAttention_setCausalKind(attention, kind: i32) -> bool {
            attention.set_causal(CausalMaskKind::read(attention.scope.family, kind)?)
        }
        fn IAttention_getCausalKind(attention) -> i32 { attention.read(|it| it.causal.show(attention.scope.family)) }
        fn IAttention_setDecomposable(attention, decomposable: bool) -> bool {
            attention.change(|it| it.decomposable = decomposable)
        }
        fn IAttention_getDecomposable(attention) -> bool { attention.read(|it| it.decomposable) }
        fn IAttention_setInput(attention, index: i32, tensor: *mut ITensor) -> bool {
            let (id, ..) = attention.tensor(tensor)?;
            match usize::try_from(index) {
                Ok(index) if index < MASK => attention.set_input(index, Some(id)),
                Ok(index) if index <= KEY_VALUE_LENGTHS => {
                    let setters = ["Mask", "NormalizationQuantizeScale", "QueryLengths", "KeyValueLengths"];
                    Err(Error::invalid(format!("input {index} has a setter of its own: set{}", setters[index - MASK])))
                }
                _ => Err(Error::invalid(format!("an attention has no input {index}"))),
            }
        }
        fn IAttention_getNbInputs(attention) -> i32 { attention.layer(|layer, _| count(layer.inputs.len())) }
        fn IAttention_getInput(attention, index: i32) -> *mut ITensor {
            match usize::try_from(index) {
                Ok(index) if index < MASK => attention.input(index),
                Ok(index) if index <= KEY_VALUE_LENGTHS => {
                    let getters = ["Mask", "NormalizationQuantizeScale", "QueryLengths", "KeyValueLengths"];
                    Err(Error::invalid(format!("input {index} has a getter of its own: get{}", getters[index - MASK])))
                }
                _ => Ok(std::ptr::null_mut()),
            }
        }
        fn IAttention_getNbOutputs(attention) -> i32 { Ok(1) }
        fn IAttention_getOutput(attention, index: i32) -> *mut ITensor {
            if index != 0 {
                return Err(Error::invalid(format!("an attention has one output, not an output {index}")));
            }
            let shared = upgrade(&attention.shared)?;
            let output = attention.output(&shared)?;
            let id = shared.state().network().graph().layer(output).outputs.first().copied();
            Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&shared, id)))
        }
        fn IAttention_setName(attention, name: *const c_char) -> bool {
            let name = read(name, "the attention's name")?;
            upgrade(&attention.shared)?.state().importing().graph_mut().name_attention(attention.input, &name);
            Ok(true)
        }
        fn IAttention_getName(attention) -> *const c_char { attention.read(|it| attention.name.show(&it.name)) }
        fn IAttention_setNormalizationQuantizeScale(attention, scale: *mut ITensor) -> bool {
            let (id, dtype, dims) = attention.tensor(scale)?;
            if !matches!(dtype, DataType::Float | DataType::Half | DataType::Bf16) || dims.rank() > 1 {
                let name = dtype.name();
                return Err(Error::invalid(format!(
                    "the normalization's scale must be of floats and of at most 1 dimension, not {dims} of {name}"
                )));
            }
            attention.set_input(SCALE, Some(id))
        }
        fn IAttention_getNormalizationQuantizeScale(attention) -> *mut ITensor { attention.input(SCALE) }
        fn IAttention_setNormalizationQuantizeToType(attention, to: i32) -> bool {
            let to = data_type(attention.scope.family, to)?;
            if !matches!(to, DataType::Fp8 | DataType::Int8) {
                return Err(Error::invalid(format!("the normalization is quantized to kFP8 or kINT8, not {}", to.name())));
            }
            attention.change(|it| it.quantize_to = Some(to))
        }
        fn IAttention_getNormalizationQuantizeToType(attention) -> i32 {
            let to = attention.read(|it| it.quantize_to)?;
            let to = to.ok_or_else(|| Error::invalid("setNormalizationQuantizeToType was not called"))?;
            Ok(to.show(attention.scope.family))
        }
        fn IAttention_setMetadata(attention, text: *const c_char) -> bool {
            let text = read(text, "the attention's metadata")?;
            let shared = upgrade(&attention.shared)?;
            let output = attention.output(&shared)?;
            shared.state().importing().graph_mut().layer_mut(output).metadata = text;
            Ok(true)
        }
        fn IAttention_getMetadata(attention) -> *const c_char {
            let shared = upgrade(&attention.shared)?;
            let output = attention.output(&shared)?;
            let state = shared.state();
            Ok(attention.metadata.show(&state.network().graph().layer(output).metadata))
        }
        fn IAttention_setNbRanks(attention, ranks: i32) -> bool {
            let before = attention.read(|it| it.num_ranks)?;
            super::collective::check_ranks(before, ranks)?;
            attention.change(|it| it.num_ranks = ranks)
        }
        fn IAttention_getNbRanks(attention) -> i32 { attention.read(|it| it.num_ranks) }
        fn IAttention_setQueryForm(attention, form: i32) -> bool {
            let form = AttentionIOForm::read(attention.scope.family, form)?;
            attention.change(|it| it.query_form = form)
        }
        fn IAttention_getQueryForm(attention) -> i32 { attention.read(|it| it.query_form.show(attention.scope.family)) }
        fn IAttention_setKeyValueForm(attention, form: i32) -> bool {
            let form = AttentionIOForm::read(attention.scope.family, form)?;
            attention.change(|it| it.key_value_form = form)
        }
        fn IAttention_getKeyValueForm(attention) -> i32 {
            attention.read(|it| it.key_value_form.show(attention.scope.family))
        }
        fn IAttention_setQueryLengths(attention, lengths: *mut ITensor) -> bool {
            attention.set_lengths(QUERY_LENGTHS, lengths, "query")
        }
        fn IAttention_getQueryLengths(attention) -> *mut ITensor { attention.input(QUERY_LENGTHS) }
        fn IAttention_setKeyValueLengths(attention, lengths: *mut ITensor) -> bool {
            attention.set_lengths(KEY_VALUE_LENGTHS, lengths, "key and value")
        }
        fn IAttention_getKeyValueLengths(attention) -> *mut ITensor { attention.input(KEY_VALUE_LENGTHS) }
        }
    }
}
