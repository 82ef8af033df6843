//! Images laid out so that every kernel element of a convolution is one shift: padded, and split by the phases of the stride.
//!
//! With stride s, output x and kernel element i read input `x·s + i·d`, which is element `x + i·d / s` of the phase `i·d mod s`. Each channel is
//! stored as the phases that occur, each a padded grid; row k of the convolution's matrix is then the grid from one offset on.

use rayon::prelude::*;

use super::gemm::Grid;
use super::plane::Plane;

/// Spatial dimensions that a window has here; fewer are led by extents of 1.
pub const SPATIAL: usize = 3;

/// A window sliding over up to three spatial dimensions (depth, row, column).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The input's extents.
    pub input: [usize; SPATIAL],
    /// The output's extents.
    pub output: [usize; SPATIAL],
    /// The kernel's extents.
    pub kernel: [usize; SPATIAL],
    /// The steps.
    pub stride: [usize; SPATIAL],
    /// The distances between kernel elements.
    pub dilation: [usize; SPATIAL],
    /// Padding before the first element.
    pub before: [usize; SPATIAL],
}

impl Window {
    /// The elements of the input per channel.
    pub fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    /// The elements of the output per channel.
    pub fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// The window as one over planes, where it is and planes support it.
    pub fn plane(&self) -> Option<Plane> {
        let flat = [self.input, self.output, self.kernel].iter().all(|extents| extents[0] == 1) && self.before[0] == 0;
        let last = |all: [usize; SPATIAL]| [all[1], all[2]];
        let plane = Plane {
            input: last(self.input),
            output: last(self.output),
            kernel: last(self.kernel),
            stride: last(self.stride),
            dilation: last(self.dilation),
            before: last(self.before),
        };
        (flat && plane.is_supported()).then_some(plane)
    }

    /// The elements of the kernel.
    pub fn kernel_len(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// The layout of an image for one window.
#[derive(Debug, Clone)]
pub struct Layout {
    window: Window,
    /// Whether the image is used as it is.
    direct: bool,
    /// The phases that occur, as offsets per dimension.
    phases: Vec<[usize; SPATIAL]>,
    /// The extents of one phase's grid.
    grid: [usize; SPATIAL],
    /// The offset of each kernel element from the start of a channel.
    taps: Vec<usize>,
}

impl Layout {
    /// The layout for `window`, whose output is not empty.
    pub fn new(window: Window) -> Self {
        let Window { input, output, kernel, stride, dilation, before } = window;
        // The padded extent that the window reaches.
        let reach: [usize; SPATIAL] =
            std::array::from_fn(|d| (output[d].max(1) - 1) * stride[d] + (kernel[d].max(1) - 1) * dilation[d] + 1);
        let direct = (0..SPATIAL).all(|d| stride[d] == 1 && before[d] == 0 && reach[d] <= input[d]);
        let grid = std::array::from_fn(|d| {
            let last = d == SPATIAL - 1;
            if direct {
                input[d]
            } else if last && stride[d] == 1 && reach[d] <= input[d] + 2 * before[d] {
                // The padding after a row is the padding before the next.
                reach[d].min(input[d] + before[d]).max(output[d])
            } else {
                (reach[d] - 1) / stride[d] + 1
            }
        });
        let plane: usize = grid.iter().product();
        let mut phases: Vec<[usize; SPATIAL]> = Vec::new();
        let mut taps = Vec::with_capacity(window.kernel_len());
        for z in 0..kernel[0] {
            for y in 0..kernel[1] {
                for x in 0..kernel[2] {
                    let at = [z * dilation[0], y * dilation[1], x * dilation[2]];
                    let phase: [usize; SPATIAL] = std::array::from_fn(|d| at[d] % stride[d]);
                    let index = phases.iter().position(|p| *p == phase).unwrap_or_else(|| {
                        phases.push(phase);
                        phases.len() - 1
                    });
                    let step: [usize; SPATIAL] = std::array::from_fn(|d| at[d] / stride[d]);
                    taps.push(index * plane + (step[0] * grid[1] + step[1]) * grid[2] + step[2]);
                }
            }
        }
        Self { window, direct, phases, grid, taps }
    }

    /// Whether the image needs no copy.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// The elements of one channel.
    pub fn channel_len(&self) -> usize {
        if self.direct { self.window.input_len() } else { self.phases.len() * self.grid.iter().product::<usize>() }
    }

    /// The elements of an image of `channels` channels, some padding at its end included.
    pub fn len(&self, channels: usize) -> usize {
        let slack = if self.direct { 0 } else { self.grid[2] + 64 };
        channels * self.channel_len() + slack
    }

    /// The grid that products over the image run on.
    pub fn grid(&self) -> Grid {
        let [_, height, width] = self.window.output;
        if self.columns() == self.window.output_len() {
            return Grid::dense(self.columns());
        }
        Grid { width, row_stride: self.grid[2], height, plane_rows: self.grid[1] }
    }

    /// The number of columns that products over the image have.
    pub fn columns(&self) -> usize {
        let [depth, height, width] = self.window.output;
        ((depth - 1) * self.grid[1] + height - 1) * self.grid[2] + width
    }

    /// The offsets of `channels` channels' kernel elements, channel by channel; `None` where they do not fit.
    pub fn offsets(&self, channels: usize) -> Option<Vec<u32>> {
        let stride = self.channel_len();
        let all = (0..channels).flat_map(|c| self.taps.iter().map(move |&tap| c * stride + tap));
        all.map(|offset| u32::try_from(offset).ok()).collect()
    }

    /// The offset of each kernel element from the start of a channel.
    pub fn taps(&self) -> &[usize] {
        &self.taps
    }

    /// The offset of an output row from the start of a channel.
    pub fn row(&self, z: usize, y: usize) -> usize {
        (z * self.grid[1] + y) * self.grid[2]
    }

    /// Lays `image` (channels of the window's input) out into `to`, of [`len`](Self::len) elements, `padding` around it.
    pub fn fill(&self, image: &[f32], to: &mut [f32], padding: f32) {
        let (from, into) = (self.window.input_len(), self.channel_len());
        if from == 0 || into == 0 {
            to.fill(padding);
            return;
        }
        let channels = image.len() / from;
        let (body, slack) = to.split_at_mut((channels * into).min(to.len()));
        slack.fill(padding);
        if image.len() < 1 << 15 || rayon::current_num_threads() == 1 {
            body.chunks_exact_mut(into)
                .zip(image.chunks_exact(from))
                .for_each(|(to, from)| self.fill_channel(from, to, padding));
        } else {
            let pairs = body.par_chunks_exact_mut(into).zip(image.par_chunks_exact(from));
            pairs.with_min_len(4).for_each(|(to, from)| self.fill_channel(from, to, padding));
        }
    }

    fn fill_channel(&self, image: &[f32], to: &mut [f32], padding: f32) {
        let Window { input, stride, before, .. } = self.window;
        let [_, rows, columns] = self.grid;
        for (phase, to) in self.phases.iter().zip(to.chunks_exact_mut(self.grid.iter().product())) {
            for (index, line) in to.chunks_exact_mut(columns).enumerate() {
                let (z, y) = (index / rows, index % rows);
                let source = (z * stride[0] + phase[0]).checked_sub(before[0]).filter(|&z| z < input[0]);
                let source = source.zip((y * stride[1] + phase[1]).checked_sub(before[1]).filter(|&y| y < input[1]));
                let Some((z, y)) = source else {
                    line.fill(padding);
                    continue;
                };
                let start = (z * input[1] + y) * input[2];
                fill_line(&image[start..start + input[2]], line, [phase[2], stride[2], before[2]], padding);
            }
        }
    }
}

/// `line[x] = image[x * stride + phase - before]`, `padding` outside.
fn fill_line(image: &[f32], line: &mut [f32], [phase, stride, before]: [usize; 3], padding: f32) {
    let first = before.saturating_sub(phase).div_ceil(stride).min(line.len());
    let (head, rest) = line.split_at_mut(first);
    head.fill(padding);
    let skip = (first * stride + phase).saturating_sub(before).min(image.len());
    let image = &image[skip..];
    let count = image.len().div_ceil(stride).min(rest.len());
    let (body, after) = rest.split_at_mut(count);
    match stride {
        1 => body.copy_from_slice(&image[..count]),
        2 => {
            let pairs = image.chunks(2);
            body.iter_mut().zip(pairs).for_each(|(slot, pair)| *slot = pair[0]);
        }
        _ => body.iter_mut().zip(image.iter().step_by(stride)).for_each(|(slot, &value)| *slot = value),
    }
    after.fill(padding);
}
