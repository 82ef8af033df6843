//! The order in which layers can be computed.

use super::{Graph, Layer, LayerKind, TensorId};
use crate::{Error, Result};

impl Layer {
    /// The value that a recurrence takes after an iteration: the one input that may be made after its reader.
    pub fn next_value(&self) -> Option<TensorId> {
        if matches!(self.kind, LayerKind::Recurrence { .. }) { self.input(1) } else { None }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

impl Graph {
    /// The layers that `wanted` picks, and those that they depend on, each after those it depends on, else in the network's order.
    ///
    /// # Errors
    /// A layer depends on itself other than by way of a recurrence.
    pub fn order(&self, wanted: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
        let mut marks = vec![Mark::New; self.layers.len()];
        let mut order = Vec::with_capacity(self.layers.len());
        for start in (0..self.layers.len()).filter(|&index| wanted(index)) {
            let mut stack = vec![(start, Vec::new())];
            while let Some((index, pending)) = stack.last_mut() {
                let index = *index;
                if marks[index] == Mark::New {
                    marks[index] = Mark::Open;
                    *pending = self.before(index);
                }
                match pending.pop() {
                    Some(next) if marks[next] == Mark::Open => {
                        let name = &self.layers[next].name;
                        return Err(Error::config(format!("the layer \"{name}\" depends on itself")));
                    }
                    Some(next) if marks[next] == Mark::New => stack.push((next, Vec::new())),
                    Some(_) => {}
                    None => {
                        if marks[index] == Mark::Open {
                            marks[index] = Mark::Done;
                            order.push(index);
                        }
                        stack.pop();
                    }
                }
            }
        }
        Ok(order)
    }

    /// The layers that make what a layer reads.
    fn before(&self, index: usize) -> Vec<usize> {
        let layer = &self.layers[index];
        let mut inputs = self.known_inputs(&layer.kind, &layer.inputs);
        if layer.next_value().is_some() {
            inputs.truncate(1);
        }
        let producers = inputs.iter().flatten().filter_map(|&id| self.tensor(id).producer);
        producers.map(|(layer, _)| layer.0 as usize).collect()
    }
}
