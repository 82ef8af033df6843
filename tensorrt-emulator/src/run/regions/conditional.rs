//! A conditional as one layer: the branch that the condition names runs.

use smallvec::SmallVec;

use super::body::Body;
use crate::graph::ValueInfo;
use crate::ops::{Call, Kernel};
use crate::shape;
use crate::tensor::{Tensor, TensorView};
use crate::{Error, Result};

/// Inputs: the condition, then what the branches read.
#[derive(Debug)]
pub(super) struct ConditionalKernel {
    /// What runs on true, then what runs on false.
    pub(super) branches: [Body; 2],
}

impl ConditionalKernel {
    fn execute(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Vec<Tensor>> {
        let missing = || Error::internal("a conditional lacks an input");
        let condition = inputs.first().copied().flatten().ok_or_else(missing)?;
        let slots: Option<SmallVec<[TensorView<'_>; 8]>> = inputs[1..].iter().copied().collect();
        let taken = usize::from(condition.bytes().first().is_none_or(|&byte| byte == 0));
        let mut outputs = Vec::new();
        self.branches[taken].context()?.run(&slots.ok_or_else(missing)?, &mut outputs)?;
        Ok(outputs)
    }
}

impl Kernel for ConditionalKernel {
    fn infer(&self, inputs: &[Option<&ValueInfo>]) -> Result<Option<Vec<ValueInfo>>> {
        let missing = || Error::internal("a conditional lacks an input");
        let condition = inputs.first().copied().flatten().ok_or_else(missing)?;
        let slots: Option<Vec<ValueInfo>> = inputs[1..].iter().map(|value| value.cloned()).collect();
        let slots = slots.ok_or_else(missing)?;
        if let Some(taken) = condition.known_elements().and_then(|elements| elements.first().copied()) {
            return self.branches[usize::from(taken == 0)].infer(&slots).map(Some);
        }
        let (on_true, on_false) = (self.branches[0].infer(&slots)?, self.branches[1].infer(&slots)?);
        Ok(Some(on_true.iter().zip(&on_false).map(|(on_true, on_false)| shape::either(on_true, on_false)).collect()))
    }

    fn compute(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Tensor>>> {
        self.execute(inputs).map(Some)
    }

    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        copy_out(&self.execute(call.inputs)?, call)
    }
}

/// Copies what was computed to the outputs of a call.
///
/// # Errors
/// It has other extents than were planned.
pub(super) fn copy_out(results: &[Tensor], call: &mut Call<'_, '_>) -> Result<()> {
    for (result, output) in results.iter().zip(call.outputs.iter_mut()) {
        if result.dims() != output.dims() || result.dtype() != output.dtype() {
            return Err(Error::internal(format!("{} for an output of {}", result.dims(), output.dims())));
        }
        output.bytes_mut().copy_from_slice(result.view().bytes());
    }
    Ok(())
}
