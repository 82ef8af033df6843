//! Writing new keys or values into a cache.

use tensorrt_sys::AttentionIOForm;

use super::copy::copy_bytes;
use super::words::{Word, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::graph::KvCacheUpdate;
use crate::{Error, Result};

/// A prepared update.
#[derive(Debug)]
struct Update {
    packed: bool,
}

/// Prepares an update of a cache [batch, heads, positions, size]: token s of batch entry i goes to position `indices[i] + s`.
///
/// A run without its input 0 finds the cache in its output already and changes it in place.
///
/// # Errors
/// Cache and update differ in type, or a packed update lacks its lengths.
pub(super) fn prepare(request: &Request<'_>, params: &KvCacheUpdate) -> Result<Box<dyn Kernel>> {
    if request.input_type(0)? != request.input_type(1)? {
        return Err(request.unsupported_types());
    }
    let packed = params.form == AttentionIOForm::PackedNhd;
    if packed != request.input_types.get(3).copied().flatten().is_some() {
        return Err(Error::config("the packed form, and it alone, needs update lengths: see setUpdateLengths"));
    }
    Ok(Box::new(Update { packed }))
}

impl Kernel for Update {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        if let Some(cache) = call.optional(0) {
            copy_bytes(cache.bytes(), call.output(0)?.bytes_mut())?;
        }
        let dtype = call.input(1)?.dtype();
        by_width!(dtype, W => self.write::<W>(call))
    }
}

/// The tokens of one batch entry in the update.
struct Tokens {
    count: usize,
    /// The first element of head 0.
    start: usize,
    head: usize,
    token: usize,
}

impl Update {
    fn write<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (update, indices) = (call.input(1)?, call.input(2)?.to_i64()?);
        let totals = call.optional(3).map(|view| view.to_i64()).transpose()?;
        let shape = extents(update.dims());
        let from = words::<W>(&update)?;
        let out = call.output(0)?;
        let &[batch, heads, capacity, size] = &extents(out.dims())[..] else {
            return Err(Error::internal(format!("a cache of {}", out.dims())));
        };
        if indices.len() != batch {
            return Err(Error::invalid(format!("{} write indices for a batch of {batch}", indices.len())));
        }
        let to = words_mut::<W>(out)?;
        for (entry, &index) in indices.iter().enumerate() {
            let tokens = self.tokens(&shape, totals.as_deref(), entry, [batch, heads, size])?;
            let first = usize::try_from(index).ok();
            let first = first.filter(|first| first.checked_add(tokens.count).is_some_and(|end| end <= capacity));
            let first = first.ok_or_else(|| {
                let count = tokens.count;
                Error::invalid(format!("{count} tokens at write index {index} leave a cache of {capacity} positions"))
            })?;
            for head in 0..heads {
                let target = ((entry * heads + head) * capacity + first) * size;
                let source = tokens.start + head * tokens.head;
                for token in 0..tokens.count {
                    let row = &from[source + token * tokens.token..][..size];
                    to[target + token * size..][..size].copy_from_slice(row);
                }
            }
        }
        Ok(())
    }

    fn tokens(
        &self,
        shape: &[usize],
        totals: Option<&[i64]>,
        entry: usize,
        [batch, heads, size]: [usize; 3],
    ) -> Result<Tokens> {
        match (self.packed, shape, totals) {
            (false, &[b, h, count, s], _) if [b, h, s] == [batch, heads, size] => {
                Ok(Tokens { count, start: entry * heads * count * size, head: count * size, token: size })
            }
            (true, &[all, h, s], Some(totals)) if [h, s] == [heads, size] && totals.len() == batch + 1 => {
                let at = |index: usize| usize::try_from(totals[index]).ok().filter(|&total| total <= all);
                let range = at(entry).zip(at(entry + 1)).filter(|(first, end)| first <= end && totals[0] == 0);
                let (first, end) = range.ok_or_else(|| {
                    Error::invalid(format!("{totals:?} are no running totals, from 0 on, of {all} packed tokens"))
                })?;
                Ok(Tokens { count: end - first, start: first * heads * size, head: size, token: heads * size })
            }
            _ => {
                Err(Error::invalid(format!("an update of {shape:?} for a cache of {batch} · {heads} heads of {size}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{DataType, KVCacheMode};

    use super::*;
    use crate::ops::testing::{run, tensor};

    fn update(form: AttentionIOForm) -> crate::graph::LayerKind {
        crate::graph::LayerKind::KvCacheUpdate(KvCacheUpdate { mode: KVCacheMode::Linear, form })
    }

    #[test]
    fn tokens_go_to_their_positions() {
        let cache = tensor(&[2, 1, 3, 1], &[0f32; 6]);
        let new = tensor(&[2, 1, 2, 1], &[1f32, 2., 3., 4.]);
        let kind = update(AttentionIOForm::PaddedBhnd);
        let go = |at: [i32; 2]| {
            let inputs = [Some(&cache), Some(&new), Some(&tensor(&[2], &at))];
            run(&kind, &inputs, &[(DataType::Float, &[2, 1, 3, 1])])
                .map(|out| out[0].view().as_slice::<f32>().unwrap().to_vec())
        };
        assert_eq!(go([1, 0]).unwrap(), [0., 1., 2., 3., 4., 0.]);
        for outside in [[2, 0], [0, -1]] {
            assert!(go(outside).unwrap_err().message().contains("write index"), "{outside:?}");
        }
    }

    #[test]
    fn packed_tokens_belong_to_their_entries() {
        // Two heads of one element; one token for entry 0, two for entry 1.
        let cache = tensor(&[2, 2, 2, 1], &[0f32; 8]);
        let new = tensor(&[3, 2, 1], &[1f32, 10., 2., 20., 3., 30.]);
        let (at, lengths) = (tensor(&[2], &[1i32, 0]), tensor(&[3], &[0i32, 1, 3]));
        let inputs = [Some(&cache), Some(&new), Some(&at), Some(&lengths)];
        let kind = update(AttentionIOForm::PackedNhd);
        let out = run(&kind, &inputs, &[(DataType::Float, &[2, 2, 2, 1])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [0., 1., 0., 10., 2., 3., 20., 30.]);
        let wrong = tensor(&[3], &[0i32, 2, 9]);
        let inputs = [Some(&cache), Some(&new), Some(&at), Some(&wrong)];
        assert!(run(&kind, &inputs, &[(DataType::Float, &[2, 2, 2, 1])]).is_err());
        assert!(run(&kind, &inputs[..3], &[(DataType::Float, &[2, 2, 2, 1])]).is_err());
    }
}
