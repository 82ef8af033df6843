//! Binary operations with broadcasting.

mod integer;

use tensorrt_sys::{DataType, ElementWiseOperation};

use self::integer::Integer;
use super::broadcast::Broadcast;
use super::wide::{zip, zip_plain};
use super::{Call, Kernel, Request, convert};
use crate::tensor::{TensorMut, TensorView};
use crate::{Error, Result};

/// A prepared elementwise layer.
#[derive(Debug)]
struct ElementWise {
    op: ElementWiseOperation,
}

/// Prepares an elementwise layer.
///
/// Arithmetic and comparison are defined on float, half, bfloat16, int8, uint8, int32 and int64; `And`, `Or`, `Xor` and `Equal` on bool.
///
/// # Errors
/// The operation is not defined on the inputs' types, or those differ.
pub(super) fn prepare(request: &Request<'_>, op: ElementWiseOperation) -> Result<Box<dyn Kernel>> {
    use ElementWiseOperation as E;
    let dtype = request.input_type(0)?;
    let fits = match dtype {
        DataType::Bool => matches!(op, E::And | E::Or | E::Xor | E::Equal),
        DataType::Int8 | DataType::Uint8 | DataType::Int32 | DataType::Int64 => !is_logical(op),
        other => convert::is_computable(other) && !is_logical(op),
    };
    if !fits || request.input_type(1)? != dtype {
        let names = [dtype.name(), request.input_type(1)?.name()];
        return Err(Error::unsupported(format!("{} on {} and {}", op.name(), names[0], names[1])));
    }
    Ok(Box::new(ElementWise { op }))
}

fn is_logical(op: ElementWiseOperation) -> bool {
    use ElementWiseOperation as E;
    matches!(op, E::And | E::Or | E::Xor)
}

impl Kernel for ElementWise {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (x, y) = (call.input(0)?, call.input(1)?);
        let out = call.output(0)?;
        let plan = Broadcast::new(out.dims(), [x.dims(), y.dims()])?;
        match x.dtype() {
            DataType::Bool => self.bools(&plan, x.as_slice()?, y.as_slice()?, out.as_mut_slice()?),
            DataType::Int8 => self.integers::<i8>(&plan, &x, &y, out),
            DataType::Uint8 => self.integers::<u8>(&plan, &x, &y, out),
            DataType::Int32 => self.integers::<i32>(&plan, &x, &y, out),
            DataType::Int64 => self.integers::<i64>(&plan, &x, &y, out),
            _ => self.floats(&plan, &x, &y, out),
        }
    }
}

impl ElementWise {
    fn refused(&self, dtype: DataType) -> Error {
        Error::unsupported(format!("{} on {}", self.op.name(), dtype.name()))
    }

    fn bools(&self, plan: &Broadcast<2>, x: &[u8], y: &[u8], out: &mut [u8]) -> Result<()> {
        use ElementWiseOperation as E;
        match self.op {
            E::And => zip_plain(plan, x, y, out, |x, y| x & y),
            E::Or => zip_plain(plan, x, y, out, |x, y| x | y),
            E::Xor => zip_plain(plan, x, y, out, |x, y| x ^ y),
            E::Equal => zip_plain(plan, x, y, out, |x, y| u8::from(x == y)),
            _ => return Err(self.refused(DataType::Bool)),
        }
        Ok(())
    }

    fn integers<T: Integer>(
        &self,
        plan: &Broadcast<2>,
        x: &TensorView<'_>,
        y: &TensorView<'_>,
        out: &mut TensorMut<'_>,
    ) -> Result<()> {
        use ElementWiseOperation as E;
        let (x, y) = (x.as_slice::<T>()?, y.as_slice::<T>()?);
        match self.op {
            E::Equal => zip_plain(plan, x, y, out.as_mut_slice()?, |x, y| u8::from(x == y)),
            E::Greater => zip_plain(plan, x, y, out.as_mut_slice()?, |x, y| u8::from(x > y)),
            E::Less => zip_plain(plan, x, y, out.as_mut_slice()?, |x, y| u8::from(x < y)),
            E::Sum => zip_plain(plan, x, y, out.as_mut_slice()?, T::plus),
            E::Prod => zip_plain(plan, x, y, out.as_mut_slice()?, T::times),
            E::Max => zip_plain(plan, x, y, out.as_mut_slice()?, |x: T, y| x.max(y)),
            E::Min => zip_plain(plan, x, y, out.as_mut_slice()?, |x: T, y| x.min(y)),
            E::Sub => zip_plain(plan, x, y, out.as_mut_slice()?, T::minus),
            E::Div => zip_plain(plan, x, y, out.as_mut_slice()?, T::divided),
            E::FloorDiv => zip_plain(plan, x, y, out.as_mut_slice()?, T::floor_divided),
            E::Pow => zip_plain(plan, x, y, out.as_mut_slice()?, T::power),
            _ => return Err(self.refused(T::DTYPE)),
        }
        Ok(())
    }

    fn floats(
        &self,
        plan: &Broadcast<2>,
        x: &TensorView<'_>,
        y: &TensorView<'_>,
        out: &mut TensorMut<'_>,
    ) -> Result<()> {
        use ElementWiseOperation as E;
        let (left, right) = (convert::load(x)?, convert::load(y)?);
        let (left, right) = (&left[..], &right[..]);
        match self.op {
            E::Equal => zip(plan, left, right, out.as_mut_slice()?, |x, y| u8::from(x == y)),
            E::Greater => zip(plan, left, right, out.as_mut_slice()?, |x, y| u8::from(x > y)),
            E::Less => zip(plan, left, right, out.as_mut_slice()?, |x, y| u8::from(x < y)),
            op => return convert::fill(out, |out| apply(op, plan, left, right, out)),
        }
        Ok(())
    }
}

/// Arithmetic on floats; NaN wins in `Max` and `Min`.
///
/// # Errors
/// The operation is not arithmetic.
fn apply(op: ElementWiseOperation, plan: &Broadcast<2>, x: &[f32], y: &[f32], out: &mut [f32]) -> Result<()> {
    use ElementWiseOperation as E;
    match op {
        E::Sum => zip(plan, x, y, out, |x, y| x + y),
        E::Prod => zip(plan, x, y, out, |x, y| x * y),
        E::Max => zip(plan, x, y, out, |x: f32, y| if x > y || x.is_nan() { x } else { y }),
        E::Min => zip(plan, x, y, out, |x: f32, y| if x < y || x.is_nan() { x } else { y }),
        E::Sub => zip(plan, x, y, out, |x, y| x - y),
        E::Div => zip(plan, x, y, out, |x, y| x / y),
        E::FloorDiv => zip(plan, x, y, out, |x: f32, y| (x / y).floor()),
        E::Pow => match *y {
            // Exponents that models use for squares and cubes; powf gives the same to the last bit but one.
            [2.0] => zip(plan, x, y, out, |x, _| x * x),
            [3.0] => zip(plan, x, y, out, |x, _| x * x * x),
            [1.0] => zip(plan, x, y, out, |x, _| x),
            _ => zip_plain(plan, x, y, out, f32::powf),
        },
        other => return Err(Error::unsupported(format!("{} on floating point", other.name()))),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
