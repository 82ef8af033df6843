//! Joining tensors along one axis.

use super::words::{Word, axis, by_width, words, words_mut};
use super::{Call, Kernel, Request};
use crate::tensor::TensorView;
use crate::{Error, Result};

/// A prepared concatenation.
#[derive(Debug)]
struct Concatenation {
    axis: usize,
}

/// Prepares a concatenation.
///
/// # Errors
/// The axis is out of range, or the inputs' types differ.
pub(super) fn prepare(request: &Request<'_>, along: i32) -> Result<Box<dyn Kernel>> {
    let rank = request.input_ranks.first().copied().flatten().unwrap_or(0);
    let dtype = request.input_type(0)?;
    if request.input_types.iter().flatten().any(|&other| other != dtype) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(Concatenation { axis: axis(along.into(), rank)? }))
}

impl Kernel for Concatenation {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(0)?.dtype(), W => self.join::<W>(call))
    }
}

impl Concatenation {
    fn join<W: Word>(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let views: Vec<TensorView<'_>> = call.inputs.iter().copied().flatten().collect();
        let out = call.output(0)?;
        let outer = volume(&out.dims()[..self.axis.min(out.dims().rank())]);
        let mut parts = Vec::with_capacity(views.len());
        for view in &views {
            if volume(view.dims().get(..self.axis).unwrap_or(&[])) != outer {
                return Err(Error::internal(format!("joining {} along axis {}", view.dims(), self.axis)));
            }
            let part = words::<W>(view)?;
            parts.push((part, part.len().checked_div(outer).unwrap_or(0)));
        }
        let row: usize = parts.iter().map(|part| part.1).sum();
        if row * outer != out.len() {
            return Err(Error::internal(format!("{outer} rows of {row} elements for {}", out.dims())));
        }
        let mut rest = words_mut::<W>(out)?;
        for index in 0..outer {
            for &(part, len) in &parts {
                let (head, tail) = rest.split_at_mut(len);
                head.copy_from_slice(&part[index * len..][..len]);
                rest = tail;
            }
        }
        Ok(())
    }
}

fn volume(dims: &[i64]) -> usize {
    dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).product()
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn parts_follow_each_other_along_the_axis() {
        let a = tensor(&[2, 1, 2], &[1i32, 2, 3, 4]);
        let b = tensor(&[2, 2, 2], &[5i32, 6, 7, 8, 9, 10, 11, 12]);
        let empty = tensor(&[2, 0, 2], &[0i32; 0]);
        for axis in [1, -2] {
            let kind = LayerKind::Concatenation { axis };
            let out = run(&kind, &[Some(&a), Some(&empty), Some(&b)], &[(DataType::Int32, &[2, 3, 2])]).unwrap();
            assert_eq!(out[0].view().as_slice::<i32>().unwrap(), [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12]);
        }
        let kind = LayerKind::Concatenation { axis: 0 };
        let out = run(&kind, &[Some(&a), Some(&a)], &[(DataType::Int32, &[4, 1, 2])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i32>().unwrap(), [1, 2, 3, 4, 1, 2, 3, 4]);
        let kind = LayerKind::Concatenation { axis: 3 };
        assert!(run(&kind, &[Some(&a)], &[(DataType::Int32, &[2, 1, 2])]).is_err());
    }
}
