//! One-hot encoding.

use super::words::{Word, axis, by_width, extents, words, words_mut};
use super::{Call, Kernel, Request};
use crate::{Error, Result};

/// A prepared one-hot layer.
#[derive(Debug)]
struct OneHot {
    axis: usize,
}

/// Prepares a one-hot layer; negative indices count from the depth, others out of range set nothing.
///
/// # Errors
/// The axis is out of range.
pub(super) fn prepare(request: &Request<'_>, along: i32) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    Ok(Box::new(OneHot { axis: axis(along.into(), rank + 1)? }))
}

impl Kernel for OneHot {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(1)?.dtype(), W => self.encode::<W>(call))
    }
}

impl OneHot {
    fn encode<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let numbers = call.input(0)?.to_i64()?;
        let values = call.input(1)?;
        let &[off, on] = words::<W>(&values)? else {
            return Err(Error::invalid(format!("one-hot values of dimensions {}, not [2]", values.dims())));
        };
        let out = call.output(0)?;
        let shape = extents(out.dims());
        let depth = shape.get(self.axis).copied().unwrap_or(0);
        let inner: usize = shape.get(self.axis + 1..).unwrap_or(&[]).iter().product();
        if numbers.len() * depth != out.len() {
            return Err(Error::internal(format!("{} indices for {}", numbers.len(), out.dims())));
        }
        let out = words_mut::<W>(out)?;
        out.fill(off);
        for (flat, &index) in numbers.iter().enumerate() {
            if let Ok(index) = super::words::position(index, depth) {
                out[(flat / inner * depth + index) * inner + flat % inner] = on;
            }
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
    fn the_index_is_on() {
        let indices = tensor(&[2, 2], &[0i32, -1, 7, 1]);
        let (values, depth) = (tensor(&[2], &[2f32, 5.]), tensor(&[], &[3i32]));
        let inputs = [Some(&indices), Some(&values), Some(&depth)];
        for axis in [-1, 2] {
            let out = run(&LayerKind::OneHot { axis }, &inputs, &[(DataType::Float, &[2, 2, 3])]).unwrap();
            assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [5., 2., 2., 2., 2., 5., 2., 2., 2., 2., 5., 2.]);
        }
        let out = run(&LayerKind::OneHot { axis: 1 }, &inputs, &[(DataType::Float, &[2, 3, 2])]).unwrap();
        assert_eq!(out[0].view().as_slice::<f32>().unwrap(), [5., 2., 2., 2., 2., 5., 2., 2., 2., 5., 2., 2.]);
        assert!(run(&LayerKind::OneHot { axis: 3 }, &inputs, &[(DataType::Float, &[2, 3, 2])]).is_err());
    }
}
