//! Quantization and dequantization.

use std::borrow::Cow;

use tensorrt_sys::DataType;

use super::packed::{f32_to_fp4, f32_to_fp8, floats, fp4_to_f32, fp8_to_f32, int4, pack};
use super::wide::{GRAIN, for_chunks};
use super::words::{axis, extents, steps};
use super::{Call, Kernel, Request, convert, same_len};
use crate::graph::Quantization;
use crate::tensor::TensorView;
use crate::{Error, Result};

fn is_quantized(dtype: DataType) -> bool {
    matches!(dtype, DataType::Int8 | DataType::Uint8 | DataType::Int4 | DataType::Fp8 | DataType::Fp4)
}

/// Prepares a quantization of float, half or bfloat16 to int8, uint8, int4, fp8 or fp4: round(x / scale) + zero point, ties to even, saturating.
///
/// # Errors
/// The types are others.
pub(super) fn prepare(request: &Request<'_>, params: &Quantization) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) || !is_quantized(params.to) {
        return Err(Error::unsupported(format!(
            "quantizing {} to {}",
            request.input_type(0)?.name(),
            params.to.name()
        )));
    }
    Ok(Box::new(Quantize { axis: params.axis }))
}

/// Prepares a dequantization to float, half or bfloat16: (x − zero point) · scale.
///
/// # Errors
/// The types are others.
pub(super) fn prepare_inverse(request: &Request<'_>, params: &Quantization) -> Result<Box<dyn Kernel>> {
    let from = request.input_type(0)?;
    if !(is_quantized(from) || from == DataType::Int32) || !convert::is_computable(params.to) {
        return Err(Error::unsupported(format!("dequantizing {} to {}", from.name(), params.to.name())));
    }
    Ok(Box::new(Dequantize { axis: params.axis }))
}

/// A prepared quantization.
#[derive(Debug)]
struct Quantize {
    axis: i32,
}

/// A prepared dequantization.
#[derive(Debug)]
struct Dequantize {
    axis: i32,
}

impl Kernel for Quantize {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, scale, zero) = (call.input(0)?, call.input(1)?, call.optional(2));
        let out = call.output(0)?;
        same_len(&input, out)?;
        let parameters = Parameters::new(&input, self.axis, &scale, zero.as_ref())?;
        let x = convert::load(&input)?;
        let scaled = |low: f32, high: f32| {
            let (x, parameters) = (&x, &parameters);
            move |i: usize| {
                let (scale, zero) = parameters.at(i);
                ((x[i] / scale).round_ties_even() + zero).clamp(low, high)
            }
        };
        let plain = |i: usize| {
            let (scale, zero) = parameters.at(i);
            x[i] / scale + zero
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the value was clamped to the type's range; NaN is 0"
        )]
        match out.dtype() {
            DataType::Int8 => {
                let value = scaled(-128.0, 127.0);
                write(out.as_mut_slice::<i8>()?, |i| value(i) as i8);
            }
            DataType::Uint8 => {
                let value = scaled(0.0, 255.0);
                write(out.as_mut_slice::<u8>()?, |i| value(i) as u8);
            }
            DataType::Int4 => {
                let value = scaled(-8.0, 7.0);
                pack(&(0..x.len()).map(|i| (value(i) as i8).cast_unsigned()).collect::<Vec<_>>(), out.bytes_mut());
            }
            DataType::Fp4 => pack(&(0..x.len()).map(|i| f32_to_fp4(plain(i))).collect::<Vec<_>>(), out.bytes_mut()),
            DataType::Fp8 => write(out.bytes_mut(), |i| f32_to_fp8(plain(i))),
            other => return Err(Error::unsupported(format!("quantizing to {}", other.name()))),
        }
        Ok(())
    }
}

impl Kernel for Dequantize {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, scale, zero) = (call.input(0)?, call.input(1)?, call.optional(2));
        let out = call.output(0)?;
        same_len(&input, out)?;
        let parameters = Parameters::new(&input, self.axis, &scale, zero.as_ref())?;
        let bytes = input.bytes();
        convert::fill(out, |out| {
            let store = |out: &mut [f32], value: &(dyn Fn(usize) -> f32 + Sync)| {
                write(out, |i| {
                    let (scale, zero) = parameters.at(i);
                    (value(i) - zero) * scale
                });
            };
            match input.dtype() {
                DataType::Int8 => {
                    let x = input.as_slice::<i8>()?;
                    store(out, &|i| x[i].into());
                }
                DataType::Uint8 => store(out, &|i| bytes[i].into()),
                DataType::Int32 => {
                    let x = input.as_slice::<i32>()?;
                    #[expect(clippy::cast_precision_loss, reason = "the result is f32")]
                    store(out, &|i| x[i] as f32);
                }
                DataType::Int4 => store(out, &|i| int4(bytes, i).into()),
                DataType::Fp8 => store(out, &|i| fp8_to_f32(bytes[i])),
                DataType::Fp4 => store(out, &|i| fp4_to_f32(bytes[i / 2] >> (i % 2 * 4))),
                other => return Err(Error::unsupported(format!("dequantizing {}", other.name()))),
            }
            Ok(())
        })
    }
}

fn write<O: Send>(out: &mut [O], value: impl Fn(usize) -> O + Sync) {
    for_chunks(out, GRAIN, |first, out| out.iter_mut().zip(first..).for_each(|(out, i)| *out = value(i)));
}

/// The scale and zero point of each element.
struct Parameters<'t> {
    scale: Cow<'t, [f32]>,
    zero: Vec<f32>,
    spread: Spread,
}

/// Which scale an element uses.
enum Spread {
    /// The only one.
    Tensor,
    /// Element i: scale i / `inner` % `count`.
    Axis { inner: usize, count: usize },
    /// One per block: the extents and steps of the data, the block's extents, the steps of the scale.
    Block { extents: Vec<usize>, steps: Vec<usize>, block: Vec<usize>, scale_steps: Vec<usize> },
}

impl<'t> Parameters<'t> {
    fn new(data: &TensorView<'_>, along: i32, scale: &TensorView<'t>, zero: Option<&TensorView<'_>>) -> Result<Self> {
        let spread = Spread::new(data, along, scale)?;
        let scale = match floats(scale.dtype(), scale.bytes(), scale.len()) {
            Some(scale) => Cow::Owned(scale),
            None => convert::load(scale)?,
        };
        let zero = match zero {
            Some(zero) if zero.len() != scale.len() => {
                return Err(Error::invalid(format!("{} zero points for {} scales", zero.len(), scale.len())));
            }
            Some(zero) => zeros(zero)?,
            None => Vec::new(),
        };
        let zero = if zero.iter().all(|&z| z == 0.0) { Vec::new() } else { zero };
        Ok(Self { scale, zero, spread })
    }

    #[inline]
    fn at(&self, index: usize) -> (f32, f32) {
        let at = match &self.spread {
            Spread::Tensor => 0,
            Spread::Axis { inner, count } => index / inner % count,
            Spread::Block { extents, steps, block, scale_steps } => {
                (0..extents.len()).map(|d| index / steps[d] % extents[d] / block[d] * scale_steps[d]).sum()
            }
        };
        (self.scale[at], self.zero.get(at).copied().unwrap_or(0.0))
    }
}

fn zeros(zero: &TensorView<'_>) -> Result<Vec<f32>> {
    Ok(match zero.dtype() {
        DataType::Int4 => (0..zero.len()).map(|i| int4(zero.bytes(), i).into()).collect(),
        #[expect(clippy::cast_precision_loss, reason = "zero points are small")]
        DataType::Int8 | DataType::Uint8 | DataType::Int32 => zero.to_i64()?.iter().map(|&z| z as f32).collect(),
        other => match floats(other, zero.bytes(), zero.len()) {
            Some(zero) => zero,
            None => convert::load(zero)?.into_owned(),
        },
    })
}

impl Spread {
    fn new(data: &TensorView<'_>, along: i32, scale: &TensorView<'_>) -> Result<Self> {
        let (shape, scale_shape) = (extents(data.dims()), extents(scale.dims()));
        let refused =
            || Error::config(format!("scales of dimensions {} for {} along axis {along}", scale.dims(), data.dims()));
        if scale.len() == 1 {
            return Ok(Self::Tensor);
        }
        if scale_shape.len() == 1 && (shape.len() > 1 || scale_shape == shape) {
            let axis = axis(along.into(), shape.len())?;
            if scale_shape[0] != shape[axis] {
                return Err(refused());
            }
            return Ok(Self::Axis {
                inner: shape[axis + 1..].iter().product::<usize>().max(1),
                count: shape[axis].max(1),
            });
        }
        if scale_shape.len() != shape.len() || scale_shape.contains(&0) {
            return Err(refused());
        }
        let block: Vec<usize> =
            shape.iter().zip(&scale_shape).map(|(extent, count)| extent.div_ceil(*count).max(1)).collect();
        let fits = (0..shape.len()).all(|d| shape[d].div_ceil(block[d]) == scale_shape[d] || shape[d] == 0);
        if !fits {
            return Err(refused());
        }
        Ok(Self::Block { steps: steps(&shape), scale_steps: steps(&scale_shape), extents: shape, block })
    }
}

#[cfg(test)]
mod tests;
