//! Convolution over one to three spatial dimensions, with groups.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::window::{Direction, Geometry, extent};
use super::{Call, Kernel, Request, convert};
use crate::graph::{Conv, Weights, WeightsId};
use crate::kernels::gemm::{Left, Right, TileShape, multiply};
use crate::kernels::image::{Layout, Window};
use crate::kernels::simd::Isa;
use crate::kernels::workspace::Buffer;
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};

/// A prepared convolution.
#[derive(Debug)]
struct Convolution {
    geometry: Geometry,
    groups: usize,
    maps: usize,
    /// The packed kernel, one matrix a group, where it is constant.
    packed: Option<Vec<Left>>,
    bias: Option<Vec<f32>>,
    /// The layout of the last run's extents.
    plan: Mutex<Option<Arc<Plan>>>,
}

#[derive(Debug)]
struct Plan {
    window: Window,
    channels: usize,
    layout: Layout,
    offsets: Vec<u32>,
}

/// The elements of `weights` as f32.
pub(super) fn weight_values(weights: &Weights) -> Result<Vec<f32>> {
    let count = i64::try_from(weights.count).map_err(|_| Error::internal("weights beyond all memory"))?;
    let view = TensorView::new(weights.dtype, Dims::new(&[count])?, &weights.storage)?;
    Ok(convert::load(&view)?.into_owned())
}

/// The constant elements of a layer's kernel or bias, from its weights or from a constant input.
pub(super) fn constant_values(
    request: &Request<'_>,
    weights: Option<WeightsId>,
    input: usize,
) -> Result<Option<Vec<f32>>> {
    if let Some(tensor) = request.constant(input) {
        return Ok(Some(convert::load(&tensor.view())?.into_owned()));
    }
    let weights = weights.map(|id| request.weights(id)).filter(|weights| weights.count > 0);
    if request.input_types.get(input).copied().flatten().is_some() {
        return Ok(None);
    }
    weights.map(weight_values).transpose()
}

/// What convolution and deconvolution check alike: (geometry, groups, output maps).
pub(super) fn checked(request: &Request<'_>, conv: &Conv) -> Result<(Geometry, usize, usize)> {
    let types = [Some(request.input_type(0)?), request.input_types.get(1).copied().flatten()];
    if !types.into_iter().flatten().all(convert::is_computable) {
        return Err(request.unsupported_types());
    }
    let geometry = Geometry {
        kernel: conv.kernel_size,
        stride: conv.stride,
        dilation: conv.dilation,
        pre_padding: conv.pre_padding,
        padding_mode: conv.padding_mode,
    };
    geometry.check()?;
    let (groups, maps) = (extent(conv.groups)?, extent(conv.num_output_maps)?);
    if groups == 0 || !maps.is_multiple_of(groups) {
        return Err(Error::config(format!("{maps} output maps do not divide into {groups} groups")));
    }
    Ok((geometry, groups, maps))
}

/// Packs a kernel of [maps, channels/groups, window…], one matrix a group.
fn pack(values: &[f32], groups: usize, maps: usize) -> Result<Vec<Left>> {
    if maps == 0 {
        return Ok(Vec::new());
    }
    if !values.len().is_multiple_of(maps) {
        return Err(Error::config(format!("a kernel of {} values does not divide into {maps} maps", values.len())));
    }
    let (rows, depth) = (maps / groups, values.len() / maps);
    let group = |g: usize| Left::pack(&values[g * rows * depth..(g + 1) * rows * depth], rows, depth, depth, 1);
    Ok((0..groups).map(group).collect())
}

/// Checks a convolution and packs its kernel.
pub(super) fn prepare(request: &Request<'_>, conv: &Conv) -> Result<Box<dyn Kernel>> {
    let (geometry, groups, maps) = checked(request, conv)?;
    let kernel = constant_values(request, conv.kernel, 1)?;
    if kernel.is_none() && request.input_types.get(1).copied().flatten().is_none() {
        return Err(Error::config("the convolution has no kernel"));
    }
    let packed = kernel.map(|values| pack(&values, groups, maps)).transpose()?;
    let bias = constant_values(request, conv.bias, 2)?;
    if bias.as_ref().is_some_and(|bias| bias.len() != maps) {
        return Err(Error::config(format!("the bias does not have one value for each of {maps} maps")));
    }
    Ok(Box::new(Convolution { geometry, groups, maps, packed, bias, plan: Mutex::new(None) }))
}

impl Convolution {
    fn plan(&self, window: Window, channels: usize) -> Result<Arc<Plan>> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plan.as_ref().filter(|plan| plan.window == window && plan.channels == channels) {
            return Ok(plan.clone());
        }
        let layout = Layout::new(window);
        let offsets = layout.offsets(channels / self.groups);
        let offsets = offsets.ok_or_else(|| Error::unsupported("a convolution over more than 2^32 elements"))?;
        let new = Arc::new(Plan { window, channels, layout, offsets });
        *plan = Some(new.clone());
        Ok(new)
    }
}

impl Kernel for Convolution {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let dims = *input.dims();
        let out_dims = *call.output(0)?.dims();
        let window = self.geometry.window(&dims, &out_dims, Direction::Forward)?;
        let (batch, channels) = (extent(dims[0])?, extent(dims[1])?);
        if !channels.is_multiple_of(self.groups) || extent(out_dims[1])? != self.maps || out_dims[0] != dims[0] {
            return Err(Error::config(format!(
                "a convolution to {} maps in {} groups does not lead from {dims} to {out_dims}",
                self.maps, self.groups
            )));
        }
        let dynamic;
        let packed = match (&self.packed, call.optional(1)) {
            (Some(packed), _) => packed,
            (None, Some(kernel)) => {
                dynamic = pack(&convert::load(&kernel)?, self.groups, self.maps)?;
                &dynamic
            }
            (None, None) => return Err(Error::internal("the convolution has no kernel")),
        };
        let depth = channels / self.groups * window.kernel_len();
        if packed.iter().any(|left| left.depth() != depth) {
            return Err(Error::config(format!("the kernel does not fit {channels} channels of {dims}")));
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
            let plan = self.plan(window, channels)?;
            let (image_len, out_len) = (channels * window.input_len(), self.maps * window.output_len());
            for n in 0..batch {
                let image = &values[n * image_len..(n + 1) * image_len];
                self.image(&plan, packed, bias, image, &mut out[n * out_len..(n + 1) * out_len]);
            }
            Ok(())
        })
    }
}

impl Convolution {
    /// One image of the batch with a group for each channel; false where that has no kernel of its own.
    fn depthwise(
        &self,
        window: &Window,
        packed: &[Left],
        bias: Option<&[f32]>,
        image: &[f32],
        out: &mut [f32],
    ) -> bool {
        let Some(plane) = window.plane().filter(|_| self.maps == self.groups && window.input_len() > 0) else {
            return false;
        };
        let (from, to) = (window.input_len(), window.output_len());
        let one = |(channel, out): (usize, &mut [f32])| {
            if let Some(weights) = packed[channel].single_row() {
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                plane.weighted_sum(&image[channel * from..(channel + 1) * from], weights, bias, out);
            }
        };
        if out.len() < 1 << 14 || rayon::current_num_threads() == 1 {
            out.chunks_exact_mut(to).enumerate().for_each(one);
        } else {
            out.par_chunks_exact_mut(to).with_min_len(4).enumerate().for_each(one);
        }
        true
    }

    /// One image of the batch.
    fn image(&self, plan: &Plan, packed: &[Left], bias: Option<&[f32]>, image: &[f32], out: &mut [f32]) {
        let Plan { window, channels, layout, offsets } = plan;
        if self.groups == *channels && self.depthwise(window, packed, bias, image, out) {
            return;
        }
        let mut buffer;
        let data: &[f32] = if layout.is_direct() {
            image
        } else {
            buffer = Buffer::take(layout.len(*channels));
            layout.fill(image, &mut buffer, 0.0);
            &buffer
        };
        let (rows, group_channels) = (self.maps / self.groups, channels / self.groups);
        let (grid, columns, out_len) = (layout.grid(), layout.columns(), window.output_len());
        let panel_stride = TileShape::of(Isa::detect()).columns;
        let group = |(g, out): (usize, &mut [f32])| {
            let data = data.get(g * group_channels * layout.channel_len()..).unwrap_or(&[]);
            let right = Right { data, offsets, panel_stride, columns };
            let bias = bias.map(|bias| &bias[g * rows..(g + 1) * rows]);
            multiply(&packed[g], right, bias, grid, out, out_len);
        };
        if self.groups == 1 || rayon::current_num_threads() == 1 {
            out.chunks_exact_mut(rows * out_len).enumerate().for_each(group);
        } else {
            out.par_chunks_exact_mut(rows * out_len).with_min_len(4).enumerate().for_each(group);
        }
    }
}

#[cfg(test)]
mod tests;
