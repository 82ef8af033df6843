//! Functions of one element.

use tensorrt_sys::{DataType, UnaryOperation};

use super::activation::simd;
use super::wide::{map, map_plain};
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
        UnaryOperation::Abs => map_plain(x, out, T::wrapping_abs),
        UnaryOperation::Neg => map_plain(x, out, T::wrapping_neg),
        UnaryOperation::Sign => map_plain(x, out, T::signum),
        other => return Err(Error::unsupported(format!("{} on {}", other.name(), T::DTYPE.name()))),
    }
    Ok(())
}

fn floats(op: UnaryOperation, x: &[f32], out: &mut [f32]) -> Result<()> {
    use UnaryOperation as U;
    match op {
        U::Exp => simd(&rten_vecmath::Exp {}, x, out),
        U::Log => map_plain(x, out, f32::ln),
        U::Sqrt => map(x, out, f32::sqrt),
        U::Recip => map(x, out, |x| 1.0 / x),
        U::Abs => map(x, out, f32::abs),
        U::Neg => map(x, out, |x| -x),
        U::Sin => map_plain(x, out, f32::sin),
        U::Cos => map_plain(x, out, f32::cos),
        U::Tan => map_plain(x, out, f32::tan),
        U::Sinh => map_plain(x, out, f32::sinh),
        U::Cosh => map_plain(x, out, f32::cosh),
        U::Asin => map_plain(x, out, f32::asin),
        U::Acos => map_plain(x, out, f32::acos),
        U::Atan => map_plain(x, out, f32::atan),
        // In f64: the f32 forms lose digits next to 0.
        U::Asinh => map_plain(x, out, |x| through_f64(x, f64::asinh)),
        U::Acosh => map_plain(x, out, |x| through_f64(x, f64::acosh)),
        U::Atanh => map_plain(x, out, |x| through_f64(x, f64::atanh)),
        U::Ceil => map(x, out, f32::ceil),
        U::Floor => map(x, out, f32::floor),
        U::Erf => map(x, out, math::erf),
        U::Sign => map(x, out, |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                x
            }
        }),
        U::Round => map(x, out, f32::round_ties_even),
        other => return Err(Error::unsupported(format!("{} on floating point", other.name()))),
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn through_f64(x: f32, f: impl Fn(f64) -> f64) -> f32 {
    f(f64::from(x)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{bools, run, tensor};

    fn go(op: UnaryOperation, x: &[f32]) -> Vec<f32> {
        let n = i64::try_from(x.len()).unwrap();
        let out = run(&LayerKind::Unary { op }, &[Some(&tensor(&[n], x))], &[(DataType::Float, &[n])]).unwrap();
        out[0].view().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn functions_are_close_to_f64() {
        use UnaryOperation as U;
        type Case = (U, fn(f64) -> f64, f32, f32);
        let cases: [Case; 20] = [
            (U::Exp, f64::exp, -100.0, 88.0),
            (U::Log, f64::ln, 1e-6, 1e6),
            (U::Sqrt, f64::sqrt, 0.0, 1e9),
            (U::Recip, f64::recip, 0.1, 1e3),
            (U::Abs, f64::abs, -5.0, 5.0),
            (U::Neg, |x| -x, -5.0, 5.0),
            (U::Sin, f64::sin, -100.0, 100.0),
            (U::Cos, f64::cos, -100.0, 100.0),
            (U::Tan, f64::tan, -1.5, 1.5),
            (U::Sinh, f64::sinh, -20.0, 20.0),
            (U::Cosh, f64::cosh, -20.0, 20.0),
            (U::Asin, f64::asin, -1.0, 1.0),
            (U::Acos, f64::acos, -1.0, 1.0),
            (U::Atan, f64::atan, -50.0, 50.0),
            (U::Asinh, f64::asinh, -50.0, 50.0),
            (U::Acosh, f64::acosh, 1.0, 50.0),
            (U::Atanh, f64::atanh, -0.999, 0.999),
            (U::Ceil, f64::ceil, -9.0, 9.0),
            (U::Floor, f64::floor, -9.0, 9.0),
            (U::Round, f64::round_ties_even, -9.0, 9.0),
        ];
        for (op, reference, low, high) in cases {
            let x: Vec<f32> = (0..=20_000u16).map(|i| low + (high - low) * f32::from(i) / 20_000.0).collect();
            for (&x, got) in x.iter().zip(go(op, &x)) {
                let wanted = reference(x.into());
                assert!(
                    (f64::from(got) - wanted).abs() <= wanted.abs() * 5e-7 + 1e-37,
                    "{op:?}({x}) = {got}, not {wanted}"
                );
            }
        }
    }

    #[test]
    fn tables_of_special_values() {
        use UnaryOperation as U;
        let x = [-2.5f32, -0.5, 0.5, 1.5, 2.5, 0.0];
        assert_eq!(go(U::Round, &x), [-2.0, -0.0, 0.0, 2.0, 2.0, 0.0]);
        assert_eq!(go(U::Sign, &x), [-1.0, -1.0, 1.0, 1.0, 1.0, 0.0]);
        let inf = f32::INFINITY;
        assert_eq!(go(U::Exp, &[inf, -inf, 0.0]), [inf, 0.0, 1.0]);
        assert_eq!(go(U::Log, &[0.0, inf]), [-inf, inf]);
        assert_eq!(go(U::Recip, &[0.0, -inf]), [inf, 0.0]);
        assert_eq!(go(U::Erf, &[-inf, inf]), [-1.0, 1.0]);
        for op in [U::Exp, U::Log, U::Sqrt, U::Abs, U::Sin, U::Erf, U::Sign, U::Round, U::Ceil, U::Tan, U::Atanh] {
            assert!(go(op, &[f32::NAN])[0].is_nan(), "{op:?}");
        }
        assert!(go(U::Sqrt, &[-1.0])[0].is_nan());
    }

    #[test]
    fn flags_and_integers() {
        use UnaryOperation as U;
        let x = tensor(&[4], &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]);
        let flags = |op| {
            let out = run(&LayerKind::Unary { op }, &[Some(&x)], &[(DataType::Bool, &[4])]).unwrap();
            out[0].view().as_slice::<u8>().unwrap().to_vec()
        };
        assert_eq!(flags(U::Isnan), [1, 0, 0, 0]);
        assert_eq!(flags(U::Isinf), [0, 1, 1, 0]);
        let out =
            run(&LayerKind::Unary { op: U::Not }, &[Some(&bools(&[2], &[true, false]))], &[(DataType::Bool, &[2])]);
        assert_eq!(out.unwrap()[0].view().as_slice::<u8>().unwrap(), [0, 1]);
        let x = tensor(&[3], &[i32::MIN, -3, 4]);
        let integers = |op| {
            let out = run(&LayerKind::Unary { op }, &[Some(&x)], &[(DataType::Int32, &[3])]).unwrap();
            out[0].view().as_slice::<i32>().unwrap().to_vec()
        };
        assert_eq!(integers(U::Abs), [i32::MIN, 3, 4]);
        assert_eq!(integers(U::Neg), [i32::MIN, 3, -4]);
        assert_eq!(integers(U::Sign), [-1, -1, 1]);
        assert!(run(&LayerKind::Unary { op: U::Exp }, &[Some(&x)], &[(DataType::Int32, &[3])]).is_err());
        assert!(run(&LayerKind::Unary { op: U::Not }, &[Some(&x)], &[(DataType::Int32, &[3])]).is_err());
    }
}
