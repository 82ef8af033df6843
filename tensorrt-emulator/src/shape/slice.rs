//! Slice.

use tensorrt_sys::SampleMode;

use super::elements;
use super::inputs::{Inputs, not_uint8};
use crate::graph::{Slice, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// Start, size or stride of every dimension of the input; each `None` where unknown.
struct Ranges {
    start: Vec<Option<i64>>,
    size: Vec<Option<i64>>,
    stride: Vec<Option<i64>>,
}

impl Ranges {
    /// Those of axes that are not known.
    fn unknown(rank: usize) -> Self {
        let unknown = vec![None; rank];
        Self { start: unknown.clone(), size: unknown.clone(), stride: unknown }
    }
}

fn given(inputs: Inputs<'_>, index: usize, own: Option<Dims>, what: &str) -> Result<Vec<Option<i64>>> {
    match (inputs.optional(index), own) {
        (Some(_), _) => inputs.shape_tensor(index).map_err(|error| error.at(what)),
        (None, Some(dims)) => Ok(dims.iter().map(|&d| Some(d)).collect()),
        (None, None) => Err(Error::config(format!("the {what} of a slice is missing"))),
    }
}

fn ranges(inputs: Inputs<'_>, slice: &Slice, dims: &Dims) -> Result<Ranges> {
    let rank = dims.rank();
    let start = given(inputs, 1, slice.start, "start")?;
    let size = given(inputs, 2, slice.size, "size")?;
    let stride = given(inputs, 3, slice.stride, "stride")?;
    let axes: Vec<i64> = match (inputs.optional(5), slice.axes) {
        (Some(_), _) => {
            let axes: Option<Vec<i64>> = inputs.shape_tensor(5)?.into_iter().collect();
            let Some(axes) = axes else {
                let count = inputs.shape_tensor(5)?.len();
                if [&start, &size, &stride].iter().any(|values| values.len() != count) {
                    return Err(Error::config(format!("start, size and stride of a slice must be of {count} axes")));
                }
                return Ok(Ranges::unknown(rank));
            };
            axes
        }
        (None, Some(axes)) => axes.to_vec(),
        (None, None) => (0..).take(rank).collect(),
    };
    for (what, values) in [("start", &start), ("size", &size), ("stride", &stride)] {
        if values.len() != axes.len() {
            return Err(Error::config(format!(
                "the {what} of a slice has {} entries for {} axes of an input of dimensions {dims}",
                values.len(),
                axes.len()
            )));
        }
    }
    let mut all = Ranges {
        start: vec![Some(0); rank],
        size: dims.iter().map(|&d| (d >= 0).then_some(d)).collect(),
        stride: vec![Some(1); rank],
    };
    let mut seen = vec![false; rank];
    for (i, &axis) in axes.iter().enumerate() {
        let signed = if axis < 0 { axis + i64::try_from(rank).unwrap_or(0) } else { axis };
        let at = usize::try_from(signed).ok().filter(|&at| at < rank && !seen[at]);
        let at = at.ok_or_else(|| Error::config(format!("axis {axis} of a slice is out of range or repeated")))?;
        seen[at] = true;
        (all.start[at], all.size[at], all.stride[at]) = (start[i], size[i], stride[i]);
    }
    Ok(all)
}

/// The sizes; in strict mode every element must lie within the input.
pub(super) fn infer(inputs: Inputs<'_>, slice: &Slice) -> Result<ValueInfo> {
    let input = inputs.get(0)?;
    not_uint8(input)?;
    let ranges = ranges(inputs, slice, &input.dims)?;
    if inputs.optional(4).is_some() {
        if slice.mode != SampleMode::Fill {
            return Err(Error::config("a slice has a fill value, but its mode is not kFILL"));
        }
        inputs.same_types(0, 4)?;
    }
    let mut dims = input.dims;
    for at in 0..dims.rank() {
        let extent = input.dims[at];
        let size = ranges.size[at];
        dims[at] = size.unwrap_or(Dims::DYNAMIC);
        if let Some(size) = size.filter(|&size| size < 0) {
            return Err(Error::config(format!("the size {size} of a slice is negative in dimension {at}")));
        }
        let (Some(start), Some(size), Some(stride)) = (ranges.start[at], size, ranges.stride[at]) else { continue };
        if size == 0 {
            continue;
        }
        let last = (size - 1).checked_mul(stride).and_then(|span| span.checked_add(start));
        let last = last.ok_or_else(|| Error::config(format!("the slice overflows in dimension {at}")))?;
        let inside = |index: i64| index >= 0 && (extent < 0 || index < extent);
        let strict = slice.mode == SampleMode::StrictBounds;
        if strict && !(inside(start) && inside(last)) {
            return Err(Error::config(format!(
                "a slice of start {start}, size {size} and stride {stride} leaves extent {extent} of dimension {at}"
            )));
        }
    }
    let mut output = ValueInfo::new(input.dtype, dims);
    elements::pick(&mut output, &[input], |i| {
        let at = elements::coordinates(&dims, i);
        let from = at.iter().enumerate().map(|(d, &step)| {
            let index = i64::try_from(step).ok()?.checked_mul(ranges.stride[d]?)?.checked_add(ranges.start[d]?)?;
            usize::try_from(index).ok()
        });
        Some((0, elements::flat_index(&input.dims, &from.collect::<Option<Vec<usize>>>()?)?))
    });
    Ok(output)
}
