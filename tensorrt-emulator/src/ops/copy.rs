//! Layers that pass elements on unchanged: constants, identities, and changes of dimensions only.

use tensorrt_sys::DataType;

use super::{Call, Kernel, Request, cast};
use crate::graph::{LayerKind, WeightsId};
use crate::memory::Storage;
use crate::tensor::{TensorView, byte_len};
use crate::{Error, Result};

/// Copies input 0, converting where the output's type differs.
#[derive(Debug)]
struct Copy;

impl Kernel for Copy {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        if input.dtype() != out.dtype() {
            return cast::convert(&input, out);
        }
        copy_bytes(input.bytes(), out.bytes_mut())
    }
}

/// Copies all bytes.
///
/// # Errors
/// The lengths differ.
pub(super) fn copy_bytes(from: &[u8], to: &mut [u8]) -> Result<()> {
    if from.len() != to.len() {
        return Err(Error::internal(format!("{} bytes for a tensor of {}", from.len(), to.len())));
    }
    to.copy_from_slice(from);
    Ok(())
}

/// Writes a constant.
#[derive(Debug)]
struct Constant {
    dtype: DataType,
    storage: Storage,
}

impl Kernel for Constant {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let out = call.output(0)?;
        if out.dtype() != self.dtype {
            let view = TensorView::new(self.dtype, *out.dims(), &self.storage)?;
            return cast::convert(&view, out);
        }
        copy_bytes(&self.storage, out.bytes_mut())
    }
}

/// Writes the dimensions of input 0.
#[derive(Debug)]
struct Shape;

impl Kernel for Shape {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let dims = *call.input(0)?.dims();
        let out = call.output(0)?;
        if out.len() != dims.rank() {
            return Err(Error::internal(format!("the shape {dims} for a tensor of {} elements", out.len())));
        }
        out.as_mut_slice::<i64>()?.copy_from_slice(&dims);
        Ok(())
    }
}

/// Prepares an identity, squeeze or unsqueeze layer.
pub(super) fn prepare_copy() -> Box<dyn Kernel> {
    Box::new(Copy)
}

/// Prepares a shape layer.
pub(super) fn prepare_shape() -> Box<dyn Kernel> {
    Box::new(Shape)
}

/// Prepares a constant.
///
/// # Errors
/// The weights are not as many as the dimensions say.
pub(super) fn prepare_constant(request: &Request<'_>, id: WeightsId) -> Result<Box<dyn Kernel>> {
    let weights = request.weights(id);
    if let LayerKind::Constant { dims, .. } = request.kind
        && dims.volume().and_then(|count| byte_len(weights.dtype, count)) != Some(weights.storage.len())
    {
        return Err(Error::config(format!("{} weights for a constant of {dims}", weights.count)));
    }
    Ok(Box::new(Constant { dtype: weights.dtype, storage: weights.storage.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn identities_copy_and_convert() {
        let x = tensor(&[2, 2], &[1.5f32, -2.5, f32::NAN, 0.0]);
        let out = run(&LayerKind::Identity, &[Some(&x)], &[(DataType::Float, &[2, 2])]).unwrap();
        assert_eq!(out[0].view().bytes(), x.view().bytes());
        let out = run(&LayerKind::Identity, &[Some(&x)], &[(DataType::Int32, &[2, 2])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i32>().unwrap(), [1, -2, 0, 0]);
    }

    #[test]
    fn shape_writes_the_dimensions() {
        let x = tensor(&[2, 0, 3], &[0f32; 0]);
        let out = run(&LayerKind::Shape, &[Some(&x)], &[(DataType::Int64, &[3])]).unwrap();
        assert_eq!(out[0].view().as_slice::<i64>().unwrap(), [2, 0, 3]);
    }
}
