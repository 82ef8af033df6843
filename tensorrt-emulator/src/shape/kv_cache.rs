//! Caches of keys and values that are updated in place.

use tensorrt_sys::{AttentionIOForm, DataType};

use super::inputs::{FLOATS, INDICES, Inputs, unify};
use crate::graph::{KvCacheUpdate, ValueInfo};
use crate::{Error, Result};

/// The updated cache, [batch, heads, positions, size] with a known number of positions.
pub(super) fn infer(inputs: Inputs<'_>, params: &KvCacheUpdate) -> Result<ValueInfo> {
    let (cache, update, positions) = (inputs.typed(0, FLOATS)?, inputs.get(1)?, inputs.typed(2, INDICES)?);
    inputs.same_types(0, 1)?;
    let &[batch, heads, capacity, size] = &cache.dims[..] else {
        return Err(Error::config(format!("the cache must have 4 dimensions, but has {}", cache.dims)));
    };
    if capacity < 0 {
        return Err(Error::config("the number of positions of the cache must be known at build time"));
    }
    let [writes] = positions.dims[..] else {
        return Err(Error::config(format!("the write indices must be a vector, but have {}", positions.dims)));
    };
    let packed = params.form == AttentionIOForm::PackedNhd;
    let fits = match (packed, &update.dims[..]) {
        (true, &[_, its_heads, its_size]) => unify(heads, its_heads).is_some() && unify(size, its_size).is_some(),
        (false, &[its_batch, its_heads, tokens, its_size]) => {
            let same = [(batch, its_batch), (heads, its_heads), (size, its_size)];
            same.iter().all(|&(a, b)| unify(a, b).is_some()) && tokens <= capacity
        }
        _ => false,
    };
    if !fits || unify(batch, writes).is_none() {
        return Err(Error::config(format!(
            "an update of {} at {} indices does not fit a cache of {}",
            update.dims, positions.dims, cache.dims
        )));
    }
    match (inputs.optional(3), packed) {
        (Some(_), false) => return Err(Error::config("update lengths belong to the packed form only")),
        (Some(lengths), true) => {
            inputs.typed(3, &[DataType::Int32])?;
            let wanted = if batch < 0 { -1 } else { batch.saturating_add(1) };
            if lengths.dims.rank() != 1 || unify(lengths.dims[0], wanted).is_none() {
                return Err(Error::config(format!("{} update lengths for a batch of {batch}", lengths.dims)));
            }
        }
        (None, _) => {}
    }
    Ok(ValueInfo::new(cache.dtype, cache.dims))
}
