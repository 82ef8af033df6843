//! Attention and what goes with it.

use tensorrt::{AttentionNormalizationOp, CausalMaskKind, DataType, KVCacheMode, Layer, Result};

use crate::draft::{Draft, FLOATS, INDICES};

const HALVES: &[DataType] = &[DataType::Half, DataType::Bf16, DataType::Float];

pub(super) fn attention<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(HALVES);
    let [batch, heads, queries, keys, size] = [(); 5].map(|()| draft.extent());
    let size = if draft.random.one_in(4) { size } else { 8 };
    let key_heads = if draft.random.one_in(4) { draft.extent() } else { heads };
    let dims =
        [vec![batch, heads, queries, size], vec![batch, key_heads, keys, size], vec![batch, key_heads, keys, size]];
    let mut tensors = Vec::new();
    for dims in dims {
        let dims = draft.nearly(&dims);
        let data_type = if draft.random.one_in(16) { draft.random.pick(DataType::ALL) } else { data_type };
        tensors.push(draft.tensor(data_type, &dims)?);
    }
    let normalization = draft.pick(AttentionNormalizationOp::ALL);
    let causal = draft.pick(CausalMaskKind::ALL);
    let attention = draft.network.add_attention(tensors[0], tensors[1], tensors[2], normalization, causal)?;
    if draft.random.one_in(3) {
        let mask = draft.broadcasting_rarely(&[batch, heads, queries, keys]);
        let data_type = draft.data_type(&[data_type, DataType::Bool]);
        let mask = draft.tensor(data_type, &mask)?;
        attention.set_mask(mask)?;
    }
    attention.output()?;
    let last = draft.network.num_layers()? - 1;
    draft.network.layer(last)
}

pub(super) fn rotary_embedding<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(FLOATS);
    let [batch, heads, tokens] = [(); 3].map(|()| draft.extent());
    let size = draft.random.pick(&[8, 8, 16, 4, 6, -1, 7]);
    let dim = draft.pick(&[0, 0, 4, 8, 2, 3, -1, 100]);
    let half = if dim > 0 { i64::from(dim / 2) } else { (size + 1) / 2 };
    let positions = draft.random.one_in(2);
    let cache = if positions { vec![draft.random.pick(&[16, 32]), half] } else { vec![batch, tokens, half] };
    let input = draft.nearly(&[batch, heads, tokens, size]);
    let input = draft.tensor(data_type, &input)?;
    let mut caches = Vec::new();
    for _ in 0..2 {
        let dims = draft.nearly(&cache);
        let data_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
        caches.push(draft.tensor(data_type, &dims)?);
    }
    let layer = draft.network.add_rotary_embedding(input, caches[0], caches[1], false, dim)?;
    if positions {
        let (data_type, dims) = (draft.data_type(INDICES), draft.nearly(&[batch, tokens]));
        let ids = draft.tensor(data_type, &dims)?;
        layer.set_input(3, ids)?;
    }
    Ok(layer.as_any())
}

pub(super) fn kv_cache<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(HALVES);
    let [batch, heads, tokens, size] = [(); 4].map(|()| draft.extent());
    let (cache, update) = (draft.nearly(&[batch, heads, 16, size]), draft.nearly(&[batch, heads, tokens, size]));
    let update_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
    let (indices_type, indices) = (draft.data_type(INDICES), draft.nearly(&[batch]));
    let cache =
        if draft.random.one_in(8) { draft.tensor(data_type, &cache)? } else { draft.input(data_type, &cache)? };
    let (update, indices) = (draft.tensor(update_type, &update)?, draft.tensor(indices_type, &indices)?);
    let mode = draft.pick(KVCacheMode::ALL);
    Ok(draft.network.add_kv_cache_update(cache, update, indices, mode)?.as_any())
}
