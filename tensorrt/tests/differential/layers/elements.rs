//! Layers that work element by element, and products.

use tensorrt::{ActivationType, DataType, ElementWiseOperation, Layer, MatrixOperation, Result, UnaryOperation};

use crate::draft::{Draft, FLOATS, zeros};

const ALL_RANKS: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8];
const COMMON: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16, DataType::Int32, DataType::Int64];

pub(super) fn activation<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(ALL_RANKS));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let function = draft.pick(ActivationType::ALL);
    Ok(draft.network.add_activation(input, function)?.as_any())
}

pub(super) fn unary<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.random.pick(DataType::ALL), draft.rank(ALL_RANKS));
    let data_type = if draft.random.one_in(2) { draft.random.pick(FLOATS) } else { data_type };
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let function = draft.pick(UnaryOperation::ALL);
    Ok(draft.network.add_unary(input, function)?.as_any())
}

pub(super) fn cast<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(ALL_RANKS);
    let (data_type, dims) = (draft.random.pick(DataType::ALL), draft.extents(rank));
    let input = draft.tensor(data_type, &dims)?;
    let to = draft.pick(DataType::ALL);
    Ok(draft.network.add_cast(input, to)?.as_any())
}

pub(super) fn identity<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(ALL_RANKS);
    let (data_type, dims) = (draft.random.pick(DataType::ALL), draft.extents(rank));
    let input = draft.tensor(data_type, &dims)?;
    Ok(draft.network.add_identity(input)?.as_any())
}

pub(super) fn constant<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let rank = draft.rank(ALL_RANKS);
    let (data_type, dims) = (draft.random.pick(DataType::ALL), draft.extents(rank));
    draft.note(format_args!("{}{dims:?}", data_type.name()));
    let mut count: usize = dims.iter().map(|&extent| usize::try_from(extent).unwrap_or(1)).product();
    if draft.random.one_in(6) {
        count += 1;
        draft.note(format_args!("count={count}"));
    }
    Ok(draft.network.add_constant(&dims[..], zeros(data_type, count))?.as_any())
}

pub(super) fn elementwise<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let operation = draft.pick(ElementWiseOperation::ALL);
    let fitting = match operation {
        ElementWiseOperation::And | ElementWiseOperation::Or | ElementWiseOperation::Xor => &[DataType::Bool][..],
        _ => COMMON,
    };
    let (left_type, rank) = (draft.data_type(fitting), draft.rank(ALL_RANKS));
    let right_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { left_type };
    let left = draft.extents(rank);
    let right = draft.broadcasting(&left);
    let (left, right) = (draft.tensor(left_type, &left)?, draft.tensor(right_type, &right)?);
    Ok(draft.network.add_elementwise(left, right, operation)?.as_any())
}

pub(super) fn select<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(COMMON), draft.rank(ALL_RANKS));
    let dims = draft.extents(rank);
    let (condition_type, other_type) = (draft.data_type(&[DataType::Bool]), draft.random.pick(DataType::ALL));
    let other_type = if draft.random.one_in(12) { other_type } else { data_type };
    let condition = draft.broadcasting(&dims);
    let condition = draft.tensor(condition_type, &condition)?;
    let then = draft.broadcasting(&dims);
    let then = draft.tensor(data_type, &then)?;
    let other = draft.broadcasting(&dims);
    let other = draft.tensor(other_type, &other)?;
    Ok(draft.network.add_select(condition, then, other)?.as_any())
}

pub(super) fn parametric_relu<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(ALL_RANKS));
    let slope_type = if draft.random.one_in(8) { draft.random.pick(DataType::ALL) } else { data_type };
    let dims = draft.extents(rank);
    let slope = draft.broadcasting(&dims);
    let (input, slope) = (draft.tensor(data_type, &dims)?, draft.tensor(slope_type, &slope)?);
    Ok(draft.network.add_parametric_relu(input, slope)?.as_any())
}

pub(super) fn matrix_multiply<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, batch) = (draft.data_type(FLOATS), draft.random.pick(&[0, 0, 1, 2, 2, 3]));
    let other_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
    let operations = [draft.pick(MatrixOperation::ALL), draft.pick(MatrixOperation::ALL)];
    let (batch, [rows, inner, columns]) = (draft.extents(batch), [draft.extent(), draft.extent(), draft.extent()]);
    let matrix = |operation, kept, summed, first| match operation {
        MatrixOperation::Vector => vec![summed],
        MatrixOperation::None if first => vec![kept, summed],
        MatrixOperation::Transpose if !first => vec![kept, summed],
        _ => vec![summed, kept],
    };
    let other_batch = draft.broadcasting(&batch);
    let left = [&batch[..], &matrix(operations[0], rows, inner, true)].concat();
    let right = [&other_batch[..], &matrix(operations[1], columns, inner, false)].concat();
    let left = draft.nearly(&left);
    let right = draft.nearly(&right);
    let (left, right) = (draft.tensor(data_type, &left)?, draft.tensor(other_type, &right)?);
    Ok(draft.network.add_matrix_multiply(left, operations[0], right, operations[1])?.as_any())
}

pub(super) fn einsum<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let equation = draft.pick(&[
        "ij,jk->ik",
        "bij,bjk->bik",
        "bij,bkj->bik",
        "i,i->",
        "i,j->ij",
        "ij->ji",
        "ij->i",
        "ij,ij->ij",
        "ij,jk",
        "bhid,bhjd->bhij",
        "ii->i",
        "ii,i->i",
        "ij,jk,kl->il",
        "...ij,...jk->...ik",
        "ij,jk->iz",
        "ij,jk->ii",
        "ij,jk -> ik",
        "IJ,JK->IK",
        "a1->a",
        "ij;jk->ik",
        "",
        "->",
        ",->",
        "i->i",
        "ij,k->ijk",
        "ij-ik",
        "abcdefgh->hgfedcba",
    ]);
    let data_type = draft.data_type(FLOATS);
    let mut extents = std::collections::BTreeMap::new();
    let mut tensors = Vec::new();
    for term in equation.split('-').next().unwrap_or_default().split(',') {
        let mut dims = Vec::new();
        for label in term.chars().filter(char::is_ascii_alphabetic) {
            let extent = draft.extent();
            dims.push(*extents.entry(label).or_insert(extent));
        }
        let dims = draft.broadcasting_rarely(&dims);
        tensors.push(draft.tensor(data_type, &dims)?);
    }
    Ok(draft.network.add_einsum(&tensors, equation)?.as_any())
}
