//! Leaky ReLU with a tensor of slopes.

use super::broadcast::Broadcast;
use super::wide::zip;
use super::{Call, Kernel, Request, convert};
use crate::Result;

/// A prepared parametric ReLU.
#[derive(Debug)]
struct ParametricRelu;

/// Prepares a parametric ReLU on float, half or bfloat16.
///
/// # Errors
/// The types are others.
pub(super) fn prepare(request: &Request<'_>) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) || !convert::is_computable(request.input_type(1)?) {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(ParametricRelu))
}

impl Kernel for ParametricRelu {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (data, slope) = (call.input(0)?, call.input(1)?);
        let out = call.output(0)?;
        let plan = Broadcast::new(out.dims(), [data.dims(), slope.dims()])?;
        let (x, slope) = (convert::load(&data)?, convert::load(&slope)?);
        convert::fill(out, |out| {
            zip(&plan, &x, &slope, out, |x: f32, slope| if x < 0.0 { x * slope } else { x });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    #[test]
    fn negative_elements_take_their_slope() {
        let (x, slope) = (tensor(&[2, 2], &[-1f32, 2., -3., f32::NAN]), tensor(&[1, 2], &[0.5f32, 9.]));
        let out = run(&LayerKind::ParametricRelu, &[Some(&x), Some(&slope)], &[(DataType::Float, &[2, 2])]).unwrap();
        let got = out[0].view().as_slice::<f32>().unwrap().to_vec();
        assert_eq!(got[..3], [-0.5, 2., -1.5]);
        assert!(got[3].is_nan());
    }
}
