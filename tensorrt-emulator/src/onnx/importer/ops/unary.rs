//! Functions of each element.

use tensorrt_sys::{DataType, ElementWiseOperation, UnaryOperation as Op};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::onnx::error::Result;

pub(super) const OPS: Table = &[
    ("Abs", |c| unary(c, Op::Abs)),
    ("Acos", |c| unary(c, Op::Acos)),
    ("Acosh", |c| unary(c, Op::Acosh)),
    ("Asin", |c| unary(c, Op::Asin)),
    ("Asinh", |c| unary(c, Op::Asinh)),
    ("Atan", |c| unary(c, Op::Atan)),
    ("Atanh", |c| unary(c, Op::Atanh)),
    ("Ceil", |c| unary(c, Op::Ceil)),
    ("Cos", |c| unary(c, Op::Cos)),
    ("Cosh", |c| unary(c, Op::Cosh)),
    ("Erf", |c| unary(c, Op::Erf)),
    ("Exp", |c| unary(c, Op::Exp)),
    ("Floor", |c| unary(c, Op::Floor)),
    ("IsInf", is_inf),
    ("IsNaN", |c| unary(c, Op::Isnan)),
    ("Log", |c| unary(c, Op::Log)),
    ("Neg", |c| unary(c, Op::Neg)),
    ("Not", |c| unary(c, Op::Not)),
    ("Reciprocal", |c| unary(c, Op::Recip)),
    ("Round", |c| unary(c, Op::Round)),
    ("Sign", |c| unary(c, Op::Sign)),
    ("Sin", |c| unary(c, Op::Sin)),
    ("Sinh", |c| unary(c, Op::Sinh)),
    ("Sqrt", |c| unary(c, Op::Sqrt)),
    ("Tan", |c| unary(c, Op::Tan)),
];

fn unary(c: &mut Context<'_>, op: Op) -> Result<Outputs> {
    let x = c.input(0)?;
    one(c.unary(op, x)?)
}

fn is_inf(c: &mut Context<'_>) -> Result<Outputs> {
    let (positive, negative) = (c.int_or("detect_positive", 1)? != 0, c.int_or("detect_negative", 1)? != 0);
    let x = c.input(0)?;
    let infinite = c.unary(Op::Isinf, x)?;
    let sign = match (positive, negative) {
        (true, true) => return one(infinite),
        (true, false) => c.binary_scalar(ElementWiseOperation::Greater, x, 0.0)?,
        (false, true) => c.binary_scalar(ElementWiseOperation::Less, x, 0.0)?,
        (false, false) => c.number(DataType::Bool, 0.0, c.rank(x))?,
    };
    one(c.binary(ElementWiseOperation::And, infinite, sign)?)
}
