//! Layers about shapes: shuffle, slice, squeeze and the like, and chains that compute shapes.

use tensorrt::{DataType, ElementWiseOperation, FillOperation, Layer, ReduceOperation, Result, SampleMode};

use crate::draft::{Draft, FLOATS, INDICES};

const RANKS: &[usize] = &[0, 1, 2, 3, 3, 4, 4, 5, 8];

pub(super) fn shape<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(RANKS);
    let (data_type, dims) = (draft.random.pick(DataType::ALL), draft.extents(rank));
    let input = draft.tensor(data_type, &dims)?;
    Ok(draft.network.add_shape(input)?.as_any())
}

pub(super) fn concatenation<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) =
        (draft.data_type(&[DataType::Float, DataType::Int64, DataType::Half]), draft.rank(&RANKS[1..]));
    let dims = draft.extents(rank);
    let axis = draft.axis(rank.max(1));
    let mut inputs = Vec::new();
    for _ in 0..1 + draft.random.below(3) {
        let mut dims = draft.nearly(&dims);
        if let Some(extent) = usize::try_from(axis).ok().and_then(|axis| dims.get_mut(axis)) {
            *extent = draft.extent();
        }
        let data_type = if draft.random.one_in(24) { draft.random.pick(DataType::ALL) } else { data_type };
        inputs.push(draft.tensor(data_type, &dims)?);
    }
    let layer = draft.network.add_concatenation(&inputs)?;
    layer.set_axis(axis)?;
    Ok(layer.as_any())
}

pub(super) fn shuffle<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(RANKS);
    let data_type = if draft.random.one_in(3) { draft.random.pick(DataType::ALL) } else { DataType::Float };
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let layer = draft.network.add_shuffle(input)?;
    if draft.random.one_in(3) {
        let order = permutation(draft, rank);
        layer.set_first_transpose(&order)?;
    }
    let mut reshape = dims.clone();
    if draft.random.one_in(2) {
        // Neighbours are merged and extents divided, so that the number of elements stays.
        while reshape.len() > 1 && draft.random.one_in(2) {
            let at = draft.random.below(reshape.len() - 1);
            let merged = if reshape[at] < 0 || reshape[at + 1] < 0 { -1 } else { reshape[at] * reshape[at + 1] };
            reshape.splice(at..at + 2, [merged]);
        }
        if let Some(at) = reshape.iter().position(|&extent| extent > 2 && extent % 2 == 0) {
            reshape.splice(at..=at, [2, reshape[at] / 2]);
        }
        reshape.truncate(8);
    }
    let mut given = reshape.len();
    if !reshape.is_empty() && draft.random.one_in(2) {
        let at = draft.random.below(reshape.len());
        reshape[at] = draft.random.pick(&[-1, -1, 0]);
    }
    if draft.random.one_in(12) {
        reshape = draft.nearly(&reshape);
        given = reshape.len();
    }
    if draft.random.one_in(6) {
        draft.note("zeros-are-empty");
        layer.set_zero_is_placeholder(false)?;
    }
    match draft.random.below(4) {
        0 => given = rank,
        1 => {
            draft.note("reshape-tensor");
            let shape = draft.shape_tensor(&reshape)?;
            layer.set_reshape_tensor(shape)?;
        }
        _ => {
            draft.note(format_args!("reshape={reshape:?}"));
            layer.set_reshape_dims(&reshape[..])?;
        }
    }
    if draft.random.one_in(3) {
        let order = permutation(draft, given);
        layer.set_second_transpose(&order)?;
    }
    Ok(layer.as_any())
}

fn permutation(draft: &mut Draft<'_>, rank: usize) -> Vec<usize> {
    let rank = if draft.random.one_in(10) { draft.random.below(9) } else { rank };
    let mut order: Vec<usize> = (0..rank).collect();
    draft.random.shuffle(&mut order);
    draft.note(format_args!("order={order:?}"));
    order
}

pub(super) fn slice<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(RANKS);
    let data_type = if draft.random.one_in(3) { draft.random.pick(DataType::ALL) } else { DataType::Float };
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let axes = draft.random.one_in(5);
    let count = if axes { draft.random.below(rank + 1) } else { rank };
    let (mut start, mut size, mut stride) = (Vec::new(), Vec::new(), Vec::new());
    for &extent in &dims[..count] {
        let extent = if extent < 0 { 4 } else { extent };
        let step = draft.random.pick(&[1, 1, 1, 2, -1]);
        let from = if step < 0 { extent - 1 } else { draft.random.pick(&[0, 0, 1]).min(extent - 1).max(0) };
        let room = if step < 0 { extent } else { (extent - from + step - 1) / step };
        start.push(draft.number(&[from]));
        size.push(draft.number(&[room, room, room.min(1)]));
        stride.push(draft.number(&[step]));
    }
    let odd = draft.random.one_in(16);
    if odd {
        start.pop();
    }
    draft.note(format_args!("start={start:?} size={size:?} stride={stride:?}"));
    let layer = draft.network.add_slice(input, &start[..], &size[..], &stride[..])?;
    let mode = if draft.random.one_in(2) { SampleMode::StrictBounds } else { draft.random.pick(SampleMode::ALL) };
    draft.note(format_args!("{mode:?}"));
    layer.set_mode(mode)?;
    for (index, values) in [(1, &start), (2, &size), (3, &stride)] {
        if draft.random.one_in(5) {
            draft.note(format_args!("input{index}"));
            let tensor = draft.shape_tensor(values)?;
            layer.set_input(index, tensor)?;
        }
    }
    if mode == SampleMode::Fill && draft.random.one_in(2) || draft.random.one_in(20) {
        draft.note("fill");
        let data_type = draft.data_type(&[data_type]);
        let value = draft.tensor(data_type, &[])?;
        layer.set_input(4, value)?;
    }
    if axes {
        let mut all: Vec<i64> = (0..i64::try_from(rank).unwrap()).collect();
        if draft.random.one_in(4) {
            all.iter_mut().for_each(|axis| *axis -= i64::try_from(rank).unwrap());
        }
        draft.random.shuffle(&mut all);
        all.truncate(count);
        if draft.random.one_in(8) {
            all = draft.nearly(&all);
        }
        if draft.random.one_in(2) {
            draft.note(format_args!("axes={all:?}"));
            layer.set_axes(&all[..])?;
        } else {
            draft.note("axes-tensor");
            let tensor = draft.shape_tensor(&all)?;
            layer.set_input(5, tensor)?;
        }
    }
    Ok(layer.as_any())
}

pub(super) fn squeeze<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(RANKS);
    let mut dims = draft.extents(rank);
    let mut axes = Vec::new();
    for (axis, extent) in dims.iter_mut().enumerate() {
        if draft.random.one_in(2) {
            *extent = if draft.random.one_in(12) { *extent } else { 1 };
            let axis = i64::try_from(axis).unwrap();
            axes.push(if draft.random.one_in(4) { axis - i64::try_from(rank).unwrap() } else { axis });
        }
    }
    let data_type = draft.data_type(&[DataType::Float]);
    let input = draft.tensor(data_type, &dims)?;
    if draft.random.one_in(4) {
        draft.note("no axes");
        return Ok(draft.network.add_squeeze(input, None)?.as_any());
    }
    if draft.random.one_in(8) {
        axes = draft.nearly(&axes);
    }
    let axes =
        if axes.len() == 1 && draft.random.one_in(3) { draft.scalar(axes[0])? } else { draft.shape_tensor(&axes)? };
    Ok(draft.network.add_squeeze(input, Some(axes))?.as_any())
}

pub(super) fn unsqueeze<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (rank, count) = (draft.rank(RANKS), 1 + draft.random.below(3));
    let dims = draft.extents(rank);
    let data_type = draft.data_type(&[DataType::Float]);
    let input = draft.tensor(data_type, &dims)?;
    let total = i64::try_from(rank + count).unwrap();
    let mut axes: Vec<i64> = (0..total).collect();
    draft.random.shuffle(&mut axes);
    axes.truncate(count);
    if draft.random.one_in(4) {
        axes.iter_mut().for_each(|axis| *axis -= total);
    }
    if draft.random.one_in(8) {
        axes = draft.nearly(&axes);
    }
    let axes =
        if axes.len() == 1 && draft.random.one_in(3) { draft.scalar(axes[0])? } else { draft.shape_tensor(&axes)? };
    Ok(draft.network.add_unsqueeze(input, axes)?.as_any())
}

pub(super) fn fill<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let operation = draft.pick(FillOperation::ALL);
    let rank = if operation == FillOperation::Linspace { draft.rank(&[1, 1, 1, 2]) } else { draft.rank(RANKS) };
    let dims: Vec<i64> = draft
        .extents(rank)
        .into_iter()
        .map(|extent| if draft.random.one_in(12) { extent } else { extent.abs() })
        .collect();
    let types = if operation == FillOperation::Linspace {
        &[DataType::Float, DataType::Int32, DataType::Int64][..]
    } else {
        &[DataType::Float, DataType::Half]
    };
    let to = draft.data_type(types);
    draft.note(format_args!("{dims:?} {to:?}"));
    let layer = draft.network.add_fill(&dims[..], operation, to)?;
    if draft.random.one_in(3) {
        let shape = draft.shape_tensor(&dims)?;
        layer.set_input(0, shape)?;
    }
    let from_inputs = draft.random.one_in(3);
    for index in [1, 2] {
        if from_inputs != draft.random.one_in(12) {
            draft.note(format_args!("input{index}"));
            let data_type = draft.data_type(&[to]);
            let dims = if index == 2 && operation == FillOperation::Linspace {
                draft.nearly(&[i64::try_from(rank).unwrap()])
            } else {
                draft.nearly(&[])
            };
            let value = draft.tensor(data_type, &dims)?;
            layer.set_input(index, value)?;
        }
    }
    Ok(layer.as_any())
}

/// Shape, arithmetic and a reshape.
pub(super) fn chain<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.random.pick(&[1, 2, 3, 4]);
    let dims = draft.extents(rank);
    let network = draft.network;
    let input = draft.input(DataType::Float, &dims)?;
    let shape = network.add_shape(input)?.output(0)?;
    let mut parts = Vec::new();
    for _ in 0..1 + draft.random.below(3) {
        let part = match draft.random.below(5) {
            0 => {
                let value = draft.number(&[1, 2, -1, 4]);
                draft.integers(DataType::Int64, &[1], &[value])?
            }
            1 => {
                let axis = i64::try_from(draft.random.below(rank)).unwrap();
                draft.note("gather");
                let index = draft.integers(DataType::Int32, &[1], &[axis])?;
                network.add_gather(shape, index, 0)?.output(0)?
            }
            2 => {
                let from = i64::try_from(draft.random.below(rank)).unwrap();
                draft.note(format_args!("slice-from={from}"));
                network.add_slice(shape, [from], [i64::try_from(rank).unwrap() - from], [1])?.output(0)?
            }
            3 => {
                draft.note("reduce");
                let operation = draft.pick(&[ReduceOperation::Prod, ReduceOperation::Sum, ReduceOperation::Max]);
                network.add_reduce(shape, operation, &[0], true)?.output(0)?
            }
            _ => {
                draft.note("elementwise");
                let value = draft.integers(DataType::Int64, &[1], &[2])?;
                let operation = draft.pick(&[
                    ElementWiseOperation::Sum,
                    ElementWiseOperation::Prod,
                    ElementWiseOperation::Sub,
                    ElementWiseOperation::FloorDiv,
                    ElementWiseOperation::Div,
                    ElementWiseOperation::Min,
                    ElementWiseOperation::Max,
                    ElementWiseOperation::Pow,
                ]);
                network.add_elementwise(shape, value, operation)?.output(0)?
            }
        };
        parts.push(part);
    }
    let joined = network.add_concatenation(&parts)?.output(0)?;
    match draft.random.below(4) {
        0 => {
            draft.note("reshape");
            let layer = network.add_shuffle(input)?;
            layer.set_reshape_tensor(joined)?;
            Ok(layer.as_any())
        }
        1 => {
            draft.note("fill");
            let layer = network.add_fill([1, 1], FillOperation::RandomUniform, DataType::Float)?;
            layer.set_input(0, joined)?;
            Ok(layer.as_any())
        }
        2 => {
            let to = draft.pick(INDICES);
            let cast = network.add_cast(joined, to)?.output(0)?;
            draft.note("cast fill");
            let layer = network.add_fill([1, 1], FillOperation::RandomNormal, FLOATS[0])?;
            layer.set_input(0, cast)?;
            Ok(layer.as_any())
        }
        _ => {
            draft.note("slice-size");
            let zeros = vec![0_i64; rank];
            let ones = vec![1_i64; rank];
            let layer = network.add_slice(input, &zeros[..], &ones[..], &ones[..])?;
            layer.set_mode(SampleMode::Wrap)?;
            layer.set_input(2, joined)?;
            Ok(layer.as_any())
        }
    }
}
