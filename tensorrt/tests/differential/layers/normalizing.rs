//! Layers that normalize and scale.

use tensorrt::{DataType, Layer, Result, ScaleMode};

use crate::draft::{Draft, FLOATS, zeros};

const RANKS: &[usize] = &[1, 2, 3, 4, 4, 5];

pub(super) fn softmax<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let layer = draft.network.add_softmax(input)?;
    if !draft.random.one_in(4) {
        let axes = draft.axes(rank.max(1), true);
        layer.set_axes(&axes)?;
    }
    Ok(layer.as_any())
}

pub(super) fn ragged_softmax<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[2, 3, 3, 4]));
    let dims = draft.extents(rank);
    let mut bounds = dims.clone();
    if let Some(last) = bounds.last_mut() {
        *last = 1;
    }
    let (bounds_type, bounds) = (draft.data_type(&[DataType::Int32]), draft.nearly(&bounds));
    let (input, bounds) = (draft.tensor(data_type, &dims)?, draft.tensor(bounds_type, &bounds)?);
    Ok(draft.network.add_ragged_softmax(input, bounds)?.as_any())
}

pub(super) fn lrn<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[3, 4, 4, 4, 5]));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let window = draft.pick(&[1, 3, 5, 15, 17, 2, 0, -1]);
    Ok(draft.network.add_lrn(input, window, 1e-4, 0.75, 1.0)?.as_any())
}

pub(super) fn normalization<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[2, 3, 4, 4, 5]));
    let dims = draft.extents(rank);
    let axes = draft.axes(rank.max(1), false);
    let second = draft.pick(&[true, false]);
    let groups = draft.number(&[1, 1, 1, 2]);
    draft.note(format_args!("groups={groups}"));
    let kept: Vec<i64> =
        (0_u32..).zip(&dims).map(|(at, &d)| if axes.contains(&at) == second { d } else { 1 }).collect();
    let per_channel: Vec<i64> = (0..).zip(&dims).map(|(at, &d)| if at == 1 { d } else { 1 }).collect();
    let mut operands = Vec::new();
    let input = draft.tensor(data_type, &dims)?;
    for _ in 0..2 {
        let dims = match draft.random.below(4) {
            0 => per_channel.clone(),
            1 => draft.broadcasting(&dims),
            _ => kept.clone(),
        };
        let mut dims = draft.nearly(&dims);
        if groups > 1 && dims.len() > 1 && draft.random.one_in(2) {
            dims[1] = groups;
        }
        let data_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
        operands.push(draft.tensor(data_type, &dims)?);
    }
    let layer = if second {
        draft.network.add_normalization_v2(input, operands[0], operands[1], &axes)?
    } else {
        draft.network.add_normalization(input, operands[0], operands[1], &axes)?
    };
    if groups != 1 {
        layer.set_num_groups(groups)?;
    }
    Ok(layer.as_any())
}

pub(super) fn scale<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let mode = draft.pick(ScaleMode::ALL);
    let beyond = usize::from(draft.random.one_in(8));
    let axis = draft.random.below(rank.max(1) + beyond);
    draft.note(format_args!("axis={axis}"));
    let volume = |dims: &[i64]| dims.iter().map(|&d| usize::try_from(d).unwrap_or(1)).product::<usize>();
    let count = match mode {
        ScaleMode::Uniform => 1,
        ScaleMode::Channel => dims.get(axis).map_or(1, |&extent| volume(&[extent])),
        _ => volume(dims.get(axis..).unwrap_or_default()),
    };
    let weights_type = if draft.random.one_in(8) { draft.data_type(FLOATS) } else { data_type };
    let weights = |draft: &mut Draft<'_>| {
        let count = match draft.random.below(12) {
            0 => count + 1,
            1..4 => 0,
            _ => count,
        };
        draft.note(format_args!("{weights_type:?}*{count}"));
        zeros(weights_type, count)
    };
    let (shift, factor, power) = (weights(draft), weights(draft), weights(draft));
    let input = draft.tensor(data_type, &dims)?;
    Ok(draft.network.add_scale(input, mode, shift, factor, power, u32::try_from(axis).unwrap())?.as_any())
}
