//! Local response normalization across channels.

use rayon::prelude::*;

use super::strided::Around;
use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::{Error, Result};

#[derive(Debug)]
struct Lrn {
    window: usize,
    alpha: f32,
    beta: f32,
    k: f32,
}

/// Checks a local response normalization.
pub(super) fn prepare(request: &Request<'_>, window: i64, alpha: f32, beta: f32, k: f32) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    let window = extent(window).ok().filter(|&window| window > 0);
    let window = window.ok_or_else(|| Error::config("the window of a local response normalization is empty"))?;
    Ok(Box::new(Lrn { window, alpha, beta, k }))
}

impl Kernel for Lrn {
    #[expect(clippy::cast_precision_loss, reason = "a window of 2^24 channels does not matter")]
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let Around { len: channels, inner, .. } = Around::axis(input.dims(), 1)?;
        let values = convert::load(&input)?;
        let (before, after) = ((self.window - 1) / 2, self.window / 2);
        let factor = self.alpha / self.window as f32;
        convert::fill(call.output(0)?, |out| {
            super::same_count(values.len(), out.len())?;
            if out.is_empty() {
                return Ok(());
            }
            out.par_chunks_exact_mut(inner).enumerate().for_each(|(index, line)| {
                let (image, channel) = (index / channels, index % channels);
                line.fill(0.0);
                for c in channel.saturating_sub(before)..(channel + after + 1).min(channels) {
                    let from = &values[(image * channels + c) * inner..][..inner];
                    line.iter_mut().zip(from).for_each(|(sum, &x)| *sum += x * x);
                }
                let from = &values[index * inner..][..inner];
                line.iter_mut().zip(from).for_each(|(sum, &x)| *sum = x / (self.k + factor * *sum).powf(self.beta));
            });
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
    fn sums_squares_over_the_window_of_channels() {
        let x = tensor(&[1, 4, 1, 1], &[1.0f32, 2.0, 3.0, 4.0]);
        let kind = LayerKind::Lrn { window: 3, alpha: 3.0, beta: 0.5, k: 2.0 };
        let out = run(&kind, &[Some(&x)], &[(DataType::Float, &[1, 4, 1, 1])]).unwrap();
        let wanted = [1.0 / 7.0f32.sqrt(), 2.0 / 16.0f32.sqrt(), 3.0 / 31.0f32.sqrt(), 4.0 / 27.0f32.sqrt()];
        for (got, wanted) in out[0].view().as_slice::<f32>().unwrap().iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-6);
        }
        assert!(run(&LayerKind::Lrn { window: 0, alpha: 1.0, beta: 1.0, k: 1.0 }, &[Some(&x)], &[]).is_err());
    }
}
