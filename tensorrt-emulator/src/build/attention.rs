//! What no attention and no cache could run with, as far as the network's own dimensions show it.

use tensorrt_sys::AttentionIOForm;

use crate::graph::{Graph, Layer, LayerKind};
use crate::{Error, Result};

/// Refuses attentions whose queries, keys and lengths belong to batches of different extents, and updates that do not fit their cache.
///
/// # Errors
/// The first such layer.
pub(super) fn check(graph: &Graph) -> Result<()> {
    graph.layers.iter().try_for_each(|layer| {
        let checked = batches(graph, layer).and_then(|()| update(graph, layer));
        checked.map_err(|error| error.at(&layer.name))
    })
}

/// Extents that are equal, or not known.
fn agree(pairs: &[(i64, i64)]) -> bool {
    pairs.iter().all(|&(a, b)| a < 0 || b < 0 || a == b)
}

fn update(graph: &Graph, layer: &Layer) -> Result<()> {
    let LayerKind::KvCacheUpdate(params) = &layer.kind else { return Ok(()) };
    let dims = |index: usize| layer.input(index).map(|id| graph.tensor(id).dims);
    let (Some(cache), Some(update), Some(indices)) = (dims(0), dims(1), dims(2)) else { return Ok(()) };
    let &[batch, heads, capacity, size] = &cache[..] else { return Ok(()) };
    let writes = indices.first().copied().unwrap_or(-1);
    let fits = match (params.form, &update[..]) {
        (AttentionIOForm::PackedNhd, &[_, its_heads, its_size]) => {
            let lengths = dims(3).and_then(|dims| dims.first().copied());
            let totals = lengths.map(|lengths| if lengths < 0 { -1 } else { lengths - 1 });
            totals.is_some_and(|totals| agree(&[(heads, its_heads), (size, its_size), (batch, totals)]))
        }
        (AttentionIOForm::PaddedBhnd, &[its_batch, its_heads, tokens, its_size]) => {
            agree(&[(batch, its_batch), (heads, its_heads), (size, its_size)]) && tokens <= capacity
        }
        _ => false,
    };
    if fits && agree(&[(batch, writes)]) {
        return Ok(());
    }
    Err(Error::config(format!("an update of {update} at {indices} indices does not fit a cache of {cache}")))
}

fn batches(graph: &Graph, layer: &Layer) -> Result<()> {
    let LayerKind::AttentionInput(attention) = &layer.kind else { return Ok(()) };
    let first = |index: usize| layer.input(index).and_then(|id| graph.tensor(id).dims.first().copied());
    let packed = [attention.query_form, attention.key_value_form].map(|form| form == AttentionIOForm::PackedNhd);
    // The running totals of packed tokens are one more than the batch.
    let totals = |index: usize| first(index).filter(|&len| len > 0).map(|len| len - 1);
    let query = if packed[0] { totals(5) } else { first(0) };
    let key = if packed[1] { totals(6) } else { first(1) };
    let lengths = if packed[1] { None } else { first(6) };
    let mut known = [query, key, lengths].into_iter().flatten().filter(|&batch| batch >= 0);
    let Some(batch) = known.next() else { return Ok(()) };
    match known.find(|&other| other != batch) {
        None => Ok(()),
        Some(other) => Err(Error::config(format!("an attention of batches of {batch} and of {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{AttentionNormalizationOp, CausalMaskKind, DataType};

    use super::*;
    use crate::graph::Attention;
    use crate::network::Network;
    use crate::tensor::Dims;

    #[test]
    fn batches_are_one() {
        let go = |keys: &[i64], lengths: &[i64]| {
            let mut network = Network::new();
            let mut input = |name: &str, dtype, dims: &[i64]| {
                network.add_input(name, dtype, Dims::new(dims).unwrap()).map(Some).unwrap()
            };
            let q = input("q", DataType::Float, &[2, 1, 3, 4]);
            let k = input("k", DataType::Float, keys);
            let lengths = input("lengths", DataType::Int32, lengths);
            let attention = Attention::new(AttentionNormalizationOp::Softmax, CausalMaskKind::None);
            network.add_attention(attention, vec![q, k, k, None, None, None, lengths]).unwrap();
            check(network.graph())
        };
        assert!(go(&[2, 1, 5, 4], &[2]).is_ok());
        assert!(go(&[-1, 1, 5, 4], &[-1]).is_ok());
        assert!(go(&[1, 1, 5, 4], &[2]).unwrap_err().to_string().contains("AttentionInput"));
        assert!(go(&[2, 1, 5, 4], &[3]).is_err());
    }
}
