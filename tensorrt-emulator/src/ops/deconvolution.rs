//! Transposed convolution over one to three spatial dimensions, with groups.

use rayon::prelude::*;

use super::convolution::{checked, constant_values};
use super::window::{Direction, Geometry, extent};
use super::{Call, Kernel, Request, convert};
use crate::graph::Conv;
use crate::kernels::gemm::{Grid, Left, Right, TileShape, multiply};
use crate::kernels::image::Window;
use crate::kernels::simd::Isa;
use crate::kernels::workspace::Buffer;
use crate::{Error, Result};

#[derive(Debug)]
struct Deconvolution {
    geometry: Geometry,
    groups: usize,
    maps: usize,
    kernel: Option<Kernels>,
    bias: Option<Vec<f32>>,
}

/// The kernel as one matrix a group: rows (map of the group, kernel element), columns the group's input channels.
#[derive(Debug)]
struct Kernels {
    packed: Vec<Left>,
    channels: usize,
}

/// Packs a kernel of [channels, maps/groups, window…].
fn pack(values: &[f32], groups: usize, maps: usize, taps: usize) -> Result<Kernels> {
    let rows = maps / groups * taps;
    if rows == 0 || !values.len().is_multiple_of(rows * groups) {
        return Err(Error::config(format!("a kernel of {} values does not fit {maps} maps", values.len())));
    }
    let channels = values.len() / rows;
    let depth = channels / groups;
    let group = |g: usize| Left::pack(&values[g * depth * rows..(g + 1) * depth * rows], rows, depth, 1, rows);
    Ok(Kernels { packed: (0..groups).map(group).collect(), channels })
}

/// Checks a deconvolution and packs its kernel.
pub(super) fn prepare(request: &Request<'_>, conv: &Conv) -> Result<Box<dyn Kernel>> {
    let (geometry, groups, maps) = checked(request, conv)?;
    let kernel = constant_values(request, conv.kernel, 1)?;
    if kernel.is_none() && request.input_types.get(1).copied().flatten().is_none() {
        return Err(Error::config("the deconvolution has no kernel"));
    }
    let taps = geometry.kernel.volume().unwrap_or(0);
    let kernel = kernel.map(|values| pack(&values, groups, maps, taps)).transpose()?;
    let bias = constant_values(request, conv.bias, 2)?;
    if bias.as_ref().is_some_and(|bias| bias.len() != maps) {
        return Err(Error::config(format!("the bias does not have one value for each of {maps} maps")));
    }
    Ok(Box::new(Deconvolution { geometry, groups, maps, kernel, bias }))
}

impl Kernel for Deconvolution {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let (dims, out_dims) = (*input.dims(), *call.output(0)?.dims());
        let window = self.geometry.window(&dims, &out_dims, Direction::Transposed)?;
        let (batch, channels) = (extent(dims[0])?, extent(dims[1])?);
        let dynamic;
        let kernel = match (&self.kernel, call.optional(1)) {
            (Some(kernel), _) => kernel,
            (None, Some(kernel)) => {
                dynamic = pack(&convert::load(&kernel)?, self.groups, self.maps, window.kernel_len())?;
                &dynamic
            }
            (None, None) => return Err(Error::internal("the deconvolution has no kernel")),
        };
        if kernel.channels != channels || extent(out_dims[1])? != self.maps || out_dims[0] != dims[0] {
            return Err(Error::config(format!(
                "a deconvolution of {} channels to {} maps does not lead from {dims} to {out_dims}",
                kernel.channels, self.maps
            )));
        }
        let dynamic_bias = match (&self.bias, call.optional(2)) {
            (None, Some(bias)) => Some(convert::load(&bias)?),
            _ => None,
        };
        let bias = self.bias.as_deref().or(dynamic_bias.as_deref());
        if bias.is_some_and(|bias| bias.len() != self.maps) {
            return Err(Error::config(format!("the bias does not have one value for each of {} maps", self.maps)));
        }
        let values = convert::load(&input)?;
        convert::fill(call.output(0)?, |out| {
            if out.is_empty() {
                return Ok(());
            }
            let (image_len, out_len) = (channels * window.input_len(), self.maps * window.output_len());
            for n in 0..batch {
                let image = &values[n * image_len..(n + 1) * image_len];
                self.image(&window, kernel, bias, image, &mut out[n * out_len..(n + 1) * out_len])?;
            }
            Ok(())
        })
    }
}

impl Deconvolution {
    /// One image: the products of every kernel element with every input point, then their sums at the output points.
    fn image(
        &self,
        window: &Window,
        kernel: &Kernels,
        bias: Option<&[f32]>,
        image: &[f32],
        out: &mut [f32],
    ) -> Result<()> {
        let (points, taps, out_len) = (window.input_len(), window.kernel_len(), window.output_len());
        let (depth, maps) = (kernel.channels / self.groups, self.maps / self.groups);
        let offsets: Option<Vec<u32>> = (0..depth).map(|c| u32::try_from(c * points).ok()).collect();
        let offsets = offsets.ok_or_else(|| Error::unsupported("a deconvolution over more than 2^32 elements"))?;
        let mut products = Buffer::take(maps * taps * points);
        for (g, packed) in kernel.packed.iter().enumerate() {
            let right = Right {
                data: &image[g * depth * points..(g + 1) * depth * points],
                offsets: &offsets,
                panel_stride: TileShape::of(Isa::detect()).columns,
                columns: points,
            };
            multiply(packed, right, None, Grid::dense(points), &mut products, points);
            let group_out = &mut out[g * maps * out_len..(g + 1) * maps * out_len];
            group_out.par_chunks_exact_mut(out_len).enumerate().for_each(|(map, out)| {
                out.fill(bias.map_or(0.0, |bias| bias[g * maps + map]));
                if points > 0 {
                    scatter(window, &products[map * taps * points..(map + 1) * taps * points], out);
                }
            });
        }
        Ok(())
    }
}

/// Adds each kernel element's products to the output points they belong to.
fn scatter(window: &Window, products: &[f32], out: &mut [f32]) {
    let Window { input, output, kernel, stride, dilation, before } = *window;
    for (tap, products) in products.chunks_exact(window.input_len()).enumerate() {
        let tap = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
        let target = |d: usize, at: usize| {
            (at * stride[d] + tap[d] * dilation[d]).checked_sub(before[d]).filter(|&to| to < output[d])
        };
        // The input columns whose output column exists.
        let first = before[2].saturating_sub(tap[2] * dilation[2]).div_ceil(stride[2]);
        let Some(start) = (first < input[2]).then(|| target(2, first)).flatten() else { continue };
        for (index, line) in products.chunks_exact(input[2]).enumerate() {
            let (Some(z), Some(y)) = (target(0, index / input[1]), target(1, index % input[1])) else { continue };
            let row = &mut out[(z * output[1] + y) * output[2]..][start..output[2]];
            if stride[2] == 1 {
                row.iter_mut().zip(&line[first..]).for_each(|(sum, &value)| *sum += value);
            } else {
                row.iter_mut().step_by(stride[2]).zip(&line[first..]).for_each(|(sum, &value)| *sum += value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
