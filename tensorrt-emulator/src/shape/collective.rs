//! Exchanges between devices, which join or split along the first dimension.

use tensorrt_sys::CollectiveOperation;

use super::inputs::{Inputs, overflow};
use crate::graph::{DistCollective, ValueInfo};
use crate::{Error, Result};

/// Gathering multiplies the first extent by the number of ranks, scattering divides it, rounding up.
pub(super) fn infer(inputs: Inputs<'_>, collective: &DistCollective) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    let mut output = ValueInfo::new(input.dtype, input.dims);
    let ranks = i64::from(collective.num_ranks).max(1);
    let joins = matches!(collective.op, CollectiveOperation::AllGather | CollectiveOperation::Gather);
    let splits = matches!(collective.op, CollectiveOperation::ReduceScatter | CollectiveOperation::Scatter);
    if !(joins || splits) {
        return Ok(output);
    }
    let Some(first) = output.dims.first_mut() else {
        return Err(Error::config(format!("{} needs at least one dimension", collective.op.name())));
    };
    if joins && *first >= 0 {
        *first = first.checked_mul(ranks).ok_or_else(|| overflow(&[*first, ranks]))?;
    } else if splits && *first >= 0 {
        *first = *first / ranks + i64::from(*first % ranks != 0);
    }
    Ok(output)
}
