//! The geometry of convolution and pooling: padding modes resolved to numbers.

use tensorrt_sys::PaddingMode;

use crate::kernels::image::{SPATIAL, Window};
use crate::tensor::Dims;
use crate::{Error, Result};

/// What a layer says of its window, per spatial dimension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) kernel: Dims,
    pub(super) stride: Dims,
    pub(super) dilation: Dims,
    pub(super) pre_padding: Dims,
    pub(super) padding_mode: PaddingMode,
}

/// Which way data flows through the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the larger image to the smaller: convolution, pooling.
    Forward,
    /// From the smaller image to the larger: deconvolution.
    Transposed,
}

impl Geometry {
    /// Refuses windows of another rank than 1, 2 or 3, and extents that no window has.
    pub(super) fn check(&self) -> Result<()> {
        let rank = self.kernel.rank();
        if rank == 0 || rank > SPATIAL {
            return Err(Error::unsupported(format!("a window of {rank} spatial dimensions is not supported")));
        }
        for (name, dims, least) in [
            ("kernel", &self.kernel, 1),
            ("stride", &self.stride, 1),
            ("dilation", &self.dilation, 1),
            ("padding", &self.pre_padding, 0),
        ] {
            if dims.rank() != rank || dims.iter().any(|&d| d < least || d > i64::from(i32::MAX)) {
                return Err(Error::config(format!("{name} {dims} does not fit a window of {}", self.kernel)));
            }
        }
        Ok(())
    }

    /// The window from `input` to `output`, both [N, C, spatial…], checked by [`check`](Self::check) before.
    pub(super) fn window(&self, input: &Dims, output: &Dims, direction: Direction) -> Result<Window> {
        let rank = self.kernel.rank();
        if input.rank() != rank + 2 || output.rank() != rank + 2 {
            return Err(Error::config(format!("a window of {} does not slide over {input} to {output}", self.kernel)));
        }
        let mut window = Window {
            input: [1; SPATIAL],
            output: [1; SPATIAL],
            kernel: [1; SPATIAL],
            stride: [1; SPATIAL],
            dilation: [1; SPATIAL],
            before: [0; SPATIAL],
        };
        for d in 0..rank {
            let to = SPATIAL - rank + d;
            window.input[to] = extent(input[d + 2])?;
            window.output[to] = extent(output[d + 2])?;
            window.kernel[to] = extent(self.kernel[d])?;
            window.stride[to] = extent(self.stride[d])?;
            window.dilation[to] = extent(self.dilation[d])?;
            let (large, small) = match direction {
                Direction::Forward => (input[d + 2], output[d + 2]),
                Direction::Transposed => (output[d + 2], input[d + 2]),
            };
            let reach = (small - 1) * self.stride[d] + (self.kernel[d] - 1) * self.dilation[d] + 1;
            let total = (reach - large).max(0);
            window.before[to] = extent(match self.padding_mode {
                PaddingMode::SameUpper => total / 2,
                PaddingMode::SameLower => total - total / 2,
                _ => self.pre_padding[d],
            })?;
        }
        Ok(window)
    }
}

/// An extent as an index.
pub(super) fn extent(value: i64) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::internal(format!("extent {value} at run time")))
}
