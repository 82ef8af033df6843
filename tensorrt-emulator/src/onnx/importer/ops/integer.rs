//! Products of integers: exact sums of 8-bit products, by layers that multiply floats.
//!
//! A float holds every integer up to 2^24. Where a sum may exceed that, one operand is taken apart into 16 · high + low, whose products are
//! summed on their own and joined as int32.

use std::rc::Rc;

use tensorrt_sys::{DataType, ElementWiseOperation as Op, ReduceOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::scope::{Value, Weights};
use super::{Table, conv, matmul};
use crate::graph::{LayerKind, Quantization, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::{Dims, Tensor};

pub(super) const OPS: Table = &[
    ("ConvInteger", |c| one(convolution(c, Operand { value: 0, zero: 2 }, Operand { value: 1, zero: 3 })?)),
    ("DynamicQuantizeLinear", dynamic_quantize),
    ("MatMulInteger", |c| one(product(c, Operand { value: 0, zero: 2 }, Operand { value: 1, zero: 3 })?)),
    ("QLinearConv", qlinear_conv),
    ("QLinearMatMul", qlinear_matmul),
];

/// The largest integer up to which floats hold all.
const EXACT: f64 = 16_777_216.0;

/// The inputs of an integer operand and its zero point.
#[derive(Debug, Clone, Copy)]
struct Operand {
    value: usize,
    zero: usize,
}

/// An operand less its zero point, as floats, and the largest magnitude it may have.
#[derive(Debug)]
struct Centered {
    value: Value,
    bound: f64,
}

/// A parameter of one element, or of one along the axis that `trailing` others follow.
fn spread(c: &mut Context<'_>, x: TensorId, trailing: usize) -> Result<TensorId> {
    let dims = c.dims(x);
    match dims[..] {
        [1] => c.reshape(x, &[]),
        [_] => c.unsqueeze(x, &(1..=trailing).collect::<Vec<_>>()),
        _ => Ok(x),
    }
}

/// The operand less its zero point; a zero point of several elements lies along the axis that `trailing` others follow.
fn centered(c: &mut Context<'_>, operand: Operand, trailing: usize) -> Result<Centered> {
    let dtype = c.input_type(operand.value)?;
    if !matches!(dtype, DataType::Int8 | DataType::Uint8) {
        return Err(Refusal::datatype(format!("integers of {} are not supported", dtype.name())));
    }
    let zeros = c.weights(operand.zero).and_then(|weights| weights.tensor.view().to_i64().ok());
    let is_zero = !c.has(operand.zero) || zeros.as_ref().is_some_and(|zeros| zeros.iter().all(|&zero| zero == 0));
    let single = match zeros.as_deref() {
        _ if is_zero => Some(0),
        Some(&[zero]) => Some(zero),
        _ => None,
    };
    if let (Some(weights), Some(zero)) = (c.weights(operand.value), single) {
        let values = weights.tensor.view().to_i64()?;
        #[expect(clippy::cast_precision_loss, reason = "differences of bytes are small")]
        let floats: Vec<f32> = values.iter().map(|value| (value - zero) as f32).collect();
        let bound = floats.iter().fold(0.0f64, |bound, &value| bound.max(value.abs().into()));
        let tensor = Tensor::from_slice(*weights.tensor.dims(), &floats)?;
        return Ok(Centered { value: Value::Weights(Rc::new(Weights { name: weights.name.clone(), tensor })), bound });
    }
    let x = c.input(operand.value)?;
    let mut x = c.cast(x, DataType::Float)?;
    if !is_zero {
        let zero = c.input(operand.zero)?;
        let zero = c.cast(zero, DataType::Float)?;
        let zero = spread(c, zero, trailing)?;
        x = c.binary(Op::Sub, x, zero)?;
    }
    let bound = if is_zero && dtype == DataType::Int8 { 128.0 } else { 255.0 };
    Ok(Centered { value: Value::Tensor(x), bound })
}

/// The sums of `depth` products that `multiply` makes of the two operands, as int32.
fn summed(
    c: &mut Context<'_>,
    [a, b]: [&Centered; 2],
    depth: i64,
    multiply: impl Fn(&mut Context<'_>, Value, Value) -> Result<TensorId>,
) -> Result<TensorId> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate of the largest sum")]
    let largest = |bound: f64| depth as f64 * bound * b.bound;
    if depth >= 0 && largest(a.bound) < EXACT {
        let sum = multiply(c, a.value.clone(), b.value.clone())?;
        return c.cast(sum, DataType::Int32);
    }
    if depth < 0 || largest(16.0) >= EXACT {
        let count = if depth < 0 { "an unknown number".to_owned() } else { depth.to_string() };
        return Err(Refusal::shape(format!("sums of {count} of integer products are not supported")));
    }
    let x = tensor(c, a.value.clone())?;
    let high = c.binary_scalar(Op::Prod, x, 1.0 / 16.0)?;
    let high = c.unary(UnaryOperation::Floor, high)?;
    let whole = c.binary_scalar(Op::Prod, high, 16.0)?;
    let low = c.binary(Op::Sub, x, whole)?;
    let mut sums = Vec::with_capacity(2);
    for part in [high, low] {
        let sum = multiply(c, Value::Tensor(part), b.value.clone())?;
        sums.push(c.cast(sum, DataType::Int32)?);
    }
    let high = c.binary_scalar(Op::Prod, sums[0], 16.0)?;
    c.binary(Op::Sum, high, sums[1])
}

/// A value as a tensor; weights get a constant layer without a name.
fn tensor(c: &mut Context<'_>, value: Value) -> Result<TensorId> {
    match value {
        Value::Tensor(x) => Ok(x),
        Value::Weights(weights) => c.constant(&weights.tensor),
    }
}

/// A matrix product of integers, as int32.
fn product(c: &mut Context<'_>, a: Operand, b: Operand) -> Result<TensorId> {
    let (left, right) = (c.input_dims(a.value)?, c.input_dims(b.value)?);
    let known = |dims: &Dims, from_end: usize| dims.iter().rev().nth(from_end).copied().unwrap_or(-1);
    let depth = known(&left, 0).max(known(&right, usize::from(right.rank() > 1)));
    let (a, b) = (centered(c, a, 1)?, centered(c, b, 0)?);
    summed(c, [&a, &b], depth, |c, a, b| {
        let (a, b) = (tensor(c, a)?, tensor(c, b)?);
        matmul::product(c, a, b)
    })
}

/// A convolution of integers, as int32.
fn convolution(c: &mut Context<'_>, x: Operand, w: Operand) -> Result<TensorId> {
    let extents = c.input_dims(w.value)?;
    let depth = extents.get(1..).unwrap_or(&[]).iter().try_fold(1i64, |product, &d| product.checked_mul(d));
    let depth = depth.filter(|_| extents.is_static()).unwrap_or(-1);
    let (x, w) = (centered(c, x, 0)?, centered(c, w, extents.rank().saturating_sub(1))?);
    let given = c.inputs.clone();
    let sums = summed(c, [&x, &w], depth, |c, x, w| {
        // Constant data gets a layer here: by its input's name it would stand for the integers.
        let x = tensor(c, x)?;
        c.inputs = vec![Some(Value::Tensor(x)), Some(w)];
        conv::convolve(c)
    });
    c.inputs = given;
    sums
}

/// Integers to 8 bits again: rounded products with scale(a) · scale(b) / scale(y), plus the zero point.
fn requantized(c: &mut Context<'_>, sums: TensorId, multiplier: TensorId, scale: usize) -> Result<Outputs> {
    let y_scale = float(c, scale, 0)?;
    let multiplier = c.binary(Op::Div, multiplier, y_scale)?;
    let sums = c.cast(sums, DataType::Float)?;
    let scaled = c.binary(Op::Prod, sums, multiplier)?;
    let (to, zero) = (c.input_type(scale + 1)?, c.input(scale + 1)?);
    if !matches!(to, DataType::Int8 | DataType::Uint8) {
        return Err(Refusal::datatype(format!("quantization to {} is not supported", to.name())));
    }
    let zero = spread(c, zero, 0)?;
    if c.rank(zero) != 0 {
        return Err(Refusal::shape(format!("an output's zero point of dimensions {}", c.dims(zero))));
    }
    let unit = c.number(DataType::Float, 1.0, 0)?;
    let kind = LayerKind::Quantize(Quantization { axis: -1, to, block_shape: None });
    one(c.add(kind, &[scaled, unit, zero])?)
}

/// A scale as float.
fn float(c: &mut Context<'_>, index: usize, trailing: usize) -> Result<TensorId> {
    let scale = c.input(index)?;
    let scale = c.cast(scale, DataType::Float)?;
    spread(c, scale, trailing)
}

fn qlinear_matmul(c: &mut Context<'_>) -> Result<Outputs> {
    let sums = product(c, Operand { value: 0, zero: 2 }, Operand { value: 3, zero: 5 })?;
    let (a, b) = (float(c, 1, 1)?, float(c, 4, 0)?);
    let multiplier = c.binary(Op::Prod, a, b)?;
    requantized(c, sums, multiplier, 6)
}

fn qlinear_conv(c: &mut Context<'_>) -> Result<Outputs> {
    let trailing = c.input_dims(3)?.rank().saturating_sub(2);
    let mut sums = convolution(c, Operand { value: 0, zero: 2 }, Operand { value: 3, zero: 5 })?;
    if let Some(bias) = c.optional(8)? {
        let bias = c.unsqueeze(bias, &(1..=trailing).collect::<Vec<_>>())?;
        sums = c.binary(Op::Sum, sums, bias)?;
    }
    let (x, w) = (float(c, 1, 0)?, float(c, 4, trailing)?);
    let multiplier = c.binary(Op::Prod, x, w)?;
    requantized(c, sums, multiplier, 6)
}

/// To uint8 with the scale and the zero point that the smallest and the largest element ask for; 0 is always in the range.
fn dynamic_quantize(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let axes: Vec<usize> = (0..c.rank(x)).collect();
    let high = c.reduce(ReduceOperation::Max, x, &axes, false)?;
    let high = c.binary_scalar(Op::Max, high, 0.0)?;
    let low = c.reduce(ReduceOperation::Min, x, &axes, false)?;
    let low = c.binary_scalar(Op::Min, low, 0.0)?;
    let range = c.binary(Op::Sub, high, low)?;
    let scale = c.binary_scalar(Op::Div, range, 255.0)?;
    // Zeros only: any scale does.
    let none = c.binary_scalar(Op::Equal, range, 0.0)?;
    let unit = c.scalar_like(scale, 1.0)?;
    let scale = c.select(none, unit, scale)?;
    let zero = c.binary(Op::Div, low, scale)?;
    let zero = c.unary(UnaryOperation::Neg, zero)?;
    let zero = c.unary(UnaryOperation::Round, zero)?;
    let zero = c.binary_scalar(Op::Min, zero, 255.0)?;
    let zero = c.binary_scalar(Op::Max, zero, 0.0)?;
    let zero = c.cast(zero, DataType::Uint8)?;
    let kind = LayerKind::Quantize(Quantization { axis: -1, to: DataType::Uint8, block_shape: None });
    let y = c.add(kind, &[x, scale, zero])?;
    Ok([y, scale, zero].map(Value::from).to_vec())
}
