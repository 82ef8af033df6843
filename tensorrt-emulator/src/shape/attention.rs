//! Attention over padded [batch, heads, tokens, size] or packed [tokens, heads, size] tensors.

use tensorrt_sys::{AttentionIOForm, CausalMaskKind, DataType};

use super::inputs::{FLOATS, Inputs, unify};
use crate::graph::{Attention, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The types of masks: allowed positions, or numbers added to the scores.
const MASKS: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16, DataType::Bool];

/// The extents that the checks speak of; −1 where unknown.
struct Extents {
    batch: i64,
    heads: i64,
    tokens: i64,
    size: i64,
}

impl Extents {
    fn of(what: &str, dims: &Dims, form: AttentionIOForm) -> Result<Self> {
        match (form, &dims[..]) {
            (AttentionIOForm::PaddedBhnd, &[batch, heads, tokens, size]) => Ok(Self { batch, heads, tokens, size }),
            (AttentionIOForm::PackedNhd, &[tokens, heads, size]) => Ok(Self { batch: -1, heads, tokens, size }),
            (AttentionIOForm::PackedNhd, _) => {
                Err(Error::config(format!("{what} {dims} must have 3 dimensions in the packed form")))
            }
            _ => Err(Error::config(format!("{what} {dims} must have 4 dimensions in the padded form"))),
        }
    }
}

/// The attention's output, which has the query's type and dimensions.
pub(super) fn infer(inputs: Inputs<'_>, attention: &Attention) -> Result<ValueInfo> {
    let (query, key, value) = (inputs.float(0)?, inputs.float(1)?, inputs.float(2)?);
    let query_packed = attention.query_form == AttentionIOForm::PackedNhd;
    let packed = attention.key_value_form == AttentionIOForm::PackedNhd;
    if packed && !query_packed {
        return Err(Error::config("packed keys and values need packed queries"));
    }
    let q = Extents::of("the query", &query.dims, attention.query_form)?;
    let k = Extents::of("the key", &key.dims, attention.key_value_form)?;
    let v = Extents::of("the value", &value.dims, attention.key_value_form)?;
    // Unknown tokens of the keys may be those of the values; every other extent is written alike.
    let tokens_fit = k.tokens == v.tokens || k.tokens < 0;
    if [k.batch, k.heads, k.size] != [v.batch, v.heads, v.size] || !tokens_fit {
        return Err(Error::config(format!("the key {} and the value {} must have one shape", key.dims, value.dims)));
    }
    if q.size != k.size {
        return Err(Error::config(format!("the heads of query and key have sizes {} and {}", q.size, k.size)));
    }
    // The remainder is taken of −1 for an unknown number: unknown queries go with unknown keys or 1 head, unknown keys with any queries.
    if q.heads.checked_rem(k.heads) != Some(0) {
        return Err(Error::config(format!("{} heads of queries do not share {} heads of keys", q.heads, k.heads)));
    }
    check_lengths(inputs, (query_packed, packed), k.batch)?;
    if let Some(mask) = inputs.optional(3) {
        if attention.causal != CausalMaskKind::None {
            return Err(Error::config("a mask cannot be used together with a causal kind"));
        }
        inputs.typed(3, MASKS)?;
        let unknown = |packed, tokens| if packed { -1 } else { tokens };
        let tokens = [unknown(query_packed, q.tokens), unknown(packed, k.tokens)];
        check_mask(mask, &[q.batch, q.heads, tokens[0], tokens[1]])?;
    }
    if let Some(scale) = inputs.optional(4) {
        inputs.typed(4, FLOATS)?;
        if scale.dims.rank() > 1 {
            return Err(Error::config(format!(
                "the quantization's scale {} must have at most 1 dimension",
                scale.dims
            )));
        }
    }
    Ok(ValueInfo::new(query.dtype, query.dims))
}

/// Lengths are vectors, one more than the batch where they are running totals of packed tokens.
fn check_lengths(inputs: Inputs<'_>, (query_packed, packed): (bool, bool), batch: i64) -> Result<()> {
    let length = |index: usize, what: &str| -> Result<Option<i64>> {
        let Some(value) = inputs.optional(index) else { return Ok(None) };
        inputs.typed(index, &[DataType::Int32])?;
        match value.dims[..] {
            [length] => Ok(Some(length)),
            _ => Err(Error::config(format!("the {what} lengths {} must be a vector", value.dims))),
        }
    };
    let (query, key) = (length(5, "query")?, length(6, "key and value")?);
    if (query_packed && query.is_none()) || (packed && key.is_none()) {
        return Err(Error::config("packed tensors need their lengths"));
    }
    if !query_packed {
        return Ok(());
    }
    let totals = query.unwrap_or(-1);
    let expected = if packed { key.unwrap_or(-1) } else { batch.saturating_add(i64::from(batch >= 0)) };
    if unify(totals, expected).is_none() {
        return Err(Error::config(format!(
            "{totals} running totals of query tokens contradict {expected} of the keys"
        )));
    }
    Ok(())
}

/// A mask broadcasts to [batch, query heads, query tokens, key tokens], of which packed tensors tell the heads alone.
fn check_mask(mask: &ValueInfo, scores: &[i64; 4]) -> Result<()> {
    if mask.dims.rank() != 4 {
        return Err(Error::config(format!("the mask {} must have 4 dimensions", mask.dims)));
    }
    if mask.dims.iter().zip(scores).all(|(&have, &want)| have == 1 || unify(have, want).is_some()) {
        return Ok(());
    }
    Err(Error::config(format!("the mask {} does not broadcast to the scores {scores:?}", mask.dims)))
}

/// The output layer passes on what the input layer made.
pub(super) fn output(inputs: Inputs<'_>) -> Result<ValueInfo> {
    let value = inputs.get(0)?;
    Ok(ValueInfo::new(value.dtype, value.dims))
}
