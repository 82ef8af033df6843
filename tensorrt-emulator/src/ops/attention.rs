//! Attention: softmax(query · keyᵀ + mask) · value, a block of queries at a time.

mod mask;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use tensorrt_sys::{AttentionIOForm, AttentionNormalizationOp, CausalMaskKind, DataType};

use super::matmul::{Operand, product};
use super::packed::{f32_to_fp8, fp8_to_f32};
use super::words::extents;
use super::{Call, Kernel, Request, convert, same_len};
use crate::graph::Attention;
use crate::kernels::softmax::softmax_row;
use crate::kernels::workspace::Buffer;
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};
use mask::{Mask, Visible};

/// The scores that are held at one time, as a number of elements.
const BLOCK: usize = 1 << 18;

/// A prepared attention.
#[derive(Debug)]
struct Prepared {
    softmax: bool,
    causal: CausalMaskKind,
    query_packed: bool,
    packed: bool,
    quantize_to: Option<DataType>,
}

/// Prepares an attention; it computes in f32 and rounds once.
///
/// A query that sees no key has an output of zeros, as ONNX defines.
///
/// # Errors
/// The types differ, quantization lacks its scale or its type, several devices are asked for, packed tokens have a mask, or there is no
/// normalization that a mask of allowed positions could act upon.
pub(super) fn prepare(request: &Request<'_>, attention: &Attention) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    let types = |index: usize| request.input_types.get(index).copied().flatten();
    let mask = types(3);
    let one_type = (1..3).all(|index| types(index) == Some(dtype));
    if !convert::is_computable(dtype) || !one_type || mask.is_some_and(|t| t != DataType::Bool && t != dtype) {
        return Err(request.unsupported_types());
    }
    if attention.num_ranks > 1 {
        return Err(Error::unsupported(format!("an attention over {} devices", attention.num_ranks)));
    }
    if attention.quantize_to.is_some() != types(4).is_some() {
        return Err(Error::config("the normalization's quantization needs both its scale and its type"));
    }
    let packed = attention.query_form == AttentionIOForm::PackedNhd;
    if packed && mask.is_some() {
        return Err(Error::unsupported("an attention of packed tokens with a mask"));
    }
    let softmax = attention.normalization == AttentionNormalizationOp::Softmax;
    let hides = mask == Some(DataType::Bool) || attention.causal != CausalMaskKind::None || types(6).is_some();
    if !softmax && hides {
        return Err(Error::unsupported("an attention without normalization that hides keys"));
    }
    Ok(Box::new(Prepared {
        softmax,
        causal: attention.causal,
        query_packed: packed,
        packed: attention.key_value_form == AttentionIOForm::PackedNhd,
        quantize_to: attention.quantize_to,
    }))
}

/// Where a batch entry's rows of one tensor lie.
#[derive(Debug, Clone, Copy)]
struct Rows {
    /// The first element of head 0.
    start: usize,
    /// The distance between heads.
    head: usize,
    /// The distance between tokens.
    token: usize,
    /// The number of tokens.
    tokens: usize,
}

/// The rows of every batch entry, and the number of heads and their size.
#[derive(Debug)]
struct Layout {
    rows: Vec<Rows>,
    heads: usize,
    size: usize,
}

impl Layout {
    fn new(dims: &Dims, totals: Option<&[i64]>) -> Result<Self> {
        match (totals, &extents(dims)[..]) {
            (None, &[batch, heads, tokens, size]) => {
                let head = tokens * size;
                let rows = (0..batch).map(|b| Rows { start: b * heads * head, head, token: size, tokens }).collect();
                Ok(Self { rows, heads, size })
            }
            (Some(totals), &[all, heads, size]) => {
                let token = heads * size;
                let entry = |pair: &[i64]| {
                    let (first, end) = (usize::try_from(pair[0]).ok()?, usize::try_from(pair[1]).ok()?);
                    let tokens = end.checked_sub(first).filter(|_| end <= all)?;
                    Some(Rows { start: first * token, head: size, token, tokens })
                };
                let rows = totals.windows(2).map(entry).collect::<Option<_>>().filter(|_| totals.first() == Some(&0));
                let rows = rows.ok_or_else(|| {
                    Error::invalid(format!("{totals:?} are no running totals, from 0 on, of {all} packed tokens"))
                })?;
                Ok(Self { rows, heads, size })
            }
            _ => Err(Error::internal(format!("an attention on {dims}"))),
        }
    }
}

impl Kernel for Prepared {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (query, key, value) = (call.input(0)?, call.input(1)?, call.input(2)?);
        let lengths = |index: usize| call.optional(index).map(|view| view.to_i64()).transpose();
        let (query_lengths, key_lengths) = (lengths(5)?, lengths(6)?);
        let missing = || Error::invalid("packed tensors need their lengths");
        let totals = |packed: bool, lengths: &Option<Vec<i64>>| match (packed, lengths) {
            (true, None) => Err(missing()),
            (true, Some(totals)) => Ok(Some(totals.clone())),
            (false, _) => Ok(None),
        };
        let q = Layout::new(query.dims(), totals(self.query_packed, &query_lengths)?.as_deref())?;
        let k = Layout::new(key.dims(), totals(self.packed, &key_lengths)?.as_deref())?;
        if q.rows.len() != k.rows.len() || key.dims() != value.dims() || q.size != k.size {
            return Err(Error::invalid(format!("an attention on {}, {}, {}", query.dims(), key.dims(), value.dims())));
        }
        if k.heads == 0 || q.heads % k.heads != 0 {
            return Err(Error::invalid(format!("{} heads of queries on {} heads of keys", q.heads, k.heads)));
        }
        let valid = key_lengths.filter(|_| !self.packed);
        let scale = call.optional(4).map(|view| self.scale(&view)).transpose()?;
        let mask = call.optional(3).map(Mask::new).transpose()?;
        let (x, y, z) = (convert::load(&query)?, convert::load(&key)?, convert::load(&value)?);
        let out = call.output(0)?;
        same_len(&query, out)?;
        let (heads, entries) = (q.heads, q.rows.iter().zip(&k.rows).enumerate());
        let pairs: Vec<Pair> =
            entries.flat_map(|(batch, (&q, &k))| (0..heads).map(move |head| Pair { batch, head, q, k })).collect();
        let group = q.heads / k.heads;
        let one = |pair: &Pair, out: &mut [f32]| -> Result<()> {
            let visible = Visible::new(self.causal, valid.as_deref(), pair.batch, pair.q.tokens, pair.k.tokens)?;
            let shared = pair.k.start + pair.head / group * pair.k.head;
            let operands = Operands {
                q: x.get(pair.q.start + pair.head * pair.q.head..).unwrap_or_default(),
                k: y.get(shared..).unwrap_or_default(),
                v: z.get(shared..).unwrap_or_default(),
                size: q.size,
            };
            self.head(pair, &operands, mask.as_ref(), visible, scale, out)
        };
        convert::fill(out, |out| {
            if self.query_packed {
                // Tokens beyond the last total belong to no batch entry.
                out.fill(0.0);
                for pair in &pairs {
                    let mut rows = Buffer::take(pair.q.tokens * q.size);
                    one(pair, &mut rows)?;
                    let start = pair.q.start + pair.head * pair.q.head;
                    for (token, row) in rows.chunks_exact(q.size.max(1)).enumerate() {
                        out[start + token * pair.q.token..][..q.size].copy_from_slice(row);
                    }
                }
                return Ok(());
            }
            let len = pairs.first().map_or(0, |pair| pair.q.tokens * q.size);
            if len == 0 {
                return Ok(());
            }
            if rayon::current_num_threads() == 1 || pairs.len() == 1 {
                pairs.iter().zip(out.chunks_exact_mut(len)).try_for_each(|(pair, out)| one(pair, out))
            } else {
                pairs.par_iter().zip(out.par_chunks_exact_mut(len)).try_for_each(|(pair, out)| one(pair, out))
            }
        })
    }
}

/// One head of one batch entry.
#[derive(Debug, Clone, Copy)]
struct Pair {
    batch: usize,
    head: usize,
    q: Rows,
    k: Rows,
}

/// The elements from a head's first row on.
#[derive(Debug, Clone, Copy)]
struct Operands<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    size: usize,
}

impl Prepared {
    fn scale(&self, view: &TensorView<'_>) -> Result<f32> {
        match convert::load(view)?[..] {
            [scale] if scale > 0.0 => Ok(scale),
            [scale] => Err(Error::invalid(format!("the normalization's quantization has the scale {scale}"))),
            ref scales => {
                Err(Error::unsupported(format!("{} scales of the normalization's quantization", scales.len())))
            }
        }
    }

    fn head(
        &self,
        pair: &Pair,
        on: &Operands<'_>,
        mask: Option<&Mask<'_>>,
        visible: Visible,
        scale: Option<f32>,
        out: &mut [f32],
    ) -> Result<()> {
        let (tokens, keys, size) = (pair.q.tokens, pair.k.tokens, on.size);
        // What lies beyond the length is not the entry's: it is left out, not multiplied by 0, for it may be NaN.
        let valid = visible.keys();
        if valid == 0 || size == 0 {
            out.fill(0.0);
            return Ok(());
        }
        let block = (BLOCK / keys).clamp(1, tokens.max(1));
        let mut scores = Buffer::take(block.min(tokens) * keys);
        let mut weights = Buffer::take(block.min(tokens) * keys);
        let transposed = Operand::matrix(size, keys, 1, pair.k.token);
        let values = Operand::matrix(valid, size, pair.k.token, 1);
        let span = (keys - 1) * pair.k.token + size;
        let (k, v) = (rows(on.k, span)?, rows(on.v, span)?);
        for (index, out) in out.chunks_mut(block * size).enumerate() {
            let (first, count) = (index * block, out.len() / size);
            let left = Operand::matrix(count, size, pair.q.token, 1);
            let start = first * pair.q.token;
            let q = rows(on.q.get(start..).unwrap_or_default(), (count - 1) * pair.q.token + size)?;
            let scores = &mut scores[..count * keys];
            product(q, &left, k, &transposed, scores);
            let lines = scores.chunks_exact_mut(keys).zip(weights.chunks_exact_mut(keys));
            for (at, (scores, weights)) in lines.enumerate() {
                let row = first + at;
                if let Some(mask) = mask {
                    mask.apply([pair.batch, pair.head, row], scores)?;
                }
                self.normalize(scores, weights, visible.end(row));
                if let Some(scale) = scale {
                    self.quantize(weights, scale);
                }
            }
            product(&weights[..count * keys], &Operand::matrix(count, valid, keys, 1), v, &values, out);
        }
        Ok(())
    }

    /// The weights of one query, of whose keys the first `end` are visible.
    fn normalize(&self, scores: &[f32], weights: &mut [f32], end: usize) {
        if !self.softmax {
            weights.copy_from_slice(scores);
            return;
        }
        let (head, tail) = weights.split_at_mut(end);
        let seen = &scores[..end];
        if seen.iter().all(|&score| score == f32::NEG_INFINITY) {
            head.fill(0.0);
        } else {
            softmax_row(seen, head);
        }
        tail.fill(0.0);
    }

    fn quantize(&self, weights: &mut [f32], scale: f32) {
        for weight in weights {
            let scaled = *weight / scale;
            *weight = scale
                * match self.quantize_to {
                    Some(DataType::Fp8) => fp8_to_f32(f32_to_fp8(scaled)),
                    _ => scaled.round_ties_even().clamp(-128.0, 127.0),
                };
        }
    }
}

fn rows(from: &[f32], len: usize) -> Result<&[f32]> {
    from.get(..len).ok_or_else(|| Error::internal("the tokens leave their tensor"))
}
