//! The boundary layers of loops and conditionals.

use tensorrt_sys::{DataType, LoopOutput, TripLimit};

use super::elements::{float, int};
use super::inputs::{INDICES, Inputs, axis as check_axis, require_type};
use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// Input `index`, a scalar of one of `types`.
fn scalar<'a>(inputs: Inputs<'a>, index: usize, types: &[DataType]) -> Result<&'a ValueInfo> {
    let value = inputs.typed(index, types)?;
    if value.dims.rank() == 0 {
        return Ok(value);
    }
    Err(Error::config(format!("input {index} must be a scalar (no dimensions), but has dimensions {}", value.dims)))
}

/// A trip limit: a scalar count, or a scalar boolean.
pub(super) fn trip_limit(inputs: Inputs<'_>, limit: TripLimit) -> Result<Vec<ValueInfo>> {
    scalar(inputs, 0, if limit == TripLimit::While { &[DataType::Bool] } else { INDICES })?;
    Ok(Vec::new())
}

/// A recurrence has the type and extents of its first value, whatever the elements of later ones.
pub(super) fn recurrence(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let first = inputs.get(0)?;
    Ok(ValueInfo::new(first.dtype, first.dims))
}

/// An iterator's slices lack its axis.
pub(super) fn iterator(inputs: Inputs<'_>, axis: i32) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    let axis = check_axis(axis, input.dims.rank())?;
    let rest = input.dims.iter().enumerate().filter(|&(at, _)| at != axis).map(|(_, &extent)| extent);
    Ok(ValueInfo::new(input.dtype, Dims::new(&rest.collect::<Vec<_>>())?))
}

/// A loop's output: the last value, or all of them along a new axis, as many as the second input says.
pub(super) fn loop_output(inputs: Inputs<'_>, output: LoopOutput, axis: i32) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    let axis = check_axis(axis, input.dims.rank() + 1)?;
    if output == LoopOutput::LastValue {
        if inputs.optional(1).is_some() {
            return Err(Error::config("an output of the last value has no length"));
        }
        return Ok(ValueInfo::new(input.dtype, input.dims));
    }
    let mut length = Dims::DYNAMIC;
    if inputs.optional(1).is_some() {
        length = int(scalar(inputs, 1, INDICES)?, 0).unwrap_or(Dims::DYNAMIC);
        if inputs.scalar(1)?.is_some_and(|length| length < 0) {
            return Err(Error::config(format!("the length {length} of a loop's output is negative")));
        }
    }
    let mut dims = input.dims.to_vec();
    dims.insert(axis, length);
    Ok(ValueInfo::new(input.dtype, Dims::new(&dims)?))
}

/// A condition: a scalar boolean.
pub(super) fn condition(inputs: Inputs<'_>) -> Result<Vec<ValueInfo>> {
    scalar(inputs, 0, &[DataType::Bool])?;
    Ok(Vec::new())
}

/// A conditional's output; input 2 is the condition. Extents that differ between the branches are known with the condition only.
pub(super) fn conditional_output(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let (on_true, on_false) = (inputs.get(0)?, inputs.get(1)?);
    require_type(on_false, 1, &[on_true.dtype])?;
    match inputs.optional(2).and_then(|condition| int(condition, 0)) {
        Some(0) => Ok(on_false.clone()),
        Some(_) => Ok(on_true.clone()),
        None => Ok(either(on_true, on_false)),
    }
}

/// What is known of a tensor that is one of two.
pub(crate) fn either(on_true: &ValueInfo, on_false: &ValueInfo) -> ValueInfo {
    if on_true.dims.rank() != on_false.dims.rank() {
        // Refused when the network is built, unless the condition is known by then.
        return ValueInfo::new(on_true.dtype, on_true.dims);
    }
    let mut dims = on_true.dims;
    for (extent, &other) in dims.iter_mut().zip(on_false.dims.iter()) {
        if *extent != other {
            *extent = Dims::DYNAMIC;
        }
    }
    let mut output = ValueInfo::new(on_true.dtype, dims);
    super::elements::fill_ints(&mut output, |i| int(on_true, i).filter(|&v| int(on_false, i) == Some(v)));
    super::elements::fill_floats(&mut output, |i| {
        float(on_true, i).filter(|v| float(on_false, i).is_some_and(|other| other.to_bits() == v.to_bits()))
    });
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::memory::Storage;
    use crate::network::Network;
    use crate::tensor::Tensor;

    fn dims(extents: &[i64]) -> Dims {
        Dims::of(extents).unwrap()
    }

    #[test]
    fn boundary_layers_of_loops() {
        let mut network = Network::new();
        let x = network.add_input("x", DataType::Float, dims(&[2, -1, 4])).unwrap();
        let loop_id = network.add_loop();
        let row = network.add_one(LayerKind::Iterator { loop_id, axis: 1, reverse: false }, vec![Some(x)]).unwrap();
        assert_eq!(network.value(row).dims, dims(&[2, 4]));
        let recurrence = network.add(LayerKind::Recurrence { loop_id }, vec![Some(row)]).unwrap();
        let value = network.graph().layer(recurrence).outputs[0];
        network.set_input(recurrence, 1, row).unwrap();
        assert_eq!(network.value(value).dims, dims(&[2, 4]));
        let output = |output, axis| LayerKind::LoopOutput { loop_id, output, axis };
        let last = network.add_one(output(LoopOutput::LastValue, 0), vec![Some(value)]).unwrap();
        assert_eq!(network.value(last).dims, dims(&[2, 4]));
        let all = network.add(output(LoopOutput::Reverse, 2), vec![Some(value)]).unwrap();
        let made = network.graph().layer(all).outputs[0];
        assert_eq!(network.value(made).dims, dims(&[2, 4, -1]));
        let length = network.add_constant("", &Tensor::from_slice(Dims::scalar(), &[7i64]).unwrap()).unwrap();
        network.set_input(all, 1, length).unwrap();
        assert_eq!(network.value(made).dims, dims(&[2, 4, 7]));
        assert!(network.set_input(all, 1, x).is_err());
        assert_eq!(network.value(made).dims, dims(&[2, 4, 7]));
        assert!(network.add_one(output(LoopOutput::LastValue, 3), vec![Some(value)]).is_err());
        assert!(network.add_one(output(LoopOutput::LastValue, 0), vec![Some(value), Some(length)]).is_err());
        assert!(network.add_one(LayerKind::Iterator { loop_id, axis: 3, reverse: false }, vec![Some(x)]).is_err());
        let limit = |limit| LayerKind::TripLimit { loop_id, limit };
        network.add(limit(TripLimit::Count), vec![Some(length)]).unwrap();
        assert!(network.add(limit(TripLimit::While), vec![Some(length)]).is_err());
        assert!(network.add(limit(TripLimit::Count), vec![Some(x)]).is_err());
    }

    #[test]
    fn boundary_layers_of_conditionals() {
        for (on_true, on_false, condition, expected) in [
            (&[2, 3][..], &[2, 3][..], None, &[2, 3][..]),
            (&[1, 3], &[2, 3], None, &[-1, 3]),
            (&[1, 3], &[2, 3], Some(true), &[1, 3]),
            (&[3], &[2, 3], Some(false), &[2, 3]),
            (&[-1, 3], &[2, 3], None, &[-1, 3]),
        ] {
            let mut network = Network::new();
            let conditional = network.add_conditional();
            let decides = match condition {
                Some(value) => {
                    let bytes = Storage::copy_of(&[u8::from(value)]);
                    network.add_constant("", &Tensor::new(DataType::Bool, Dims::scalar(), bytes).unwrap()).unwrap()
                }
                None => network.add_input("c", DataType::Bool, Dims::scalar()).unwrap(),
            };
            let layer = network.set_condition(conditional, decides).unwrap();
            assert_eq!(network.set_condition(conditional, decides).unwrap(), layer);
            let a = network.add_input("a", DataType::Float, dims(on_true)).unwrap();
            let b = network.add_input("b", DataType::Float, dims(on_false)).unwrap();
            let output = network.add_one(LayerKind::ConditionalOutput { conditional }, vec![Some(a), Some(b)]).unwrap();
            assert_eq!(network.value(output).dims, dims(expected), "{on_true:?} {on_false:?} {condition:?}");
            assert!(network.set_condition(conditional, a).is_err());
        }
    }
}
