//! What a converter sees of its node: inputs, attributes, and the network it adds layers to.

use std::rc::Rc;

use tensorrt_sys::DataType;

use crate::graph::TensorId;
use crate::network::Network;
use crate::tensor::{Dims, Tensor};

use super::super::error::{Refusal, Result};
use super::super::external::ExternalData;
use super::super::proto::{AttributeProto, NodeProto, attribute_type as at};
use super::super::tensor;
use super::scope::{Value, Weights};

/// The outputs of a node, in ONNX's order; outputs past the end were not made.
pub(crate) type Outputs = Vec<Value>;

/// Turns a node into layers.
pub(crate) type Converter = fn(&mut Context<'_>) -> Result<Outputs>;

/// One node on its way into the network.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) node: &'a NodeProto,
    /// The version of ONNX's operators that the node is written in.
    pub(crate) opset: i64,
    pub(crate) inputs: Vec<Option<Value>>,
    pub(crate) external: &'a ExternalData,
    /// Whether what NVIDIA's parser refuses is refused (`onnx/strict`).
    pub(crate) strict: bool,
    /// Whether the node is in a graph of another.
    pub(crate) within: bool,
    /// Weights that got a constant layer, to be bound to it from now on.
    pub(crate) materialized: Vec<(String, TensorId)>,
}

/// One output.
pub(crate) fn one(value: impl Into<Value>) -> Result<Outputs> {
    Ok(vec![value.into()])
}

impl Context<'_> {
    /// The number of inputs, trailing empty ones left out.
    pub(crate) fn num_inputs(&self) -> usize {
        self.inputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1)
    }

    /// Whether output `index` is asked for.
    pub(crate) fn wants(&self, index: usize) -> bool {
        self.node.output.get(index).is_some_and(|name| !name.is_empty())
    }

    /// Whether input `index` is there.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(Option::is_some)
    }

    /// Input `index` as it is bound.
    pub(crate) fn value(&self, index: usize) -> Result<Value> {
        let found = self.inputs.get(index).cloned().flatten();
        found.ok_or_else(|| Refusal::invalid(format!("input {index} is missing")))
    }

    /// Input `index` as a tensor of the network; weights get a constant layer.
    pub(crate) fn input(&mut self, index: usize) -> Result<TensorId> {
        match self.value(index)? {
            Value::Tensor(id) => Ok(id),
            Value::Weights(weights) => {
                let id = self.layer_of(&weights)?;
                let name = self.node.input.get(index).cloned().unwrap_or_default();
                for (slot, other) in self.inputs.iter_mut().zip(&self.node.input) {
                    if *other == name {
                        *slot = Some(Value::Tensor(id));
                    }
                }
                self.materialized.push((name, id));
                Ok(id)
            }
        }
    }

    /// A layer for weights. TensorRT has no constants of uint8: they are of int32 and cast, unless what NVIDIA's parser refuses is refused.
    fn layer_of(&mut self, weights: &Weights) -> Result<TensorId> {
        if weights.tensor.dtype() != DataType::Uint8 || self.strict {
            return Ok(self.network.add_constant(&weights.name, &weights.tensor)?);
        }
        let wide: Vec<i32> = weights.tensor.view().bytes().iter().map(|&byte| byte.into()).collect();
        let wide = self.constant(&Tensor::from_slice(*weights.tensor.dims(), &wide)?)?;
        self.cast(wide, DataType::Uint8)
    }

    /// Input `index` as a tensor, `None` where it is absent.
    pub(crate) fn optional(&mut self, index: usize) -> Result<Option<TensorId>> {
        if self.has(index) { self.input(index).map(Some) } else { Ok(None) }
    }

    /// All inputs as tensors.
    pub(crate) fn all_inputs(&mut self) -> Result<Vec<TensorId>> {
        (0..self.num_inputs()).map(|index| self.input(index)).collect()
    }

    /// Input `index` where it is weights: an initializer, or the output of a constant layer.
    pub(crate) fn weights(&self, index: usize) -> Option<Rc<Weights>> {
        match self.inputs.get(index)?.as_ref()? {
            Value::Weights(weights) => Some(weights.clone()),
            Value::Tensor(id) => {
                let tensor = self.network.graph().constant(*id)?;
                let name = self.node.input.get(index).cloned().unwrap_or_default();
                Some(Rc::new(Weights { name, tensor }))
            }
        }
    }

    /// The type of input `index`, without giving weights a layer.
    pub(crate) fn input_type(&self, index: usize) -> Result<DataType> {
        Ok(match self.value(index)? {
            Value::Tensor(id) => self.dtype(id),
            Value::Weights(weights) => weights.tensor.dtype(),
        })
    }

    /// The dimensions of input `index`, without giving weights a layer.
    pub(crate) fn input_dims(&self, index: usize) -> Result<Dims> {
        Ok(match self.value(index)? {
            Value::Tensor(id) => self.dims(id),
            Value::Weights(weights) => *weights.tensor.dims(),
        })
    }

    /// The integers in input `index` as far as they are known now; `None` where the input is absent or not known.
    pub(crate) fn known_ints(&self, index: usize) -> Option<Vec<i64>> {
        match self.inputs.get(index)?.as_ref()? {
            Value::Weights(weights) => weights.tensor.view().to_i64().ok(),
            Value::Tensor(id) => self.known_elements(*id),
        }
    }

    /// The integers in input `index`, `None` where it is absent.
    ///
    /// # Errors
    /// They are only known at run time.
    pub(crate) fn const_ints(&self, index: usize, what: &str) -> Result<Option<Vec<i64>>> {
        if !self.has(index) {
            return Ok(None);
        }
        let known = self.known_ints(index);
        known
            .map(Some)
            .ok_or_else(|| Refusal::input(format!("{what} (input {index}) must be known when the model is parsed")))
    }

    /// The numbers in input `index` where it is weights.
    ///
    /// # Errors
    /// They are only known at run time.
    pub(crate) fn const_floats(&self, index: usize, what: &str) -> Result<Option<Vec<f64>>> {
        if !self.has(index) {
            return Ok(None);
        }
        let known = self.weights(index).and_then(|weights| tensor::to_f64(&weights.tensor));
        known
            .map(Some)
            .ok_or_else(|| Refusal::input(format!("{what} (input {index}) must be known when the model is parsed")))
    }

    /// The elements of a tensor, where shape inference knows all of them.
    pub(crate) fn known_elements(&self, id: TensorId) -> Option<Vec<i64>> {
        if let Some(known) = self.network.value(id).known_elements() {
            return Some(known);
        }
        self.network.graph().constant(id)?.view().to_i64().ok()
    }

    /// A tensor's dimensions.
    pub(crate) fn dims(&self, id: TensorId) -> Dims {
        self.network.value(id).dims
    }

    /// A tensor's rank.
    pub(crate) fn rank(&self, id: TensorId) -> usize {
        self.dims(id).rank()
    }

    /// A tensor's type.
    pub(crate) fn dtype(&self, id: TensorId) -> DataType {
        self.network.value(id).dtype
    }

    fn attribute(&self, name: &str, kind: i32) -> Result<Option<&AttributeProto>> {
        let Some(attribute) = self.node.attribute.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        if attribute.r#type != kind && attribute.r#type != at::UNDEFINED {
            return Err(Refusal::invalid(format!("attribute {name} has type {}, not {kind}", attribute.r#type)));
        }
        Ok(Some(attribute))
    }

    /// Whether the node has an attribute.
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.node.attribute.iter().any(|attribute| attribute.name == name)
    }

    /// An integer attribute.
    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.attribute(name, at::INT)?.map(|attribute| attribute.i.unwrap_or(0)))
    }

    /// An integer attribute with a default.
    pub(crate) fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// An integer attribute that must be there.
    pub(crate) fn required_int(&self, name: &str) -> Result<i64> {
        self.int(name)?.ok_or_else(|| Refusal::invalid(format!("attribute {name} is missing")))
    }

    /// A float attribute with a default.
    pub(crate) fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        Ok(self.attribute(name, at::FLOAT)?.map_or(default, |attribute| attribute.f.unwrap_or(0.0)))
    }

    /// A string attribute.
    pub(crate) fn string(&self, name: &str) -> Result<Option<&str>> {
        let Some(attribute) = self.attribute(name, at::STRING)? else {
            return Ok(None);
        };
        let bytes = attribute.s.as_deref().unwrap_or(&[]);
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::invalid(format!("attribute {name} is not text")))?;
        Ok(Some(text))
    }

    /// A string attribute with a default.
    pub(crate) fn string_or<'s>(&'s self, name: &str, default: &'s str) -> Result<&'s str> {
        Ok(self.string(name)?.unwrap_or(default))
    }

    /// A list of integers.
    pub(crate) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        Ok(self.attribute(name, at::INTS)?.map(|attribute| attribute.ints.clone()))
    }

    /// A list of floats.
    pub(crate) fn floats(&self, name: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.attribute(name, at::FLOATS)?.map(|attribute| attribute.floats.clone()))
    }

    /// A list of strings.
    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(attribute) = self.attribute(name, at::STRINGS)? else {
            return Ok(None);
        };
        let text = attribute.strings.iter().map(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
        let strings: std::result::Result<Vec<String>, _> = text.collect();
        strings.map(Some).map_err(|_| Refusal::invalid(format!("attribute {name} is not text")))
    }

    /// A tensor attribute.
    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        let Some(attribute) = self.attribute(name, at::TENSOR)? else {
            return Ok(None);
        };
        let proto =
            attribute.t.as_ref().ok_or_else(|| Refusal::invalid(format!("attribute {name} holds no tensor")))?;
        tensor::tensor(proto, self.external).map(Some)
    }

    /// `axis` counted from the front; negative axes count from the end of `rank` dimensions.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        axis_of(axis, rank)
    }

    /// The axes counted from the front, each at most once.
    pub(crate) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>> {
        let mut out = Vec::with_capacity(axes.len());
        for &axis in axes {
            let axis = axis_of(axis, rank)?;
            if out.contains(&axis) {
                return Err(Refusal::invalid(format!("axis {axis} is named twice in {axes:?}")));
            }
            out.push(axis);
        }
        Ok(out)
    }

    /// Refuses outputs past the first `count`.
    pub(crate) fn at_most_outputs(&self, count: usize) -> Result<()> {
        match self.node.output.iter().skip(count).find(|name| !name.is_empty()) {
            None => Ok(()),
            Some(name) => Err(Refusal::node(format!("output \"{name}\" past the first {count} is not supported"))),
        }
    }

    /// Refuses an attribute with any value but the given.
    pub(crate) fn only_int(&self, name: &str, value: i64) -> Result<()> {
        match self.int(name)? {
            Some(other) if other != value => Err(Refusal::attribute(format!("{name} = {other} is not supported"))),
            _ => Ok(()),
        }
    }
}

/// `axis` counted from the front.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize> {
    let wrong = || Refusal::invalid(format!("axis {axis} is out of range for rank {rank}"));
    let signed = i64::try_from(rank).map_err(|_| wrong())?;
    let from_front = if axis < 0 { axis.checked_add(signed).ok_or_else(wrong)? } else { axis };
    usize::try_from(from_front).ok().filter(|&axis| axis < rank).ok_or_else(wrong)
}

/// A bit mask of axes, as layers take it.
pub(crate) fn mask(axes: impl IntoIterator<Item = usize>) -> u32 {
    axes.into_iter()
        .fold(0, |mask, axis| mask | u32::try_from(axis).ok().and_then(|a| 1u32.checked_shl(a)).unwrap_or(0))
}
