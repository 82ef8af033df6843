//! What the names of a model stand for while it is imported.

use std::collections::HashMap;
use std::rc::Rc;

use crate::graph::TensorId;
use crate::tensor::Tensor;

use super::super::error::Result;
use super::super::proto::TensorProto;
use super::super::{external::ExternalData, tensor};

/// A value of the model.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A tensor of the network.
    Tensor(TensorId),
    /// Weights that have no layer yet.
    Weights(Rc<Weights>),
}

impl Value {
    /// Weights without a layer.
    pub(crate) fn weights(name: &str, tensor: Tensor) -> Self {
        Self::Weights(Rc::new(Weights { name: name.to_owned(), tensor }))
    }
}

impl From<TensorId> for Value {
    fn from(id: TensorId) -> Self {
        Self::Tensor(id)
    }
}

/// Weights of the model under the name that the refitter knows them by.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) name: String,
    pub(crate) tensor: Tensor,
}

/// What a name is bound to.
#[derive(Debug)]
enum Binding<'a> {
    Initializer(&'a TensorProto),
    Value(Value),
    /// The node that should have made it failed, or does not exist because of an error already reported.
    Poisoned,
}

/// The bindings of a graph, and of those around it.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    external: &'a ExternalData,
    /// Innermost last; never empty.
    frames: Vec<HashMap<String, Binding<'a>>>,
}

/// What a look-up finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// The value.
    Value(Value),
    /// Its maker failed.
    Poisoned,
    /// No such name.
    Missing,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(external: &'a ExternalData) -> Self {
        Self { external, frames: vec![HashMap::new()] }
    }

    pub(crate) fn external(&self) -> &'a ExternalData {
        self.external
    }

    /// Begins a graph within the present one, whose names it sees.
    pub(crate) fn push(&mut self) {
        self.frames.push(HashMap::new());
    }

    /// Ends the innermost graph.
    pub(crate) fn pop(&mut self) {
        if self.frames.len() > 1 {
            self.frames.pop();
        }
    }

    fn insert(&mut self, name: &str, binding: Binding<'a>) -> bool {
        let frame = self.frames.last_mut();
        frame.is_some_and(|frame| frame.insert(name.to_owned(), binding).is_none())
    }

    /// Binds an initializer, to be read when it is first looked up; false where the graph has the name already.
    pub(crate) fn bind_initializer(&mut self, proto: &'a TensorProto) -> bool {
        self.insert(&proto.name, Binding::Initializer(proto))
    }

    /// Binds a value; false where the graph has the name already.
    pub(crate) fn bind(&mut self, name: &str, value: Value) -> bool {
        self.insert(name, Binding::Value(value))
    }

    /// Binds a name to nothing: whatever reads it is not reported.
    pub(crate) fn poison(&mut self, name: &str) {
        self.insert(name, Binding::Poisoned);
    }

    /// Whether the innermost graph has a name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.frames.last().is_some_and(|frame| frame.contains_key(name))
    }

    /// Looks a name up, in the graphs around, too; reads the initializer behind it where it was not read yet.
    ///
    /// # Errors
    /// The initializer is not a tensor that TensorRT has.
    pub(crate) fn find(&mut self, name: &str) -> Result<Found> {
        let proto = match self.frames.iter().rev().find_map(|frame| frame.get(name)) {
            None => return Ok(Found::Missing),
            Some(Binding::Poisoned) => return Ok(Found::Poisoned),
            Some(Binding::Value(value)) => return Ok(Found::Value(value.clone())),
            Some(Binding::Initializer(proto)) => *proto,
        };
        match tensor::tensor(proto, self.external) {
            Ok(tensor) => {
                let value = Value::weights(name, tensor);
                self.rebind(name, value.clone());
                Ok(Found::Value(value))
            }
            Err(refusal) => {
                self.replace(name, Binding::Poisoned);
                Err(refusal)
            }
        }
    }

    /// Replaces what a bound name stands for.
    pub(crate) fn rebind(&mut self, name: &str, value: Value) {
        self.replace(name, Binding::Value(value));
    }

    fn replace(&mut self, name: &str, binding: Binding<'a>) {
        if let Some(slot) = self.frames.iter_mut().rev().find_map(|frame| frame.get_mut(name)) {
            *slot = binding;
        }
    }
}
