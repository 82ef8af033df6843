//! Batch normalization: a scale and a shift per channel.

use tensorrt_sys::{DataType, ElementWiseOperation as Op, ScaleMode, UnaryOperation};

use super::super::context::{Context, Outputs, one};
use super::Table;
use crate::graph::{LayerKind, Scale, TensorId, Weights, WeightsId};
use crate::memory::Storage;
use crate::onnx::error::{Refusal, Result};
use crate::onnx::tensor::{element, to_f64};

pub(super) const OPS: Table = &[("BatchNormalization", batch_normalization)];

/// Statistics that are weights are folded into a scale layer; others are applied by arithmetic.
fn batch_normalization(c: &mut Context<'_>) -> Result<Outputs> {
    c.only_int("training_mode", 0)?;
    c.only_int("spatial", 1)?;
    c.at_most_outputs(1)?;
    let epsilon = c.float_or("epsilon", 1e-5)?;
    let x = c.input(0)?;
    if c.rank(x) < 2 {
        return Err(Refusal::shape(format!("an input of {} has no channels", c.dims(x))));
    }
    if let Some(layer) = folded(c, epsilon)? {
        return one(c.add(LayerKind::Scale(layer), &[x])?);
    }
    let rank = c.rank(x);
    let mut parameters = Vec::with_capacity(4);
    for index in 1..5 {
        let vector = c.input(index)?;
        if c.rank(vector) != 1 {
            return Err(Refusal::shape(format!("parameters of {} are not a vector", c.dims(vector))));
        }
        let axes: Vec<usize> = std::iter::once(0).chain(2..rank).collect();
        let vector = c.unsqueeze(vector, &axes)?;
        parameters.push(c.cast(vector, DataType::Float)?);
    }
    let [scale, bias, mean, variance] = *parameters else {
        return Err(Refusal::invalid("BatchNormalization has five inputs"));
    };
    arithmetic(c, x, [scale, bias, mean, variance], epsilon)
}

fn arithmetic(
    c: &mut Context<'_>,
    x: TensorId,
    [scale, bias, mean, variance]: [TensorId; 4],
    epsilon: f32,
) -> Result<Outputs> {
    let dtype = c.dtype(x);
    let wide = c.cast(x, DataType::Float)?;
    let sum = c.binary_scalar(Op::Sum, variance, epsilon.into())?;
    let deviation = c.unary(UnaryOperation::Sqrt, sum)?;
    let factor = c.binary(Op::Div, scale, deviation)?;
    let centred = c.binary(Op::Sub, wide, mean)?;
    let scaled = c.binary(Op::Prod, centred, factor)?;
    let shifted = c.binary(Op::Sum, scaled, bias)?;
    one(c.cast(shifted, dtype)?)
}

/// The scale layer, where all four parameters are weights of the input's number of channels.
fn folded(c: &mut Context<'_>, epsilon: f32) -> Result<Option<Scale>> {
    let mut values = Vec::with_capacity(4);
    let mut names = Vec::with_capacity(4);
    for index in 1..5 {
        let Some(weights) = c.weights(index) else {
            return Ok(None);
        };
        let Some(numbers) = to_f64(&weights.tensor) else {
            return Ok(None);
        };
        values.push(numbers);
        names.push(weights.name.clone());
    }
    let [scale, bias, mean, variance] = values.as_slice() else {
        return Ok(None);
    };
    let channels = scale.len();
    if [bias, mean, variance].iter().any(|list| list.len() != channels) {
        return Err(Refusal::invalid("scale, bias, mean and variance differ in length"));
    }
    let input = c.input_dims(0)?[1];
    if input >= 0 && usize::try_from(input).ok() != Some(channels) {
        return Err(Refusal::invalid(format!("{channels} parameters for {input} channels")));
    }
    let factors: Vec<f64> = scale.iter().zip(variance).map(|(s, v)| s / (v + f64::from(epsilon)).sqrt()).collect();
    let shifts: Vec<f64> = bias.iter().zip(mean).zip(&factors).map(|((b, m), f)| b - m * f).collect();
    let dtype = c.input_type(0)?;
    let scale = add_weights(c, &names[0], dtype, &factors)?;
    let shift = add_weights(c, &names[1], dtype, &shifts)?;
    Ok(Some(Scale { mode: ScaleMode::Channel, shift: Some(shift), scale: Some(scale), power: None, channel_axis: 1 }))
}

fn add_weights(c: &mut Context<'_>, name: &str, dtype: DataType, values: &[f64]) -> Result<WeightsId> {
    let bytes: Option<Vec<Vec<u8>>> = values.iter().map(|&value| element(dtype, value)).collect();
    let bytes = bytes.ok_or_else(|| Refusal::datatype(format!("{} is not supported", dtype.name())))?.concat();
    let weights = Weights::new(name, dtype, values.len(), Storage::copy_of(&bytes))?;
    Ok(c.network.graph_mut().add_weights(weights))
}
