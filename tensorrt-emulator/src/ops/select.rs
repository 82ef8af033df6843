//! Choosing between two tensors by a condition.

use super::broadcast::Broadcast;
use super::wide::{GRAIN, for_chunks};
use super::words::{Word, by_width, words, words_mut};
use super::{Call, Kernel, Request};
use crate::Result;

/// A prepared select layer.
#[derive(Debug)]
struct Select;

/// Prepares a select layer.
///
/// # Errors
/// The two values have different types.
pub(super) fn prepare(request: &Request<'_>) -> Result<Box<dyn Kernel>> {
    let condition = request.input_type(0)?;
    if condition != tensorrt_sys::DataType::Bool || request.input_type(1)? != request.input_type(2)? {
        return Err(request.unsupported_types());
    }
    Ok(Box::new(Select))
}

impl Kernel for Select {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        by_width!(call.input(1)?.dtype(), W => select::<W>(call))
    }
}

fn select<W: Word>(call: &mut Call<'_, '_>) -> Result<()> {
    let (condition, left, right) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let out = call.output(0)?;
    let plan = Broadcast::new(out.dims(), [condition.dims(), left.dims(), right.dims()])?;
    let (condition, left, right) = (condition.bytes(), words::<W>(&left)?, words::<W>(&right)?);
    let steps = plan.steps();
    for_chunks(words_mut::<W>(out)?, GRAIN, |first, mut out| {
        let mut rows = plan.rows(first);
        while !out.is_empty() {
            let ([c, l, r], len) = rows.next(out.len());
            let (row, rest) = std::mem::take(&mut out).split_at_mut(len);
            out = rest;
            match steps {
                [1, 1, 1] => {
                    let pairs = left[l..l + len].iter().zip(&right[r..r + len]);
                    for ((out, &yes), (&left, &right)) in row.iter_mut().zip(&condition[c..c + len]).zip(pairs) {
                        *out = if yes != 0 { left } else { right };
                    }
                }
                [0, _, _] => {
                    let (values, at, step) = if condition[c] != 0 { (left, l, steps[1]) } else { (right, r, steps[2]) };
                    if step == 1 { row.copy_from_slice(&values[at..at + len]) } else { row.fill(values[at]) }
                }
                [_, l_step, r_step] => {
                    for (i, (out, &yes)) in row.iter_mut().zip(&condition[c..c + len]).enumerate() {
                        *out = if yes != 0 { left[l + i * l_step] } else { right[r + i * r_step] };
                    }
                }
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use crate::graph::LayerKind;
    use crate::ops::testing::{bools, run, tensor};

    #[test]
    fn the_condition_chooses_under_every_broadcast() {
        let condition = [true, false, false, true];
        for mask in 0..64u32 {
            let dims = |shift: u32| {
                [if mask >> shift & 1 == 1 { 1 } else { 2i64 }, if mask >> shift & 2 == 2 { 1 } else { 2 }]
            };
            let count = |d: [i64; 2]| usize::try_from(d[0] * d[1]).unwrap();
            let at = |d: [i64; 2], i: usize, j: usize| {
                (if d[0] == 1 { 0 } else { i }) * (if d[1] == 1 { 1 } else { 2 }) + if d[1] == 1 { 0 } else { j }
            };
            let (dc, dl, dr) = (dims(0), dims(2), dims(4));
            let (left, right) = ([1f32, 2., 3., 4.], [-1f32, -2., -3., -4.]);
            let c = bools(&dc, &condition[..count(dc)]);
            let l = tensor(&dl, &left[..count(dl)]);
            let r = tensor(&dr, &right[..count(dr)]);
            let out = run(&LayerKind::Select, &[Some(&c), Some(&l), Some(&r)], &[(DataType::Float, &[2, 2])]).unwrap();
            let got = out[0].view().as_slice::<f32>().unwrap().to_vec();
            for i in 0..2 {
                for j in 0..2 {
                    let wanted = if condition[at(dc, i, j)] { left[at(dl, i, j)] } else { right[at(dr, i, j)] };
                    assert_eq!(got[i * 2 + j], wanted, "{dc:?} {dl:?} {dr:?}");
                }
            }
        }
    }
}
