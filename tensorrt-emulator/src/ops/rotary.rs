//! Rotary position embedding.

use super::words::extents;
use super::{Call, Kernel, Request, convert, same_len};
use crate::{Error, Result};

/// A prepared rotary embedding.
#[derive(Debug)]
struct Rotary {
    interleaved: bool,
    dim: usize,
}

/// Prepares a rotary embedding of [batch, heads, sequence, head size]; `dim` 0 turns the whole head.
///
/// The caches are [positions, dim / 2] with position ids [batch, sequence], else [batch, sequence, dim / 2].
///
/// # Errors
/// The input is not floating point of rank 4, or `dim` is negative or odd.
pub(super) fn prepare(request: &Request<'_>, interleaved: bool, dim: i32) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    match usize::try_from(dim) {
        Ok(dim) if dim % 2 == 0 && rank == 4 => Ok(Box::new(Rotary { interleaved, dim })),
        _ => Err(Error::config(format!("a rotary embedding of {dim} dimensions on a tensor of rank {rank}"))),
    }
}

impl Kernel for Rotary {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (data, cos, sin) = (call.input(0)?, call.input(1)?, call.input(2)?);
        let positions = call.optional(3).map(|view| view.to_i64()).transpose()?;
        let out = call.output(0)?;
        same_len(&data, out)?;
        let &[batches, heads, length, size] = &extents(data.dims())[..] else {
            return Err(Error::internal(format!("a rotary embedding of {}", data.dims())));
        };
        let dim = if self.dim == 0 { size } else { self.dim };
        let half = dim / 2;
        let rows = cos.len().checked_div(half).unwrap_or(0);
        let fits = cos.dims() == sin.dims()
            && rows * half == cos.len()
            && dim <= size
            && dim % 2 == 0
            && positions.as_ref().map_or(rows == batches * length, |ids| ids.len() == batches * length);
        if !fits {
            return Err(Error::invalid(format!("a rotary embedding of {} with caches of {}", data.dims(), cos.dims())));
        }
        let (x, cos, sin) = (convert::load(&data)?, convert::load(&cos)?, convert::load(&sin)?);
        convert::fill(out, |out| {
            if size == 0 {
                return Ok(());
            }
            for (row, (out, x)) in out.chunks_exact_mut(size).zip(x.chunks_exact(size)).enumerate() {
                let token = row / (heads * length) * length + row % length;
                let at = match &positions {
                    Some(ids) => super::words::position(ids[token], rows)?,
                    None => token,
                } * half;
                out.copy_from_slice(x);
                for i in 0..half {
                    let (c, s) = (cos[at + i], sin[at + i]);
                    let (a, b) = if self.interleaved { (2 * i, 2 * i + 1) } else { (i, i + half) };
                    out[a] = x[a] * c - x[b] * s;
                    out[b] = x[a] * s + x[b] * c;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn pairs_are_turned() {
        let x = tensor(&[1, 1, 2, 4], &[1f32, 2., 3., 4., 5., 6., 7., 8.]);
        // Position 0 turns by nothing, position 1 by a quarter.
        let (cos, sin) = (tensor(&[2, 2], &[1f32, 1., 0., 0.]), tensor(&[2, 2], &[0f32, 0., 1., 1.]));
        let ids = tensor(&[1, 2], &[1i64, 0]);
        let go = |interleaved, dim| {
            let kind = LayerKind::RotaryEmbedding { interleaved, dim };
            let inputs = [Some(&x), Some(&cos), Some(&sin), Some(&ids)];
            run(&kind, &inputs, &[(DataType::Float, &[1, 1, 2, 4])])
                .map(|out| out[0].view().as_slice::<f32>().unwrap().to_vec())
        };
        assert_eq!(go(false, 0).unwrap(), [-3., -4., 1., 2., 5., 6., 7., 8.]);
        assert_eq!(go(true, 4).unwrap(), [-2., 1., -4., 3., 5., 6., 7., 8.]);
        assert!(go(false, 3).is_err());
        let (cos, sin) = (tensor(&[1, 2, 1], &[0f32, 1.]), tensor(&[1, 2, 1], &[1f32, 0.]));
        let kind = LayerKind::RotaryEmbedding { interleaved: false, dim: 2 };
        let out = run(&kind, &[Some(&x), Some(&cos), Some(&sin)], &[(DataType::Float, &[1, 1, 2, 4])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [-2., 1., 3., 4., 5., 6., 7., 8.]);
    }
}
