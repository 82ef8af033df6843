//! Interpolation to another size: nearest, linear and cubic, one axis after another.

use rayon::prelude::*;
use tensorrt_sys::{InterpolationMode, ResizeCoordinateTransformation, ResizeRoundMode, ResizeSelector};

use super::strided::Around;
use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::graph::Resize as Parameters;
use crate::kernels::workspace::Buffer;
use crate::tensor::{Dims, bits};
use crate::{Error, Result};

#[derive(Debug)]
struct Resize(Parameters);

/// Checks a resize.
pub(super) fn prepare(request: &Request<'_>, parameters: &Parameters) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    let nearest = parameters.mode == InterpolationMode::Nearest;
    if !(convert::is_computable(dtype) || nearest && bits(dtype) >= 8) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(Resize(parameters.clone())))
}

/// For each output position along an axis: the input positions and their weights.
#[derive(Debug, Clone, PartialEq)]
struct Taps {
    /// Taps per output position.
    count: usize,
    indices: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// The output's extent.
    fn outputs(&self) -> i64 {
        i64::try_from(self.indices.len() / self.count).unwrap_or(i64::MAX)
    }

    /// Whether every output position is the input element at the same position.
    fn is_identity(&self, input: usize) -> bool {
        let mut pairs = self.indices.chunks(self.count).zip(self.weights.chunks(self.count)).enumerate();
        self.indices.len() == input * self.count
            && pairs.all(|(x, (indices, weights))| indices.iter().zip(weights).all(|(&i, &w)| w == 0.0 || i == x))
    }
}

/// The cubic convolution weights of the four points around a fraction.
fn cubic(t: f32, a: f32) -> [f32; 4] {
    let far = |d: f32| ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
    let near = |d: f32| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "coordinates are defined in f32")]
impl Parameters {
    /// The input coordinate of output position `x`.
    fn source(&self, x: usize, input: usize, output: usize, scale: f32) -> f32 {
        if output == 1 && self.selector == ResizeSelector::Upper {
            return 0.0;
        }
        let x = x as f32;
        match self.transformation {
            ResizeCoordinateTransformation::AlignCorners if output == 1 => 0.0,
            ResizeCoordinateTransformation::AlignCorners => x * (input - 1) as f32 / (output - 1) as f32,
            ResizeCoordinateTransformation::HalfPixel => (x + 0.5) / scale - 0.5,
            _ => x / scale,
        }
    }

    /// The nearest input position to a coordinate.
    fn nearest(&self, coordinate: f32, input: usize) -> usize {
        let rounded = match self.rounding {
            ResizeRoundMode::HalfUp => (coordinate + 0.5).floor(),
            ResizeRoundMode::HalfDown => (coordinate - 0.5).ceil(),
            ResizeRoundMode::Ceil => coordinate.ceil(),
            _ => coordinate.floor(),
        };
        clamp(rounded as i64, input)
    }

    /// The taps along one axis.
    fn taps(&self, input: usize, output: usize, scale: f32) -> Taps {
        let count = match self.mode {
            InterpolationMode::Nearest => 1,
            InterpolationMode::Linear => 2,
            _ => 4,
        };
        let mut taps = Taps { count, indices: Vec::new(), weights: Vec::new() };
        for x in 0..output {
            let at = self.source(x, input, output, scale);
            if count == 1 {
                taps.indices.push(self.nearest(at, input));
                taps.weights.push(1.0);
                continue;
            }
            let floor = at.floor();
            let t = at - floor;
            let first = floor as i64 - if count == 4 { 1 } else { 0 };
            let mut weights = if count == 4 { cubic(t, self.cubic_coeff) } else { [1.0 - t, t, 0.0, 0.0] };
            if self.exclude_outside {
                for (weight, position) in weights[..count].iter_mut().zip(first..) {
                    if position < 0 || position >= i64::try_from(input).unwrap_or(i64::MAX) {
                        *weight = 0.0;
                    }
                }
                let sum: f32 = weights[..count].iter().sum();
                weights.iter_mut().for_each(|weight| *weight /= sum);
            }
            taps.indices.extend((first..).take(count).map(|position| clamp(position, input)));
            taps.weights.extend(&weights[..count]);
        }
        taps
    }

    /// The scale from input to output along axis `d`.
    fn scale(&self, d: usize, input: usize, output: usize) -> f32 {
        self.scales.get(d).copied().unwrap_or(output as f32 / input as f32)
    }
}

/// The position inside of `0..input` that is closest.
fn clamp(position: i64, input: usize) -> usize {
    usize::try_from(position).unwrap_or(0).min(input - 1)
}

/// Applies taps along the middle of [outer, len, inner].
fn interpolate(from: &[f32], to: &mut [f32], around: Around, taps: &Taps) {
    let (inner, count) = (around.inner, taps.count);
    let outputs = taps.indices.len() / count;
    let one = |(from, to): (&[f32], &mut [f32])| {
        if inner == 1 {
            let pairs = taps.indices.chunks_exact(count).zip(taps.weights.chunks_exact(count));
            for (slot, (indices, weights)) in to.iter_mut().zip(pairs) {
                *slot = indices.iter().zip(weights).map(|(&i, &w)| if w == 0.0 { 0.0 } else { from[i] * w }).sum();
            }
            return;
        }
        for (x, line) in to.chunks_exact_mut(inner).enumerate() {
            line.fill(0.0);
            for k in 0..count {
                let (index, weight) = (taps.indices[x * count + k], taps.weights[x * count + k]);
                if weight != 0.0 {
                    let source = &from[index * inner..][..inner];
                    line.iter_mut().zip(source).for_each(|(slot, &value)| *slot += value * weight);
                }
            }
        }
    };
    let (block_in, block_out) = (around.len * inner, outputs * inner);
    if to.len() < 1 << 14 || rayon::current_num_threads() == 1 {
        from.chunks_exact(block_in).zip(to.chunks_exact_mut(block_out)).for_each(one);
    } else {
        from.par_chunks_exact(block_in).zip(to.par_chunks_exact_mut(block_out)).for_each(one);
    }
}

/// Picks one input element of `size` bytes for each output element.
fn pick(from: &[u8], to: &mut [u8], around: Around, indices: &[usize], size: usize) {
    let (line, block) = (around.inner * size, around.len * around.inner * size);
    for (from, to) in from.chunks_exact(block).zip(to.chunks_exact_mut(indices.len() * line)) {
        for (slot, &index) in to.chunks_exact_mut(line).zip(indices) {
            slot.copy_from_slice(&from[index * line..(index + 1) * line]);
        }
    }
}

/// Picks along one axis after another.
fn pick_axes(from: &[u8], to: &mut [u8], mut dims: Dims, axes: &[(usize, Taps)], size: usize) -> Result<()> {
    let mut current: Option<Vec<u8>> = None;
    for (index, (d, taps)) in axes.iter().enumerate() {
        let around = Around::axis(&dims, *d)?;
        dims[*d] = taps.outputs();
        let from = current.as_deref().unwrap_or(from);
        if index + 1 == axes.len() {
            pick(from, to, around, &taps.indices, size);
        } else {
            let mut next = vec![0; dims.volume().unwrap_or(0) * size];
            pick(from, &mut next, around, &taps.indices, size);
            current = Some(next);
        }
    }
    if axes.is_empty() {
        to.copy_from_slice(from);
    }
    Ok(())
}

impl Kernel for Resize {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        let (dims, out_dims) = (*input.dims(), *out.dims());
        if dims.rank() != out_dims.rank() || (input.is_empty() && !out.is_empty()) {
            return Err(Error::config(format!("a resize does not lead from {dims} to {out_dims}")));
        }
        if out.is_empty() {
            return Ok(());
        }
        let mut axes = Vec::new();
        for d in 0..dims.rank() {
            let (from, to) = (extent(dims[d])?, extent(out_dims[d])?);
            let taps = self.0.taps(from, to, self.0.scale(d, from, to));
            if !taps.is_identity(from) {
                axes.push((d, taps));
            }
        }
        if self.0.mode == InterpolationMode::Nearest {
            return pick_axes(input.bytes(), out.bytes_mut(), dims, &axes, bits(input.dtype()) / 8);
        }
        let values = convert::load(&input)?;
        convert::fill(out, |out| {
            let mut current: Option<Buffer> = None;
            let mut dims = dims;
            for (index, (d, taps)) in axes.iter().enumerate() {
                let around = Around::axis(&dims, *d)?;
                dims[*d] = taps.outputs();
                let from = current.as_deref().unwrap_or(&values);
                if index + 1 == axes.len() {
                    interpolate(from, out, around, taps);
                } else {
                    let mut next = Buffer::take(dims.volume().unwrap_or(0));
                    interpolate(from, &mut next, around, taps);
                    current = Some(next);
                }
            }
            if axes.is_empty() {
                out.copy_from_slice(&values);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
