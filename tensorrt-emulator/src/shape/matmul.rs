//! Matrix multiplication.

use tensorrt_sys::MatrixOperation;

use super::broadcast;
use super::inputs::{Inputs, unify};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// An operand as (batch dimensions, the extent that the product keeps, the extent it sums over).
fn split(input: &ValueInfo, index: usize, op: MatrixOperation) -> Result<(Dims, Option<i64>, i64)> {
    let dims = &input.dims;
    let matrix_dims = if op == MatrixOperation::Vector { 1 } else { 2 };
    let batch = dims.rank().checked_sub(matrix_dims).ok_or_else(|| {
        Error::config(format!("input {index} must have at least {matrix_dims} dimensions, but has {}", dims.rank()))
    })?;
    let (rows, columns) = (dims[batch], dims[dims.rank() - 1]);
    // The first operand is summed over its columns, the second over its rows; a transpose swaps them.
    let (kept, summed) = match (op, index) {
        (MatrixOperation::Vector, _) => (None, columns),
        (MatrixOperation::None, 0) | (MatrixOperation::Transpose, 1) => (Some(rows), columns),
        (MatrixOperation::Transpose, 0) | (MatrixOperation::None, _) => (Some(columns), rows),
        _ => return Err(Error::config(format!("matrix operation {} is not known", op.name()))),
    };
    Ok((Dims::of(&dims[..batch])?, kept, summed))
}

/// Batch dimensions broadcast; the last two multiply.
pub(super) fn infer(inputs: Inputs<'_>, ops: [MatrixOperation; 2]) -> Result<ValueInfo> {
    let (a, b) = (inputs.float(0)?, inputs.float(1)?);
    inputs.same_types(0, 1)?;
    let (batch_a, rows, summed_a) = split(a, 0, ops[0])?;
    let (batch_b, columns, summed_b) = split(b, 1, ops[1])?;
    if unify(summed_a, summed_b).is_none() {
        return Err(Error::config(format!(
            "inputs 0 and 1 of dimensions {} and {} do not multiply: {summed_a} columns against {summed_b} rows",
            a.dims, b.dims
        )));
    }
    let mut dims = broadcast::dims(&[(0, batch_a), (1, batch_b)])?;
    for extent in [rows, columns].into_iter().flatten() {
        dims = dims.with(extent)?;
    }
    Ok(ValueInfo::new(a.dtype, dims))
}
