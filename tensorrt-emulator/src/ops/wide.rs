//! Loops over elements, compiled for the vector instructions that the machine turns out to have.
//!
//! `rten-simd` picks the instruction set at run time and calls an operation from code compiled for it; the operations here are plain loops,
//! which the compiler vectorizes once per instruction set. Nothing is contracted or reordered: every set gives the same bits.

use rayon::prelude::*;
use rten_simd::{Isa, SimdOp};

use super::broadcast::Broadcast;

/// Elements that one task works on: fixed, so that results do not depend on the number of threads.
pub(super) const GRAIN: usize = 1 << 14;

/// Calls `work(first, chunk)` for consecutive chunks of `out`, in parallel where there is enough to do.
pub(super) fn for_chunks<T: Send>(out: &mut [T], grain: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let grain = grain.max(1);
    if out.len() <= grain || rayon::current_num_threads() == 1 {
        for (i, chunk) in out.chunks_mut(grain).enumerate() {
            work(i * grain, chunk);
        }
    } else {
        out.par_chunks_mut(grain).enumerate().for_each(|(i, chunk)| work(i * grain, chunk));
    }
}

struct Map<'a, A, O, F> {
    x: &'a [A],
    out: &'a mut [O],
    f: F,
}

impl<A: Copy, O, F: Fn(A) -> O> SimdOp for Map<'_, A, O, F> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        let Self { x, out, f } = self;
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f(x);
        }
    }
}

/// `out[i] = f(x[i])`.
pub(super) fn map<A: Copy + Sync, O: Send>(x: &[A], out: &mut [O], f: impl Fn(A) -> O + Copy + Sync) {
    for_chunks(out, GRAIN, |first, out| Map { x: &x[first..first + out.len()], out, f }.dispatch());
}

/// [`map`] compiled once, for the baseline instruction set: for functions that do not vectorize.
pub(super) fn map_plain<A: Copy + Sync, O: Send>(x: &[A], out: &mut [O], f: impl Fn(A) -> O + Sync) {
    for_chunks(out, GRAIN, |first, out| out.iter_mut().zip(&x[first..]).for_each(|(out, &x)| *out = f(x)));
}

struct Zip<'a, A, O, F> {
    plan: &'a Broadcast<2>,
    first: usize,
    x: &'a [A],
    y: &'a [A],
    out: &'a mut [O],
    f: F,
}

impl<A: Copy, O, F: Fn(A, A) -> O> SimdOp for Zip<'_, A, O, F> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        self.run();
    }
}

impl<A: Copy, O, F: Fn(A, A) -> O> Zip<'_, A, O, F> {
    #[inline(always)]
    fn run(self) {
        let Self { plan, first, x, y, mut out, f } = self;
        let mut rows = plan.rows(first);
        let steps = plan.steps();
        while !out.is_empty() {
            let ([px, py], len) = rows.next(out.len());
            let (row, rest) = std::mem::take(&mut out).split_at_mut(len);
            out = rest;
            match steps {
                [1, 1] => {
                    for ((out, &x), &y) in row.iter_mut().zip(&x[px..px + len]).zip(&y[py..py + len]) {
                        *out = f(x, y);
                    }
                }
                [1, _] => {
                    let y = y[py];
                    for (out, &x) in row.iter_mut().zip(&x[px..px + len]) {
                        *out = f(x, y);
                    }
                }
                [_, 1] => {
                    let x = x[px];
                    for (out, &y) in row.iter_mut().zip(&y[py..py + len]) {
                        *out = f(x, y);
                    }
                }
                _ => {
                    let (x, y) = (x[px], y[py]);
                    row.iter_mut().for_each(|out| *out = f(x, y));
                }
            }
        }
    }
}

/// `out = f(x, y)` with the broadcasting of `plan`.
pub(super) fn zip<A: Copy + Sync, O: Send>(
    plan: &Broadcast<2>,
    x: &[A],
    y: &[A],
    out: &mut [O],
    f: impl Fn(A, A) -> O + Copy + Sync,
) {
    for_chunks(out, GRAIN, |first, out| Zip { plan, first, x, y, out, f }.dispatch());
}

/// [`zip`] compiled once, for the baseline instruction set: for integers, which are mostly shapes.
pub(super) fn zip_plain<A: Copy + Sync, O: Send>(
    plan: &Broadcast<2>,
    x: &[A],
    y: &[A],
    out: &mut [O],
    f: impl Fn(A, A) -> O + Copy + Sync,
) {
    for_chunks(out, GRAIN, |first, out| Zip { plan, first, x, y, out, f }.run());
}
