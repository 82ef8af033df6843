//! The boundary layers of loops, for the converters that add them.

use tensorrt_sys::{LoopOutput, TripLimit};

use super::super::error::{Refusal, Result};
use super::context::Context;
use super::layers::axis_i32;
use super::shapes::Shape;
use crate::graph::{LayerKind, LoopId, TensorId};
use crate::tensor::Dims;

impl Context<'_> {
    /// A tensor of one element as a scalar.
    pub(crate) fn scalar(&mut self, x: TensorId) -> Result<TensorId> {
        let dims = self.dims(x);
        if dims.rank() == 0 {
            return Ok(x);
        }
        if dims.is_static() && dims.volume() != Some(1) {
            return Err(Refusal::shape(format!("a scalar is needed, not a tensor of dimensions {dims}")));
        }
        self.shuffle(x, None, Some(Dims::scalar()), false)
    }

    /// An extent of a tensor as a scalar of int64.
    pub(crate) fn extent(&mut self, x: TensorId, axis: usize) -> Result<TensorId> {
        let shape = self.shape_of(x)?;
        match self.shape_pick(&shape, &[axis])? {
            Shape::Known(values) => self.int_scalar(values.first().copied().unwrap_or(0)),
            Shape::Tensor(id, _) => self.scalar(id),
        }
    }

    /// A loop of `count` iterations.
    pub(crate) fn counted_loop(&mut self, count: TensorId) -> Result<LoopId> {
        let loop_id = self.network.add_loop();
        self.trip_limit(loop_id, TripLimit::Count, count)?;
        Ok(loop_id)
    }

    /// Limits the iterations of a loop.
    pub(crate) fn trip_limit(&mut self, loop_id: LoopId, limit: TripLimit, tensor: TensorId) -> Result<()> {
        let scalar = self.scalar(tensor)?;
        self.network.add(LayerKind::TripLimit { loop_id, limit }, vec![Some(scalar)])?;
        Ok(())
    }

    /// A value that an iteration hands to the next.
    pub(crate) fn recurrence(&mut self, loop_id: LoopId, first: TensorId) -> Result<TensorId> {
        self.add(LayerKind::Recurrence { loop_id }, &[first])
    }

    /// Sets what a recurrence is in the next iteration.
    pub(crate) fn carry(&mut self, recurrence: TensorId, next: TensorId) -> Result<()> {
        let (was, is) = ((self.dtype(recurrence), self.rank(recurrence)), (self.dtype(next), self.rank(next)));
        if was != is {
            let text = format!(
                "a value that the loop carries changes from {} of {} dimensions to {} of {}",
                was.0.name(),
                was.1,
                is.0.name(),
                is.1
            );
            return Err(Refusal::shape(text));
        }
        let producer = self.network.graph().tensor(recurrence).producer;
        let (layer, _) = producer.ok_or_else(|| Refusal::graph("a recurrence without its layer"))?;
        Ok(self.network.set_input(layer, 1, next)?)
    }

    /// The slices of a tensor along an axis, one an iteration.
    pub(crate) fn iterate(&mut self, loop_id: LoopId, x: TensorId, axis: usize, reverse: bool) -> Result<TensorId> {
        self.add(LayerKind::Iterator { loop_id, axis: axis_i32(axis), reverse }, &[x])
    }

    /// The last value of a recurrence.
    pub(crate) fn last(&mut self, loop_id: LoopId, recurrence: TensorId) -> Result<TensorId> {
        self.add(LayerKind::LoopOutput { loop_id, output: LoopOutput::LastValue, axis: 0 }, &[recurrence])
    }

    /// The values of all iterations along a new axis, as many as `length` says, or as there were.
    pub(crate) fn collect(
        &mut self,
        loop_id: LoopId,
        x: TensorId,
        axis: usize,
        reverse: bool,
        length: Option<TensorId>,
    ) -> Result<TensorId> {
        let output = if reverse { LoopOutput::Reverse } else { LoopOutput::Concatenate };
        let kind = LayerKind::LoopOutput { loop_id, output, axis: axis_i32(axis) };
        self.add_optional(kind, vec![Some(x), length])
    }
}
