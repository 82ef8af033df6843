//! Rules of one operator or of a few.

use tensorrt_sys::DataType;

use super::super::data_type;
use super::super::error::{Refusal, Result};
use super::super::importer::{Context, Value};
use crate::graph::{LayerKind, TensorId};

/// One operator's rule.
type Rule = fn(&Context<'_>) -> Result<()>;

#[rustfmt::skip]
const TABLE: &[(&[&str], Rule)] = &[
    (&["AveragePool", "LpPool", "MaxPool"], undilated),
    (&["BatchNormalization"], no_training),
    (&["BatchNormalization", "LayerNormalization", "MaxPool"], one_output),
    (&["Clip"], clip),
    (&["DequantizeLinear", "QuantizeLinear"], quantization),
    (&["Dropout"], dropout),
    (&["LpPool"], |c| only(c, "p", c.int_or("p", 2)?, &[1, 2])),
    (&["MatMul"], matmul),
    (&["Mod"], modulo),
    (&["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"], random),
    (
        &[
            "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
            "ReduceSumSquare",
        ],
        |c| constant(c, 1, "the axes"),
    ),
    (&["Resize"], resize),
    (&["STFT"], |c| constant(c, 1, "the frame step")),
    (&["ScatterElements", "ScatterND"], scatter),
    (&["Squeeze", "Unsqueeze"], axes_known),
];

/// Refuses a node that breaks a rule of its operator.
pub(super) fn check(c: &Context<'_>) -> Result<()> {
    let operator = c.node.op_type.as_str();
    TABLE.iter().filter(|(operators, _)| operators.contains(&operator)).try_for_each(|(_, rule)| rule(c))
}

fn refuse(c: &Context<'_>, what: &str) -> Result<()> {
    Err(Refusal::node(format!("NVIDIA's parser takes no {} with {what}", c.node.op_type)))
}

fn only(c: &Context<'_>, name: &str, value: i64, allowed: &[i64]) -> Result<()> {
    if allowed.contains(&value) { Ok(()) } else { refuse(c, &format!("{name} = {value}")) }
}

fn undilated(c: &Context<'_>) -> Result<()> {
    match c.ints("dilations")? {
        Some(dilations) if dilations.iter().any(|&dilation| dilation != 1) => refuse(c, "dilations"),
        _ => Ok(()),
    }
}

fn no_training(c: &Context<'_>) -> Result<()> {
    only(c, "training_mode", c.int_or("training_mode", 0)?, &[0])
}

fn one_output(c: &Context<'_>) -> Result<()> {
    if c.node.output.len() > 1 { refuse(c, "more than one output") } else { Ok(()) }
}

/// Limits that are inputs make it a minimum and a maximum, which eight bits have not.
fn clip(c: &Context<'_>) -> Result<()> {
    if c.node.input.len() > 1 && c.input_type(0)? == DataType::Int8 {
        return refuse(c, "limits of eight bits");
    }
    Ok(())
}

fn quantization(c: &Context<'_>) -> Result<()> {
    if c.has(2) && !is_fp8(c, 2)? && c.weights(2).is_some_and(|zero| zero.tensor.view().bytes().iter().any(|&b| b != 0))
    {
        return refuse(c, "a zero point that is not zero");
    }
    let dtype = c.input_type(0)?;
    let elements = c.input_dims(0)?;
    let elements =
        elements.iter().try_fold(1i64, |all, &extent| if extent < 0 { None } else { all.checked_mul(extent) });
    if matches!(dtype, DataType::Int4 | DataType::Fp4) && elements.is_some_and(|elements| elements % 2 != 0) {
        return refuse(c, "an odd number of elements of four bits");
    }
    let quantized = |id| producer(c, id).is_some_and(|kind| matches!(kind, LayerKind::Quantize(_)));
    if dtype == DataType::Uint8 && !tensor(c, 0).is_some_and(quantized) {
        return refuse(c, "elements of uint8 that no QuantizeLinear made");
    }
    Ok(())
}

fn is_fp8(c: &Context<'_>, index: usize) -> Result<bool> {
    Ok(matches!(c.input_type(index)?, DataType::Fp8 | DataType::Fp4))
}

fn dropout(c: &Context<'_>) -> Result<()> {
    if c.has(2) && c.weights(2).is_none() {
        return refuse(c, "a training mode that is not a constant");
    }
    Ok(())
}

/// The vector is made a matrix in a way that loses the batch.
fn matmul(c: &Context<'_>) -> Result<()> {
    if c.input_dims(0)?.rank() == 1 && c.input_dims(1)?.rank() > 2 {
        return refuse(c, "a vector before a batch of matrices");
    }
    Ok(())
}

fn modulo(c: &Context<'_>) -> Result<()> {
    let integers = matches!(c.input_type(0)?, DataType::Int32 | DataType::Int64);
    if integers || c.int_or("fmod", 0)? != 0 {
        Ok(())
    } else {
        refuse(c, "fmod = 0 and other types than int32 and int64")
    }
}

fn random(c: &Context<'_>) -> Result<()> {
    let dtype = c.int_or("dtype", data_type::FLOAT.into())?;
    only(c, "dtype", dtype, &[data_type::FLOAT.into(), data_type::FLOAT16.into()])
}

fn resize(c: &Context<'_>) -> Result<()> {
    let transformation = c.string_or("coordinate_transformation_mode", "half_pixel")?;
    if matches!(transformation, "half_pixel_symmetric" | "tf_crop_and_resize") {
        return refuse(c, transformation);
    }
    if c.int_or("antialias", 0)? != 0 {
        return refuse(c, "antialias");
    }
    if c.string_or("keep_aspect_ratio_policy", "stretch")? != "stretch" {
        return refuse(c, "a policy that keeps the aspect ratio");
    }
    let scales = c.has(2) && c.input_dims(2)?.iter().all(|&extent| extent != 0);
    match c.ints("axes")? {
        Some(axes) if scales && !axes.iter().copied().eq(0i64..) && axes.len() != c.input_dims(0)?.rank() => {
            refuse(c, "scales of some axes")
        }
        _ => Ok(()),
    }
}

fn scatter(c: &Context<'_>) -> Result<()> {
    if c.string_or("reduction", "none")? == "none" { Ok(()) } else { refuse(c, "a reduction") }
}

fn axes_known(c: &Context<'_>) -> Result<()> {
    if c.has(1) && c.known_ints(1).is_none() { refuse(c, "axes that are not constants") } else { Ok(()) }
}

/// The input is an initializer or a constant, possibly of another type at first: what is computed does not count, even from constants.
fn constant(c: &Context<'_>, index: usize, what: &str) -> Result<()> {
    if !c.has(index) || c.weights(index).is_some() {
        return Ok(());
    }
    let mut id = tensor(c, index);
    while let Some(tensor) = id {
        id = match producer(c, tensor) {
            Some(LayerKind::Constant { .. }) => return Ok(()),
            Some(LayerKind::Cast { .. } | LayerKind::Identity) => {
                let layer = c.network.graph().tensor(tensor).producer.map(|(layer, _)| c.network.graph().layer(layer));
                layer.and_then(|layer| layer.input(0))
            }
            _ => None,
        };
    }
    refuse(c, &format!("{what} not a constant"))
}

fn tensor(c: &Context<'_>, index: usize) -> Option<TensorId> {
    match c.value(index).ok()? {
        Value::Tensor(id) => Some(id),
        Value::Weights(_) => None,
    }
}

fn producer<'c>(c: &'c Context<'_>, id: TensorId) -> Option<&'c LayerKind> {
    let (layer, _) = c.network.graph().tensor(id).producer?;
    Some(&c.network.graph().layer(layer).kind)
}
