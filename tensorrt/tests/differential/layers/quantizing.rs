//! Layers that quantize.

use tensorrt::{DataType, Layer, Result, Tensor};

use crate::draft::{Draft, FLOATS};

const RANKS: &[usize] = &[1, 2, 2, 3, 4];
const QUANTIZED: &[DataType] = &[DataType::Int8, DataType::Fp8, DataType::Int4, DataType::Fp4];

/// The scales that fit: of the tensor, of a channel, of blocks; an axis or a block's shape to set.
fn scales<'n>(draft: &mut Draft<'n>, dims: &[i64]) -> Result<(Tensor<'n>, Option<i32>, Option<Vec<i64>>)> {
    let data_type = draft.data_type(&[DataType::Float, DataType::Float, DataType::Half]);
    let rank = dims.len();
    let (scales, axis, block) = match draft.random.below(4) {
        0 => (vec![], None, None),
        1 => {
            let axis = draft.axis(rank.max(1));
            let extent = usize::try_from(axis).ok().and_then(|axis| dims.get(axis)).copied().unwrap_or(1);
            (vec![extent], Some(axis), None)
        }
        2 => {
            let at = draft.random.below(rank.max(1));
            let mut scales = dims.to_vec();
            if let Some(extent) = scales.get_mut(at).filter(|extent| **extent % 2 == 0) {
                *extent /= 2;
            }
            (scales, None, None)
        }
        _ => {
            let block: Vec<i64> = dims.iter().map(|_| draft.random.pick(&[1, 1, 2])).collect();
            let block = draft.nearly(&block);
            let scales = dims.iter().zip(block.iter().chain(std::iter::repeat(&1)));
            let scales = scales.map(|(&extent, &block)| if extent < 0 { -1 } else { extent / block.max(1) }).collect();
            (scales, None, Some(block))
        }
    };
    let scales = draft.nearly(&scales);
    let known = scales.iter().all(|&extent| extent > 0) && !draft.random.one_in(6);
    let tensor = if known { draft.constant(data_type, &scales)? } else { draft.input(data_type, &scales)? };
    Ok((tensor, axis, block))
}

pub(super) fn quantize<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let (scale, axis, block) = scales(draft, &dims)?;
    let to = draft.data_type(QUANTIZED);
    draft.note(format_args!("to={to:?} block={block:?}"));
    let layer = draft.network.add_quantize(input, scale, to)?;
    if let Some(axis) = axis {
        layer.set_axis(axis)?;
    }
    if let Some(block) = block {
        layer.set_block_shape(&block[..])?;
    }
    Ok(layer.as_any())
}

pub(super) fn dequantize<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(QUANTIZED), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let (scale, axis, block) = scales(draft, &dims)?;
    let to = draft.data_type(FLOATS);
    draft.note(format_args!("to={to:?} block={block:?}"));
    let layer = draft.network.add_dequantize(input, scale, to)?;
    if let Some(axis) = axis {
        layer.set_axis(axis)?;
    }
    if let Some(block) = block {
        layer.set_block_shape(&block[..])?;
    }
    Ok(layer.as_any())
}

pub(super) fn dynamic_quantize<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[2, 2, 3]));
    let mut dims = draft.extents(rank);
    let (to, scale_type) = match draft.random.below(3) {
        0 => (DataType::Fp4, DataType::Fp8),
        1 => (DataType::Fp8, DataType::E8m0),
        _ => (draft.data_type(QUANTIZED), draft.data_type(&[DataType::Fp8, DataType::E8m0])),
    };
    draft.note(format_args!("{to:?} {scale_type:?}"));
    if draft.random.one_in(3) {
        let block: Vec<i64> = dims.iter().map(|_| draft.random.pick(&[1, 2, 16, 32])).collect();
        draft.note(format_args!("block={block:?}"));
        let input = draft.input(data_type, &dims)?;
        return Ok(draft.network.add_dynamic_quantize_v2(input, &block[..], to, scale_type)?.as_any());
    }
    let axis = draft.random.below(rank + 1);
    let size = draft.random.pick(&[16, 16, 32, 32, 8, 1]);
    if let Some(extent) = dims.get_mut(axis)
        && !draft.random.one_in(6)
    {
        *extent = draft.random.pick(&[32, 64, 48, -1]);
    }
    draft.note(format_args!("axis={axis} size={size}"));
    let input = draft.input(data_type, &dims)?;
    Ok(draft.network.add_dynamic_quantize(input, u32::try_from(axis).unwrap(), size, to, scale_type)?.as_any())
}
