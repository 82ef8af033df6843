//! Quantization with scales computed from the data, block by block.

use std::borrow::Cow;

use tensorrt_sys::DataType;

use super::packed::{e8m0_to_f32, f32_to_e8m0, f32_to_fp4, f32_to_fp8, fp8_to_f32, pack};
use super::words::{axis, extents, steps};
use super::{Call, Kernel, Request, convert, same_len};
use crate::tensor::Dims;
use crate::{Error, Result};

/// A prepared dynamic quantization.
#[derive(Debug)]
struct DynamicQuantize {
    /// The largest value of the quantized type.
    largest: f32,
    /// The extents of a block; those at the end of a dimension may be smaller.
    block: Vec<usize>,
}

/// Prepares a quantization of float, half or bfloat16 to fp4 or fp8 with scales of fp8, e8m0 or float. A block's scale is its largest
/// magnitude divided by the type's largest value; of e8m0, the next power of two that is not less; of fp8, divided by input 1 (the scale of
/// the scales) and rounded. The data is divided by the scale as it was rounded.
///
/// # Errors
/// The types are others, or the blocks do not fit the input's rank.
pub(super) fn prepare(
    request: &Request<'_>,
    (along, size): (i32, i32),
    shape: Option<&Dims>,
    to: DataType,
    scale_type: DataType,
) -> Result<Box<dyn Kernel>> {
    let largest = match to {
        DataType::Fp4 => 6.0,
        DataType::Fp8 => 448.0,
        other => return Err(Error::unsupported(format!("dynamic quantization to {}", other.name()))),
    };
    if !matches!(scale_type, DataType::Fp8 | DataType::E8m0 | DataType::Float) {
        return Err(Error::unsupported(format!("scales of {} in a dynamic quantization", scale_type.name())));
    }
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    let mut block = shape.copied().unwrap_or_else(|| Dims::splat(1, rank));
    if shape.is_none() {
        block[axis(along.into(), rank)?] = size.into();
    }
    if block.rank() != rank || block.iter().any(|&extent| extent < 1) {
        return Err(Error::config(format!("blocks of {block} in a tensor of {rank} dimensions")));
    }
    Ok(Box::new(DynamicQuantize { largest, block: extents(&block) }))
}

/// Stores scales and returns them as they were rounded.
fn round(scales: Vec<f32>, dtype: DataType, second: f32, out: &mut crate::tensor::TensorMut<'_>) -> Result<Vec<f32>> {
    match dtype {
        DataType::Fp8 => {
            let codes: Vec<u8> = scales.iter().map(|scale| f32_to_fp8(scale / second)).collect();
            out.bytes_mut().copy_from_slice(&codes);
            Ok(codes.iter().map(|&code| fp8_to_f32(code) * second).collect())
        }
        DataType::E8m0 => {
            let codes: Vec<u8> = scales.iter().map(|&scale| f32_to_e8m0(scale)).collect();
            out.bytes_mut().copy_from_slice(&codes);
            Ok(codes.iter().map(|&code| e8m0_to_f32(code)).collect())
        }
        _ => {
            convert::store(&scales, out)?;
            Ok(scales)
        }
    }
}

impl Kernel for DynamicQuantize {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let second = match call.optional(1) {
            Some(scale) => convert::load(&scale)?.first().copied().unwrap_or(1.0),
            None => 1.0,
        };
        same_len(&input, call.output(0)?)?;
        let shape = extents(input.dims());
        let count = extents(call.output(1)?.dims());
        if shape.iter().zip(&self.block).map(|(extent, block)| extent.div_ceil(*block)).ne(count.iter().copied()) {
            return Err(Error::config(format!("{count:?} blocks of {:?} in a tensor of {shape:?}", self.block)));
        }
        let (own, of_scales) = (steps(&shape), steps(&count));
        let block_of = |index: usize| -> usize {
            (0..shape.len()).map(|d| index / own[d] % shape[d] / self.block[d] * of_scales[d]).sum()
        };
        let x: Cow<'_, [f32]> = convert::load(&input)?;
        let mut largest = vec![0.0f32; count.iter().product()];
        for (index, value) in x.iter().enumerate() {
            let block = &mut largest[block_of(index)];
            *block = if value.is_nan() || block.is_nan() { f32::NAN } else { block.max(value.abs()) };
        }
        let scales = largest.iter().map(|size| size / self.largest).collect();
        let out = call.output(1)?;
        let dtype = out.dtype();
        let scales = round(scales, dtype, second, out)?;
        let scaled = |(index, &value): (usize, &f32)| {
            let scale = scales[block_of(index)];
            // A block of zeros, or of what its scale cannot express, is zeros.
            if scale == 0.0 { 0.0 } else { value / scale }
        };
        let out = call.output(0)?;
        if out.dtype() == DataType::Fp8 {
            let codes = x.iter().enumerate().map(|element| f32_to_fp8(scaled(element)));
            out.bytes_mut().iter_mut().zip(codes).for_each(|(slot, code)| *slot = code);
        } else {
            let codes: Vec<u8> = x.iter().enumerate().map(|element| f32_to_fp4(scaled(element))).collect();
            pack(&codes, out.bytes_mut());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    fn quantized(to: DataType, scale_type: DataType, scales: &[i64], second: Option<f32>) -> (Vec<u8>, Vec<u8>) {
        let x = tensor(&[2, 2], &[12.0f32, -6.0, 0.0, 3.0]);
        let block_shape = (scales == [1, 1]).then(|| Dims::splat(2, 2));
        let kind = LayerKind::DynamicQuantize { axis: 1, block_size: 2, block_shape, to, scale_type };
        let second = second.map(|scale| tensor(&[], &[scale]));
        let outputs = [(to, &[2, 2][..]), (scale_type, scales)];
        let out = run(&kind, &[Some(&x), second.as_ref()], &outputs).unwrap();
        (out[0].view().bytes().to_vec(), out[1].view().bytes().to_vec())
    }

    #[test]
    fn blocks_have_the_scale_of_their_largest_value() {
        // Scales 2 and 0.5: 6, −3, 0, 6 in fp4; with the scale of the scales, 4 and 1.
        assert_eq!(quantized(DataType::Fp4, DataType::Fp8, &[2, 1], None), (vec![0xD7, 0x70], vec![0x40, 0x30]));
        assert_eq!(quantized(DataType::Fp4, DataType::Fp8, &[2, 1], Some(0.5)), (vec![0xD7, 0x70], vec![0x48, 0x38]));
        // 12 / 448 and 3 / 448 round up to 2^−5 and 2^−7: 384, −192, 0, 384.
        assert_eq!(
            quantized(DataType::Fp8, DataType::E8m0, &[2, 1], None),
            (vec![0x7C, 0xF4, 0x00, 0x7C], vec![122, 120])
        );
        let (codes, scale) = quantized(DataType::Fp8, DataType::Float, &[1, 1], None);
        assert_eq!((codes, scale), (vec![0x7E, 0xF6, 0x00, 0x6E], (12.0f32 / 448.0).to_le_bytes().to_vec()));
    }

    fn scales(x: &[f32], dims: &[i64], block: &[i64]) -> Vec<f32> {
        let block_shape = Some(Dims::of(block).unwrap());
        let (to, scale_type) = (DataType::Fp8, DataType::Float);
        let kind = LayerKind::DynamicQuantize { axis: 0, block_size: 16, block_shape, to, scale_type };
        let count: Vec<i64> = dims.iter().zip(block).map(|(&extent, &block)| (extent + block - 1) / block).collect();
        let out = run(&kind, &[Some(&tensor(dims, x))], &[(to, dims), (scale_type, &count)]).unwrap();
        out[1].view().as_slice::<f32>().unwrap().iter().map(|scale| scale * 448.0).collect()
    }

    #[test]
    fn the_last_block_of_a_dimension_may_be_smaller() {
        let mut x = [1.0f32; 18];
        // Row 3 belongs to the first block of four rows of nine.
        x[6] = 56.0;
        assert_eq!(scales(&x, &[9, 2], &[4, 2]), [56.0, 1.0, 1.0]);
    }

    #[test]
    fn a_nan_is_its_blocks_scale_wherever_it_stands() {
        for x in [[f32::NAN, 1.0, 7.0, 7.0], [1.0, f32::NAN, 7.0, 7.0]] {
            let found = scales(&x, &[2, 2], &[1, 2]);
            assert!(found[0].is_nan() && found[1] == 7.0, "{x:?} {found:?}");
        }
    }
}
