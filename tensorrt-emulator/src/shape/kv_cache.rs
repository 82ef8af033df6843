//! Caches of keys and values that are updated in place.

use tensorrt_sys::{AttentionIOForm, DataType};

use super::inputs::{FLOATS, INDICES, Inputs};
use crate::graph::{KvCacheUpdate, ValueInfo};
use crate::{Error, Result};

/// The updated cache, [batch, heads, positions, size] with a known number of positions; that the update fits is a matter of the build.
pub(super) fn infer(inputs: Inputs<'_>, params: &KvCacheUpdate) -> Result<ValueInfo> {
    let (cache, positions) = (inputs.typed(0, FLOATS)?, inputs.typed(2, INDICES)?);
    inputs.same_types(0, 1)?;
    let &[_, _, capacity, _] = &cache.dims[..] else {
        return Err(Error::config(format!("the cache must have 4 dimensions, but has {}", cache.dims)));
    };
    if capacity < 0 {
        return Err(Error::config("the number of positions of the cache must be known at build time"));
    }
    if positions.dims.rank() != 1 {
        return Err(Error::config(format!("the write indices must be a vector, but have {}", positions.dims)));
    }
    if let Some(lengths) = inputs.optional(3) {
        if params.form != AttentionIOForm::PackedNhd {
            return Err(Error::config("update lengths belong to the packed form only"));
        }
        inputs.typed(3, &[DataType::Int32])?;
        if lengths.dims.rank() != 1 {
            return Err(Error::config(format!("the update lengths must be a vector, but have {}", lengths.dims)));
        }
    }
    Ok(ValueInfo::new(cache.dtype, cache.dims))
}
