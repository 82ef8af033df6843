//! The inner loops of pooling: maxima and sums of shifted rows.

use super::simd::{Op, Simd, dispatch};

/// How shifted rows are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// The largest element; NaN loses.
    Max,
    /// The sum.
    Sum,
}

struct Shifted<'a> {
    data: &'a [f32],
    taps: &'a [usize],
    out: &'a mut [f32],
    combine: Combine,
}

impl Op for Shifted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { data, taps, out, combine } = self;
        let width = out.len();
        match combine {
            Combine::Max => {
                out.fill(f32::NEG_INFINITY);
                for &tap in taps {
                    out.iter_mut().zip(&data[tap..tap + width]).for_each(|(a, &b)| *a = if b > *a { b } else { *a });
                }
            }
            Combine::Sum => {
                out.fill(0.0);
                for &tap in taps {
                    out.iter_mut().zip(&data[tap..tap + width]).for_each(|(a, &b)| *a += b);
                }
            }
        }
    }
}

/// `out[x]` = the combination over all taps of `data[tap + x]`.
///
/// # Panics
/// `data` ends before the furthest tap's row.
pub fn combine_shifted(data: &[f32], taps: &[usize], out: &mut [f32], combine: Combine) {
    dispatch(Shifted { data, taps, out, combine });
}
