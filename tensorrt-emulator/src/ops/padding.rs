//! Zero padding of the last two dimensions.

use super::pick::{Axis, OUTSIDE, pick};
use super::words::{Word, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::tensor::Dims;
use crate::{Error, Result};

/// A prepared padding layer.
#[derive(Debug)]
struct Padding {
    pre: Dims,
}

/// Prepares a padding layer; negative paddings crop.
///
/// # Errors
/// The paddings are not of two dimensions, or the input has fewer.
pub(super) fn prepare(request: &Request<'_>, pre: &Dims, post: &Dims) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    if pre.rank() != 2 || post.rank() != 2 || rank < 2 {
        return Err(Error::config(format!(
            "padding {pre} and {post} of a tensor of rank {rank}: two dimensions are padded"
        )));
    }
    Ok(Box::new(Padding { pre: *pre }))
}

impl Kernel for Padding {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(0)?.dtype(), W => self.pad::<W>(call))
    }
}

impl Padding {
    fn pad<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let in_extents = extents(input.dims());
        let out = call.output(0)?;
        let out_extents = extents(out.dims());
        let first = in_extents.len().saturating_sub(2);
        let mut axes: Vec<Axis> = in_extents.iter().map(|&len| Axis::Range { start: 0, len }).collect();
        for ((axis, &pre), (&extent, &wanted)) in
            axes[first..].iter_mut().zip(self.pre.iter()).zip(in_extents[first..].iter().zip(&out_extents[first..]))
        {
            let at = |i: usize| i64::try_from(i).ok()?.checked_sub(pre);
            let inside = |at: i64| usize::try_from(at).ok().filter(|&at| at < extent);
            *axis = Axis::new((0..wanted).map(|i| at(i).and_then(inside).unwrap_or(OUTSIDE)).collect());
        }
        pick(words::<W>(&input)?, &in_extents, &axes, W::zeroed(), words_mut::<W>(out)?)
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn pads_with_zeros_and_crops() {
        let x = tensor(&[1, 2, 3], &[1f32, 2., 3., 4., 5., 6.]);
        let kind = |pre: [i64; 2], post: [i64; 2]| LayerKind::Padding {
            pre: Dims::of(&pre).unwrap(),
            post: Dims::of(&post).unwrap(),
        };
        let out = run(&kind([1, -1], [0, 1]), &[Some(&x)], &[(DataType::Float, &[1, 3, 3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [0., 0., 0., 2., 3., 0., 5., 6., 0.]);
        let out = run(&kind([0, 0], [0, 0]), &[Some(&x)], &[(DataType::Float, &[1, 2, 3])]).unwrap();
        assert_eq!(out[0].view().bytes(), x.view().bytes());
    }
}
