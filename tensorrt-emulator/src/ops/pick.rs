//! Copying the product of positions along each axis: what slices, paddings and gathers have in common.

use super::wide::{GRAIN, for_chunks};
use super::words::Word;
use crate::{Error, Result};

/// Which positions of one input axis the output axis takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Axis {
    /// `len` consecutive ones from `start` on.
    Range {
        /// The first position.
        start: usize,
        /// The number of positions.
        len: usize,
    },
    /// One by one; [`OUTSIDE`] takes the fill value.
    Table(Vec<usize>),
}

/// The position of what does not come from the input.
pub(super) const OUTSIDE: usize = usize::MAX;

impl Axis {
    /// The positions in `table`, as a range where they are consecutive.
    pub(super) fn new(table: Vec<usize>) -> Self {
        let start = table.first().copied().unwrap_or(0);
        let consecutive = start != OUTSIDE && table.iter().enumerate().all(|(i, &at)| at.wrapping_sub(start) == i);
        if consecutive { Self::Range { start, len: table.len() } } else { Self::Table(table) }
    }

    fn len(&self) -> usize {
        match self {
            Self::Range { len, .. } => *len,
            Self::Table(table) => table.len(),
        }
    }

    fn at(&self, index: usize) -> usize {
        match self {
            Self::Range { start, .. } => start + index,
            Self::Table(table) => table[index],
        }
    }

    fn fits(&self, extent: usize) -> bool {
        match self {
            Self::Range { start, len } => start.checked_add(*len).is_some_and(|end| end <= extent),
            Self::Table(table) => table.iter().all(|&at| at < extent || at == OUTSIDE),
        }
    }
}

/// `out[i, j, …] = x[axes[0][i], axes[1][j], …]`, or `fill` where a position is [`OUTSIDE`].
///
/// # Errors
/// A position lies beyond its axis, or `out` has another size.
pub(super) fn pick<W: Word>(x: &[W], extents: &[usize], axes: &[Axis], fill: W, out: &mut [W]) -> Result<()> {
    let wanted: usize = axes.iter().map(Axis::len).product();
    let fits = axes.len() == extents.len() && axes.iter().zip(extents).all(|(axis, &extent)| axis.fits(extent));
    if !fits || wanted != out.len() || extents.iter().product::<usize>() != x.len() {
        return Err(Error::internal(format!("picking {wanted} of {extents:?} into {}", out.len())));
    }
    if out.is_empty() {
        return Ok(());
    }
    // Trailing axes that are taken whole belong to the block that is copied at once.
    let mut inner = axes.len();
    let mut block = 1;
    while inner > 0 && axes[inner - 1] == (Axis::Range { start: 0, len: extents[inner - 1] }) {
        inner -= 1;
        block *= extents[inner];
    }
    let Some((row_axis, outer)) = axes[..inner].split_last() else {
        out.copy_from_slice(x);
        return Ok(());
    };
    let row = row_axis.len() * block;
    let mut steps = vec![block; inner];
    for axis in (1..inner).rev() {
        steps[axis - 1] = steps[axis] * extents[axis];
    }
    let grain = GRAIN.div_ceil(row) * row;
    for_chunks(out, grain, |first, out| {
        for (number, out) in out.chunks_exact_mut(row).enumerate() {
            match row_start(first / row + number, outer, &steps) {
                Some(start) => copy_row(&x[start..], row_axis, block, fill, out),
                None => out.fill(fill),
            }
        }
    });
    Ok(())
}

/// Where row `number` starts in the input; `None` where it lies outside.
fn row_start(mut number: usize, outer: &[Axis], steps: &[usize]) -> Option<usize> {
    let mut start = 0;
    for (axis, step) in outer.iter().zip(steps).rev() {
        let at = axis.at(number % axis.len());
        number /= axis.len();
        if at == OUTSIDE {
            return None;
        }
        start += at * step;
    }
    Some(start)
}

fn copy_row<W: Word>(x: &[W], axis: &Axis, block: usize, fill: W, out: &mut [W]) {
    match axis {
        Axis::Range { start, .. } => out.copy_from_slice(&x[start * block..][..out.len()]),
        Axis::Table(table) if block == 1 => {
            for (out, &at) in out.iter_mut().zip(table) {
                *out = if at == OUTSIDE { fill } else { x[at] };
            }
        }
        Axis::Table(table) => {
            for (out, &at) in out.chunks_exact_mut(block).zip(table) {
                if at == OUTSIDE {
                    out.fill(fill);
                } else {
                    out.copy_from_slice(&x[at * block..][..block]);
                }
            }
        }
    }
}
