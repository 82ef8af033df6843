//! Sampling an image at the points of a grid.

use rayon::prelude::*;
use tensorrt_sys::{InterpolationMode, SampleMode};

use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::{Error, Result};

#[derive(Debug)]
struct GridSample {
    interpolation: InterpolationMode,
    align_corners: bool,
    sample_mode: SampleMode,
}

/// Checks a grid sample.
pub(super) fn prepare(
    request: &Request<'_>,
    interpolation: InterpolationMode,
    align_corners: bool,
    sample_mode: SampleMode,
) -> Result<Box<dyn Kernel>> {
    for index in 0..2 {
        if !convert::is_computable(request.input_type(index)?) {
            return Err(request.unsupported_types());
        }
    }
    if !matches!(sample_mode, SampleMode::Fill | SampleMode::Clamp | SampleMode::Reflect) {
        return Err(Error::unsupported(format!("sampling a grid with {} is not supported", sample_mode.name())));
    }
    Ok(Box::new(GridSample { interpolation, align_corners, sample_mode }))
}

/// The coefficient of the cubic convolution.
const CUBIC: f32 = -0.75;

/// The pixels along one axis with their weights; `None` counts as 0.
type Taps = [(Option<usize>, f32); 4];

/// The only pixel of an axis that is not there.
const FLAT: Taps = [(Some(0), 1.0), (None, 0.0), (None, 0.0), (None, 0.0)];

fn cubic(t: f32) -> [f32; 4] {
    let far = |d: f32| ((CUBIC * d - 5.0 * CUBIC) * d + 8.0 * CUBIC) * d - 4.0 * CUBIC;
    let near = |d: f32| ((CUBIC + 2.0) * d - (CUBIC + 3.0)) * d * d + 1.0;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "coordinates are defined in f32")]
impl GridSample {
    /// From −1 … 1 to pixels.
    fn pixel(&self, at: f32, size: usize) -> f32 {
        let size = size as f32;
        if self.align_corners { (at + 1.0) / 2.0 * (size - 1.0) } else { ((at + 1.0) * size - 1.0) / 2.0 }
    }

    /// Reflects a coordinate at the image's borders: the outer pixels' centres with `align_corners`, their edges without.
    fn reflect(&self, at: f32, size: usize) -> f32 {
        let (low, high) = if self.align_corners { (0.0, size as f32 - 1.0) } else { (-0.5, size as f32 - 0.5) };
        let span = high - low;
        if span <= 0.0 || !at.is_finite() {
            return 0.0;
        }
        let turned = (at - low).rem_euclid(2.0 * span);
        low + if turned > span { 2.0 * span - turned } else { turned }
    }

    /// A coordinate as the sample mode bends it before interpolation.
    fn bend(&self, at: f32, size: usize) -> f32 {
        match self.sample_mode {
            SampleMode::Clamp => at.clamp(0.0, size as f32 - 1.0),
            SampleMode::Reflect => self.reflect(at, size).clamp(0.0, size as f32 - 1.0),
            _ => at,
        }
    }

    /// The position of a pixel that may lie outside; `None` where it counts as 0.
    fn position(&self, at: f32, size: usize) -> Option<usize> {
        let at = match self.sample_mode {
            SampleMode::Fill if !(0.0..size as f32).contains(&at) => return None,
            SampleMode::Fill => at,
            _ => self.bend(at, size),
        };
        // NaN becomes 0, as a saturating conversion has it.
        usize::try_from(at as i64).ok().map(|at| at.min(size - 1))
    }

    /// The pixels along one axis with their weights.
    fn taps(&self, at: f32, size: usize) -> (Taps, usize) {
        let at = self.pixel(at, size);
        let mut taps = [(None, 0.0); 4];
        match self.interpolation {
            InterpolationMode::Nearest => {
                taps[0] = (self.position(self.bend(at, size).round_ties_even(), size), 1.0);
                (taps, 1)
            }
            InterpolationMode::Linear => {
                let at = self.bend(at, size);
                let (floor, t) = (at.floor(), at - at.floor());
                taps[0] = (self.position(floor, size), 1.0 - t);
                taps[1] = (self.position(floor + 1.0, size), t);
                (taps, 2)
            }
            _ => {
                // Cubic bends each pixel, not the point.
                let floor = at.floor();
                for ((tap, weight), offset) in taps.iter_mut().zip(cubic(at - floor)).zip([-1.0, 0.0, 1.0, 2.0]) {
                    *tap = (self.position(floor + offset, size), weight);
                }
                (taps, 4)
            }
        }
    }
}

impl Kernel for GridSample {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, grid) = (call.input(0)?, call.input(1)?);
        // A plane is a volume of depth 1, whose points have no third coordinate.
        let (n, c, [d, h, w], m, points) = match (&input.dims()[..], &grid.dims()[..]) {
            (&[n, c, h, w], &[m, oh, ow, 2]) => (n, c, [1, h, w], m, extent(oh)? * extent(ow)?),
            (&[n, c, d, h, w], &[m, od, oh, ow, 3]) => (n, c, [d, h, w], m, extent(od)? * extent(oh)? * extent(ow)?),
            _ => {
                return Err(Error::unsupported(format!(
                    "sampling {} at a grid of {}: images are [N,C,H,W] or [N,C,D,H,W], grids [N,H,W,2] or [N,D,H,W,3]",
                    input.dims(),
                    grid.dims()
                )));
            }
        };
        if n != m {
            return Err(Error::config(format!("{m} grids for {n} images")));
        }
        let coordinates = input.dims().rank() - 2;
        let (channels, depth, height, width) = (extent(c)?, extent(d)?, extent(h)?, extent(w)?);
        let pixels = depth * height * width;
        let (values, grid) = (convert::load(&input)?, convert::load(&grid)?);
        let images = extent(n)?;
        convert::fill(call.output(0)?, |out| {
            super::same_count(images * channels * points, out.len())?;
            if out.is_empty() {
                return Ok(());
            }
            if pixels == 0 {
                return Err(Error::config("an image without pixels has no samples"));
            }
            out.par_chunks_exact_mut(points).enumerate().for_each(|(plane, out)| {
                let image = &values[plane * pixels..(plane + 1) * pixels];
                let grid = &grid[plane / channels * points * coordinates..][..points * coordinates];
                for (slot, at) in out.iter_mut().zip(grid.chunks_exact(coordinates)) {
                    let (columns, count) = self.taps(at[0], width);
                    let (rows, _) = self.taps(at[1], height);
                    let (slices, sliced) = at.get(2).map_or((FLAT, 1), |&at| self.taps(at, depth));
                    let mut sum = 0.0;
                    for &(z, weight_z) in &slices[..sliced] {
                        for &(y, weight_y) in &rows[..count] {
                            for &(x, weight_x) in &columns[..count] {
                                if let (Some(z), Some(y), Some(x)) = (z, y, x) {
                                    sum += image[(z * height + y) * width + x] * (weight_z * weight_y * weight_x);
                                }
                            }
                        }
                    }
                    *slot = sum;
                }
            });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::{DataType, InterpolationMode, SampleMode};

    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    fn sample(interpolation: InterpolationMode, align_corners: bool, sample_mode: SampleMode, at: &[f32]) -> Vec<f32> {
        let kind = LayerKind::GridSample { interpolation, align_corners, sample_mode };
        let x = tensor(&[1, 1, 2, 3], &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let count = i64::try_from(at.len() / 2).unwrap();
        let grid = tensor(&[1, 1, count, 2], at);
        let out = run(&kind, &[Some(&x), Some(&grid)], &[(DataType::Float, &[1, 1, 1, count])]).unwrap();
        out[0].view().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn corners_lie_where_they_are_told() {
        let corners = [-1.0f32, -1.0, 1.0, 1.0, 0.0, 0.0];
        assert_eq!(sample(InterpolationMode::Linear, true, SampleMode::Fill, &corners), [0.0, 5.0, 2.5]);
        // Without aligned corners the corner pixel counts for a quarter.
        assert_eq!(sample(InterpolationMode::Linear, false, SampleMode::Fill, &corners), [0.0, 1.25, 2.5]);
        assert_eq!(sample(InterpolationMode::Linear, false, SampleMode::Clamp, &corners), [0.0, 5.0, 2.5]);
    }

    #[test]
    fn points_outside_follow_the_sample_mode() {
        let outside = [2.0f32, -1.0];
        assert_eq!(sample(InterpolationMode::Nearest, true, SampleMode::Fill, &outside), [0.0]);
        assert_eq!(sample(InterpolationMode::Nearest, true, SampleMode::Clamp, &outside), [2.0]);
        assert_eq!(sample(InterpolationMode::Nearest, true, SampleMode::Reflect, &outside), [1.0]);
        let cubic = sample(InterpolationMode::Cubic, true, SampleMode::Clamp, &[0.0, -1.0, f32::NAN, f32::INFINITY]);
        assert_eq!(cubic[0], 1.0);
    }
}
