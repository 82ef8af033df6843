//! Layers that index, reduce and rank.

use tensorrt::{CumulativeOperation, DataType, GatherMode, Layer, ReduceOperation, Result, ScatterMode, TopKOperation};

use crate::draft::{Draft, INDICES};

const RANKS: &[usize] = &[1, 2, 3, 3, 4, 4, 5];
const NUMBERS: &[DataType] = &[DataType::Float, DataType::Half, DataType::Int32, DataType::Int64];

pub(super) fn gather<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let mode = draft.pick(GatherMode::ALL);
    let indices_type = draft.data_type(INDICES);
    let axis = draft.axis(rank.max(1));
    let shared = match draft.random.below(6) {
        0 => 1,
        1 => draft.random.pick(&[2, -1, 3]),
        _ => 0,
    };
    draft.note(format_args!("shared={shared}"));
    let indices = match mode {
        GatherMode::Element => {
            let mut dims = dims.clone();
            if let Some(extent) = usize::try_from(axis).ok().and_then(|axis| dims.get_mut(axis)) {
                *extent = draft.extent();
            }
            draft.nearly(&dims)
        }
        GatherMode::Nd => {
            let shared = usize::try_from(shared).unwrap_or(0).min(rank);
            let extra = draft.random.below(3);
            let extra = draft.extents(extra);
            let length = i64::try_from(1 + draft.random.below((rank - shared).max(1))).unwrap();
            draft.nearly(&[&dims[..shared], &extra, &[length]].concat())
        }
        _ => {
            let extra = draft.random.below(3);
            let mut indices = draft.extents(extra);
            if shared == 1 {
                indices.insert(0, dims.first().copied().unwrap_or(1));
            }
            draft.nearly(&indices)
        }
    };
    let (data, indices) = (draft.tensor(data_type, &dims)?, draft.tensor(indices_type, &indices)?);
    let layer = draft.network.add_gather_v2(data, indices, mode)?;
    layer.set_axis(axis)?;
    layer.set_num_elementwise_dims(shared)?;
    Ok(layer.as_any())
}

pub(super) fn scatter<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let mode = draft.pick(ScatterMode::ALL);
    let (indices_type, axis) = (draft.data_type(INDICES), draft.axis(rank.max(1)));
    let updates_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
    let (indices, updates) = if mode == ScatterMode::Element {
        let mut indices = dims.clone();
        if let Some(extent) = usize::try_from(axis).ok().and_then(|axis| indices.get_mut(axis)) {
            *extent = draft.extent();
        }
        if draft.random.one_in(4) {
            indices.iter_mut().for_each(|extent| *extent = (*extent).min(1));
        }
        (draft.nearly(&indices), draft.nearly(&indices))
    } else {
        let extra = draft.random.below(3);
        let extra = draft.extents(extra);
        let length = 1 + draft.random.below(rank.max(1));
        let indices = [&extra[..], &[i64::try_from(length).unwrap()]].concat();
        let updates = [&extra[..], &dims[length.min(rank)..]].concat();
        (draft.nearly(&indices), draft.nearly(&updates))
    };
    let (indices, updates) =
        (indices.into_iter().take(8).collect::<Vec<_>>(), updates.into_iter().take(8).collect::<Vec<_>>());
    let data = draft.tensor(data_type, &dims)?;
    let (indices, updates) = (draft.tensor(indices_type, &indices)?, draft.tensor(updates_type, &updates)?);
    let layer = draft.network.add_scatter(data, indices, updates, mode)?;
    layer.set_axis(axis)?;
    Ok(layer.as_any())
}

pub(super) fn reduce<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let operation = draft.pick(ReduceOperation::ALL);
    let axes = draft.axes(rank.max(1), false);
    let keep = draft.pick(&[true, false]);
    Ok(draft.network.add_reduce(input, operation, &axes, keep)?.as_any())
}

pub(super) fn top_k<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(RANKS));
    let mut dims = draft.extents(rank);
    let axes = draft.axes(rank.max(1), true);
    let along = axes.first().and_then(|&axis| dims.get_mut(axis as usize));
    if let Some(extent) = along
        && draft.random.one_in(4)
    {
        *extent = draft.random.pick(&[100, 3840, 3841, 5000, -1]);
    }
    let operation = draft.pick(TopKOperation::ALL);
    let indices = draft.data_type(INDICES);
    let k = draft.random.pick(&[1, 1, 2, 3, 0, 3840, 3841, 9]);
    draft.note(format_args!("k={k} {indices:?}"));
    let input = draft.tensor(data_type, &dims)?;
    let layer = draft.network.add_top_k(input, operation, k, &axes, indices)?;
    if draft.random.one_in(3) {
        let k = draft.scalar(k.into())?;
        layer.set_input(1, k)?;
    }
    Ok(layer.as_any())
}

pub(super) fn cumulative<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let axis = draft.axis(rank.max(1));
    let axis = draft.scalar(axis.into())?;
    let operation = draft.pick(CumulativeOperation::ALL);
    Ok(draft.network.add_cumulative(input, axis, operation, false, false)?.as_any())
}

pub(super) fn non_zero<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(&[DataType::Bool, DataType::Float, DataType::Int32]), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let indices = draft.data_type(INDICES);
    draft.note(format_args!("{indices:?}"));
    Ok(draft.network.add_non_zero(input, indices)?.as_any())
}

pub(super) fn one_hot<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (indices_type, rank) = (draft.data_type(INDICES), draft.rank(RANKS));
    let dims = draft.extents(rank);
    let indices = draft.tensor(indices_type, &dims)?;
    let (values_type, values) = (draft.data_type(NUMBERS), draft.nearly(&[2]));
    let values = draft.tensor(values_type, &values)?;
    let depth = draft.number(&[3, 5]);
    let depth = draft.scalar(depth)?;
    let axis = draft.axis(rank + 1);
    Ok(draft.network.add_one_hot(indices, values, depth, axis)?.as_any())
}

pub(super) fn reverse_sequence<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(NUMBERS), draft.rank(&[2, 3, 4]));
    let dims = draft.extents(rank);
    let (batch, sequence) = (draft.axis(rank.max(1)), draft.axis(rank.max(1)));
    let length = usize::try_from(batch).ok().and_then(|axis| dims.get(axis)).copied().unwrap_or(1);
    let (lengths_type, lengths) = (draft.data_type(INDICES), draft.nearly(&[length]));
    let (input, lengths) = (draft.tensor(data_type, &dims)?, draft.tensor(lengths_type, &lengths)?);
    let layer = draft.network.add_reverse_sequence(input, lengths)?;
    if draft.random.one_in(6) {
        draft.note("axes at first");
    } else {
        layer.set_batch_axis(batch)?;
        layer.set_sequence_axis(sequence)?;
    }
    Ok(layer.as_any())
}

pub(super) fn nms<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(&[DataType::Float, DataType::Half]);
    let scores_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
    let [batch, count, classes] = [draft.extent(), draft.extent(), draft.extent()];
    let boxes = match draft.random.below(3) {
        0 => vec![batch, count, classes, 4],
        1 => vec![batch, count, 1, 4],
        _ => vec![batch, count, 4],
    };
    let (boxes, scores) = (draft.broadcasting_rarely(&boxes), draft.broadcasting_rarely(&[batch, count, classes]));
    let (boxes, scores) = (draft.tensor(data_type, &boxes)?, draft.tensor(scores_type, &scores)?);
    let most = draft.number(&[1, 10]);
    let most = draft.scalar(most)?;
    let indices = draft.data_type(INDICES);
    draft.note(format_args!("{indices:?}"));
    let layer = draft.network.add_nms(boxes, scores, most, indices)?;
    for index in [3, 4] {
        if draft.random.one_in(3) {
            let data_type = draft.data_type(&[DataType::Float]);
            let dims = draft.nearly(&[]);
            let threshold = draft.tensor(data_type, &dims)?;
            layer.set_input(index, threshold)?;
        }
    }
    if draft.random.one_in(6) {
        let limit = draft.pick(&[0, -1, 100, 6000, -5]);
        layer.set_topk_box_limit(limit)?;
    }
    Ok(layer.as_any())
}
