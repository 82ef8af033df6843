//! Layers that only rename elements: their output is their input under other dimensions.

use crate::graph::{Layer, LayerKind, Permutation};
use crate::tensor::Dims;

/// Whether a transpose leaves the order of the elements as it is: only extents of 1 move.
fn keeps_order(permutation: &Permutation, dims: &Dims) -> bool {
    let Some(order) = permutation.order(dims.rank()) else { return false };
    let moved: Vec<usize> = order.into_iter().filter(|&d| dims[d] != 1).collect();
    moved.is_sorted()
}

/// Whether the layer's output has the bytes of input 0, whose static dimensions are `input`, in the same order; `output` are the output's.
pub(super) fn is_view(layer: &Layer, same_type: bool, input: &Dims, output: &Dims) -> bool {
    if !same_type || input.volume() != output.volume() {
        return false;
    }
    match &layer.kind {
        LayerKind::AttentionOutput
        | LayerKind::Identity
        | LayerKind::Squeeze
        | LayerKind::Unsqueeze
        | LayerKind::Cast { .. } => true,
        LayerKind::Shuffle(shuffle) => {
            let reshapes = shuffle.reshape.is_some() || layer.input(1).is_some();
            // The extents between the transposes are the output's, transposed back.
            let middle = if reshapes { inverse(&shuffle.second, output) } else { None };
            let second_on = middle.unwrap_or(*input);
            let second_keeps = if shuffle.second == Permutation::IDENTITY {
                true
            } else if reshapes {
                middle.is_some() && keeps_order(&shuffle.second, &second_on)
            } else {
                shuffle.first == Permutation::IDENTITY && keeps_order(&shuffle.second, input)
            };
            second_keeps && keeps_order(&shuffle.first, input)
        }
        _ => false,
    }
}

/// The dimensions that `permutation` made `output` of.
fn inverse(permutation: &Permutation, output: &Dims) -> Option<Dims> {
    let order = permutation.order(output.rank())?;
    let mut dims = *output;
    for (to, from) in order.into_iter().enumerate() {
        dims[from] = output[to];
    }
    Some(dims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shuffle;

    #[test]
    fn only_moves_of_ones_are_views() {
        let dims = |d: &[i64]| Dims::new(d).unwrap();
        let layer = |first: &[usize], reshape: Option<&[i64]>, second: &[usize]| Layer {
            name: String::new(),
            metadata: String::new(),
            kind: LayerKind::Shuffle(Shuffle {
                first: Permutation::new(first),
                reshape: reshape.map(dims),
                second: Permutation::new(second),
                zero_is_placeholder: true,
            }),
            inputs: vec![None],
            outputs: Vec::new(),
            precision: None,
            output_types: Vec::new(),
        };
        for (first, reshape, second, input, output, expected) in [
            (&[][..], Some(&[6][..]), &[][..], &[2, 3][..], &[6][..], true),
            (&[1, 0], None, &[], &[2, 3], &[3, 2], false),
            (&[1, 0], None, &[], &[1, 3], &[3, 1], true),
            (&[0, 2, 1], Some(&[6]), &[], &[2, 1, 3], &[6], true),
            (&[], Some(&[2, 3]), &[1, 0], &[6], &[3, 2], false),
            (&[], Some(&[1, 6]), &[1, 0], &[6], &[6, 1], true),
            (&[1, 0], None, &[1, 0], &[2, 3], &[2, 3], false),
        ] {
            let found = is_view(&layer(first, reshape, second), true, &dims(input), &dims(output));
            assert_eq!(found, expected, "{first:?} {reshape:?} {second:?}");
        }
    }
}
