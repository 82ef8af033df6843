//! Tensors made from nothing but numbers: ranges, random values, triangles, sums along an axis.

use tensorrt_sys::{CumulativeOperation, DataType, ElementWiseOperation, FillOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{Fill, LayerKind, TensorId};
use crate::onnx::data_type;
use crate::onnx::error::{Refusal, Result};
use crate::tensor::Dims;

pub(super) const OPS: Table = &[
    ("CumSum", cum_sum),
    ("RandomNormal", |c| random(c, FillOperation::RandomNormal, false)),
    ("RandomNormalLike", |c| random(c, FillOperation::RandomNormal, true)),
    ("RandomUniform", |c| random(c, FillOperation::RandomUniform, false)),
    ("RandomUniformLike", |c| random(c, FillOperation::RandomUniform, true)),
    ("Range", range),
    ("Trilu", trilu),
];

fn cum_sum(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let axis = match c.known_ints(1).as_deref() {
        Some([axis]) => {
            let axis = i64::try_from(c.axis(*axis, c.rank(x))?).unwrap_or(0);
            c.int_scalar(axis)?
        }
        _ => {
            let axis = c.input(1)?;
            if c.rank(axis) == 0 { axis } else { c.reshape(axis, &[])? }
        }
    };
    let (exclusive, reverse) = (c.int_or("exclusive", 0)? != 0, c.int_or("reverse", 0)? != 0);
    let op = CumulativeOperation::Sum;
    one(c.add(LayerKind::Cumulative { op, exclusive, reverse }, &[x, axis])?)
}

fn linspace(to: DataType) -> Fill {
    Fill { op: FillOperation::Linspace, dims: Dims::scalar(), alpha: 0.0, beta: 1.0, alpha_int64: 0, beta_int64: 1, to }
}

/// 0, 1, 2, … as int64 in one dimension.
pub(super) fn iota(c: &mut Context<'_>, length: &Shape) -> Result<TensorId> {
    let mut fill = linspace(DataType::Int64);
    if let Shape::Known(length) = length {
        fill.dims = Dims::new(length)?;
        return c.add(LayerKind::Fill(fill), &[]);
    }
    fill.dims = Dims::new(&[Dims::DYNAMIC])?;
    let length = c.shape_tensor(length)?;
    // A computed length makes the other parameters inputs too.
    let start = c.int_scalar(0)?;
    let step = c.int_vector(&[1])?;
    c.add(LayerKind::Fill(fill), &[length, start, step])
}

/// start, start + delta, … up to the limit, which it leaves out.
fn range(c: &mut Context<'_>) -> Result<Outputs> {
    let mut scalars = Vec::with_capacity(3);
    for index in 0..3 {
        let x = c.input(index)?;
        scalars.push(if c.rank(x) == 0 { x } else { c.reshape(x, &[])? });
    }
    let [start, limit, delta] = *scalars else {
        return Err(Refusal::invalid("Range has three inputs"));
    };
    let dtype = c.dtype(start);
    let length = match dtype {
        DataType::Int32 | DataType::Int64 => {
            let mut wide =
                [c.cast(start, DataType::Int64)?, c.cast(limit, DataType::Int64)?, c.cast(delta, DataType::Int64)?];
            for id in &mut wide {
                *id = c.reshape(*id, &[1])?;
            }
            let known = |c: &Context<'_>, index: usize| match c.known_ints(index) {
                Some(values) if values.len() == 1 => Shape::Known(values),
                _ => Shape::Tensor(wide[index], 1),
            };
            let (from, to, step) = (known(c, 0), known(c, 1), known(c, 2));
            if step == Shape::Known(vec![0]) {
                return Err(Refusal::invalid("delta is 0"));
            }
            let span = c.shape_sub(&to, &from)?;
            let length = c.shape_ceil_div(&span, &step)?;
            c.shape_max(&length, &Shape::Known(vec![0]))?
        }
        DataType::Float => {
            let span = c.binary(ElementWiseOperation::Sub, limit, start)?;
            let steps = c.binary(ElementWiseOperation::Div, span, delta)?;
            let steps = c.unary(UnaryOperation::Ceil, steps)?;
            let steps = c.binary_scalar(ElementWiseOperation::Max, steps, 0.0)?;
            let steps = c.cast(steps, DataType::Int64)?;
            Shape::Tensor(c.reshape(steps, &[1])?, 1)
        }
        other => return Err(Refusal::datatype(format!("a range of {} is not supported", other.name()))),
    };
    let mut fill = linspace(dtype);
    fill.dims = Dims::new(&[Dims::DYNAMIC])?;
    if let (Shape::Known(length), Some([alpha]), Some([beta])) =
        (&length, c.known_ints(0).as_deref(), c.known_ints(2).as_deref())
    {
        fill.dims = Dims::new(length)?;
        (fill.alpha_int64, fill.beta_int64) = (*alpha, *beta);
        #[expect(clippy::cast_precision_loss, reason = "integer fills use the integer fields")]
        {
            (fill.alpha, fill.beta) = (*alpha as f64, *beta as f64);
        }
        return one(c.add(LayerKind::Fill(fill), &[])?);
    }
    let length = c.shape_tensor(&length)?;
    let step = c.reshape(delta, &[1])?;
    one(c.add(LayerKind::Fill(fill), &[length, start, step])?)
}

/// TensorRT draws without a seed; ONNX does not say which values a seed stands for.
fn random(c: &mut Context<'_>, op: FillOperation, like: bool) -> Result<Outputs> {
    let shape = if like {
        let x = c.input(0)?;
        c.shape_of(x)?
    } else {
        Shape::Known(c.ints("shape")?.ok_or_else(|| Refusal::invalid("attribute shape is missing"))?)
    };
    let to = match c.int("dtype")? {
        Some(dtype) => data_type::convert(i32::try_from(dtype).unwrap_or(i32::MAX))?,
        None if like => c.input_type(0)?,
        None => DataType::Float,
    };
    if !matches!(to, DataType::Float | DataType::Half) {
        return Err(Refusal::datatype(format!("random values of {} are not supported", to.name())));
    }
    let (alpha, beta) = if op == FillOperation::RandomNormal {
        (c.float_or("mean", 0.0)?, c.float_or("scale", 1.0)?)
    } else {
        (c.float_or("low", 0.0)?, c.float_or("high", 1.0)?)
    };
    let mut fill = Fill { op, alpha: alpha.into(), beta: beta.into(), ..linspace(to) };
    if let Shape::Known(extents) = &shape {
        fill.dims = Dims::new(extents)?;
        return one(c.add(LayerKind::Fill(fill), &[])?);
    }
    fill.dims = Dims::splat(Dims::DYNAMIC, shape.len());
    let extents = c.shape_tensor(&shape)?;
    let (alpha, beta) = (c.number(to, alpha.into(), 0)?, c.number(to, beta.into(), 0)?);
    one(c.add(LayerKind::Fill(fill), &[extents, alpha, beta])?)
}

/// The upper or lower triangle of the last two dimensions, zeros elsewhere.
fn trilu(c: &mut Context<'_>) -> Result<Outputs> {
    let upper = c.int_or("upper", 1)? != 0;
    let x = c.input(0)?;
    let rank = c.rank(x);
    if rank < 2 {
        return Err(Refusal::shape(format!("an input of rank {rank} has no triangle")));
    }
    let extents = c.shape_of(x)?;
    let height = c.shape_pick(&extents, &[rank - 2])?;
    let width = c.shape_pick(&extents, &[rank - 1])?;
    let rows = iota(c, &height)?;
    let rows = c.unsqueeze(rows, &[1])?;
    let columns = iota(c, &width)?;
    let columns = c.unsqueeze(columns, &[0])?;
    let diagonal = if c.has(1) {
        let k = c.input(1)?;
        let k = c.cast(k, DataType::Int64)?;
        let k = c.reshape(k, &[1, 1])?;
        c.binary(ElementWiseOperation::Sum, rows, k)?
    } else {
        rows
    };
    // What lies on the other side of the diagonal becomes 0.
    let op = if upper { ElementWiseOperation::Less } else { ElementWiseOperation::Greater };
    let outside = c.binary(op, columns, diagonal)?;
    let zeros = c.scalar_like(x, 0.0)?;
    one(c.select(outside, zeros, x)?)
}
