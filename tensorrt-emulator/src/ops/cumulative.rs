//! Cumulative sums along one axis.

use tensorrt_sys::{CumulativeOperation, DataType};

use super::strided::Around;
use super::{Call, Kernel, Request, convert};
use crate::{Error, Result};

#[derive(Debug)]
struct Cumulative {
    exclusive: bool,
    reverse: bool,
}

/// Checks a cumulative sum.
pub(super) fn prepare(
    request: &Request<'_>,
    op: CumulativeOperation,
    exclusive: bool,
    reverse: bool,
) -> Result<Box<dyn Kernel>> {
    let dtype = request.input_type(0)?;
    if !convert::is_computable(dtype) && !matches!(dtype, DataType::Int32 | DataType::Int64) {
        return Err(request.unsupported_types());
    }
    if op != CumulativeOperation::Sum {
        return Err(Error::unsupported(format!("a cumulative {} is not supported", op.name())));
    }
    Ok(Box::new(Cumulative { exclusive, reverse }))
}

impl Cumulative {
    fn scan<T: Copy>(&self, from: &[T], to: &mut [T], around: Around, zero: T, add: fn(T, T) -> T) -> Result<()> {
        super::same_count(from.len(), to.len())?;
        let Around { outer, len, inner } = around;
        for line in 0..outer * inner {
            let base = line / inner * len * inner + line % inner;
            let mut sum = zero;
            for step in 0..len {
                let at = base + inner * if self.reverse { len - 1 - step } else { step };
                let before = sum;
                sum = add(sum, from[at]);
                to[at] = if self.exclusive { before } else { sum };
            }
        }
        Ok(())
    }
}

impl Kernel for Cumulative {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, axis) = (call.input(0)?, call.input(1)?.to_i64()?);
        let rank = i64::try_from(input.dims().rank()).unwrap_or(0);
        let axis = match axis[..] {
            [axis] if (-rank..rank).contains(&axis) => axis.rem_euclid(rank),
            _ => return Err(Error::invalid(format!("{axis:?} is not an axis of {}", input.dims()))),
        };
        let around = Around::axis(input.dims(), super::window::extent(axis)?)?;
        let out = call.output(0)?;
        match input.dtype() {
            DataType::Int32 => self.scan(input.as_slice()?, out.as_mut_slice()?, around, 0i32, i32::wrapping_add),
            DataType::Int64 => self.scan(input.as_slice()?, out.as_mut_slice()?, around, 0i64, i64::wrapping_add),
            _ => {
                let values = convert::load(&input)?;
                convert::fill(out, |out| self.scan(&values, out, around, 0.0f32, |a, b| a + b))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{CumulativeOperation, DataType};

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn sums_forwards_backwards_and_exclusively() {
        let x = tensor(&[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        for (axis, exclusive, reverse, wanted) in [
            (1i32, false, false, [1.0f32, 3.0, 6.0, 4.0, 9.0, 15.0]),
            (-1, true, false, [0.0, 1.0, 3.0, 0.0, 4.0, 9.0]),
            (1, false, true, [6.0, 5.0, 3.0, 15.0, 11.0, 6.0]),
            (0, true, true, [4.0, 5.0, 6.0, 0.0, 0.0, 0.0]),
        ] {
            let kind = LayerKind::Cumulative { op: CumulativeOperation::Sum, exclusive, reverse };
            let axis = tensor(&[], &[axis]);
            let out = run(&kind, &[Some(&x), Some(&axis)], &[(DataType::Float, &[2, 3])]).unwrap();
            assert_eq!(out[0].view().as_slice::<f32>().unwrap(), wanted);
        }
        let kind = LayerKind::Cumulative { op: CumulativeOperation::Sum, exclusive: false, reverse: false };
        let axis = tensor(&[], &[2i32]);
        assert!(run(&kind, &[Some(&x), Some(&axis)], &[(DataType::Float, &[2, 3])]).is_err());
    }
}
