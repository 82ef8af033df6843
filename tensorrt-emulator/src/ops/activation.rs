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
    if !(convert::is_computable(request.input_type(0)?) || integer && clips) {
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
        A::Elu => map(x, out, move |x| if x < 0.0 { alpha * math::exp_m1(x) } else { x }),
        A::Selu => map(x, out, move |x| beta * if x < 0.0 { alpha * math::exp_m1(x) } else { x }),
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
        A::GeluTanh => map(x, out, math::gelu_tanh),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    fn go(op: ActivationType, alpha: f32, beta: f32, x: &[f32]) -> Vec<f32> {
        let n = i64::try_from(x.len()).unwrap();
        let kind = LayerKind::Activation { op, alpha, beta };
        let out = run(&kind, &[Some(&tensor(&[n], x))], &[(DataType::Float, &[n])]).unwrap();
        out[0].view().as_slice::<f32>().unwrap().to_vec()
    }

    const ALL: [ActivationType; 14] = [
        ActivationType::Relu,
        ActivationType::Sigmoid,
        ActivationType::Tanh,
        ActivationType::LeakyRelu,
        ActivationType::Elu,
        ActivationType::Selu,
        ActivationType::Softsign,
        ActivationType::Softplus,
        ActivationType::Clip,
        ActivationType::HardSigmoid,
        ActivationType::ScaledTanh,
        ActivationType::ThresholdedRelu,
        ActivationType::GeluErf,
        ActivationType::GeluTanh,
    ];

    /// NVIDIA's definitions, in f64.
    fn reference(op: ActivationType, a: f64, b: f64, x: f64) -> f64 {
        use ActivationType as A;
        let erf = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for n in 1..200 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            if x.abs() > 4.0 { x.signum() } else { sum * 2.0 / std::f64::consts::PI.sqrt() }
        };
        match op {
            A::Relu => x.max(0.0),
            A::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            A::Tanh => x.tanh(),
            A::LeakyRelu => {
                if x >= 0.0 {
                    x
                } else {
                    a * x
                }
            }
            A::Elu => {
                if x >= 0.0 {
                    x
                } else {
                    a * x.exp_m1()
                }
            }
            A::Selu => {
                if x > 0.0 {
                    b * x
                } else {
                    b * (a * x.exp() - a)
                }
            }
            A::Softsign => x / (1.0 + x.abs()),
            A::Softplus => a * (b * x).exp().ln_1p(),
            A::Clip => x.clamp(a, b),
            A::HardSigmoid => (a * x + b).clamp(0.0, 1.0),
            A::ScaledTanh => a * (b * x).tanh(),
            A::ThresholdedRelu => {
                if x > a {
                    x
                } else {
                    0.0
                }
            }
            A::GeluErf => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
            A::GeluTanh => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
            _ => f64::NAN,
        }
    }

    #[test]
    fn all_functions_are_close_to_f64() {
        let x: Vec<f32> = (-20_000..=20_000i16).map(|i| f32::from(i) / 1000.0).collect();
        let (alpha, beta) = (0.3f32, 0.7f32);
        for op in ALL {
            for (&x, got) in x.iter().zip(go(op, alpha, beta, &x)) {
                let wanted = reference(op, alpha.into(), beta.into(), x.into());
                // Sums of close numbers lose digits against their terms, which are at most |x| or 1.
                let near = 1e-6 * wanted.abs() + 2e-7 * f64::from(x.abs()).min(1.0);
                assert!((f64::from(got) - wanted).abs() <= near, "{op:?}({x}) = {got}, not {wanted}");
            }
        }
    }

    #[test]
    fn nan_and_infinities() {
        use ActivationType as A;
        for op in ALL {
            assert!(go(op, 0.3, 0.7, &[f32::NAN])[0].is_nan(), "{op:?}");
        }
        let inf = f32::INFINITY;
        assert_eq!(go(A::Sigmoid, 0.0, 0.0, &[inf, -inf]), [1.0, 0.0]);
        assert_eq!(go(A::Tanh, 0.0, 0.0, &[inf, -inf]), [1.0, -1.0]);
        assert_eq!(go(A::Softplus, 1.0, 1.0, &[inf, -inf, 200.0]), [inf, 0.0, 200.0]);
        assert_eq!(go(A::Clip, -1.0, 6.0, &[inf, -inf]), [6.0, -1.0]);
    }

    #[test]
    fn integers_are_clipped() {
        let x = tensor(&[4], &[-5i32, 2, 9, i32::MAX]);
        let clip = |op, alpha, beta| {
            let kind = LayerKind::Activation { op, alpha, beta };
            let out = run(&kind, &[Some(&x)], &[(DataType::Int32, &[4])])?;
            Ok::<_, Error>(out[0].view().as_slice::<i32>()?.to_vec())
        };
        assert_eq!(clip(ActivationType::Clip, -1.5, 7.9).unwrap(), [-1, 2, 7, 7]);
        assert_eq!(clip(ActivationType::Relu, 0.0, 0.0).unwrap(), [0, 2, 9, i32::MAX]);
        assert!(clip(ActivationType::Sigmoid, 0.0, 0.0).is_err());
    }
}
