//! Broadcasting of extents of 1: which element of each input an output element reads.

use crate::tensor::Dims;
use crate::{Error, Result};

/// How `N` inputs of equal rank spread over an output: adjacent dimensions that every input treats alike are joined, extents of 1 dropped.
///
/// The innermost step of each input is 0 or 1.
#[derive(Debug, Clone)]
pub(super) struct Broadcast<const N: usize> {
    /// Outermost first; at least one, none of them 1 unless it is the only one.
    extents: [usize; Dims::MAX],
    steps: [[usize; N]; Dims::MAX],
    rank: usize,
}

impl<const N: usize> Broadcast<N> {
    /// The plan for inputs of these dimensions.
    ///
    /// # Errors
    /// The ranks differ, or an extent is neither the output's nor 1.
    pub(super) fn new(out: &Dims, inputs: [&Dims; N]) -> Result<Self> {
        let mut plan = Self { extents: [1; Dims::MAX], steps: [[0; N]; Dims::MAX], rank: 0 };
        let mut pending = [1usize; N];
        // From the innermost dimension outwards; reversed at the end.
        for dim in (0..out.rank()).rev() {
            let extent = usize::try_from(out[dim]).unwrap_or(0);
            let mut steps = [0; N];
            for ((step, pending), input) in steps.iter_mut().zip(&mut pending).zip(inputs) {
                let own = if input.rank() == out.rank() { input[dim] } else { -1 };
                if own != 1 && own != out[dim] {
                    return Err(Error::config(format!("{input} does not broadcast to {out}")));
                }
                if own != 1 {
                    *step = *pending;
                    *pending = pending.saturating_mul(extent);
                }
            }
            if extent == 1 {
                continue;
            }
            match plan.rank.checked_sub(1) {
                Some(last) if joins(plan.extents[last], &plan.steps[last], &steps) => plan.extents[last] *= extent,
                _ => {
                    (plan.extents[plan.rank], plan.steps[plan.rank]) = (extent, steps);
                    plan.rank += 1;
                }
            }
        }
        if out.rank() == 0 && inputs.iter().any(|dims| dims.rank() != 0) {
            return Err(Error::config("only scalars broadcast to a scalar"));
        }
        plan.rank = plan.rank.max(1);
        plan.extents[..plan.rank].reverse();
        plan.steps[..plan.rank].reverse();
        Ok(plan)
    }

    /// The step of each input along a row: 0 or 1.
    pub(super) fn steps(&self) -> [usize; N] {
        self.steps[self.rank - 1]
    }

    /// The rows of the output, from its element `first` on.
    #[inline(always)]
    pub(super) fn rows(&self, first: usize) -> Rows<'_, N> {
        let mut rows = Rows { plan: self, index: [0; Dims::MAX], offsets: [0; N] };
        let mut rest = first;
        for dim in (0..self.rank).rev() {
            let extent = self.extents[dim].max(1);
            rows.index[dim] = rest % extent;
            rest /= extent;
            for (offset, step) in rows.offsets.iter_mut().zip(self.steps[dim]) {
                *offset += rows.index[dim] * step;
            }
        }
        rows
    }
}

fn joins<const N: usize>(inner_extent: usize, inner: &[usize; N], outer: &[usize; N]) -> bool {
    inner.iter().zip(outer).all(|(&inner, &outer)| inner * inner_extent == outer)
}

/// A walk over the rows of an output.
#[derive(Debug)]
pub(super) struct Rows<'a, const N: usize> {
    plan: &'a Broadcast<N>,
    index: [usize; Dims::MAX],
    offsets: [usize; N],
}

impl<const N: usize> Rows<'_, N> {
    /// The next piece of a row, at most `limit` elements: where each input starts, and the number of output elements.
    #[inline(always)]
    pub(super) fn next(&mut self, limit: usize) -> ([usize; N], usize) {
        let plan = self.plan;
        let last = plan.rank - 1;
        let starts = self.offsets;
        let len = limit.min(plan.extents[last] - self.index[last]);
        self.advance(last, len);
        let mut dim = last;
        while self.index[dim] == plan.extents[dim] && dim > 0 {
            let extent = plan.extents[dim];
            for (offset, step) in self.offsets.iter_mut().zip(plan.steps[dim]) {
                *offset -= extent * step;
            }
            self.index[dim] = 0;
            dim -= 1;
            self.advance(dim, 1);
        }
        (starts, len)
    }

    #[inline(always)]
    fn advance(&mut self, dim: usize, by: usize) {
        self.index[dim] += by;
        for (offset, step) in self.offsets.iter_mut().zip(self.plan.steps[dim]) {
            *offset += by * step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(extents: &[i64]) -> Dims {
        Dims::new(extents).unwrap()
    }

    fn offsets<const N: usize>(plan: &Broadcast<N>, first: usize, count: usize, limit: usize) -> Vec<[usize; N]> {
        let mut rows = plan.rows(first);
        let mut all = Vec::new();
        while all.len() < count {
            let (starts, len) = rows.next(limit.min(count - all.len()));
            for i in 0..len {
                let mut at = starts;
                at.iter_mut().zip(plan.steps()).for_each(|(at, step)| *at += i * step);
                all.push(at);
            }
        }
        all
    }

    #[test]
    fn every_pattern_of_broadcasting_reads_the_right_elements() {
        let extents = [2i64, 3, 1, 4];
        for mask in 0..256u32 {
            let part = |shift: u32| -> Vec<i64> {
                (0..4).map(|d| if mask >> (shift + d) & 1 == 1 { 1 } else { extents[d as usize] }).collect()
            };
            let inputs = [dims(&part(0)), dims(&part(4))];
            let plan = Broadcast::new(&dims(&extents), [&inputs[0], &inputs[1]]).unwrap();
            let mut wanted = Vec::new();
            for flat in 0..24usize {
                let index = [flat / 12, flat / 4 % 3, 0, flat % 4];
                wanted.push(inputs.map(|input| {
                    (0..4).fold(0, |at, d| {
                        let extent = usize::try_from(input[d]).unwrap();
                        at * extent + if extent == 1 { 0 } else { index[d] }
                    })
                }));
            }
            assert_eq!(offsets(&plan, 0, 24, 24), wanted);
            assert_eq!(offsets(&plan, 7, 11, 3), wanted[7..18]);
        }
    }

    #[test]
    fn dimensions_are_joined() {
        let full = dims(&[2, 3, 4]);
        let plan = Broadcast::new(&full, [&full, &full]).unwrap();
        assert_eq!((plan.rank, plan.extents[0], plan.steps()), (1, 24, [1, 1]));
        let plan = Broadcast::new(&full, [&full, &dims(&[1, 1, 1])]).unwrap();
        assert_eq!((plan.rank, plan.extents[0], plan.steps()), (1, 24, [1, 0]));
    }

    #[test]
    fn what_does_not_broadcast_is_refused() {
        assert!(Broadcast::new(&dims(&[2, 3]), [&dims(&[2, 2])]).is_err());
        assert!(Broadcast::new(&dims(&[2, 3]), [&dims(&[3])]).is_err());
        assert!(Broadcast::new(&Dims::scalar(), [&dims(&[1])]).is_err());
        assert!(Broadcast::new(&dims(&[0, 3]), [&dims(&[1, 3])]).is_ok());
    }
}
