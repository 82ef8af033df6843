//! Normalizations over computed statistics.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, ReduceOperation, UnaryOperation};

use super::super::context::{Context, Outputs, mask, one};
use super::Table;
use crate::graph::{LayerKind, Normalization, TensorId};
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[
    ("GroupNormalization", group_normalization),
    ("InstanceNormalization", instance_normalization),
    ("LRN", lrn),
    ("LayerNormalization", layer_normalization),
    ("LpNormalization", lp_normalization),
    ("MeanVarianceNormalization", mean_variance_normalization),
    ("RMSNormalization", rms_normalization),
];

fn normalization(
    c: &mut Context<'_>,
    [x, scale, bias]: [TensorId; 3],
    axes: u32,
    groups: i64,
    epsilon: f32,
) -> Result<Outputs> {
    let kind = Normalization { epsilon, axes, groups, compute_precision: DataType::Float, v2: true };
    one(c.add(LayerKind::Normalization(kind), &[x, scale, bias])?)
}

/// A vector over the channels, in the second of `rank` dimensions.
fn per_channel(c: &mut Context<'_>, vector: TensorId, rank: usize) -> Result<TensorId> {
    if c.rank(vector) != 1 {
        return Err(Refusal::shape(format!("parameters of {} are not a vector", c.dims(vector))));
    }
    let axes: Vec<usize> = std::iter::once(0).chain(2..rank).collect();
    c.unsqueeze(vector, &axes)
}

fn instance_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    let epsilon = c.float_or("epsilon", 1e-5)?;
    let (x, scale, bias) = (c.input(0)?, c.input(1)?, c.input(2)?);
    let rank = c.rank(x);
    if rank < 3 {
        return Err(Refusal::shape(format!("an input of {} has no spatial dimensions", c.dims(x))));
    }
    let (scale, bias) = (per_channel(c, scale, rank)?, per_channel(c, bias, rank)?);
    normalization(c, [x, scale, bias], mask(2..rank), 1, epsilon)
}

/// Scale and bias are per channel since opset 21; the values per group before it are repeated for each of the group's channels.
fn group_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    let epsilon = c.float_or("epsilon", 1e-5)?;
    let groups = c.required_int("num_groups")?;
    let (x, mut scale, mut bias) = (c.input(0)?, c.input(1)?, c.input(2)?);
    let dims = c.dims(x);
    let rank = dims.rank();
    if rank < 3 {
        return Err(Refusal::shape(format!("an input of {dims} has no spatial dimensions")));
    }
    let channels = dims[1];
    if channels < 0 {
        return Err(Refusal::dynamic("the number of channels must be known"));
    }
    if groups < 1 || channels % groups != 0 {
        return Err(Refusal::invalid(format!("{groups} groups of {channels} channels")));
    }
    if c.opset < 21 {
        for vector in [&mut scale, &mut bias] {
            if *c.dims(*vector) != [groups] {
                return Err(Refusal::invalid(format!("parameters of {} for {groups} groups", c.dims(*vector))));
            }
            let column = c.reshape(*vector, &[groups, 1])?;
            let shape = super::super::shapes::Shape::Known(vec![groups, channels / groups]);
            let repeated = c.broadcast_to(column, &shape)?;
            *vector = c.reshape(repeated, &[channels])?;
        }
    }
    let (scale, bias) = (per_channel(c, scale, rank)?, per_channel(c, bias, rank)?);
    normalization(c, [x, scale, bias], mask(2..rank), groups, epsilon)
}

fn layer_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    c.at_most_outputs(1)?;
    let epsilon = c.float_or("epsilon", 1e-5)?;
    let (x, scale) = (c.input(0)?, c.input(1)?);
    let rank = c.rank(x);
    let axis = c.axis(c.int_or("axis", -1)?, rank)?;
    let bias = match c.optional(2)? {
        Some(bias) => bias,
        None => {
            let shape = c.shape_of(scale)?;
            c.filled(c.dtype(scale), 0.0, &shape)?
        }
    };
    let (scale, bias) = (c.lead_with_ones(scale, rank)?, c.lead_with_ones(bias, rank)?);
    normalization(c, [x, scale, bias], mask(axis..rank), 1, epsilon)
}

/// x / sqrt(mean(x²) + epsilon) · scale
fn rms_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    let epsilon = c.float_or("epsilon", 1e-5)?;
    let (input, scale) = (c.input(0)?, c.input(1)?);
    let rank = c.rank(input);
    let axis = c.axis(c.int_or("axis", -1)?, rank)?;
    let dtype = c.dtype(input);
    let x = c.cast(input, DataType::Float)?;
    let squares = c.binary(Op::Prod, x, x)?;
    let mean = c.reduce(ReduceOperation::Avg, squares, &(axis..rank).collect::<Vec<_>>(), true)?;
    let sum = c.binary_scalar(Op::Sum, mean, epsilon.into())?;
    let root = c.unary(UnaryOperation::Sqrt, sum)?;
    let normal = c.binary(Op::Div, x, root)?;
    let normal = c.cast(normal, dtype)?;
    one(c.binary(Op::Prod, normal, scale)?)
}

fn lrn(c: &mut Context<'_>) -> Result<Outputs> {
    let window = c.required_int("size")?;
    let (alpha, beta, k) = (c.float_or("alpha", 1e-4)?, c.float_or("beta", 0.75)?, c.float_or("bias", 1.0)?);
    let x = c.input(0)?;
    one(c.add(LayerKind::Lrn { window, alpha, beta, k }, &[x])?)
}

/// x / (Σ |x|^p)^(1/p); where that is 0, so is x.
fn lp_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    let p = c.int_or("p", 2)?;
    let x = c.input(0)?;
    let axis = c.axis(c.int_or("axis", -1)?, c.rank(x))?;
    let powers = match p {
        1 => c.unary(UnaryOperation::Abs, x)?,
        2 => c.binary(Op::Prod, x, x)?,
        other => return Err(Refusal::attribute(format!("p = {other} is not supported; 1 and 2 are"))),
    };
    let sum = c.reduce(ReduceOperation::Sum, powers, &[axis], true)?;
    let norm = if p == 2 { c.unary(UnaryOperation::Sqrt, sum)? } else { sum };
    let zero = c.binary_scalar(Op::Equal, norm, 0.0)?;
    let zero = c.cast(zero, c.dtype(norm))?;
    let divisor = c.binary(Op::Sum, norm, zero)?;
    one(c.binary(Op::Div, x, divisor)?)
}

/// (x − mean) / (deviation + 1e-9)
fn mean_variance_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let axes = c.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = c.axes(&axes, c.rank(x))?;
    let mean = c.reduce(ReduceOperation::Avg, x, &axes, true)?;
    let centred = c.binary(Op::Sub, x, mean)?;
    let squares = c.binary(Op::Prod, centred, centred)?;
    let variance = c.reduce(ReduceOperation::Avg, squares, &axes, true)?;
    let deviation = c.unary(UnaryOperation::Sqrt, variance)?;
    let divisor = c.binary_scalar(Op::Sum, deviation, 1e-9)?;
    one(c.binary(Op::Div, centred, divisor)?)
}
