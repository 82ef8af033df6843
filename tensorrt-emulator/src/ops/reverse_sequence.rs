//! Reversing the start of each sequence of a batch.

use super::words::{Word, axis, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::{Error, Result};

/// A prepared reversal.
#[derive(Debug)]
struct ReverseSequence {
    batch: usize,
    sequence: usize,
}

/// Prepares a reversal.
///
/// # Errors
/// An axis is out of range, or the two are the same.
pub(super) fn prepare(request: &Request<'_>, batch: i32, sequence: i32) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    let (batch, sequence) = (axis(batch.into(), rank)?, axis(sequence.into(), rank)?);
    if batch == sequence {
        return Err(Error::config(format!("axis {batch} is both batch and sequence")));
    }
    Ok(Box::new(ReverseSequence { batch, sequence }))
}

impl Kernel for ReverseSequence {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(0)?.dtype(), W => self.reverse::<W>(call))
    }
}

impl ReverseSequence {
    fn reverse<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let data = call.input(0)?;
        let lengths = call.input(1)?.to_i64()?;
        let shape = extents(data.dims());
        let (batches, steps) = (shape[self.batch], shape[self.sequence]);
        let lengths: Option<Vec<usize>> =
            lengths.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n <= steps)).collect();
        let lengths = lengths.filter(|lengths| lengths.len() == batches);
        let lengths =
            lengths.ok_or_else(|| Error::invalid(format!("the lengths do not fit {batches} sequences of {steps}")))?;
        let out = call.output(0)?;
        super::same_len(&data, out)?;
        let (x, out) = (words::<W>(&data)?, words_mut::<W>(out)?);
        // Blocks below both axes move as one.
        let inner = self.batch.max(self.sequence);
        let block: usize = shape[inner + 1..].iter().product();
        if out.is_empty() {
            return Ok(());
        }
        let below = |axis: usize| -> usize { shape[axis + 1..=inner].iter().product() };
        let (batch_step, sequence_step) = (below(self.batch), below(self.sequence));
        for (number, out) in out.chunks_exact_mut(block).enumerate() {
            let (batch, step) = (number / batch_step % batches, number / sequence_step % steps);
            let from = if step < lengths[batch] { lengths[batch] - 1 - step } else { step };
            let from = number - step * sequence_step + from * sequence_step;
            out.copy_from_slice(&x[from * block..][..block]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn the_first_steps_are_reversed() {
        let x = tensor(&[3, 2, 1], &[0f32, 1., 2., 3., 4., 5.]);
        let lengths = tensor(&[2], &[3i64, 2]);
        let kind = LayerKind::ReverseSequence { batch_axis: 1, sequence_axis: 0 };
        let out = run(&kind, &[Some(&x), Some(&lengths)], &[(DataType::Float, &[3, 2, 1])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [4., 3., 2., 1., 0., 5.]);
        let lengths = tensor(&[3], &[1i32, 2, 0]);
        let kind = LayerKind::ReverseSequence { batch_axis: 0, sequence_axis: 1 };
        let out = run(&kind, &[Some(&x), Some(&lengths)], &[(DataType::Float, &[3, 2, 1])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [0., 1., 3., 2., 4., 5.]);
        let bad = tensor(&[3], &[1i32, 3, 0]);
        assert!(run(&kind, &[Some(&x), Some(&bad)], &[(DataType::Float, &[3, 2, 1])]).is_err());
    }
}
