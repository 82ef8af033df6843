//! (x · scale + shift) ^ power.

use tensorrt_sys::ScaleMode;

use super::wide::{GRAIN, for_chunks};
use super::{Call, Kernel, Request, convert, same_len};
use crate::graph::{Scale, WeightsId};
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};

/// A prepared scale layer; coefficient vectors are empty where absent.
#[derive(Debug)]
struct Prepared {
    mode: ScaleMode,
    channel_axis: usize,
    scale: Vec<f32>,
    shift: Vec<f32>,
    power: Vec<f32>,
}

/// Prepares a scale layer on float, half or bfloat16.
///
/// # Errors
/// The input's type is another, the mode is not known, or a uniform coefficient is not one number.
pub(super) fn prepare(request: &Request<'_>, params: &Scale) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) {
        return Err(request.unsupported_types());
    }
    let channel_axis = usize::try_from(params.channel_axis)
        .map_err(|_| Error::config(format!("the channel axis {}", params.channel_axis)))?;
    if !matches!(params.mode, ScaleMode::Uniform | ScaleMode::Channel | ScaleMode::Elementwise) {
        return Err(Error::unsupported(format!("the scale mode {}", params.mode.name())));
    }
    let load = |id: Option<WeightsId>| -> Result<Vec<f32>> {
        let Some(weights) = id.map(|id| request.weights(id)).filter(|weights| weights.count > 0) else {
            return Ok(Vec::new());
        };
        let dims = Dims::new(&[i64::try_from(weights.count).unwrap_or(-1)])?;
        Ok(convert::load(&TensorView::new(weights.dtype, dims, &weights.storage)?)?.into_owned())
    };
    let (scale, shift, power) = (load(params.scale)?, load(params.shift)?, load(params.power)?);
    let prepared = Prepared { mode: params.mode, channel_axis, scale, shift, power };
    if params.mode == ScaleMode::Uniform {
        prepared.check(1)?;
    }
    Ok(Box::new(prepared))
}

impl Kernel for Prepared {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let input = call.input(0)?;
        let out = call.output(0)?;
        same_len(&input, out)?;
        let x = convert::load(&input)?;
        let dims = input.dims();
        let volume = |from: usize| -> usize {
            dims.get(from..).unwrap_or(&[]).iter().map(|&d| usize::try_from(d).unwrap_or(0)).product()
        };
        // Element i uses coefficient i / run % count.
        let (run, count) = match self.mode {
            ScaleMode::Uniform => (x.len().max(1), 1),
            ScaleMode::Channel => {
                let inner = volume(self.channel_axis + 1);
                (inner, volume(self.channel_axis).checked_div(inner).unwrap_or(0))
            }
            _ => (1, volume(self.channel_axis)),
        };
        if x.is_empty() {
            return Ok(());
        }
        self.check(count)?;
        convert::fill(out, |out| {
            for_chunks(out, GRAIN, |first, out| self.apply(&x[first..], first, run, count, out));
            Ok(())
        })
    }
}

impl Prepared {
    fn check(&self, count: usize) -> Result<()> {
        for values in [&self.scale, &self.shift, &self.power] {
            if !values.is_empty() && values.len() != count {
                return Err(Error::config(format!(
                    "{} coefficients where {} takes {count}",
                    values.len(),
                    self.mode.name()
                )));
            }
        }
        Ok(())
    }

    fn apply(&self, x: &[f32], first: usize, run: usize, count: usize, out: &mut [f32]) {
        let mut at = 0;
        while at < out.len() {
            let index = (first + at) / run % count;
            let len = (run - (first + at) % run).min(out.len() - at);
            let scale = self.scale.get(index).copied().unwrap_or(1.0);
            let shift = self.shift.get(index).copied().unwrap_or(0.0);
            let power = self.power.get(index).copied().unwrap_or(1.0);
            for (out, x) in out[at..at + len].iter_mut().zip(&x[at..]) {
                *out = x * scale + shift;
            }
            if power != 1.0 {
                out[at..at + len].iter_mut().for_each(|y| *y = y.powf(power));
            }
            at += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::graph::{Graph, LayerKind, Weights};
    use crate::memory::Storage;
    use crate::ops::testing::{run_in, tensor};

    #[test]
    fn modes_choose_the_coefficient() {
        let x = tensor(&[2, 2, 2], &[0f32, 1., 2., 3., 4., 5., 6., 7.]);
        let mut graph = Graph::default();
        let mut weights = |values: &[f32]| {
            let storage = Storage::copy_of(bytemuck::cast_slice(values));
            graph.add_weights(Weights::new("", DataType::Float, values.len(), storage).unwrap())
        };
        let (one, two, four) = (weights(&[2.]), weights(&[1., 10.]), weights(&[1., 2., 3., 4.]));
        let go = |mode, scale, shift, power| {
            let kind = LayerKind::Scale(Scale { mode, scale, shift, power, channel_axis: 1 });
            run_in(&graph, &kind, &[Some(&x)], &[(DataType::Float, &[2, 2, 2])])
                .map(|out| out[0].view().as_slice::<f32>().unwrap().to_vec())
        };
        assert_eq!(
            go(ScaleMode::Uniform, Some(one), Some(one), Some(one)).unwrap(),
            [4., 16., 36., 64., 100., 144., 196., 256.]
        );
        assert_eq!(go(ScaleMode::Channel, Some(two), None, None).unwrap(), [0., 1., 20., 30., 4., 5., 60., 70.]);
        assert_eq!(go(ScaleMode::Elementwise, None, Some(four), None).unwrap(), [1., 3., 5., 7., 5., 7., 9., 11.]);
        assert!(go(ScaleMode::Uniform, Some(two), None, None).is_err());
        assert!(go(ScaleMode::Channel, Some(four), None, None).is_err());
    }
}
