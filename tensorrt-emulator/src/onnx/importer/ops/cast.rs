//! Conversions and pass-through.

use tensorrt_sys::{DataType, ElementWiseOperation};

use super::super::context::{Context, Outputs, one};
use super::super::scope::Value;
use super::Table;
use crate::graph::LayerKind;
use crate::onnx::data_type;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Cast", cast), ("CastLike", cast_like), ("Dropout", dropout), ("Identity", identity)];

fn convert(c: &mut Context<'_>, to: DataType) -> Result<Outputs> {
    if c.int_or("saturate", 1)? == 0 && to == DataType::Fp8 {
        return Err(Refusal::attribute("saturate = 0 is not supported"));
    }
    let x = c.input(0)?;
    one(c.add(LayerKind::Cast { to }, &[x])?)
}

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
