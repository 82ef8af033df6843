//! Known elements carried from inputs to outputs.

use tensorrt_sys::DataType;

use crate::graph::ValueInfo;

/// The number of elements, where that is known and few enough to follow.
pub(super) fn count(value: &ValueInfo) -> Option<usize> {
    value.dims.volume().filter(|&n| n <= ValueInfo::MAX_ELEMENTS)
}

/// Element `index` of an integer tensor, where known.
pub(super) fn int(value: &ValueInfo, index: usize) -> Option<i64> {
    value.elements.as_ref()?.get(index).copied().flatten()
}

/// Element `index` of a float tensor, where known.
pub(super) fn float(value: &ValueInfo, index: usize) -> Option<f32> {
    value.floats.as_ref()?.get(index).copied().flatten()
}

/// Sets the elements of an integer (or boolean) output; one that its type cannot hold counts as unknown.
pub(super) fn fill_ints(output: &mut ValueInfo, element: impl Fn(usize) -> Option<i64>) {
    let dtype = output.dtype;
    if !matches!(dtype, DataType::Int32 | DataType::Int64 | DataType::Bool) {
        return;
    }
    let Some(count) = count(output) else { return };
    let fits = |&v: &i64| dtype != DataType::Int32 || i32::try_from(v).is_ok();
    let elements: Vec<Option<i64>> = (0..count).map(|i| element(i).filter(fits)).collect();
    if elements.is_empty() || elements.iter().any(Option::is_some) {
        output.elements = Some(elements);
    }
}

/// Sets the elements of a float output.
pub(super) fn fill_floats(output: &mut ValueInfo, element: impl Fn(usize) -> Option<f32>) {
    if output.dtype != DataType::Float {
        return;
    }
    let Some(count) = count(output) else { return };
    let elements: Vec<Option<f32>> = (0..count).map(element).collect();
    if elements.iter().any(Option::is_some) {
        output.floats = Some(elements);
    }
}

/// Sets the output's elements to elements of inputs of its own type: `source(i)` is (which of `inputs`, which element) for element `i`.
pub(super) fn pick(output: &mut ValueInfo, inputs: &[&ValueInfo], source: impl Fn(usize) -> Option<(usize, usize)>) {
    if inputs.iter().any(|value| value.elements.is_some()) {
        fill_ints(output, |i| source(i).and_then(|(input, at)| int(inputs.get(input)?, at)));
    }
    if inputs.iter().any(|value| value.floats.is_some()) {
        fill_floats(output, |i| source(i).and_then(|(input, at)| float(inputs.get(input)?, at)));
    }
}

/// The coordinates of element `flat` in a tensor of these static extents.
pub(super) fn coordinates(extents: &[i64], flat: usize) -> Vec<usize> {
    let mut rest = flat;
    let mut result = vec![0; extents.len()];
    for (slot, &extent) in result.iter_mut().zip(extents).rev() {
        let extent = usize::try_from(extent).unwrap_or(1).max(1);
        *slot = rest % extent;
        rest /= extent;
    }
    result
}

/// The index of the element at `coordinates` in a tensor of these static extents; `None` outside of it.
pub(super) fn flat_index(extents: &[i64], coordinates: &[usize]) -> Option<usize> {
    let mut index = 0usize;
    for (&extent, &at) in extents.iter().zip(coordinates) {
        let extent = usize::try_from(extent).ok()?;
        if at >= extent {
            return None;
        }
        index = index.checked_mul(extent)?.checked_add(at)?;
    }
    Some(index)
}
