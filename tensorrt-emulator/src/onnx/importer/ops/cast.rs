//! Conversions and pass-through.

use tensorrt_sys::{DataType, ElementWiseOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::scope::Value;
use super::Table;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::data_type;
use crate::onnx::error::{Refusal, Result};
use crate::tensor::is_float;

pub(super) const OPS: Table = &[("Cast", cast), ("CastLike", cast_like), ("Dropout", dropout), ("Identity", identity)];

fn convert(c: &mut Context<'_>, to: DataType) -> Result<Outputs> {
    let mut x = c.input(0)?;
    if c.int_or("saturate", 1)? == 0 && to == DataType::Fp8 && is_float(c.dtype(x)) {
        x = without_overflow(c, x)?;
    }
    one(c.add(LayerKind::Cast { to }, &[x])?)
}

/// `x` with NaN in place of what rounds beyond fp8's largest value.
fn without_overflow(c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
    let size = c.unary(UnaryOperation::Abs, x)?;
    let beyond = c.binary_scalar(ElementWiseOperation::Greater, size, FP8_LIMIT)?;
    let nan = c.scalar_like(x, f64::NAN)?;
    c.select(beyond, nan, x)
}

/// Half way from fp8's largest value, 448, to the next that its mantissa could hold.
const FP8_LIMIT: f64 = 464.0;

fn cast(c: &mut Context<'_>) -> Result<Outputs> {
    let to = c.required_int("to")?;
    let to = data_type::convert(i32::try_from(to).unwrap_or(i32::MAX))?;
    convert(c, to)
}

fn cast_like(c: &mut Context<'_>) -> Result<Outputs> {
    let to = c.input_type(1)?;
    convert(c, to)
}

fn identity(c: &mut Context<'_>) -> Result<Outputs> {
    match c.value(0)? {
        Value::Weights(weights) => Ok(vec![Value::Weights(weights)]),
        Value::Tensor(x) => one(c.identity(x)?),
    }
}

/// Inference only: the input, and a mask that keeps everything.
fn dropout(c: &mut Context<'_>) -> Result<Outputs> {
    if c.has(2) {
        let training = c.const_ints(2, "training_mode")?;
        if training.is_some_and(|values| values.iter().any(|&v| v != 0)) {
            return Err(Refusal::input("training_mode = true is not supported"));
        }
    }
    let x = c.input(0)?;
    let y = c.identity(x)?;
    if !c.wants(1) {
        return one(y);
    }
    let shape = c.shape_of(x)?;
    let mask = if c.opset < 10 {
        c.filled(c.dtype(x), 1.0, &shape)?
    } else {
        let ones = c.filled(DataType::Int32, 1.0, &shape)?;
        c.binary_scalar(ElementWiseOperation::Equal, ones, 1.0)?
    };
    Ok(vec![y.into(), mask.into()])
}
