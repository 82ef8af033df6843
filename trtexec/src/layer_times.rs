//! How long each layer takes: queries of their own after the measured ones, since a profiler makes every query wait.

use std::sync::mpsc;

use serde::Serialize;
use serde_json::{Value as Json, json};
use tensorrt::Engine;

use crate::failure::Result;
use crate::inputs;
use crate::lane::Lane;
use crate::options::InferenceOptions;
use crate::report::{Latency, Table};

/// The times of one layer over all profiled queries, in milliseconds, under NVIDIA's field names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayerTime {
    pub(crate) name: String,
    pub(crate) time_ms: f64,
    pub(crate) average_ms: f64,
    pub(crate) median_ms: f64,
    pub(crate) percentage: f64,
}

/// The times of all layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LayerTimes {
    count: usize,
    layers: Vec<LayerTime>,
}

/// Profiles `iterations` queries, after one that is not counted.
pub(crate) fn measure(engine: &Engine, options: &InferenceOptions) -> Result<LayerTimes> {
    let mut lane = Lane::new(engine, &inputs::shapes(engine, options)?, options)?;
    lane.upload()?;
    lane.enqueue(0)?;
    lane.wait(0)?;
    let (tell, told) = mpsc::channel();
    lane.set_profiler(move |name: &str, milliseconds: f32| {
        // The receiver lives as long as the lane; a time that nobody waits for is not missed.
        let _ = tell.send((name.to_owned(), f64::from(milliseconds)));
    })?;
    let count = options.iterations.max(1);
    for _ in 0..count {
        lane.enqueue(0)?;
        lane.wait(0)?;
    }
    lane.synchronize()?;
    Ok(LayerTimes::of(count, told.try_iter()))
}

impl LayerTimes {
    fn of(count: usize, times: impl Iterator<Item = (String, f64)>) -> Self {
        let mut layers: Vec<(String, Vec<f64>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for (name, time) in times {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                layers.push((name, Vec::new()));
                layers.len() - 1
            });
            layers[place].1.push(time);
        }
        let total: f64 = layers.iter().flat_map(|(_, times)| times).sum();
        let summary = |(name, times): (String, Vec<f64>)| {
            let time_ms = times.iter().sum::<f64>();
            let latency = Latency::of(times, &[])?;
            let percentage = if total > 0.0 { time_ms / total * 100.0 } else { 0.0 };
            Some(LayerTime { name, time_ms, average_ms: latency.mean, median_ms: latency.median, percentage })
        };
        Self { count, layers: layers.into_iter().filter_map(summary).collect() }
    }

    /// NVIDIA's document: the number of queries, then a layer an object.
    pub(crate) fn to_json(&self) -> Vec<Json> {
        let head = json!({ "count": self.count });
        std::iter::once(head).chain(self.layers.iter().map(|layer| json!(layer))).collect()
    }

    /// The table for people.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new(&["layer", ">total ms", ">mean ms", ">median ms", ">%"]);
        for layer in &self.layers {
            let numbers = [layer.time_ms, layer.average_ms, layer.median_ms].map(|ms| format!("{ms:.4}"));
            table.row([&layer.name, &numbers[0], &numbers[1], &numbers[2], &format!("{:.1}", layer.percentage)]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_summed_in_the_order_they_run() {
        let told = [("b", 1.0), ("a", 2.0), ("b", 3.0), ("a", 2.0)];
        let times = LayerTimes::of(2, told.into_iter().map(|(name, time)| (name.to_owned(), time)));
        let names: Vec<&str> = times.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!((times.layers[0].time_ms, times.layers[0].average_ms, times.layers[0].percentage), (4.0, 2.0, 50.0));
        let json = times.to_json();
        assert_eq!(json[0]["count"], 2);
        assert_eq!(json[2]["timeMs"], 4.0);
    }
}
