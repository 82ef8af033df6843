//! Activation functions.

use rten_simd::SimdUnaryOp;
use tensorrt_sys::{ActivationType, DataType};

use super::wide::{GRAIN, for_chunks, map};
use super::{Call, Kernel, Request, convert, math, same_len};
use crate::tensor::{TensorMut, TensorView};
use crate::{Error, Result};

/// A prepared activation layer; NaN passes through every function.
#[derive(Debug)]
struct Activation {
    op: ActivationType,
    alpha: f32,
    beta: f32,
}

/// Prepares an activation layer: all functions on floating point, `Relu` and `Clip` also on int8, int32 and int64.
///
/// # Errors
/// The input's type is not supported.
pub(super) fn prepare(request: &Request<'_>, op: ActivationType, alpha: f32, beta: f32) -> Result<Box<dyn Kernel>> {
    let integer = matches!(request.input_type(0)?, DataType::Int8 | DataType::Int32 | DataType::Int64);
    let clips = matches!(op, ActivationType::Relu | ActivationType::Clip);
    if !convert::is_computable(request.input_type(0)?) && !(integer && clips) {
        return Err(Error::unsupported(format!("{} on {}", op.name(), request.input_type(0)?.name())));
    }
    Ok(Box::new(Activation { op, alpha, beta }))
}

impl Kernel for Activation {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        same_len(&input, out)?;
        match input.dtype() {
            DataType::Int8 => self.clip_integers::<i8>(&input, out),
            DataType::Int32 => self.clip_integers::<i32>(&input, out),
            DataType::Int64 => self.clip_integers::<i64>(&input, out),
            _ => {
                let x = convert::load(&input)?;
                convert::fill(out, |out| apply(self.op, self.alpha, self.beta, &x, out))
            }
        }
    }
}

impl Activation {
    fn clip_integers<T>(&self, input: &TensorView<'_>, out: &mut TensorMut<'_>) -> Result<()>
    where
        T: crate::tensor::Element + Ord + Limits,
    {
        let (low, high) = match self.op {
            ActivationType::Relu => (T::default(), T::MAX),
            _ => (T::bound(self.alpha.ceil()), T::bound(self.beta.floor())),
        };
        map(input.as_slice::<T>()?, out.as_mut_slice::<T>()?, move |x: T| x.max(low).min(high));
        Ok(())
    }
}

/// The range of an integer type.
trait Limits: Default {
    const MAX: Self;
    /// The nearest value to a limit given as a float.
    fn bound(limit: f32) -> Self;
}

macro_rules! limits {
    ($($t:ty),*) => { $(impl Limits for $t {
        const MAX: Self = <$t>::MAX;
        #[expect(clippy::cast_possible_truncation, reason = "saturating is what a limit beyond the type's range means")]
        fn bound(limit: f32) -> Self { limit as $t }
    })* };
}
limits!(i8, i32, i64);

/// Applies an activation to every element of `x`, which is as long as `out`.
///
/// # Errors
/// The function is not known.
pub(super) fn apply(op: ActivationType, alpha: f32, beta: f32, x: &[f32], out: &mut [f32]) -> Result<()> {
    use ActivationType as A;
    match op {
        A::Relu => map(x, out, |x| if x < 0.0 { 0.0 } else { x }),
        A::Sigmoid => simd(&rten_vecmath::Sigmoid {}, x, out),
        A::Tanh => simd(&rten_vecmath::Tanh {}, x, out),
        A::LeakyRelu => map(x, out, move |x| if x < 0.0 { alpha * x } else { x }),
        A::Elu => map(x, out, move |x| if x < 0.0 { alpha * (math::exp(x) - 1.0) } else { x }),
        A::Selu => map(x, out, move |x| beta * if x < 0.0 { alpha * (math::exp(x) - 1.0) } else { x }),
        A::Softsign => map(x, out, |x| x / (1.0 + x.abs())),
        // alpha · ln(1 + e^(beta·x)), arranged so that it does not overflow.
        A::Softplus => map(x, out, move |x| {
            let scaled = beta * x;
            let positive = if scaled < 0.0 { 0.0 } else { scaled };
            alpha * (positive + math::exp(-scaled.abs()).ln_1p())
        }),
        A::Clip => map(x, out, move |x| {
            let x = if x < alpha { alpha } else { x };
            if x > beta { beta } else { x }
        }),
        A::HardSigmoid => map(x, out, move |x| {
            let y = alpha * x + beta;
            let y = if y < 0.0 { 0.0 } else { y };
            if y > 1.0 { 1.0 } else { y }
        }),
        A::ScaledTanh => for_chunks(out, GRAIN, |first, out| {
            for (out, x) in out.iter_mut().zip(&x[first..]) {
                *out = beta * x;
            }
            rten_vecmath::Tanh {}.map_mut(out);
            out.iter_mut().for_each(|y| *y *= alpha);
        }),
        A::ThresholdedRelu => map(x, out, move |x| if x > alpha || x.is_nan() { x } else { 0.0 }),
        A::GeluErf => map(x, out, math::gelu),
        A::GeluTanh => simd(&rten_vecmath::ApproxGelu {}, x, out),
        other => return Err(Error::unsupported(format!("the activation {}", other.name()))),
    }
    Ok(())
}

/// `out[i] = op(x[i])` by one of rten's vector functions.
pub(super) fn simd(op: &(impl SimdUnaryOp<f32> + Sync), x: &[f32], out: &mut [f32]) {
    for_chunks(out, GRAIN, |first, out| {
        out.copy_from_slice(&x[first..first + out.len()]);
        op.map_mut(out);
    });
}
