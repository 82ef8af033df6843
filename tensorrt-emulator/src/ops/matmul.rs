//! Matrix products over the last two dimensions, with broadcasting batch dimensions.

use rayon::prelude::*;
use tensorrt_sys::MatrixOperation;

use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::kernels::dot::dot;
use crate::kernels::gemm::{Grid, Left, PackedRight, Right, TileShape, multiply};
use crate::kernels::simd::Isa;
use crate::tensor::Dims;
use crate::{Error, Result};

/// Up to this many rows a product reads its right side in place; packing it would cost more than it saves.
const UNPACKED_ROWS: usize = 8;

#[derive(Debug)]
struct MatrixMultiply {
    ops: [MatrixOperation; 2],
    /// The packed right side, one matrix a batch entry, where it is constant.
    right: Option<Vec<PackedRight>>,
}

/// One operand as a stack of matrices.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    batch: Vec<usize>,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Operand {
    /// `dims` under `op`; a vector is a row on the left (`is_left`), a column on the right.
    fn new(dims: &Dims, op: MatrixOperation, is_left: bool) -> Result<Self> {
        let all: Vec<usize> = dims.iter().map(|&d| extent(d)).collect::<Result<_>>()?;
        let matrix = if op == MatrixOperation::Vector { 1 } else { 2 };
        let split = all.len().checked_sub(matrix);
        let split = split.ok_or_else(|| Error::config(format!("{dims} is no operand of a matrix product")))?;
        let batch = all[..split].to_vec();
        let (rows, columns, row_stride, column_stride) = match (op, &all[split..]) {
            (MatrixOperation::Transpose, &[r, c]) => (c, r, 1, c),
            (MatrixOperation::Vector, &[k]) if is_left => (1, k, k, 1),
            (MatrixOperation::Vector, &[k]) => (k, 1, 1, k),
            (_, &[r, c]) => (r, c, c, 1),
            _ => return Err(Error::internal("the operand's rank was checked")),
        };
        Ok(Self { batch, rows, columns, row_stride, column_stride })
    }

    /// A matrix whose element (m, k) is at `m * row_stride + k * column_stride`.
    pub(super) fn matrix(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Self {
        Self { batch: Vec::new(), rows, columns, row_stride, column_stride }
    }

    fn len(&self) -> usize {
        self.rows * self.columns
    }
}

/// Checks a matrix product and packs its constant right side.
pub(super) fn prepare(request: &Request<'_>, ops: [MatrixOperation; 2]) -> Result<Box<dyn Kernel>> {
    for index in 0..2 {
        if !convert::is_computable(request.input_type(index)?) {
            return Err(request.unsupported_types());
        }
    }
    let right = request.constant(1).map(|tensor| {
        let operand = Operand::new(tensor.dims(), ops[1], false)?;
        let values = convert::load(&tensor.view())?;
        let matrices = values.chunks_exact(operand.len().max(1));
        Ok::<_, Error>(matrices.map(|matrix| pack_right(matrix, &operand)).collect())
    });
    Ok(Box::new(MatrixMultiply { ops, right: right.transpose()? }))
}

fn pack_right(matrix: &[f32], operand: &Operand) -> PackedRight {
    PackedRight::pack(matrix, operand.rows, operand.columns, operand.row_stride, operand.column_stride)
}

/// The batch entry of an operand for each entry of the broadcast batch.
fn batch_map(operand: &[usize], out: &[usize]) -> Result<Vec<usize>> {
    let total: usize = out.iter().product();
    let skip =
        out.len().checked_sub(operand.len()).ok_or_else(|| Error::config("batch dimensions do not broadcast"))?;
    let mut map = vec![0; total];
    for (index, slot) in map.iter_mut().enumerate() {
        let (mut rest, mut stride) = (index, 1);
        for d in (0..out.len()).rev() {
            let position = rest % out[d];
            rest /= out[d];
            if d >= skip {
                let extent = operand[d - skip];
                if extent != 1 {
                    *slot += position * stride;
                }
                stride *= extent;
            }
        }
    }
    Ok(map)
}

impl Kernel for MatrixMultiply {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (a, b) = (call.input(0)?, call.input(1)?);
        let mut left = Operand::new(a.dims(), self.ops[0], true)?;
        let mut right = Operand::new(b.dims(), self.ops[1], false)?;
        let refused = || Error::config(format!("matrices of {} and {} do not multiply", a.dims(), b.dims()));
        if left.columns != right.rows {
            return Err(refused());
        }
        let rank = left.batch.len().max(right.batch.len());
        let padded = |batch: &[usize]| [vec![1; rank - batch.len()], batch.to_vec()].concat();
        let (p, q) = (padded(&left.batch), padded(&right.batch));
        let mut batch = Vec::with_capacity(rank);
        for (&l, &r) in p.iter().zip(&q) {
            if l != r && l != 1 && r != 1 {
                return Err(refused());
            }
            batch.push(if l == 1 { r } else { l });
        }
        let out = call.output(0)?;
        let total: usize = batch.iter().product();
        if out.len() != total * left.rows * right.columns {
            return Err(refused());
        }
        if out.is_empty() {
            return Ok(());
        }
        // A right side without batch multiplies all rows of the left side at once.
        if right.batch.iter().all(|&d| d == 1) && left.column_stride == 1 && self.ops[0] != MatrixOperation::Transpose {
            left.rows *= total;
            left.row_stride = left.columns;
            for batch in [&mut batch, &mut left.batch, &mut right.batch] {
                batch.clear();
            }
        }
        let (from_left, from_right) = (batch_map(&left.batch, &batch)?, batch_map(&right.batch, &batch)?);
        let (x, y) = (convert::load(&a)?, convert::load(&b)?);
        let size = left.rows * right.columns;
        convert::fill(out, |out| {
            let one = |(index, out): (usize, &mut [f32])| {
                let a = &x[from_left[index] * left.len()..][..left.len()];
                let entry = from_right[index];
                match self.right.as_ref().and_then(|packed| packed.get(entry)) {
                    Some(packed) => {
                        let lhs = Left::pack(a, left.rows, left.columns, left.row_stride, left.column_stride);
                        multiply(&lhs, packed.as_right(), None, Grid::dense(right.columns), out, right.columns);
                    }
                    None => product(a, &left, &y[entry * right.len()..][..right.len()], &right, out),
                }
            };
            if from_left.len() == 1 || rayon::current_num_threads() == 1 {
                out.chunks_exact_mut(size).enumerate().for_each(one);
            } else {
                out.par_chunks_exact_mut(size).enumerate().for_each(one);
            }
            Ok(())
        })
    }
}

/// One product of matrices that are both known only now.
pub(super) fn product(a: &[f32], left: &Operand, b: &[f32], right: &Operand, out: &mut [f32]) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    let contiguous_depth = left.column_stride == 1 && right.row_stride == 1;
    if contiguous_depth && (rows <= 2 || columns <= 2) {
        for (m, line) in out.chunks_exact_mut(columns).enumerate() {
            let a = &a[m * left.row_stride..][..depth];
            for (n, slot) in line.iter_mut().enumerate() {
                *slot = dot(a, &b[n * right.column_stride..][..depth]);
            }
        }
        return;
    }
    let lhs = Left::pack(a, rows, depth, left.row_stride, left.column_stride);
    let grid = Grid::dense(columns);
    let offsets: Option<Vec<u32>> = (rows <= UNPACKED_ROWS && right.column_stride == 1)
        .then(|| (0..depth).map(|k| u32::try_from(k * right.row_stride).ok()).collect())
        .flatten();
    if let Some(offsets) = offsets {
        let panel_stride = TileShape::of(Isa::detect()).columns;
        multiply(&lhs, Right { data: b, offsets: &offsets, panel_stride, columns }, None, grid, out, columns);
    } else {
        multiply(&lhs, pack_right(b, right).as_right(), None, grid, out, columns);
    }
}

#[cfg(test)]
mod tests;
