//! Activation functions.

use tensorrt_sys::{ActivationType, DataType, ElementWiseOperation, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::LayerKind;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[
    ("Celu", celu),
    ("Clip", clip),
    ("Elu", |c| with_alpha(c, ActivationType::Elu, 1.0)),
    ("Gelu", gelu),
    ("HardSigmoid", hard_sigmoid),
    ("HardSwish", hard_swish),
    ("LeakyRelu", |c| with_alpha(c, ActivationType::LeakyRelu, 0.01)),
    ("Mish", mish),
    ("PRelu", prelu),
    ("Relu", |c| plain(c, ActivationType::Relu)),
    ("ScaledTanh", scaled_tanh),
    ("Selu", selu),
    ("Shrink", shrink),
    ("Sigmoid", |c| plain(c, ActivationType::Sigmoid)),
    ("Softplus", softplus),
    ("Softsign", |c| plain(c, ActivationType::Softsign)),
    ("Swish", swish),
    ("Tanh", |c| plain(c, ActivationType::Tanh)),
    ("ThresholdedRelu", |c| with_alpha(c, ActivationType::ThresholdedRelu, 1.0)),
];

fn plain(c: &mut Context<'_>, op: ActivationType) -> Result<Outputs> {
    let x = c.input(0)?;
    one(c.activation(op, x, 0.0, 0.0)?)
}

fn with_alpha(c: &mut Context<'_>, op: ActivationType, default: f32) -> Result<Outputs> {
    let alpha = c.float_or("alpha", default)?;
    let x = c.input(0)?;
    one(c.activation(op, x, alpha, 0.0)?)
}

/// max(0, x) + min(0, alpha · (exp(x / alpha) − 1))
fn celu(c: &mut Context<'_>) -> Result<Outputs> {
    let alpha = f64::from(c.float_or("alpha", 1.0)?);
    let x = c.input(0)?;
    let scaled = c.binary_scalar(ElementWiseOperation::Div, x, alpha)?;
    let raised = c.unary(UnaryOperation::Exp, scaled)?;
    let less = c.binary_scalar(ElementWiseOperation::Sub, raised, 1.0)?;
    let bent = c.binary_scalar(ElementWiseOperation::Prod, less, alpha)?;
    let low = c.binary_scalar(ElementWiseOperation::Min, bent, 0.0)?;
    let high = c.binary_scalar(ElementWiseOperation::Max, x, 0.0)?;
    one(c.binary(ElementWiseOperation::Sum, high, low)?)
}

/// Bounds that are attributes or weights of a float become one activation; any other are applied one after the other.
fn clip(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let (low, high) = match c.dtype(x) {
        DataType::Half => (-65504.0, 65504.0),
        _ => (f32::MIN, f32::MAX),
    };
    if c.opset < 11 {
        let (low, high) = (c.float_or("min", low)?, c.float_or("max", high)?);
        return one(c.activation(ActivationType::Clip, x, low, high)?);
    }
    let float = matches!(c.dtype(x), DataType::Float | DataType::Half | DataType::Bf16);
    let known = |index: usize| !c.has(index) || c.weights(index).is_some();
    if float && known(1) && known(2) {
        let bound = |index: usize, default: f32| -> Result<f32> {
            match c.const_floats(index, "the bound")?.as_deref() {
                None => Ok(default),
                #[expect(clippy::cast_possible_truncation, reason = "the bound has the input's type, at most float")]
                Some([value]) => Ok(*value as f32),
                Some(values) => Err(Refusal::invalid(format!("a bound of {} elements", values.len()))),
            }
        };
        let (low, high) = (bound(1, low)?, bound(2, high)?);
        // ONNX takes the upper bound last: where the bounds cross, everything becomes it.
        return one(c.activation(ActivationType::Clip, x, low.min(high), high)?);
    }
    let mut y = x;
    for (index, op) in [(1, ElementWiseOperation::Max), (2, ElementWiseOperation::Min)] {
        if let Some(bound) = c.optional(index)? {
            y = c.binary(op, y, bound)?;
        }
    }
    if y == x { one(c.identity(x)?) } else { one(y) }
}

fn gelu(c: &mut Context<'_>) -> Result<Outputs> {
    let op = match c.string_or("approximate", "none")? {
        "none" => ActivationType::GeluErf,
        "tanh" => ActivationType::GeluTanh,
        other => return Err(Refusal::attribute(format!("approximate = {other} is not supported"))),
    };
    plain(c, op)
}

fn hard_sigmoid(c: &mut Context<'_>) -> Result<Outputs> {
    let (alpha, beta) = (c.float_or("alpha", 0.2)?, c.float_or("beta", 0.5)?);
    let x = c.input(0)?;
    one(c.activation(ActivationType::HardSigmoid, x, alpha, beta)?)
}

fn hard_swish(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let gate = c.activation(ActivationType::HardSigmoid, x, 1.0 / 6.0, 0.5)?;
    one(c.binary(ElementWiseOperation::Prod, x, gate)?)
}

fn mish(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let soft = c.activation(ActivationType::Softplus, x, 1.0, 1.0)?;
    let gate = c.activation(ActivationType::Tanh, soft, 0.0, 0.0)?;
    one(c.binary(ElementWiseOperation::Prod, x, gate)?)
}

fn prelu(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let slope = c.input(1)?;
    let slope = c.lead_with_ones(slope, c.rank(x))?;
    one(c.add(LayerKind::ParametricRelu, &[x, slope])?)
}

fn scaled_tanh(c: &mut Context<'_>) -> Result<Outputs> {
    let (alpha, beta) = (c.float_or("alpha", 1.0)?, c.float_or("beta", 1.0)?);
    let x = c.input(0)?;
    one(c.activation(ActivationType::ScaledTanh, x, alpha, beta)?)
}

fn selu(c: &mut Context<'_>) -> Result<Outputs> {
    let (alpha, gamma) = (c.float_or("alpha", 1.673_263_2)?, c.float_or("gamma", 1.050_701)?);
    let x = c.input(0)?;
    one(c.activation(ActivationType::Selu, x, alpha, gamma)?)
}

/// x + bias below −lambd, x − bias above lambd, 0 between.
fn shrink(c: &mut Context<'_>) -> Result<Outputs> {
    let (bias, lambd) = (f64::from(c.float_or("bias", 0.0)?), f64::from(c.float_or("lambd", 0.5)?));
    let input = c.input(0)?;
    let dtype = c.dtype(input);
    let float = matches!(dtype, DataType::Float | DataType::Half | DataType::Bf16);
    let x = if float { input } else { c.cast(input, DataType::Float)? };
    let zero = c.scalar_like(x, 0.0)?;
    let above = c.binary_scalar(ElementWiseOperation::Greater, x, lambd)?;
    let less = c.binary_scalar(ElementWiseOperation::Sub, x, bias)?;
    let upper = c.select(above, less, zero)?;
    let below = c.binary_scalar(ElementWiseOperation::Less, x, -lambd)?;
    let more = c.binary_scalar(ElementWiseOperation::Sum, x, bias)?;
    let y = c.select(below, more, upper)?;
    one(c.cast(y, dtype)?)
}

fn softplus(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    one(c.activation(ActivationType::Softplus, x, 1.0, 1.0)?)
}

/// x · sigmoid(alpha · x)
fn swish(c: &mut Context<'_>) -> Result<Outputs> {
    let alpha = f64::from(c.float_or("alpha", 1.0)?);
    let x = c.input(0)?;
    let scaled = c.binary_scalar(ElementWiseOperation::Prod, x, alpha)?;
    let gate = c.activation(ActivationType::Sigmoid, scaled, 0.0, 0.0)?;
    one(c.binary(ElementWiseOperation::Prod, x, gate)?)
}
