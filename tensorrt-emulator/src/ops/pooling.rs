//! Maximum, average and blended pooling over one to three spatial dimensions.

use rayon::prelude::*;
use tensorrt_sys::{PaddingMode, PoolingType};

use super::window::{Direction, Geometry, extent};
use super::{Call, Kernel, Request, convert};
use crate::graph::Pooling as Parameters;
use crate::kernels::dot;
use crate::kernels::image::{Layout, SPATIAL, Window};
use crate::kernels::pool::{Combine, combine_shifted};
use crate::kernels::workspace::Buffer;
use crate::tensor::Dims;
use crate::{Error, Result};

#[derive(Debug)]
struct Pooling {
    parameters: Parameters,
    geometry: Geometry,
}

/// Checks a pooling.
pub(super) fn prepare(request: &Request<'_>, parameters: &Parameters) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    let geometry = Geometry {
        kernel: parameters.window,
        stride: parameters.stride,
        dilation: Dims::splat(1, parameters.window.rank()),
        pre_padding: parameters.pre_padding,
        padding_mode: parameters.padding_mode,
    };
    geometry.check()?;
    if !matches!(parameters.op, PoolingType::Max | PoolingType::Average | PoolingType::MaxAverageBlend) {
        return Err(Error::unsupported(format!("pooling of type {} is not supported", parameters.op.name())));
    }
    if parameters.post_padding.rank() != parameters.window.rank() {
        return Err(Error::config(format!(
            "padding {} does not fit a window of {}",
            parameters.post_padding, parameters.window
        )));
    }
    Ok(Box::new(Pooling { parameters: parameters.clone(), geometry }))
}

impl Kernel for Pooling {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let (dims, out_dims) = (*input.dims(), *call.output(0)?.dims());
        let window = self.geometry.window(&dims, &out_dims, Direction::Forward)?;
        if dims[..2] != out_dims[..2] {
            return Err(Error::config(format!("pooling does not lead from {dims} to {out_dims}")));
        }
        let divisors = self.divisors(&window)?;
        let values = convert::load(&input)?;
        convert::fill(call.output(0)?, |out| {
            if out.is_empty() {
                return Ok(());
            }
            let (from, to) = (window.input_len(), window.output_len());
            let layout = Layout::new(window);
            let one = |(index, out): (usize, &mut [f32])| {
                self.channel(&layout, &window, &divisors, &values[index * from..(index + 1) * from], out);
            };
            if out.len() < 1 << 13 || rayon::current_num_threads() == 1 {
                out.chunks_exact_mut(to).enumerate().for_each(one);
            } else {
                out.par_chunks_exact_mut(to).enumerate().for_each(one);
            }
            Ok(())
        })
    }
}

impl Pooling {
    /// The number of elements that each position of the window averages over, per dimension.
    fn divisors(&self, window: &Window) -> Result<[Vec<usize>; SPATIAL]> {
        let rank = self.parameters.window.rank();
        let mut all: [Vec<usize>; SPATIAL] = Default::default();
        for (d, counts) in all.iter_mut().enumerate() {
            let (kernel, stride, before, size) =
                (window.kernel[d], window.stride[d], window.before[d], window.input[d]);
            let after = match (d + rank).checked_sub(SPATIAL) {
                None => 0,
                Some(from) => match self.parameters.padding_mode {
                    PaddingMode::SameUpper | PaddingMode::SameLower => {
                        ((window.output[d].max(1) - 1) * stride + kernel).saturating_sub(size + before)
                    }
                    _ => extent(self.parameters.post_padding[from])?,
                },
            };
            *counts = (0..window.output[d])
                .map(|o| {
                    let (start, end) = (o * stride, o * stride + kernel);
                    if self.parameters.average_count_excludes_padding {
                        end.min(before + size).saturating_sub(start.max(before))
                    } else {
                        end.min(before + size + after).saturating_sub(start)
                    }
                })
                .collect();
        }
        Ok(all)
    }

    fn channel(
        &self,
        layout: &Layout,
        window: &Window,
        divisors: &[Vec<usize>; SPATIAL],
        image: &[f32],
        out: &mut [f32],
    ) {
        match self.parameters.op {
            PoolingType::Max => combine(layout, window, image, out, Combine::Max),
            PoolingType::Average => average(layout, window, divisors, image, out),
            _ => {
                let mut averages = Buffer::take(out.len());
                average(layout, window, divisors, image, &mut averages);
                combine(layout, window, image, out, Combine::Max);
                let share = self.parameters.blend_factor;
                out.iter_mut().zip(&*averages).for_each(|(max, &mean)| *max = (1.0 - share) * *max + share * mean);
            }
        }
    }
}

fn combine(layout: &Layout, window: &Window, image: &[f32], out: &mut [f32], how: Combine) {
    let [_, height, width] = window.output;
    if let Some(plane) = window.plane() {
        match how {
            Combine::Max => plane.max(image, out),
            Combine::Sum => plane.sum(image, out),
        }
        return;
    }
    let mut buffer;
    let data: &[f32] = if layout.is_direct() {
        image
    } else {
        buffer = Buffer::take(layout.len(1));
        layout.fill(image, &mut buffer, if how == Combine::Max { f32::NEG_INFINITY } else { 0.0 });
        &buffer
    };
    for (index, line) in out.chunks_exact_mut(width).enumerate() {
        let start = layout.row(index / height, index % height);
        combine_shifted(data.get(start..).unwrap_or(&[]), layout.taps(), line, how);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a window of 2^24 elements does not fit a float's count exactly, nor matter"
)]
fn average(layout: &Layout, window: &Window, divisors: &[Vec<usize>; SPATIAL], image: &[f32], out: &mut [f32]) {
    if layout.is_direct() && window.kernel == window.input {
        #[expect(clippy::cast_possible_truncation, reason = "the mean's one rounding")]
        out.fill((dot::sum(image) / image.len() as f64) as f32);
        return;
    }
    combine(layout, window, image, out, Combine::Sum);
    let [_, height, width] = window.output;
    for (index, line) in out.chunks_exact_mut(width).enumerate() {
        let rows = divisors[0][index / height] * divisors[1][index % height];
        for (slot, &columns) in line.iter_mut().zip(&divisors[2]) {
            // A window in the padding alone averages nothing: 0.
            *slot /= (rows * columns).max(1) as f32;
        }
    }
}

#[cfg(test)]
mod tests;
