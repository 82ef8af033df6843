//! Window functions of signal processing.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use super::generate::iota;
use crate::graph::TensorId;
use crate::onnx::data_type;
use crate::onnx::error::Result;

pub(super) const OPS: Table = &[
    ("BlackmanWindow", |c| cosines(c, [0.42, -0.5, 0.08])),
    ("HammingWindow", |c| cosines(c, [25.0 / 46.0, -21.0 / 46.0, 0.0])),
    ("HannWindow", |c| cosines(c, [0.5, -0.5, 0.0])),
];

/// a₀ + a₁ cos(2πn/N) + a₂ cos(4πn/N), with N one less where the window is symmetric.
fn cosines(c: &mut Context<'_>, [constant, first, second]: [f64; 3]) -> Result<Outputs> {
    let periodic = c.int_or("periodic", 1)? != 0;
    let to = match c.int("output_datatype")? {
        Some(elem_type) => data_type::convert(i32::try_from(elem_type).unwrap_or(i32::MAX))?,
        None => DataType::Float,
    };
    let size = c.known_ints(0).filter(|values| values.len() == 1);
    let length = match size {
        Some(values) => Shape::Known(values),
        None => {
            let size = c.input(0)?;
            let size = c.cast(size, DataType::Int64)?;
            Shape::Tensor(c.reshape(size, &[1])?, 1)
        }
    };
    let steps = iota(c, &length)?;
    let steps = c.cast(steps, DataType::Float)?;
    let whole = if periodic { length } else { c.shape_sub(&length, &Shape::Known(vec![1]))? };
    let whole = c.shape_tensor(&whole)?;
    let whole = c.cast(whole, DataType::Float)?;
    let wave = |c: &mut Context<'_>, times: f64| -> Result<TensorId> {
        let angle = c.binary_scalar(Op::Prod, steps, times * std::f64::consts::TAU)?;
        let angle = c.binary(Op::Div, angle, whole)?;
        c.unary(UnaryOperation::Cos, angle)
    };
    let base = wave(c, 1.0)?;
    let base = c.binary_scalar(Op::Prod, base, first)?;
    let mut y = c.binary_scalar(Op::Sum, base, constant)?;
    if second != 0.0 {
        let double = wave(c, 2.0)?;
        let double = c.binary_scalar(Op::Prod, double, second)?;
        y = c.binary(Op::Sum, y, double)?;
    }
    one(c.cast(y, to)?)
}
