//! Einstein summation over one or two operands, as a matrix product of rearranged operands.

use super::window::extent;
use super::{Call, Kernel, Request, convert};
use crate::kernels::gemm::{Grid, Left, PackedRight, multiply};
use crate::kernels::workspace::Buffer;
use crate::tensor::Dims;
use crate::{Error, Result};

#[derive(Debug)]
struct Einsum {
    operands: Vec<Vec<char>>,
    output: Vec<char>,
}

/// Parses `equation` for `operands` inputs.
fn parse(equation: &str, operands: usize) -> Result<(Vec<Vec<char>>, Vec<char>)> {
    let refused = |why: &str| Err(Error::unsupported(format!("einsum \"{equation}\": {why}")));
    let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    if text.contains('.') {
        return refused("an ellipsis is not supported");
    }
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (text, None),
    };
    let inputs: Vec<Vec<char>> = left.split(',').map(|labels| labels.chars().collect()).collect();
    let output: Vec<char> = match right {
        Some(right) => right.chars().collect(),
        // Without an arrow: the labels that occur once, in alphabetical order.
        None => {
            let mut once: Vec<char> = inputs.iter().flatten().copied().collect();
            once.sort_unstable();
            let all = once.clone();
            once.retain(|c| all.iter().filter(|other| *other == c).count() == 1);
            once
        }
    };
    if inputs.len() != operands || operands == 0 || operands > 2 {
        return refused(&format!("{operands} operands do not fit it (one or two are supported)"));
    }
    let repeats = |labels: &[char]| labels.iter().enumerate().any(|(i, label)| labels[..i].contains(label));
    if inputs.iter().chain([&output]).any(|labels| repeats(labels)) {
        return refused("a label that occurs twice in one operand is not supported");
    }
    if inputs.iter().flatten().chain(&output).any(|label| !label.is_ascii_alphabetic()) {
        return refused("labels are letters");
    }
    if let Some(label) = output.iter().find(|label| !inputs.iter().any(|labels| labels.contains(label))) {
        return refused(&format!("no operand has the output's label {label}"));
    }
    Ok((inputs, output))
}

/// Checks an Einstein summation.
pub(super) fn prepare(request: &Request<'_>, equation: &str) -> Result<Box<dyn Kernel>> {
    if !request.input_types.iter().all(|dtype| dtype.is_some_and(convert::is_computable)) {
        return Err(request.unsupported_types());
    }
    let (operands, output) = parse(equation, request.input_types.len())?;
    Ok(Box::new(Einsum { operands, output }))
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

/// One operand's labels with their extents and strides.
struct Operand<'a> {
    labels: &'a [char],
    extents: Vec<usize>,
    strides: Vec<usize>,
}

impl<'a> Operand<'a> {
    fn new(labels: &'a [char], dims: &Dims) -> Result<Self> {
        if labels.len() != dims.rank() {
            return Err(Error::config(format!("{} labels for an operand of {dims}", labels.len())));
        }
        let extents: Vec<usize> = dims.iter().map(|&d| extent(d)).collect::<Result<_>>()?;
        Ok(Self { labels, strides: strides(&extents), extents })
    }

    fn extent(&self, label: char) -> Option<usize> {
        self.labels.iter().position(|&l| l == label).map(|d| self.extents[d])
    }

    /// The loops over `labels`; a label that the operand lacks, or has with extent 1, stands still.
    fn loops(&self, labels: &[(char, usize)]) -> Vec<Loop> {
        let one = |&(label, extent): &(char, usize)| {
            let own = self.labels.iter().position(|&l| l == label).filter(|&d| self.extents[d] == extent);
            Loop { extent, stride: own.map_or(0, |d| self.strides[d]) }
        };
        labels.iter().map(one).collect()
    }

    /// The operand's elements in the order of `labels`.
    fn gather(&self, values: &[f32], labels: &[(char, usize)]) -> Buffer {
        let mut buffer = Buffer::take(labels.iter().map(|l| l.1).product());
        let mut slots = buffer.iter_mut();
        visit(&self.loops(labels), &mut |offset| {
            if let Some(slot) = slots.next() {
                *slot = values[offset];
            }
        });
        buffer
    }
}

impl Kernel for Einsum {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let mut operands = Vec::new();
        let mut values = Vec::new();
        let views: Vec<_> = (0..self.operands.len()).map(|i| call.input(i)).collect::<Result<_>>()?;
        for (labels, view) in self.operands.iter().zip(&views) {
            operands.push(Operand::new(labels, view.dims())?);
            values.push(convert::load(view)?);
        }
        if operands.len() == 1 {
            // The missing operand is the number 1.
            operands.push(Operand::new(&[], &Dims::scalar())?);
            values.push(std::borrow::Cow::Owned(vec![1.0]));
        }
        let (a, b) = (&operands[0], &operands[1]);
        // Labels by where they occur: in both and the output, in one and the output, summed over.
        let (mut batch, mut rows, mut columns, mut depth) = (vec![], vec![], vec![], vec![]);
        let mut seen: Vec<char> = Vec::new();
        for &label in self.output.iter().chain(a.labels).chain(b.labels) {
            if seen.contains(&label) {
                continue;
            }
            seen.push(label);
            let (x, y) = (a.extent(label), b.extent(label));
            let extent = match (x, y) {
                (Some(x), Some(y)) if x != y && x != 1 && y != 1 => {
                    return Err(Error::config(format!("label {label} is {x} in one operand and {y} in the other")));
                }
                (Some(1), Some(y)) => y,
                (Some(x), _) | (None, Some(x)) => x,
                (None, None) => continue,
            };
            let list = match (self.output.contains(&label), x.is_some(), y.is_some()) {
                (false, ..) => &mut depth,
                (true, true, true) => &mut batch,
                (true, true, false) => &mut rows,
                (true, ..) => &mut columns,
            };
            list.push((label, extent));
        }
        let product = |labels: &[(char, usize)]| labels.iter().map(|l| l.1).product::<usize>();
        let (batches, m, n, k) = (product(&batch), product(&rows), product(&columns), product(&depth));
        let x = a.gather(&values[0], &[&batch[..], &rows, &depth].concat());
        let y = b.gather(&values[1], &[&batch[..], &depth, &columns].concat());
        let mut products = Buffer::take(batches * m * n);
        for (index, out) in products.chunks_exact_mut((m * n).max(1)).enumerate() {
            let left = Left::pack(&x[index * m * k..(index + 1) * m * k], m, k, k, 1);
            let right = PackedRight::pack(&y[index * k * n..(index + 1) * k * n], k, n, n, 1);
            multiply(&left, right.as_right(), None, Grid::dense(n), out, n);
        }
        // From [batch, rows, columns] to the order of the output.
        let made = [&batch[..], &rows, &columns].concat();
        let made_strides = strides(&made.iter().map(|l| l.1).collect::<Vec<_>>());
        let mut loops = Vec::new();
        for label in &self.output {
            let at = made.iter().position(|l| l.0 == *label);
            let at = at.ok_or_else(|| Error::internal("the output's labels were checked"))?;
            loops.push(Loop { extent: made[at].1, stride: made_strides[at] });
        }
        convert::fill(call.output(0)?, |out| {
            super::same_count(products.len(), out.len())?;
            let mut slots = out.iter_mut();
            visit(&loops, &mut |offset| {
                if let Some(slot) = slots.next() {
                    *slot = products[offset];
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
    fn what_is_not_supported_is_refused() {
        for equation in ["...i->i", "ii->i", "ij->k", "ij,jk,kl->il", "i1->i"] {
            assert!(einsum(equation, &[A], &[2]).is_err(), "{equation}");
        }
        assert!(einsum("ij,jk->ik", &[A, A], &[2, 3]).is_err());
    }
}
