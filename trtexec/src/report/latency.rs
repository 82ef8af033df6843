//! What many measured times say: minimum, maximum, mean, median, percentiles.

use serde::Serialize;

/// A summary of times in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
    pub(crate) median: f64,
    /// Pairs of a percentile and the time that so many per cent of the runs did not exceed.
    pub(crate) percentiles: Vec<(f64, f64)>,
}

impl Latency {
    /// Summarizes `times`; `None` where there are none.
    pub(crate) fn of(times: impl IntoIterator<Item = f64>, percentiles: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = times.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 runs")]
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        let percentiles = percentiles.iter().map(|&p| (p, nearest_rank(&sorted, p))).collect();
        Some(Self { min, max, mean, median: median(&sorted), percentiles })
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// The smallest time that at least `percent` per cent of the runs did not exceed.
fn nearest_rank(sorted: &[f64], percent: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the indices of the slice on the next line"
    )]
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latency = Latency::of((1..=100).rev().map(f64::from), &[0.0, 50.0, 99.0, 100.0]).unwrap();
        assert_eq!((latency.min, latency.max, latency.mean, latency.median), (1.0, 100.0, 50.5, 50.5));
        assert_eq!(latency.percentiles, [(0.0, 1.0), (50.0, 50.0), (99.0, 99.0), (100.0, 100.0)]);
    }

    #[test]
    fn one_time_is_everything_and_none_is_nothing() {
        let latency = Latency::of([2.5], &[90.0]).unwrap();
        assert_eq!((latency.min, latency.median, latency.percentiles[0].1), (2.5, 2.5, 2.5));
        assert_eq!(Latency::of([], &[90.0]), None);
    }
}
