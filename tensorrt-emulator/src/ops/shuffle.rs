//! Transposes and reshapes.

use super::copy::copy_bytes;
use super::transpose::transpose;
use super::words::{Word, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::graph::{Permutation, Shuffle};
use crate::{Error, Result};

/// A prepared shuffle: the reshape itself is in the output's dimensions.
#[derive(Debug)]
struct Prepared {
    first: Permutation,
    second: Permutation,
}

/// Prepares a shuffle.
///
/// # Errors
/// The first transpose is not a permutation of the input's dimensions.
pub(super) fn prepare(request: &Request<'_>, params: &Shuffle) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    order(&params.first, rank)?;
    Ok(Box::new(Prepared { first: params.first, second: params.second }))
}

fn order(permutation: &Permutation, rank: usize) -> Result<Vec<usize>> {
    let order = permutation.order(rank);
    order.ok_or_else(|| Error::config(format!("{:?} is no permutation of {rank} dimensions", permutation.0)))
}

fn is_identity(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(i, &dim)| i == dim)
}

impl Kernel for Prepared {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        let first = order(&self.first, input.dims().rank())?;
        let second = order(&self.second, out.dims().rank())?;
        if is_identity(&first) && is_identity(&second) {
            return copy_bytes(input.bytes(), out.bytes_mut());
        }
        by_width!(input.dtype(), W => shuffle::<W>(call, &first, &second))
    }
}

fn shuffle<W: Word>(call: &mut Call<'_, '_>, first: &[usize], second: &[usize]) -> Result<()> {
    let input = call.input(0)?;
    let x = words::<W>(&input)?;
    let in_extents = extents(input.dims());
    let out = call.output(0)?;
    let out_extents = extents(out.dims());
    let out = words_mut::<W>(out)?;
    if x.len() != out.len() {
        return Err(Error::internal(format!("a shuffle of {in_extents:?} into {out_extents:?}")));
    }
    if is_identity(second) {
        transpose(x, &in_extents, first, out);
        return Ok(());
    }
    // The dimensions between reshape and second transpose, from the output's.
    let mut between = vec![0; second.len()];
    for (&dim, &extent) in second.iter().zip(&out_extents) {
        between[dim] = extent;
    }
    if is_identity(first) {
        transpose(x, &between, second, out);
    } else {
        let mut middle = vec![W::zeroed(); x.len()];
        transpose(x, &in_extents, first, &mut middle);
        transpose(&middle, &between, second, out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn transpose_reshape_transpose() {
        let x = tensor(&[2, 3], &[0i32, 1, 2, 3, 4, 5]);
        let shuffle = |first: &[usize], second: &[usize]| {
            LayerKind::Shuffle(Shuffle {
                first: Permutation::new(first),
                reshape: None,
                second: Permutation::new(second),
                zero_is_placeholder: true,
            })
        };
        let go = |kind: &LayerKind, dims: &[i64]| {
            run(kind, &[Some(&x)], &[(DataType::Int32, dims)]).unwrap()[0].view().as_slice::<i32>().unwrap().to_vec()
        };
        assert_eq!(go(&shuffle(&[], &[]), &[3, 2]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(go(&shuffle(&[1, 0], &[]), &[3, 2]), [0, 3, 1, 4, 2, 5]);
        // Reshaped to [3, 2], then transposed to [2, 3].
        assert_eq!(go(&shuffle(&[], &[1, 0]), &[2, 3]), [0, 2, 4, 1, 3, 5]);
        // [0 3 1 4 2 5] as [2, 3], transposed to [3, 2].
        assert_eq!(go(&shuffle(&[1, 0], &[1, 0]), &[3, 2]), [0, 4, 3, 2, 1, 5]);
        assert!(run(&shuffle(&[0, 0], &[]), &[Some(&x)], &[(DataType::Int32, &[2, 3])]).is_err());
    }
}
