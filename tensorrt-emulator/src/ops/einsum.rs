//! Einstein summation, operand by operand, each as a matrix product of rearranged operands.

use std::borrow::Cow;

use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::graph::Equation;
use crate::kernels::gemm::{Grid, Left, PackedRight, multiply};
use crate::kernels::workspace::Buffer;
use crate::tensor::Dims;
use crate::{Error, Result};

#[derive(Debug)]
struct Einsum {
    equation: Equation,
}

/// Checks an Einstein summation.
pub(super) fn prepare(request: &Request<'_>, equation: &str) -> Result<Box<dyn Kernel>> {
    if !request.input_types.iter().all(|dtype| dtype.is_some_and(convert::is_computable)) {
        return Err(request.unsupported_types());
    }
    let ranks: Option<Vec<usize>> = request.input_ranks.iter().copied().collect();
    let ranks = ranks.ok_or_else(|| Error::config("an operand is missing"))?;
    Ok(Box::new(Einsum { equation: Equation::parse(equation, &ranks)? }))
}

/// One label of a loop nest: its extent and the distances it moves by.
#[derive(Debug, Clone, Copy)]
struct Loop {
    extent: usize,
    stride: usize,
}

/// The row-major strides of `dims`.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for d in (1..dims.len()).rev() {
        strides[d - 1] = strides[d] * dims[d];
    }
    strides
}

/// The elements that a step's operand or product may have: 4 GiB of them.
const LARGEST: usize = 1 << 30;

/// The number of elements of these labels.
///
/// # Errors
/// There are more than [`LARGEST`]: extents of 1 that are repeated, or a product of many operands, need far more memory than all of them.
fn volume(labels: &[(char, usize)]) -> Result<usize> {
    if labels.iter().any(|&(_, extent)| extent == 0) {
        return Ok(0);
    }
    let volume = labels.iter().try_fold(1usize, |volume, &(_, extent)| volume.checked_mul(extent));
    volume.filter(|&volume| volume <= LARGEST).ok_or_else(|| {
        let labels: String = labels.iter().map(|l| l.0).collect();
        Error::unsupported(format!(
            "an intermediate product over the labels \"{labels}\" of more than {LARGEST} elements: split the equation"
        ))
    })
}

/// Calls `visit` with the source offset of each point of the nest, in order.
fn visit(loops: &[Loop], visit: &mut impl FnMut(usize)) {
    let total: usize = loops.iter().map(|l| l.extent).product();
    let mut position = vec![0; loops.len()];
    let mut offset = 0;
    for _ in 0..total {
        visit(offset);
        for (at, l) in position.iter_mut().zip(loops).rev() {
            *at += 1;
            offset += l.stride;
            if *at < l.extent {
                break;
            }
            offset -= l.stride * l.extent;
            *at = 0;
        }
    }
}

/// One operand's distinct labels with their extents and strides, and its elements.
struct Operand<'v> {
    labels: Vec<(char, Loop)>,
    values: Cow<'v, [f32]>,
}

impl<'v> Operand<'v> {
    fn new(labels: &[char], dims: &Dims, values: Cow<'v, [f32]>) -> Result<Self> {
        if labels.len() != dims.rank() {
            return Err(Error::config(format!("{} labels for an operand of {dims}", labels.len())));
        }
        let extents: Vec<usize> = dims.iter().map(|&d| extent(d)).collect::<Result<_>>()?;
        let mut own: Vec<(char, Loop)> = Vec::new();
        for ((&label, &extent), stride) in labels.iter().zip(&extents).zip(strides(&extents)) {
            match own.iter_mut().find(|(known, _)| *known == label) {
                // A diagonal moves along both dimensions at once.
                Some((_, known)) if known.extent == extent => known.stride += stride,
                Some(_) => return Err(Error::config(format!("the diagonal {label} of dimensions {dims}"))),
                None => own.push((label, Loop { extent, stride })),
            }
        }
        Ok(Self { labels: own, values })
    }

    /// The number 1, which stands for a missing operand.
    fn one() -> Self {
        Self { labels: Vec::new(), values: Cow::Borrowed(&[1.0]) }
    }

    fn extent(&self, label: char) -> Option<usize> {
        self.labels.iter().find(|(known, _)| *known == label).map(|(_, own)| own.extent)
    }

    /// The loops over `labels`; a label that the operand lacks, or has with extent 1, stands still.
    fn loops(&self, labels: &[(char, usize)]) -> Vec<Loop> {
        let one = |&(label, extent): &(char, usize)| {
            let own = self.labels.iter().find(|(known, own)| *known == label && own.extent == extent);
            Loop { extent, stride: own.map_or(0, |(_, own)| own.stride) }
        };
        labels.iter().map(one).collect()
    }

    /// The operand's elements in the order of `labels`.
    fn gather(&self, labels: &[(char, usize)]) -> Result<Buffer> {
        let mut buffer = Buffer::take(volume(labels)?);
        if buffer.is_empty() {
            return Ok(buffer);
        }
        let mut slots = buffer.iter_mut();
        visit(&self.loops(labels), &mut |offset| {
            if let Some(slot) = slots.next() {
                *slot = self.values[offset];
            }
        });
        Ok(buffer)
    }

    /// The product with `other`, summed over the labels that are not `kept`.
    fn contract(&self, other: &Self, kept: impl Fn(char) -> bool) -> Result<Operand<'static>> {
        // Labels by where they occur: in both and kept, in one and kept, summed over.
        let (mut batch, mut rows, mut columns, mut depth) = (vec![], vec![], vec![], vec![]);
        let mut seen: Vec<char> = Vec::new();
        for &(label, _) in self.labels.iter().chain(&other.labels) {
            if seen.contains(&label) {
                continue;
            }
            seen.push(label);
            let (x, y) = (self.extent(label), other.extent(label));
            let extent = match (x, y) {
                (Some(x), Some(y)) if x != y && x != 1 && y != 1 => {
                    return Err(Error::config(format!("label {label} is {x} in one operand and {y} in the other")));
                }
                (Some(1), Some(y)) => y,
                (Some(x), _) | (None, Some(x)) => x,
                (None, None) => continue,
            };
            let list = match (kept(label), x.is_some(), y.is_some()) {
                (false, ..) => &mut depth,
                (true, true, true) => &mut batch,
                (true, true, false) => &mut rows,
                (true, ..) => &mut columns,
            };
            list.push((label, extent));
        }
        let (m, n, k) = (volume(&rows)?, volume(&columns)?, volume(&depth)?);
        let made = [&batch[..], &rows, &columns].concat();
        let mut products = vec![0.0; volume(&made)?];
        let x = self.gather(&[&batch[..], &rows, &depth].concat())?;
        let y = other.gather(&[&batch[..], &depth, &columns].concat())?;
        for (index, out) in products.chunks_exact_mut((m * n).max(1)).enumerate() {
            let left = Left::pack(&x[index * m * k..(index + 1) * m * k], m, k, k, 1);
            let right = PackedRight::pack(&y[index * k * n..(index + 1) * k * n], k, n, n, 1);
            multiply(&left, right.as_right(), None, Grid::dense(n), out, n);
        }
        let steps = strides(&made.iter().map(|l| l.1).collect::<Vec<_>>());
        let labels =
            made.iter().zip(steps).map(|(&(label, extent), stride)| (label, Loop { extent, stride })).collect();
        Ok(Operand { labels, values: Cow::Owned(products) })
    }
}

impl Kernel for Einsum {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let Equation { operands, output } = &self.equation;
        let views: Vec<_> = (0..operands.len()).map(|i| call.input(i)).collect::<Result<_>>()?;
        let mut parts = Vec::new();
        for (labels, view) in operands.iter().zip(&views) {
            parts.push(Operand::new(labels, view.dims(), convert::load(view)?)?);
        }
        if parts.len() == 1 {
            parts.push(Operand::one());
        }
        let mut parts = parts.into_iter().enumerate();
        let (_, mut made) = parts.next().ok_or_else(|| Error::internal("an equation has an operand"))?;
        for (index, part) in parts {
            let later = operands.get(index + 1..).unwrap_or(&[]);
            made = made.contract(&part, |label| output.contains(&label) || later.iter().any(|l| l.contains(&label)))?;
        }
        let wanted: Option<Vec<(char, usize)>> =
            output.iter().map(|&label| Some((label, made.extent(label)?))).collect();
        let loops = made.loops(&wanted.ok_or_else(|| Error::internal("the output's labels were checked"))?);
        convert::fill(call.output(0)?, |out| {
            super::same_count(made.values.len(), out.len())?;
            let mut slots = out.iter_mut();
            visit(&loops, &mut |offset| {
                if let Some(slot) = slots.next() {
                    *slot = made.values[offset];
                }
            });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::Result;
    use crate::graph::LayerKind;
    use crate::ops::testing::{run, tensor};

    fn einsum(equation: &str, inputs: &[(&[i64], &[f32])], out: &[i64]) -> Result<Vec<f32>> {
        let tensors: Vec<_> = inputs.iter().map(|(dims, values)| tensor(dims, values)).collect();
        let views: Vec<_> = tensors.iter().map(Some).collect();
        let out = run(&LayerKind::Einsum { equation: equation.to_owned() }, &views, &[(DataType::Float, out)])?;
        Ok(out[0].view().as_slice::<f32>()?.to_vec())
    }

    const A: (&[i64], &[f32]) = (&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);

    #[test]
    fn the_usual_equations() {
        assert_eq!(einsum("ij->ji", &[A], &[3, 2]).unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(einsum("ij->i", &[A], &[2]).unwrap(), [6.0, 15.0]);
        assert_eq!(einsum("ij->", &[A], &[]).unwrap(), [21.0]);
        assert_eq!(einsum("ij, kj -> ik", &[A, A], &[2, 2]).unwrap(), [14.0, 32.0, 32.0, 77.0]);
        assert_eq!(einsum("ij,ij->i", &[A, A], &[2]).unwrap(), [14.0, 77.0]);
        assert_eq!(einsum("ij,jk", &[A, (&[3, 1], &[1.0, 0.0, 2.0])], &[2, 1]).unwrap(), [7.0, 16.0]);
        assert_eq!(
            einsum("i,j->ji", &[(&[2], &[1.0, 2.0]), (&[2], &[3.0, 4.0])], &[2, 2]).unwrap(),
            [3.0, 6.0, 4.0, 8.0]
        );
        let b: (&[i64], &[f32]) = (&[2, 2, 1], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(einsum("bij,bik->bjk", &[b, b], &[2, 1, 1]).unwrap(), [5.0, 25.0]);
    }

    #[test]
    fn diagonals_ellipses_and_more_operands() {
        let c: (&[i64], &[f32]) = (&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(einsum("ii->i", &[c], &[2]).unwrap(), [1.0, 4.0]);
        assert_eq!(einsum("ii", &[c], &[]).unwrap(), [5.0]);
        assert_eq!(einsum("...ij->...ji", &[c], &[2, 2]).unwrap(), [1.0, 3.0, 2.0, 4.0]);
        // [[1, 2], [3, 4]] three times multiplied, and extents of 1 repeated.
        assert_eq!(einsum("ij,jk,kl->il", &[c, c, c], &[2, 2]).unwrap(), [37.0, 54.0, 81.0, 118.0]);
        assert_eq!(einsum("ij,ij,ij->j", &[(&[1, 2], &[1.0, 2.0]), c, c], &[2]).unwrap(), [10.0, 40.0]);
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for equation in ["...i->i...i", "ii->i", "ij->k", "ij,jk,kl->il", "i1->i"] {
            assert!(einsum(equation, &[A], &[2]).is_err(), "{equation}");
        }
        assert!(einsum("ij,jk->ik", &[A, A], &[2, 3]).is_err());
        // Vectors of which three make 2^48 elements, four more than can be counted.
        let (ones, one) = ([1.0f32; 1 << 16], [1.0f32]);
        let vector = (&[1i64 << 16][..], &ones[..]);
        for (equation, count) in [("a,b,c,abc->", 3), ("a,b,c,d,abcd->", 4)] {
            let mut inputs = vec![vector; count];
            let dims = vec![1i64; count];
            inputs.push((&dims, &one));
            let error = einsum(equation, &inputs, &[]).unwrap_err();
            assert!(error.message().contains("intermediate"), "{error}");
        }
    }
}
