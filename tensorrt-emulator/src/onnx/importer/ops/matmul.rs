//! Matrix products.

use tensorrt_sys::{ElementWiseOperation, MatrixOperation};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Gemm", gemm), ("MatMul", matmul)];

const PLAIN: [MatrixOperation; 2] = [MatrixOperation::None, MatrixOperation::None];

fn multiply(c: &mut Context<'_>, a: TensorId, b: TensorId, ops: [MatrixOperation; 2]) -> Result<TensorId> {
    c.add(LayerKind::MatrixMultiply { ops }, &[a, b])
}

fn matmul(c: &mut Context<'_>) -> Result<Outputs> {
    let (a, b) = (c.input(0)?, c.input(1)?);
    one(product(c, a, b)?)
}

/// As numpy multiplies: vectors count as one row or one column, which the result does not keep.
pub(super) fn product(c: &mut Context<'_>, a: TensorId, b: TensorId) -> Result<TensorId> {
    let (rank_a, rank_b) = (c.rank(a), c.rank(b));
    if rank_a == 0 || rank_b == 0 {
        return Err(Refusal::shape("a scalar cannot be multiplied as a matrix"));
    }
    if (rank_a, rank_b) == (1, 1) {
        return multiply(c, a, b, [MatrixOperation::Vector; 2]);
    }
    let left = if rank_a == 1 { c.unsqueeze(a, &[0])? } else { a };
    let right = if rank_b == 1 { c.unsqueeze(b, &[1])? } else { b };
    let ranked = c.same_rank(&[left, right])?;
    let product = c.add(LayerKind::MatrixMultiply { ops: PLAIN }, &ranked)?;
    let rank = c.rank(product);
    if rank_a == 1 {
        return c.squeeze(product, &[rank - 2]);
    }
    if rank_b == 1 {
        return c.squeeze(product, &[rank - 1]);
    }
    Ok(product)
}

/// alpha · A · B + beta · C
fn gemm(c: &mut Context<'_>) -> Result<Outputs> {
    let op = |transposed: i64| if transposed != 0 { MatrixOperation::Transpose } else { MatrixOperation::None };
    let ops = [op(c.int_or("transA", 0)?), op(c.int_or("transB", 0)?)];
    let (alpha, beta) = (c.float_or("alpha", 1.0)?, c.float_or("beta", 1.0)?);
    let (a, b) = (c.input(0)?, c.input(1)?);
    if (c.rank(a), c.rank(b)) != (2, 2) {
        return Err(Refusal::shape(format!("Gemm multiplies matrices, not {} and {}", c.dims(a), c.dims(b))));
    }
    let mut y = multiply(c, a, b, ops)?;
    if alpha != 1.0 {
        y = c.binary_scalar(ElementWiseOperation::Prod, y, alpha.into())?;
    }
    if let Some(bias) = c.optional(2)?
        && beta != 0.0
    {
        let bias = if beta == 1.0 { bias } else { c.binary_scalar(ElementWiseOperation::Prod, bias, beta.into())? };
        y = c.binary(ElementWiseOperation::Sum, y, bias)?;
    }
    one(y)
}
