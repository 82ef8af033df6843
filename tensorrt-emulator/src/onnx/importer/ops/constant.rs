//! Constants and tensors filled with one value.

use std::rc::Rc;

use tensorrt_sys::DataType;

use super::super::context::{Context, Outputs, one};
use super::super::scope::{Value, Weights};
use super::Table;
use crate::onnx::error::{Refusal, Result};
use crate::onnx::tensor::to_f64;
use crate::tensor::{Dims, Tensor};

pub(super) const OPS: Table = &[("Constant", constant), ("ConstantOfShape", constant_of_shape), ("EyeLike", eye_like)];

fn vector<T: crate::tensor::Element>(values: &[T]) -> Result<Tensor> {
    let len = i64::try_from(values.len()).unwrap_or(i64::MAX);
    Ok(Tensor::from_slice(Dims::new(&[len])?, values)?)
}

fn constant(c: &mut Context<'_>) -> Result<Outputs> {
    let tensor = if let Some(tensor) = c.tensor("value")? {
        tensor
    } else if let Some(value) = c.int("value_int")? {
        Tensor::from_slice(Dims::scalar(), &[value])?
    } else if let Some(values) = c.ints("value_ints")? {
        vector(&values)?
    } else if c.has_attribute("value_float") {
        Tensor::from_slice(Dims::scalar(), &[c.float_or("value_float", 0.0)?])?
    } else if let Some(values) = c.floats("value_floats")? {
        vector(&values)?
    } else {
        let names: Vec<&str> = c.node.attribute.iter().map(|attribute| attribute.name.as_str()).collect();
        return Err(Refusal::attribute(format!("a constant given by {names:?} is not supported")));
    };
    let name = c.node.output.first().cloned().unwrap_or_default();
    Ok(vec![Value::Weights(Rc::new(Weights { name, tensor }))])
}

fn constant_of_shape(c: &mut Context<'_>) -> Result<Outputs> {
    let value = match c.tensor("value")? {
        Some(tensor) => tensor,
        None => Tensor::from_slice(Dims::new(&[1])?, &[0f32])?,
    };
    let number = match to_f64(&value).as_deref() {
        Some([number]) => *number,
        Some(numbers) => return Err(Refusal::attribute(format!("a value of {} elements", numbers.len()))),
        None => return Err(Refusal::datatype(format!("a value of {} is not supported", value.dtype().name()))),
    };
    let shape = c.shape_input(0, "the shape")?;
    // An int64 that f64 cannot hold exactly keeps its bytes.
    if value.dtype() == DataType::Int64 {
        let element =
            c.constant(&Tensor::new(DataType::Int64, Dims::splat(1, shape.len()), value.storage().clone())?)?;
        return one(if shape.is_empty() { element } else { c.broadcast_to(element, &shape)? });
    }
    one(c.filled(value.dtype(), number, &shape)?)
}

fn eye_like(c: &mut Context<'_>) -> Result<Outputs> {
    let dims = c.input_dims(0)?;
    let dtype = match c.int("dtype")? {
        Some(elem_type) => crate::onnx::data_type::convert(i32::try_from(elem_type).unwrap_or(i32::MAX))?,
        None => c.input_type(0)?,
    };
    let k = c.int_or("k", 0)?;
    let [rows, columns] = *dims else {
        return Err(Refusal::shape(format!("an input of dimensions {dims} is not a matrix")));
    };
    let count = dims.volume().ok_or_else(|| Refusal::dynamic("EyeLike needs static dimensions"))?;
    if count > 1 << 28 {
        return Err(Refusal::shape(format!("a matrix of {dims} is too large")));
    }
    let mut ones = vec![0i32; count];
    for row in 0..rows {
        let column = row.saturating_add(k);
        if (0..columns).contains(&column)
            && let Ok(index) = usize::try_from(row * columns + column)
        {
            ones[index] = 1;
        }
    }
    let matrix = c.constant(&Tensor::from_slice(dims, &ones)?)?;
    one(c.cast(matrix, dtype)?)
}
