//! Where tensors lie that do not all live at one time.

use crate::memory::ALIGNMENT;
use crate::{Error, Result};

/// A tensor or scratch space: its bytes, and the first and last step that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) bytes: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Block {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Offsets of the blocks, and the arena's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) offsets: Vec<usize>,
    pub(super) bytes: usize,
}

/// Places blocks so that no two that live at one time overlap; offsets are multiples of 64.
///
/// The largest go first, each into the smallest gap it fits; where that takes more than the largest set that lives at one time, two other
/// orders are tried and the best is kept.
///
/// # Errors
/// The sizes overflow.
pub(super) fn place(blocks: &[Block]) -> Result<Placement> {
    let limit = largest_live_set(blocks)?;
    let mut best = place_in_order(blocks, |b| (usize::MAX - b.bytes, b.first))?;
    if best.bytes > limit {
        let span = |b: &Block| b.bytes.saturating_mul(b.last - b.first + 1);
        for other in [
            place_in_order(blocks, |b| (usize::MAX - span(b), b.first))?,
            place_in_order(blocks, |b| (b.first, usize::MAX - b.bytes))?,
        ] {
            if other.bytes < best.bytes {
                best = other;
            }
        }
    }
    Ok(best)
}

/// The bytes of the largest set of blocks that live at one time: what any placement takes at least.
pub(super) fn largest_live_set(blocks: &[Block]) -> Result<usize> {
    let mut changes: Vec<(usize, bool, usize)> = Vec::with_capacity(blocks.len() * 2);
    for block in blocks {
        let bytes = aligned(block.bytes)?;
        changes.push((block.first, true, bytes));
        changes.push((block.last + 1, false, bytes));
    }
    // At one step, what ended is freed before what begins is counted.
    changes.sort_unstable();
    let (mut live, mut most) = (0usize, 0usize);
    for (_, begins, bytes) in changes {
        live = if begins { live.checked_add(bytes).ok_or_else(too_large)? } else { live - bytes };
        most = most.max(live);
    }
    Ok(most)
}

fn place_in_order(blocks: &[Block], key: impl Fn(&Block) -> (usize, usize)) -> Result<Placement> {
    let mut order: Vec<usize> = (0..blocks.len()).filter(|&i| blocks[i].bytes > 0).collect();
    order.sort_by_key(|&i| key(&blocks[i]));
    let mut offsets = vec![0; blocks.len()];
    // What is placed, by offset: (offset, end, which).
    let mut placed: Vec<(usize, usize, usize)> = Vec::with_capacity(order.len());
    let mut total = 0;
    for which in order {
        let block = &blocks[which];
        let bytes = aligned(block.bytes)?;
        let (mut end_of_last, mut chosen) = (0, None::<(usize, usize)>);
        for &(offset, end, other) in &placed {
            if !block.meets(&blocks[other]) {
                continue;
            }
            if offset >= end_of_last {
                let gap = offset - end_of_last;
                if gap >= bytes && chosen.is_none_or(|(smallest, _)| gap < smallest) {
                    chosen = Some((gap, end_of_last));
                }
            }
            end_of_last = end_of_last.max(end);
        }
        let offset = chosen.map_or(end_of_last, |(_, offset)| offset);
        let end = offset.checked_add(bytes).ok_or_else(too_large)?;
        offsets[which] = offset;
        total = total.max(end);
        let at = placed.partition_point(|&(other, ..)| other < offset);
        placed.insert(at, (offset, end, which));
    }
    Ok(Placement { offsets, bytes: total })
}

fn aligned(bytes: usize) -> Result<usize> {
    bytes.checked_next_multiple_of(ALIGNMENT).ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::config("the activations are too large for an address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator of test data (a linear congruential sequence).
    struct Sequence(u64);

    impl Sequence {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % limit
        }
    }

    #[test]
    fn blocks_that_live_together_are_apart() {
        let mut random = Sequence(7);
        for round in 0..50 {
            let blocks: Vec<Block> = (0..60)
                .map(|_| {
                    let first = random.below(40);
                    Block { bytes: random.below(10_000), first, last: first + random.below(6) }
                })
                .collect();
            let found = place(&blocks).unwrap();
            for (i, a) in blocks.iter().enumerate() {
                assert!(found.offsets[i] + a.bytes <= found.bytes);
                for (j, b) in blocks.iter().enumerate().take(i) {
                    let (x, y) = (found.offsets[i], found.offsets[j]);
                    let apart = x + a.bytes <= y || y + b.bytes <= x;
                    assert!(apart || !a.meets(b), "round {round}: {a:?} at {x}, {b:?} at {y}");
                }
            }
            let least = largest_live_set(&blocks).unwrap();
            assert!(found.bytes >= least && found.bytes <= least * 5 / 4, "{} of {least}", found.bytes);
        }
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let blocks: Vec<Block> = (0..10).map(|i| Block { bytes: 1000, first: i, last: i + 1 }).collect();
        assert_eq!(place(&blocks).unwrap().bytes, 2 * 1024);
        assert_eq!(place(&[]).unwrap().bytes, 0);
        assert!(place(&[Block { bytes: usize::MAX, first: 0, last: 0 }]).is_err());
    }
}
