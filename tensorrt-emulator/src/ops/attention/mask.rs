//! Which keys a query sees.

use std::borrow::Cow;

use tensorrt_sys::{CausalMaskKind, DataType};

use crate::ops::convert;
use crate::ops::words::{extents, steps};
use crate::tensor::TensorView;
use crate::{Error, Result};

/// The keys that positions and lengths let a query see: a first part of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visible {
    keys: usize,
    /// Query `row` sees the keys up to `row + offset`; `None` where every query sees all.
    offset: Option<i64>,
}

impl Visible {
    /// The keys of a batch entry with `queries` queries and `keys` keys, of which the entry's length counts where there are lengths.
    ///
    /// # Errors
    /// The length is negative or beyond the keys, or the causal kind is not known.
    pub(super) fn new(
        causal: CausalMaskKind,
        lengths: Option<&[i64]>,
        batch: usize,
        queries: usize,
        keys: usize,
    ) -> Result<Self> {
        let length = match lengths {
            None => keys,
            Some(lengths) => {
                let length = lengths.get(batch).copied().and_then(|length| usize::try_from(length).ok());
                length.filter(|&length| length <= keys).ok_or_else(|| {
                    Error::invalid(format!("the key and value lengths {lengths:?} do not fit {keys} tokens"))
                })?
            }
        };
        let distance = |from: usize, to: usize| Some(i64::try_from(to).ok()? - i64::try_from(from).ok()?);
        let offset = match causal {
            CausalMaskKind::None => None,
            CausalMaskKind::UpperLeft => Some(0),
            CausalMaskKind::LowerRight => distance(queries, length),
            other => return Err(Error::unsupported(format!("the causal kind {}", other.name()))),
        };
        Ok(Self { keys: length, offset })
    }

    /// How many keys the batch entry has.
    pub(super) fn keys(self) -> usize {
        self.keys
    }

    /// The end of the keys that query `row` sees.
    pub(super) fn end(self, row: usize) -> usize {
        let Some(offset) = self.offset else { return self.keys };
        let end = i64::try_from(row).unwrap_or(i64::MAX).saturating_add(offset).saturating_add(1);
        usize::try_from(end).unwrap_or(0).min(self.keys)
    }
}

/// A mask that broadcasts to [batch, heads, queries, keys].
#[derive(Debug)]
pub(super) struct Mask<'t> {
    values: Values<'t>,
    extents: Vec<usize>,
    steps: Vec<usize>,
}

#[derive(Debug)]
enum Values<'t> {
    /// Not 0 where the query sees the key.
    Allowed(&'t [u8]),
    /// Added to the score.
    Added(Cow<'t, [f32]>),
}

impl<'t> Mask<'t> {
    pub(super) fn new(view: TensorView<'t>) -> Result<Self> {
        let extents = extents(view.dims());
        if extents.len() != 4 {
            return Err(Error::internal(format!("a mask of {}", view.dims())));
        }
        let values = match view.dtype() {
            DataType::Bool => Values::Allowed(view.as_slice::<u8>()?),
            _ => Values::Added(convert::load(&view)?),
        };
        Ok(Self { values, steps: steps(&extents), extents })
    }

    /// Masks the scores of one query, at [batch, head, query].
    ///
    /// # Errors
    /// The mask does not broadcast.
    pub(super) fn apply(&self, at: [usize; 3], scores: &mut [f32]) -> Result<()> {
        let mut start = 0;
        for (dim, position) in at.into_iter().enumerate() {
            match self.extents[dim] {
                1 => {}
                extent if position < extent => start += position * self.steps[dim],
                _ => return Err(self.refused(at)),
            }
        }
        let width = self.extents[3];
        if width != 1 && width != scores.len() {
            return Err(self.refused(at));
        }
        match &self.values {
            Values::Allowed(allowed) => {
                each(&allowed[start..start + width], scores, |score, &allowed| {
                    if allowed == 0 {
                        *score = f32::NEG_INFINITY;
                    }
                });
            }
            Values::Added(added) => each(&added[start..start + width], scores, |score, &added| *score += added),
        }
        Ok(())
    }

    fn refused(&self, at: [usize; 3]) -> Error {
        Error::invalid(format!("a mask of {:?} has no scores at {at:?}", self.extents))
    }
}

fn each<T>(row: &[T], scores: &mut [f32], apply: impl Fn(&mut f32, &T)) {
    match row {
        [one] => scores.iter_mut().for_each(|score| apply(score, one)),
        _ => scores.iter_mut().zip(row).for_each(|(score, value)| apply(score, value)),
    }
}
