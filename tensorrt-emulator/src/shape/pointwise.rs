//! Layers that work element by element: activation, unary, elementwise, select, cast, identity, assertion.

use tensorrt_sys::{DataType, ElementWiseOperation, UnaryOperation};

use super::inputs::{ACTIVATIONS, Inputs, NUMBERS, require_type};
use super::{arithmetic, broadcast, elements};
use crate::graph::ValueInfo;
use crate::{Error, Result};

const ANY_NUMBER_OR_BOOL: &[DataType] = &[
    DataType::Float,
    DataType::Half,
    DataType::Bf16,
    DataType::Int32,
    DataType::Int64,
    DataType::Int8,
    DataType::Bool,
    DataType::Fp8,
];

/// Activation: the input's type and dimensions.
pub(super) fn activation(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let input = inputs.typed(0, ACTIVATIONS)?;
    Ok(ValueInfo::new(input.dtype, input.dims))
}

/// Assertion: no output; an error where the condition is known to be false.
pub(super) fn assertion(inputs: Inputs<'_>, message: &str) -> Result<Vec<ValueInfo>> {
    let condition = inputs.typed(0, &[DataType::Bool])?;
    match &condition.elements {
        Some(elements) if elements.contains(&Some(0)) => Err(Error::config(format!("assertion failed: {message}"))),
        _ => Ok(Vec::new()),
    }
}

/// Cast: the input's dimensions, the other type.
pub(super) fn cast(inputs: Inputs<'_>, to: DataType) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    if [input.dtype, to].contains(&DataType::E8m0) {
        return Err(Error::config(format!("a cast from {} to {} is not allowed", input.dtype.name(), to.name())));
    }
    let mut output = ValueInfo::new(to, input.dims);
    arithmetic::cast(&mut output, input);
    Ok(output)
}

/// Identity: the same.
pub(super) fn identity(inputs: Inputs<'_>) -> Result<ValueInfo> {
    inputs.get(0).cloned()
}

/// Elementwise: equal types, broadcast dimensions; comparisons make booleans.
pub(super) fn elementwise(inputs: Inputs<'_>, op: ElementWiseOperation) -> Result<ValueInfo> {
    use ElementWiseOperation as Op;
    let (a, b) = (inputs.get(0)?, inputs.get(1)?);
    inputs.same_types(0, 1)?;
    let types: &[DataType] = match op {
        Op::And | Op::Or | Op::Xor => &[DataType::Bool],
        Op::Equal => ANY_NUMBER_OR_BOOL,
        _ => NUMBERS,
    };
    require_type(a, 0, types)
        .map_err(|error| error.at(format!("ElementWiseOperation {}", op.name().trim_start_matches('k'))))?;
    let dims = broadcast::dims(&[(0, a.dims), (1, b.dims)])?;
    let dtype = match op {
        Op::Equal | Op::Greater | Op::Less => DataType::Bool,
        _ => a.dtype,
    };
    let mut output = ValueInfo::new(dtype, dims);
    arithmetic::elementwise(&mut output, op, a, b);
    Ok(output)
}

/// Unary: the input's type, except for the tests of infinity and not-a-number.
pub(super) fn unary(inputs: Inputs<'_>, op: UnaryOperation) -> Result<ValueInfo> {
    use UnaryOperation as Op;
    let types: &[DataType] = match op {
        Op::Not => &[DataType::Bool],
        Op::Abs | Op::Neg | Op::Sign => NUMBERS,
        _ => &[DataType::Float, DataType::Half, DataType::Bf16, DataType::Int8, DataType::Fp8],
    };
    let input = inputs
        .typed(0, types)
        .map_err(|error| error.at(format!("UnaryOperation {}", op.name().trim_start_matches('k'))))?;
    let dtype = if matches!(op, Op::Isinf | Op::Isnan) { DataType::Bool } else { input.dtype };
    let mut output = ValueInfo::new(dtype, input.dims);
    arithmetic::unary(&mut output, op, input);
    Ok(output)
}

/// Select: a boolean condition and two inputs of one type, broadcast together.
pub(super) fn select(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let condition = inputs.typed(0, &[DataType::Bool])?;
    let (then, otherwise) = (inputs.get(1)?, inputs.get(2)?);
    inputs.same_types(1, 2)?;
    let dims = broadcast::dims(&[(0, condition.dims), (1, then.dims), (2, otherwise.dims)])?;
    let mut output = ValueInfo::new(then.dtype, dims);
    let result = output.clone();
    elements::pick(&mut output, &[then, otherwise], |i| {
        let at = |input| broadcast::index_of(&result, input, i);
        let (from_then, from_otherwise) = (at(then), at(otherwise));
        match elements::int(condition, at(condition)) {
            Some(0) => Some((1, from_otherwise)),
            Some(_) => Some((0, from_then)),
            None => {
                let known = elements::int(then, from_then);
                (known.is_some() && known == elements::int(otherwise, from_otherwise)).then_some((0, from_then))
            }
        }
    });
    Ok(output)
}

/// Parametric ReLU: the slope broadcasts to the input.
pub(super) fn parametric_relu(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let input = inputs.typed(0, ACTIVATIONS)?;
    let slope = inputs.get(1)?;
    inputs.same_types(0, 1)?;
    broadcast::dims(&[(0, input.dims), (1, slope.dims)])?;
    let grows = input.dims.iter().zip(slope.dims.iter()).any(|(&from, &to)| from == 1 && to != 1 && to != -1);
    if grows {
        return Err(Error::config(format!(
            "the slope's dimensions {} do not broadcast to the input's {}",
            slope.dims, input.dims
        )));
    }
    Ok(ValueInfo::new(input.dtype, input.dims))
}
