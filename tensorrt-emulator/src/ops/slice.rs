//! Strided parts of a tensor.

use tensorrt_sys::SampleMode;

use super::pick::{Axis, OUTSIDE, pick};
use super::words::{Word, axis, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::graph::Slice;
use crate::tensor::Dims;
use crate::{Error, Result};

/// A prepared slice.
#[derive(Debug)]
struct Prepared {
    params: Slice,
}

/// Prepares a slice; inputs: data, then optional start, size, stride, fill value, axes.
///
/// # Errors
/// The mode is not known.
pub(super) fn prepare(_: &Request<'_>, params: &Slice) -> Result<Box<dyn Kernel>> {
    use SampleMode as M;
    if !matches!(params.mode, M::StrictBounds | M::Wrap | M::Clamp | M::Fill | M::Reflect) {
        return Err(Error::unsupported(format!("slices with the mode {}", params.mode.name())));
    }
    Ok(Box::new(Prepared { params: params.clone() }))
}

impl Kernel for Prepared {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(0)?.dtype(), W => self.slice::<W>(call))
    }
}

impl Prepared {
    fn slice<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let fill = match call.optional(4) {
            Some(value) => *words::<W>(&value)?.first().ok_or_else(|| Error::invalid("the fill value is empty"))?,
            None => W::zeroed(),
        };
        let start = numbers(call, 1, self.params.start.as_ref())?;
        let stride = numbers(call, 3, self.params.stride.as_ref())?;
        let named = match (call.optional(5), &self.params.axes) {
            (Some(view), _) => Some(view.to_i64()?),
            (None, Some(axes)) => Some(axes.to_vec()),
            (None, None) => None,
        };
        let out = call.output(0)?;
        let (in_extents, out_extents) = (extents(input.dims()), extents(out.dims()));
        let rank = in_extents.len();
        let named: Vec<usize> = match named {
            Some(axes) => axes.iter().map(|&a| axis(a, rank)).collect::<Result<_>>()?,
            None => (0..rank).collect(),
        };
        if out_extents.len() != rank || start.len() != named.len() || stride.len() != named.len() {
            return Err(Error::invalid(format!("start {start:?} and stride {stride:?} for {}", input.dims())));
        }
        let mut axes: Vec<Axis> = in_extents.iter().map(|&len| Axis::Range { start: 0, len }).collect();
        for (i, &dim) in named.iter().enumerate() {
            let table = positions(self.params.mode, start[i], stride[i], out_extents[dim], in_extents[dim])?;
            axes[dim] = Axis::new(table);
        }
        pick(words::<W>(&input)?, &in_extents, &axes, fill, words_mut::<W>(out)?)
    }
}

/// Input `index` where it is there, else the parameter.
fn numbers(call: &Call<'_, '_>, index: usize, parameter: Option<&Dims>) -> Result<Vec<i64>> {
    match (call.optional(index), parameter) {
        (Some(view), _) => view.to_i64(),
        (None, Some(dims)) => Ok(dims.to_vec()),
        (None, None) => Err(Error::internal(format!("input {index} of a slice is missing"))),
    }
}

/// The input positions that `count` steps reach.
fn positions(mode: SampleMode, start: i64, stride: i64, count: usize, extent: usize) -> Result<Vec<usize>> {
    let mut table = Vec::with_capacity(count);
    let size = i64::try_from(extent).unwrap_or(i64::MAX);
    if size == 0 && count > 0 && mode != SampleMode::Fill {
        return Err(Error::invalid(format!("a slice of {count} elements of an empty axis")));
    }
    for step in 0..count {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let at = stride.checked_mul(step).and_then(|offset| start.checked_add(offset));
        let at = at.ok_or_else(|| Error::invalid(format!("a slice from {start} with stride {stride} overflows")))?;
        let inside = (0..size).contains(&at);
        let found = match mode {
            _ if inside => at,
            SampleMode::Wrap => at.rem_euclid(size),
            SampleMode::Clamp => at.clamp(0, size - 1),
            SampleMode::Reflect if size == 1 => 0,
            SampleMode::Reflect => {
                let period = 2 * (size - 1);
                let at = at.rem_euclid(period);
                at.min(period - at)
            }
            SampleMode::Fill => {
                table.push(OUTSIDE);
                continue;
            }
            _ => {
                return Err(Error::invalid(format!(
                    "a slice of {count} elements from {start} with stride {stride} leaves an axis of {extent}"
                )));
            }
        };
        table.push(usize::try_from(found).unwrap_or(OUTSIDE));
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
