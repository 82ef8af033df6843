//! Conversion between types.
//!
//! Floats become integers by cutting off the fraction, saturating at the integer type's limits, NaN becoming 0; wider integers become
//! narrower ones by dropping the high bits; anything but 0 becomes true. Int4 is cut from int8; fp8 and fp4 round to the nearest value, ties
//! to even, and saturate.

use tensorrt_sys::DataType;

use super::copy::copy_bytes;
use super::packed::{f32_to_fp4, f32_to_fp8, floats, int4, pack};
use super::wide::map;
use super::{Call, Kernel, Request, convert, same_len};
use crate::tensor::{TensorMut, TensorView};
use crate::{Error, Result};

/// A prepared cast layer.
#[derive(Debug)]
struct Cast;

/// Prepares a cast between float, half, bfloat16, fp8, fp4, int4, int8, uint8, int32, int64 and bool.
///
/// # Errors
/// One of the types is another.
pub(super) fn prepare(request: &Request<'_>, to: DataType) -> Result<Box<dyn Kernel>> {
    for dtype in [request.input_type(0)?, to] {
        let integer =
            matches!(dtype, DataType::Int8 | DataType::Uint8 | DataType::Int32 | DataType::Int64 | DataType::Bool);
        let small = matches!(dtype, DataType::Int4 | DataType::Fp8 | DataType::Fp4);
        if !integer && !small && !convert::is_computable(dtype) {
            return Err(Error::unsupported(format!("a cast between {} and others", dtype.name())));
        }
    }
    Ok(Box::new(Cast))
}

impl Kernel for Cast {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        convert(&input, call.output(0)?)
    }
}

/// Converts every element.
///
/// # Errors
/// One of the types does not take part in casts, or the numbers of elements differ.
pub(super) fn convert(input: &TensorView<'_>, out: &mut TensorMut<'_>) -> Result<()> {
    same_len(input, out)?;
    match input.dtype() {
        same if same == out.dtype() => copy_bytes(input.bytes(), out.bytes_mut()),
        DataType::Int8 => from_integer(input.as_slice::<i8>()?, out),
        DataType::Uint8 | DataType::Bool => from_integer(input.as_slice::<u8>()?, out),
        DataType::Int32 => from_integer(input.as_slice::<i32>()?, out),
        DataType::Int64 => from_integer(input.as_slice::<i64>()?, out),
        DataType::Int4 => {
            let values: Vec<i8> = (0..input.len()).map(|i| int4(input.bytes(), i)).collect();
            from_integer(&values, out)
        }
        _ => match floats(input.dtype(), input.bytes(), input.len()) {
            Some(values) => from_float(&values, out),
            None => from_float(&convert::load(input)?, out),
        },
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is the contract")]
fn from_float(x: &[f32], out: &mut TensorMut<'_>) -> Result<()> {
    match out.dtype() {
        DataType::Int8 => map(x, out.as_mut_slice()?, |x| x as i8),
        DataType::Uint8 => map(x, out.as_mut_slice()?, |x| x as u8),
        DataType::Int32 => map(x, out.as_mut_slice()?, |x| x as i32),
        DataType::Int64 => map(x, out.as_mut_slice()?, |x| x as i64),
        DataType::Bool => map(x, out.as_mut_slice()?, |x| u8::from(x != 0.0)),
        DataType::Int4 => pack(&x.iter().map(|&x| (x as i8).cast_unsigned()).collect::<Vec<_>>(), out.bytes_mut()),
        DataType::Fp8 => map(x, out.bytes_mut(), f32_to_fp8),
        DataType::Fp4 => pack(&x.iter().map(|&x| f32_to_fp4(x)).collect::<Vec<_>>(), out.bytes_mut()),
        _ => return convert::store(x, out),
    }
    Ok(())
}

/// An integer that a cast starts from.
trait Source: Copy + Sync + PartialEq + Default {
    fn to_i8(self) -> i8;
    fn to_u8(self) -> u8;
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_f32(self) -> f32;
}

macro_rules! sources {
    ($($t:ty),*) => { $(
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_possible_wrap,
            clippy::cast_lossless,
            clippy::cast_precision_loss,
            reason = "dropping high bits and rounding to f32 is the contract; the macro also makes lossless casts"
        )]
        impl Source for $t {
            fn to_i8(self) -> i8 { self as i8 }
            fn to_u8(self) -> u8 { self as u8 }
            fn to_i32(self) -> i32 { self as i32 }
            fn to_i64(self) -> i64 { self as i64 }
            fn to_f32(self) -> f32 { self as f32 }
        }
    )* };
}
sources!(i8, u8, i32, i64);

fn from_integer<S: Source>(x: &[S], out: &mut TensorMut<'_>) -> Result<()> {
    match out.dtype() {
        DataType::Int8 => map(x, out.as_mut_slice()?, S::to_i8),
        DataType::Uint8 => map(x, out.as_mut_slice()?, S::to_u8),
        DataType::Int32 => map(x, out.as_mut_slice()?, S::to_i32),
        DataType::Int64 => map(x, out.as_mut_slice()?, S::to_i64),
        DataType::Bool => map(x, out.as_mut_slice()?, |x| u8::from(x != S::default())),
        DataType::Int4 => pack(&x.iter().map(|&x| x.to_u8()).collect::<Vec<_>>(), out.bytes_mut()),
        DataType::Fp8 | DataType::Fp4 => return from_float(&x.iter().map(|&x| x.to_f32()).collect::<Vec<_>>(), out),
        _ => {
            return convert::fill(out, |out| {
                map(x, out, S::to_f32);
                Ok(())
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};
    use crate::tensor::{Element, Tensor};

    fn cast<T: Element>(x: &Tensor, to: DataType) -> Vec<T> {
        let n = i64::try_from(x.dims().volume().unwrap()).unwrap();
        let out = run(&LayerKind::Cast { to }, &[Some(x)], &[(to, &[n])]).unwrap();
        out[0].view().as_slice::<T>().unwrap().to_vec()
    }

    #[test]
    fn floats_saturate_and_nan_is_zero() {
        let x = tensor(&[6], &[1.9f32, -1.9, 300.0, -1e20, f32::NAN, f32::INFINITY]);
        assert_eq!(cast::<i8>(&x, DataType::Int8), [1, -1, 127, -128, 0, 127]);
        assert_eq!(cast::<u8>(&x, DataType::Uint8), [1, 0, 255, 0, 0, 255]);
        assert_eq!(cast::<i32>(&x, DataType::Int32), [1, -1, 300, i32::MIN, 0, i32::MAX]);
        assert_eq!(cast::<i64>(&x, DataType::Int64), [1, -1, 300, i64::MIN, 0, i64::MAX]);
        assert_eq!(cast::<u8>(&x, DataType::Bool), [1, 1, 1, 1, 1, 1]);
        let x = tensor(&[3], &[0.0f32, -0.0, 1e-40]);
        assert_eq!(cast::<u8>(&x, DataType::Bool), [0, 0, 1]);
    }

    #[test]
    fn integers_wrap_and_round() {
        let x = tensor(&[4], &[300i64, -1, 1 << 32, 16_777_217]);
        assert_eq!(cast::<i8>(&x, DataType::Int8), [44, -1, 0, 1]);
        assert_eq!(cast::<i32>(&x, DataType::Int32), [300, -1, 0, 16_777_217]);
        assert_eq!(cast::<u8>(&x, DataType::Bool), [1, 1, 1, 1]);
        assert_eq!(cast::<f32>(&x, DataType::Float), [300.0, -1.0, 4_294_967_296.0, 16_777_216.0]);
        assert_eq!(cast::<bf16>(&x, DataType::Bf16)[0], bf16::from_f32(300.0));
        assert_eq!(cast::<f16>(&x, DataType::Half)[2], f16::INFINITY);
    }

    #[test]
    fn every_pair_of_types_keeps_small_numbers() {
        const TYPES: [DataType; 7] = [
            DataType::Float,
            DataType::Half,
            DataType::Bf16,
            DataType::Int8,
            DataType::Uint8,
            DataType::Int32,
            DataType::Int64,
        ];
        let wanted = [0.0f32, 1.0, 5.0, 100.0];
        let x = tensor(&[4], &wanted);
        for from in TYPES {
            let middle = run(&LayerKind::Cast { to: from }, &[Some(&x)], &[(from, &[4])]).unwrap();
            for to in TYPES {
                let end = run(&LayerKind::Cast { to }, &[Some(&middle[0])], &[(to, &[4])]).unwrap();
                assert_eq!(cast::<f32>(&end[0], DataType::Float), wanted, "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn small_types_round_and_come_back() {
        let x = tensor(&[5], &[7.6f32, -9.0, -3.0, 1e6, 0.25]);
        for (to, codes, values) in [
            (DataType::Int4, vec![0x77, 0xFD, 0x00], [7.0f32, 7.0, -3.0, -1.0, 0.0]),
            (DataType::Fp4, vec![0xF7, 0x7D, 0x00], [6.0, -6.0, -3.0, 6.0, 0.0]),
            (DataType::Fp8, vec![0x4F, 0xD1, 0xC4, 0x7E, 0x28], [7.5, -9.0, -3.0, 448.0, 0.25]),
        ] {
            let packed = run(&LayerKind::Cast { to }, &[Some(&x)], &[(to, &[5])]).unwrap();
            assert_eq!(packed[0].view().bytes(), codes, "{to:?}");
            assert_eq!(cast::<f32>(&packed[0], DataType::Float), values, "{to:?}");
            let whole = cast::<i64>(&packed[0], DataType::Int64);
            let x = tensor(&[5], &whole);
            let again = run(&LayerKind::Cast { to }, &[Some(&x)], &[(to, &[5])]).unwrap();
            assert_eq!(cast::<i64>(&again[0], DataType::Int64), whole, "{to:?}");
        }
        let x = tensor(&[1], &[1.0f32]);
        assert!(run(&LayerKind::Cast { to: DataType::E8m0 }, &[Some(&x)], &[(DataType::E8m0, &[1])]).is_err());
    }
}
