//! Functions of one element.

use tensorrt_sys::{DataType, UnaryOperation};

use super::activation::simd;
use super::wide::map;
use super::{Call, Kernel, Request, convert, math, same_len};
use crate::tensor::Element;
use crate::{Error, Result};

/// A prepared unary layer.
#[derive(Debug)]
struct Unary {
    op: UnaryOperation,
}

/// Prepares a unary layer: all operations but `Not` on floating point, `Abs`, `Neg` and `Sign` on int8, int32 and int64, `Not` on bool.
///
/// # Errors
/// The operation is not defined on the input's type.
pub(super) fn prepare(request: &Request<'_>, op: UnaryOperation) -> Result<Box<dyn Kernel>> {
    use UnaryOperation as U;
    let input = request.input_type(0)?;
    let fits = match input {
        DataType::Bool => op == U::Not,
        DataType::Int8 | DataType::Int32 | DataType::Int64 => matches!(op, U::Abs | U::Neg | U::Sign),
        other => convert::is_computable(other) && op != U::Not,
    };
    if !fits {
        return Err(Error::unsupported(format!("{} on {}", op.name(), input.name())));
    }
    Ok(Box::new(Unary { op }))
}

impl Kernel for Unary {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        same_len(&input, out)?;
        match input.dtype() {
            DataType::Bool => map(input.as_slice::<u8>()?, out.as_mut_slice::<u8>()?, |x| u8::from(x == 0)),
            DataType::Int8 => integers(self.op, input.as_slice::<i8>()?, out.as_mut_slice::<i8>()?)?,
            DataType::Int32 => integers(self.op, input.as_slice::<i32>()?, out.as_mut_slice::<i32>()?)?,
            DataType::Int64 => integers(self.op, input.as_slice::<i64>()?, out.as_mut_slice::<i64>()?)?,
            _ => {
                let x = convert::load(&input)?;
                match self.op {
                    UnaryOperation::Isinf => map(&x, out.as_mut_slice::<u8>()?, |x| u8::from(x.is_infinite())),
                    UnaryOperation::Isnan => map(&x, out.as_mut_slice::<u8>()?, |x| u8::from(x.is_nan())),
                    op => convert::fill(out, |out| floats(op, &x, out))?,
                }
            }
        }
        Ok(())
    }
}

/// Integer arithmetic of unary layers: wraps around, as two's complement does.
trait Signed: Element {
    fn wrapping_abs(self) -> Self;
    fn wrapping_neg(self) -> Self;
    fn signum(self) -> Self;
}

macro_rules! signed {
    ($($t:ty),*) => { $(impl Signed for $t {
        fn wrapping_abs(self) -> Self { self.wrapping_abs() }
        fn wrapping_neg(self) -> Self { self.wrapping_neg() }
        fn signum(self) -> Self { self.signum() }
    })* };
}
signed!(i8, i32, i64);

fn integers<T: Signed>(op: UnaryOperation, x: &[T], out: &mut [T]) -> Result<()> {
    match op {
        UnaryOperation::Abs => map(x, out, T::wrapping_abs),
        UnaryOperation::Neg => map(x, out, T::wrapping_neg),
        UnaryOperation::Sign => map(x, out, T::signum),
        other => return Err(Error::unsupported(format!("{} on {}", other.name(), T::DTYPE.name()))),
    }
    Ok(())
}

fn floats(op: UnaryOperation, x: &[f32], out: &mut [f32]) -> Result<()> {
    use UnaryOperation as U;
    match op {
        U::Exp => simd(&rten_vecmath::Exp {}, x, out),
        U::Log => map(x, out, f32::ln),
        U::Sqrt => map(x, out, f32::sqrt),
        U::Recip => map(x, out, |x| 1.0 / x),
        U::Abs => map(x, out, f32::abs),
        U::Neg => map(x, out, |x| -x),
        U::Sin => map(x, out, f32::sin),
        U::Cos => map(x, out, f32::cos),
        U::Tan => map(x, out, f32::tan),
        U::Sinh => map(x, out, f32::sinh),
        U::Cosh => map(x, out, f32::cosh),
        U::Asin => map(x, out, f32::asin),
        U::Acos => map(x, out, f32::acos),
        U::Atan => map(x, out, f32::atan),
        // In f64: the f32 forms lose digits next to 0.
        U::Asinh => map(x, out, |x| through_f64(x, f64::asinh)),
        U::Acosh => map(x, out, |x| through_f64(x, f64::acosh)),
        U::Atanh => map(x, out, |x| through_f64(x, f64::atanh)),
        U::Ceil => map(x, out, f32::ceil),
        U::Floor => map(x, out, f32::floor),
        U::Erf => map(x, out, math::erf),
        U::Sign => map(x, out, |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x }),
        U::Round => map(x, out, f32::round_ties_even),
        other => return Err(Error::unsupported(format!("{} on floating point", other.name()))),
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn through_f64(x: f32, f: impl Fn(f64) -> f64) -> f32 {
    f(f64::from(x)) as f32
}
