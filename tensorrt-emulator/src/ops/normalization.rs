//! Layer, instance and group normalization.

use rayon::prelude::*;

use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::graph::Normalization as Parameters;
use crate::kernels::normalize::{normalize, statistics};
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};

#[derive(Debug)]
struct Normalization {
    epsilon: f32,
    axes: u32,
    groups: usize,
}

/// Checks a normalization.
pub(super) fn prepare(request: &Request<'_>, parameters: &Parameters) -> Result<Box<dyn Kernel>> {
    for index in 0..3 {
        if !convert::is_computable(request.input_type(index)?) {
            return Err(request.unsupported_types());
        }
    }
    let groups = extent(parameters.groups)?;
    if groups == 0 {
        return Err(Error::config("a normalization needs at least one group"));
    }
    Ok(Box::new(Normalization { epsilon: parameters.epsilon, axes: parameters.axes, groups }))
}

/// Scale or bias as a function of the element's position: strides over the input's dimensions, 0 where it is broadcast.
struct Coefficient {
    values: Vec<f32>,
    /// (elements of the input per step, extent, distance in `values`), per dimension.
    steps: Vec<(usize, usize, usize)>,
}

impl Coefficient {
    /// Broadcasts `view` over `dims`; along axis 1 also an extent of `groups` counts, one value a group of channels.
    fn new(view: &TensorView<'_>, dims: &Dims, groups: usize) -> Result<Self> {
        let own = view.dims();
        let refused = || Error::config(format!("a coefficient of {own} does not fit a normalization of {dims}"));
        let rank = own.rank();
        if rank > dims.rank() {
            return Err(refused());
        }
        let mut steps = Vec::new();
        let (mut below, mut distance) = (1, 1);
        for d in (0..dims.rank()).rev() {
            let size = extent(dims[d])?;
            // A coefficient of lower rank is aligned with the last dimensions.
            let from = (d + rank).checked_sub(dims.rank());
            let have = from.map_or(Ok(1), |from| extent(own[from]))?;
            if have == size {
                steps.push((below, size, distance));
            } else if d == 1 && have == groups && size.is_multiple_of(groups) {
                steps.push((below * (size / groups), groups, distance));
            } else if have == 1 {
                steps.push((below, size, 0));
            } else {
                return Err(refused());
            }
            below *= size;
            distance *= have;
        }
        Ok(Self { values: convert::load(view)?.into_owned(), steps })
    }

    /// The offset of the value for the element at `position`.
    fn at(&self, position: usize) -> usize {
        self.steps.iter().map(|&(below, size, distance)| position / below % size * distance).sum()
    }

    /// How many elements from the last dimension on have one value or consecutive values: (length, whether consecutive).
    fn run(&self) -> (usize, bool) {
        let mut expected = 1;
        let mut length = 1;
        let dense = self.steps.first().is_some_and(|&(_, size, distance)| distance == 1 && size > 1);
        for &(below, size, distance) in &self.steps {
            let fits = below == length && if dense { distance == expected } else { distance == 0 || size == 1 };
            if !fits {
                // A step over groups of channels still leaves each group's elements alike.
                if !dense && below > length {
                    length = below;
                }
                break;
            }
            length *= size;
            expected *= size;
        }
        (length, dense)
    }
}

impl Kernel for Normalization {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let (input, scale, bias) = (call.input(0)?, call.input(1)?, call.input(2)?);
        let dims = *input.dims();
        let row = self.row(&dims)?;
        let (scale, bias) =
            (Coefficient::new(&scale, &dims, self.groups)?, Coefficient::new(&bias, &dims, self.groups)?);
        let values = convert::load(&input)?;
        convert::fill(call.output(0)?, |out| {
            super::same_count(values.len(), out.len())?;
            if out.is_empty() {
                return Ok(());
            }
            let one = |(index, (from, to)): (usize, (&[f32], &mut [f32]))| {
                self.row_of(index * row, from, to, &scale, &bias);
            };
            if out.len() < 1 << 14 || rayon::current_num_threads() == 1 {
                values.chunks_exact(row).zip(out.chunks_exact_mut(row)).enumerate().for_each(one);
            } else {
                values.par_chunks_exact(row).zip(out.par_chunks_exact_mut(row)).enumerate().for_each(one);
            }
            Ok(())
        })
    }
}

impl Normalization {
    /// The elements that are normalized together; they must be contiguous.
    fn row(&self, dims: &Dims) -> Result<usize> {
        let rank = dims.rank();
        let first = self.axes.trailing_zeros() as usize;
        let trailing = ((1u32 << rank) - 1) & !((1u32 << first.min(rank)) - 1);
        if self.axes != trailing || first >= rank {
            return Err(Error::unsupported(format!(
                "normalization over axes {:#b} of {dims} is not supported: they must be the last ones",
                self.axes
            )));
        }
        let mut row: usize = dims[first..].iter().try_fold(1, |all, &d| Ok::<_, Error>(all * extent(d)?))?;
        if self.groups > 1 {
            let channels = extent(*dims.get(1).unwrap_or(&0))?;
            if first > 2 || first == 0 || !channels.is_multiple_of(self.groups) {
                return Err(Error::config(format!("{} groups do not fit {dims}", self.groups)));
            }
            if first == 2 {
                row *= channels;
            }
            row /= self.groups;
        }
        Ok(row)
    }

    fn row_of(&self, start: usize, from: &[f32], to: &mut [f32], scale: &Coefficient, bias: &Coefficient) {
        let (mean, inverse) = statistics(from, self.epsilon);
        let ((a, a_dense), (b, b_dense)) = (scale.run(), bias.run());
        let step = a.min(b).min(from.len()).max(1);
        for (index, (from, to)) in from.chunks(step).zip(to.chunks_mut(step)).enumerate() {
            let position = start + index * step;
            let pick = |coefficient: &Coefficient, dense: bool| {
                let at = coefficient.at(position);
                at..at + if dense { from.len() } else { 1 }
            };
            normalize(from, to, mean, inverse, &scale.values[pick(scale, a_dense)], &bias.values[pick(bias, b_dense)]);
        }
    }
}

#[cfg(test)]
mod tests;
