//! Transposition of dense arrays.

use super::wide::{GRAIN, for_chunks};
use super::words::{Word, steps};

/// The side of the square tiles that are turned in one go: a tile of 32-bit elements fills sixteen cache lines.
const TILE: usize = 16;

/// `out` dimension i is `x` dimension `order[i]`; `order` is a permutation of the dimensions of `extents`, and both arrays are full.
pub(super) fn transpose<W: Word>(x: &[W], extents: &[usize], order: &[usize], out: &mut [W]) {
    if out.is_empty() {
        return;
    }
    let (extents, steps) = joined(extents, order);
    let last = extents.len() - 1;
    // One output dimension is contiguous in the input.
    let Some(contiguous) = steps.iter().position(|&step| step == 1) else { return };
    let row: usize = extents[1..].iter().product();
    // Whole indices of the outermost output dimension, at least a tile of them where it is the one to be turned.
    let mut indices = GRAIN.div_ceil(row);
    if contiguous == 0 && last > 0 {
        indices = indices.next_multiple_of(TILE);
    }
    for_chunks(out, indices * row, |first, out| {
        let x = &x[first / row * steps[0]..];
        let mut extents = extents.clone();
        extents[0] = out.len() / row;
        if contiguous == last {
            copy_rows(x, &extents, &steps, out)
        } else {
            turn(x, &extents, &steps, contiguous, out)
        }
    });
}

/// The output's extents and the input's steps along them; dimensions that stay adjacent are joined, extents of 1 dropped.
fn joined(extents: &[usize], order: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let in_steps = steps(extents);
    let (mut joined, mut joined_steps) = (Vec::<usize>::new(), Vec::<usize>::new());
    for &dim in order {
        if extents[dim] == 1 {
            continue;
        }
        match (joined.last_mut(), joined_steps.last_mut()) {
            (Some(extent), Some(step)) if *step == in_steps[dim] * extents[dim] => {
                *extent *= extents[dim];
                *step = in_steps[dim];
            }
            _ => {
                joined.push(extents[dim]);
                joined_steps.push(in_steps[dim]);
            }
        }
    }
    if joined.is_empty() {
        return (vec![1], vec![1]);
    }
    (joined, joined_steps)
}

/// The rows of the output are rows of the input.
fn copy_rows<W: Word>(x: &[W], extents: &[usize], steps: &[usize], out: &mut [W]) {
    let last = extents.len() - 1;
    let len = extents[last];
    let mut walk = Walk::new(&extents[..last]);
    for out in out.chunks_exact_mut(len) {
        let start = walk.offset(steps);
        out.copy_from_slice(&x[start..start + len]);
        walk.step();
    }
}

/// The output's last dimension strides through the input, dimension `contiguous` does not: square tiles of the two are turned.
fn turn<W: Word>(x: &[W], extents: &[usize], steps: &[usize], contiguous: usize, out: &mut [W]) {
    let last = extents.len() - 1;
    let out_steps = super::words::steps(extents);
    let (rows, columns) = (extents[contiguous], extents[last]);
    let (row_step, column_step) = (out_steps[contiguous], steps[last]);
    let mut outer = extents[..last].to_vec();
    outer[contiguous] = 1;
    let mut walk = Walk::new(&outer);
    let mut tile = [[W::zeroed(); TILE]; TILE];
    for _ in 0..outer.iter().product() {
        let (from, to) = (walk.offset(steps), walk.offset(&out_steps));
        for column in (0..columns).step_by(TILE) {
            let width = TILE.min(columns - column);
            for row in (0..rows).step_by(TILE) {
                let height = TILE.min(rows - row);
                for (j, line) in tile.iter_mut().enumerate().take(width) {
                    let start = from + row + (column + j) * column_step;
                    line[..height].copy_from_slice(&x[start..start + height]);
                }
                for i in 0..height {
                    let start = to + (row + i) * row_step + column;
                    for (out, line) in out[start..start + width].iter_mut().zip(&tile) {
                        *out = line[i];
                    }
                }
            }
        }
        walk.step();
    }
}

/// The indices of an array in row-major order.
struct Walk<'a> {
    extents: &'a [usize],
    index: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(extents: &'a [usize]) -> Self {
        Self { extents, index: vec![0; extents.len()] }
    }

    fn offset(&self, steps: &[usize]) -> usize {
        self.index.iter().zip(steps).map(|(index, step)| index * step).sum()
    }

    fn step(&mut self) {
        for (index, &extent) in self.index.iter_mut().zip(self.extents).rev() {
            *index += 1;
            if *index < extent {
                return;
            }
            *index = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::Random;

    fn check(extents: &[usize], order: &[usize]) {
        let count: usize = extents.iter().product();
        let x: Vec<u32> = (0..u32::try_from(count).unwrap()).collect();
        let mut out = vec![u32::MAX; count];
        transpose(&x, extents, order, &mut out);
        let out_extents: Vec<usize> = order.iter().map(|&d| extents[d]).collect();
        for (flat, &got) in out.iter().enumerate() {
            let mut index = vec![0; extents.len()];
            let mut rest = flat;
            for i in (0..order.len()).rev() {
                index[order[i]] = rest % out_extents[i];
                rest /= out_extents[i];
            }
            let wanted = index.iter().zip(extents).fold(0, |at, (i, extent)| at * extent + i);
            assert_eq!(got as usize, wanted, "{extents:?} {order:?} at {flat}");
        }
    }

    #[test]
    fn common_permutations() {
        check(&[], &[]);
        check(&[5], &[0]);
        check(&[0, 4], &[1, 0]);
        check(&[200, 333], &[1, 0]);
        check(&[2, 3, 40, 41], &[0, 2, 3, 1]);
        check(&[2, 40, 41, 3], &[0, 3, 1, 2]);
        check(&[2, 17, 4, 32], &[0, 2, 1, 3]);
        check(&[2, 4, 17, 32], &[0, 1, 3, 2]);
        check(&[1, 70_000], &[1, 0]);
    }

    #[test]
    fn random_permutations() {
        let mut random = Random::new(3);
        for _ in 0..200 {
            let rank = usize::try_from(random.range(1, 7)).unwrap();
            let extents: Vec<usize> = (0..rank).map(|_| usize::try_from(random.range(1, 7)).unwrap()).collect();
            let mut order: Vec<usize> = (0..rank).collect();
            for i in (1..rank).rev() {
                order.swap(i, usize::try_from(random.range(0, i64::try_from(i).unwrap() + 1)).unwrap());
            }
            check(&extents, &order);
        }
    }
}
