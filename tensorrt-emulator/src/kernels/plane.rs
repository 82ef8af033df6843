//! A small window sliding over one plane: depthwise convolution and pooling, read in place with masks at the borders.

use super::simd::{Op, Simd, dispatch};

/// The widest kernel and the strides that planes are computed for.
const MAX_KERNEL: usize = 16;

/// A window over a plane (rows, columns).
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// The input's extents.
    pub input: [usize; 2],
    /// The output's extents.
    pub output: [usize; 2],
    /// The kernel's extents.
    pub kernel: [usize; 2],
    /// The steps.
    pub stride: [usize; 2],
    /// The distances between kernel elements.
    pub dilation: [usize; 2],
    /// Padding before the first element.
    pub before: [usize; 2],
}

impl Plane {
    /// Whether this kind of window is supported: a column stride of 1 or 2, at most sixteen columns.
    pub fn is_supported(&self) -> bool {
        self.kernel[1] <= MAX_KERNEL && matches!(self.stride[1], 1 | 2)
    }

    /// `out` = the largest element of each window; −∞ where the window lies in the padding alone.
    ///
    /// # Panics
    /// The window is not supported, or `image` or `out` is not as long as the extents say.
    pub fn max(&self, image: &[f32], out: &mut [f32]) {
        self.run::<true>(image, &[], f32::NEG_INFINITY, out);
    }

    /// `out` = `bias` + the sum over each window of elements times `weights` (one per kernel element, row by row).
    ///
    /// # Panics
    /// As [`max`](Self::max), or `weights` is not as long as the kernel.
    pub fn weighted_sum(&self, image: &[f32], weights: &[f32], bias: f32, out: &mut [f32]) {
        assert_eq!(weights.len(), self.kernel[0] * self.kernel[1], "one weight for each kernel element");
        self.run::<false>(image, weights, bias, out);
    }

    /// `out` = the sum of each window.
    ///
    /// # Panics
    /// As [`max`](Self::max).
    pub fn sum(&self, image: &[f32], out: &mut [f32]) {
        self.run::<false>(image, &[], 0.0, out);
    }

    fn run<const MAX: bool>(&self, image: &[f32], weights: &[f32], start: f32, out: &mut [f32]) {
        assert!(self.is_supported(), "the window is too wide or its stride too long");
        assert_eq!(image.len(), self.input[0] * self.input[1], "the image has another size");
        assert_eq!(out.len(), self.output[0] * self.output[1], "the output has another size");
        dispatch(Slide::<MAX> { plane: *self, image, weights, start, out });
    }
}

struct Slide<'a, const MAX: bool> {
    plane: Plane,
    image: &'a [f32],
    weights: &'a [f32],
    start: f32,
    out: &'a mut [f32],
}

/// What one kernel column reads of an input row for one vector of outputs.
#[derive(Clone, Copy, Default)]
struct Reach {
    /// The first lane's column, which may lie outside.
    at: isize,
    /// The lanes inside of the row: of the first vector, and, with a stride of 2, of the second.
    lanes: [(usize, usize); 2],
}

impl Reach {
    fn new(at: isize, width: usize, lanes: usize, needed: usize) -> Self {
        let inside = |shift: usize| {
            let start = at.saturating_add_unsigned(shift);
            let first = start.saturating_neg().max(0).unsigned_abs().min(lanes);
            let end = isize::try_from(width).unwrap_or(isize::MAX).saturating_sub(start).max(0).unsigned_abs();
            (first, end.min(lanes).min(needed.saturating_sub(shift)).max(first))
        };
        Self { at, lanes: [inside(0), inside(lanes)] }
    }
}

impl<const MAX: bool> Op for Slide<'_, MAX> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { plane, image, weights, start, out } = self;
        let Plane { input, output, kernel, stride, dilation, before } = plane;
        let start = simd.splat(start);
        let fill = simd.splat(if MAX { f32::NEG_INFINITY } else { 0.0 });
        for x in (0..output[1]).step_by(S::LANES) {
            let count = S::LANES.min(output[1] - x);
            let mut reach = [Reach::default(); MAX_KERNEL];
            for (column, reach) in reach[..kernel[1]].iter_mut().enumerate() {
                let at = (x * stride[1] + column * dilation[1]).cast_signed() - before[1].cast_signed();
                *reach = Reach::new(at, input[1], S::LANES, (count - 1) * stride[1] + 1);
            }
            for y in 0..output[0] {
                let mut sum = start;
                for row in 0..kernel[0] {
                    let Some(line) = (y * stride[0] + row * dilation[0]).checked_sub(before[0]) else { continue };
                    if line >= input[0] {
                        break;
                    }
                    let line = image[line * input[1]..].as_ptr();
                    for (column, reach) in reach[..kernel[1]].iter().enumerate() {
                        let from = line.wrapping_offset(reach.at);
                        let (first, end) = reach.lanes[0];
                        // SAFETY: `Reach` keeps to the lanes whose columns lie in the row, and `run` checked that the image has the row.
                        let mut value = unsafe { simd.load_part(from, first, end, fill) };
                        if stride[1] == 2 {
                            let (first, end) = reach.lanes[1];
                            // SAFETY: as above, one vector further on.
                            let second = unsafe { simd.load_part(from.wrapping_add(S::LANES), first, end, fill) };
                            value = simd.even(value, second);
                        }
                        sum = if MAX {
                            simd.max(sum, value)
                        } else {
                            // Without weights each counts as 1.
                            let weight = weights.get(row * kernel[1] + column).copied().unwrap_or(1.0);
                            simd.mul_add(simd.splat(weight), value, sum)
                        };
                    }
                }
                let to = out[y * output[1] + x..].as_mut_ptr();
                // SAFETY: the output's row has `count` more elements from `x` on.
                unsafe { simd.store_part(to, count, sum) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plane;
    use crate::kernels::simd::{Isa, dispatch_on};

    #[test]
    fn every_instruction_set_agrees_with_the_loop() {
        for case in 0..400usize {
            let pick = |shift: usize, limit: usize| (case * 7919 + shift * 104_729) / (1 + shift) % limit;
            let plane = Plane {
                input: [1 + pick(1, 9), 1 + pick(2, 45)],
                output: [1 + pick(3, 7), 1 + pick(4, 40)],
                kernel: [1 + pick(5, 4), 1 + pick(6, 5)],
                stride: [1 + pick(7, 3), 1 + pick(8, 2)],
                dilation: [1 + pick(9, 2), 1 + pick(10, 3)],
                before: [pick(11, 4), pick(12, 5)],
            };
            let values = |count: usize| (0..count).map(|i| f32::from(u8::try_from(i * 37 % 251).unwrap()) / 16.0 - 7.0);
            let image: Vec<f32> = values(plane.input[0] * plane.input[1]).collect();
            let weights: Vec<f32> = values(plane.kernel[0] * plane.kernel[1]).map(|v| v / 8.0).collect();
            let (mut sums, mut maxima) = (Vec::new(), Vec::new());
            for (y, x) in (0..plane.output[0]).flat_map(|y| (0..plane.output[1]).map(move |x| (y, x))) {
                let (mut sum, mut max) = (0.5f32, f32::NEG_INFINITY);
                for (ky, kx) in (0..plane.kernel[0]).flat_map(|y| (0..plane.kernel[1]).map(move |x| (y, x))) {
                    let at = |d: usize, o: usize, k: usize| {
                        let at = o * plane.stride[d] + k * plane.dilation[d];
                        at.checked_sub(plane.before[d]).filter(|&at| at < plane.input[d])
                    };
                    if let (Some(y), Some(x)) = (at(0, y, ky), at(1, x, kx)) {
                        let value = image[y * plane.input[1] + x];
                        sum += value * weights[ky * plane.kernel[1] + kx];
                        max = max.max(value);
                    }
                }
                sums.push(sum);
                maxima.push(max);
            }
            for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512] {
                let mut out = vec![f32::NAN; sums.len()];
                dispatch_on(
                    isa,
                    super::Slide::<true> {
                        plane,
                        image: &image,
                        weights: &[],
                        start: f32::NEG_INFINITY,
                        out: &mut out,
                    },
                );
                assert_eq!(out, maxima, "{isa:?} {plane:?}");
                dispatch_on(
                    isa,
                    super::Slide::<false> { plane, image: &image, weights: &weights, start: 0.5, out: &mut out },
                );
                for (got, wanted) in out.iter().zip(&sums) {
                    assert!((got - wanted).abs() < 1e-3, "{isa:?} {plane:?}: {got} {wanted}");
                }
            }
        }
    }
}
