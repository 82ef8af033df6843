//! Operations on two or more tensors with broadcasting.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::TensorId;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[
    ("Add", |c| pair(c, Op::Sum)),
    ("And", |c| pair(c, Op::And)),
    ("Div", |c| pair(c, Op::Div)),
    ("Equal", equal),
    ("Greater", |c| pair(c, Op::Greater)),
    ("GreaterOrEqual", |c| or_equal(c, Op::Greater)),
    ("Less", |c| pair(c, Op::Less)),
    ("LessOrEqual", |c| or_equal(c, Op::Less)),
    ("Max", |c| fold(c, Op::Max)),
    ("Mean", mean),
    ("Min", |c| fold(c, Op::Min)),
    ("Mod", modulo),
    ("Mul", |c| pair(c, Op::Prod)),
    ("Or", |c| pair(c, Op::Or)),
    ("Pow", pow),
    ("Sub", |c| pair(c, Op::Sub)),
    ("Sum", |c| fold(c, Op::Sum)),
    ("Where", where_),
    ("Xor", |c| pair(c, Op::Xor)),
];

fn operands(c: &mut Context<'_>) -> Result<(TensorId, TensorId)> {
    if c.opset < 7 && (c.has_attribute("axis") || c.has_attribute("broadcast")) {
        return Err(Refusal::attribute("broadcasting by attributes (opset 6 and older) is not supported"));
    }
    Ok((c.input(0)?, c.input(1)?))
}

fn pair(c: &mut Context<'_>, op: Op) -> Result<Outputs> {
    let (a, b) = operands(c)?;
    one(c.binary(op, a, b)?)
}

/// Bytes are compared as int32, which the elementwise layer takes.
fn equal(c: &mut Context<'_>) -> Result<Outputs> {
    let (mut a, mut b) = operands(c)?;
    if c.dtype(a) == DataType::Uint8 && c.dtype(b) == DataType::Uint8 {
        (a, b) = (c.cast(a, DataType::Int32)?, c.cast(b, DataType::Int32)?);
    }
    one(c.binary(Op::Equal, a, b)?)
}

fn or_equal(c: &mut Context<'_>, op: Op) -> Result<Outputs> {
    let (a, b) = operands(c)?;
    let strict = c.binary(op, a, b)?;
    let equal = c.binary(Op::Equal, a, b)?;
    one(c.binary(Op::Or, strict, equal)?)
}

fn folded(c: &mut Context<'_>, op: Op) -> Result<TensorId> {
    let inputs = c.all_inputs()?;
    let (&first, rest) = inputs.split_first().ok_or_else(|| Refusal::invalid("there are no inputs"))?;
    if rest.is_empty() {
        return c.identity(first);
    }
    rest.iter().try_fold(first, |folded, &next| c.binary(op, folded, next))
}

fn fold(c: &mut Context<'_>, op: Op) -> Result<Outputs> {
    one(folded(c, op)?)
}

#[expect(clippy::cast_precision_loss, reason = "a node has few inputs")]
fn mean(c: &mut Context<'_>) -> Result<Outputs> {
    let sum = folded(c, Op::Sum)?;
    one(c.binary_scalar(Op::Div, sum, c.num_inputs() as f64)?)
}

/// The sign of the divisor for integers (`fmod` = 0), of the dividend with `fmod` = 1.
fn modulo(c: &mut Context<'_>) -> Result<Outputs> {
    let fmod = c.int_or("fmod", 0)?;
    let (a, b) = (c.input(0)?, c.input(1)?);
    let integer = matches!(c.dtype(a), DataType::Int32 | DataType::Int64);
    let quotient = match (fmod, integer) {
        (0, true) => c.binary(Op::FloorDiv, a, b)?,
        (0, false) => {
            let name = c.dtype(a).name();
            return Err(Refusal::datatype(format!("Mod on {name} needs fmod = 1")));
        }
        (_, true) => c.binary(Op::Div, a, b)?,
        (_, false) => {
            let quotient = c.binary(Op::Div, a, b)?;
            let (down, up) = (c.unary(UnaryOperation::Floor, quotient)?, c.unary(UnaryOperation::Ceil, quotient)?);
            let negative = c.binary_scalar(Op::Less, quotient, 0.0)?;
            c.select(negative, up, down)?
        }
    };
    let whole = c.binary(Op::Prod, quotient, b)?;
    one(c.binary(Op::Sub, a, whole)?)
}

/// Bases and exponents of unequal types meet in float; the result has the base's type.
fn pow(c: &mut Context<'_>) -> Result<Outputs> {
    let (base, exponent) = operands(c)?;
    let dtype = c.dtype(base);
    if dtype == c.dtype(exponent) {
        return one(c.binary(Op::Pow, base, exponent)?);
    }
    let (x, y) = (c.cast(base, DataType::Float)?, c.cast(exponent, DataType::Float)?);
    let power = c.binary(Op::Pow, x, y)?;
    one(c.cast(power, dtype)?)
}

fn where_(c: &mut Context<'_>) -> Result<Outputs> {
    let (condition, a, b) = (c.input(0)?, c.input(1)?, c.input(2)?);
    one(c.select(condition, a, b)?)
}
