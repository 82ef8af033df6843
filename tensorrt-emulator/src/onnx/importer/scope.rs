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

/// The bindings of one graph.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    external: &'a ExternalData,
    bindings: HashMap<String, Binding<'a>>,
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
        Self { external, bindings: HashMap::new() }
    }

    pub(crate) fn external(&self) -> &'a ExternalData {
        self.external
    }

    /// Binds an initializer, to be read when it is first looked up; false where the name is taken.
    pub(crate) fn bind_initializer(&mut self, proto: &'a TensorProto) -> bool {
        self.bindings.insert(proto.name.clone(), Binding::Initializer(proto)).is_none()
    }

    /// Binds a value; false where the name is taken.
    pub(crate) fn bind(&mut self, name: &str, value: Value) -> bool {
        self.bindings.insert(name.to_owned(), Binding::Value(value)).is_none()
    }

    /// Binds a name to nothing: whatever reads it is not reported.
    pub(crate) fn poison(&mut self, name: &str) {
        self.bindings.insert(name.to_owned(), Binding::Poisoned);
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }

    /// Looks a name up; reads the initializer behind it where it was not read yet.
    ///
    /// # Errors
    /// The initializer is not a tensor that TensorRT has.
    pub(crate) fn find(&mut self, name: &str) -> Result<Found> {
        let proto = match self.bindings.get(name) {
            None => return Ok(Found::Missing),
            Some(Binding::Poisoned) => return Ok(Found::Poisoned),
            Some(Binding::Value(value)) => return Ok(Found::Value(value.clone())),
            Some(Binding::Initializer(proto)) => *proto,
        };
        match tensor::tensor(proto, self.external) {
            Ok(tensor) => {
                let value = Value::Weights(Rc::new(Weights { name: name.to_owned(), tensor }));
                self.bindings.insert(name.to_owned(), Binding::Value(value.clone()));
                Ok(Found::Value(value))
            }
            Err(refusal) => {
                self.poison(name);
                Err(refusal)
            }
        }
    }

    /// Replaces what a bound name stands for.
    pub(crate) fn rebind(&mut self, name: &str, value: Value) {
        self.bindings.insert(name.to_owned(), Binding::Value(value));
    }
}
