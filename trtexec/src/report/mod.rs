//! What the program tells: collected as plain data, written as tables for people or as JSON for programs.

mod json;
mod latency;
pub(crate) mod layers;
mod table;
mod text;

use std::path::PathBuf;

use serde::Serialize;
use tensorrt::{DataType, Dims, Engine, TensorInfo};

pub(crate) use self::json::{document, write as write_json};
pub(crate) use self::latency::Latency;
pub(crate) use self::layers::LayerReport;
pub(crate) use self::table::Table;
pub(crate) use self::text::{bytes, print};
use crate::failure::Result;
use crate::layer_times::LayerTimes;
use crate::options::{Format, ReportOptions, Shape};
use crate::run::Measured;
use crate::values::{self, Values};

/// Everything that was done.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) library: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    pub(crate) source: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<BuildReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<EngineReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layers: Option<Vec<LayerReport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) performance: Option<Performance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layer_times: Option<LayerTimes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outputs: Option<Vec<OutputReport>>,
}

/// A build.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildReport {
    pub(crate) parse_seconds: f64,
    /// Parsing included.
    pub(crate) total_seconds: f64,
    pub(crate) plan_bytes: usize,
    /// Of the network, before the builder fused any.
    pub(crate) layers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) saved_to: Option<PathBuf>,
}

/// An engine.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EngineReport {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context_bytes: Option<u64>,
    pub(crate) profiles: usize,
    pub(crate) tensors: Vec<TensorReport>,
}

/// An input or output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TensorReport {
    pub(crate) name: String,
    pub(crate) input: bool,
    pub(crate) data_type: &'static str,
    /// -1 where dynamic.
    pub(crate) shape: Vec<i64>,
    /// Minimum, optimum and maximum of the first profile, where they differ from the shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<[Vec<i64>; 3]>,
}

impl EngineReport {
    /// Asks an engine. What its release does not tell is left out.
    pub(crate) fn of(engine: &Engine) -> Self {
        Self {
            name: engine.name().to_owned(),
            layers: engine.num_layers().ok(),
            context_bytes: engine.device_memory_size().ok(),
            profiles: engine.num_optimization_profiles(),
            tensors: engine.io_tensors().iter().map(TensorReport::of).collect(),
        }
    }
}

impl TensorReport {
    fn of(info: &TensorInfo) -> Self {
        let range = info.profile_shapes(0).filter(|_| info.shape().is_dynamic());
        Self {
            name: info.name().to_owned(),
            input: info.is_input(),
            data_type: values::name(info.data_type()),
            shape: info.shape().to_vec(),
            range: range.map(|range| [range.min.to_vec(), range.opt.to_vec(), range.max.to_vec()]),
        }
    }
}

/// One query, with the fields that NVIDIA's tool writes; milliseconds since the measurement began.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Query {
    stream: usize,
    pub(crate) start_enq_ms: f64,
    end_enq_ms: f64,
    pub(crate) start_h2d_ms: f64,
    end_h2d_ms: f64,
    start_compute_ms: f64,
    end_compute_ms: f64,
    start_d2h_ms: f64,
    end_d2h_ms: f64,
    enq_ms: f64,
    h2d_ms: f64,
    compute_ms: f64,
    d2h_ms: f64,
    latency_ms: f64,
}

impl Query {
    /// From the host's beginning and time of enqueueing, the device's beginning, and the times of its three parts.
    pub(crate) fn new(stream: usize, (start_enq, enq): (f64, f64), start: f64, [h2d, compute, d2h]: [f64; 3]) -> Self {
        let (computing, copying) = (start + h2d, start + h2d + compute);
        Self {
            stream,
            start_enq_ms: start_enq,
            end_enq_ms: start_enq + enq,
            start_h2d_ms: start,
            end_h2d_ms: computing,
            start_compute_ms: computing,
            end_compute_ms: copying,
            start_d2h_ms: copying,
            end_d2h_ms: copying + d2h,
            enq_ms: enq,
            h2d_ms: h2d,
            compute_ms: compute,
            d2h_ms: d2h,
            latency_ms: h2d + compute + d2h,
        }
    }

    /// When its outputs were back.
    pub(crate) fn end_ms(&self) -> f64 {
        self.end_d2h_ms
    }
}

/// How fast an engine ran. The latency of a query is the sum of its copies and its computation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Performance {
    pub(crate) streams: usize,
    pub(crate) queries: usize,
    pub(crate) wall_seconds: f64,
    /// Of all streams together.
    pub(crate) queries_per_second: f64,
    pub(crate) latency_ms: Latency,
    pub(crate) enqueue_ms: Latency,
    pub(crate) h2d_ms: Latency,
    pub(crate) compute_ms: Latency,
    pub(crate) d2h_ms: Latency,
}

impl Performance {
    /// Sums up a measurement; none if nothing was measured.
    pub(crate) fn of(measured: &Measured, streams: usize, percentiles: &[f64]) -> Option<Self> {
        let queries = &measured.queries;
        let part = |time: fn(&Query) -> f64| Latency::of(queries.iter().map(time), percentiles);
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 queries")]
        let count = queries.len() as f64;
        Some(Self {
            streams,
            queries: queries.len(),
            wall_seconds: measured.wall_seconds,
            queries_per_second: count / measured.wall_seconds.max(1e-9),
            latency_ms: part(|query| query.latency_ms)?,
            enqueue_ms: part(|query| query.enq_ms)?,
            h2d_ms: part(|query| query.h2d_ms)?,
            compute_ms: part(|query| query.compute_ms)?,
            d2h_ms: part(|query| query.d2h_ms)?,
        })
    }
}

/// An output, with the fields that NVIDIA's tool writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputReport {
    name: String,
    /// `1x10`.
    dimensions: String,
    data_type: &'static str,
    values: Values,
}

impl OutputReport {
    pub(crate) fn new(name: &str, data_type: DataType, dims: &Dims, values: Values) -> Self {
        let dimensions = Shape(dims.to_vec()).to_string();
        Self { name: name.to_owned(), dimensions, data_type: values::name(data_type), values }
    }
}

impl Report {
    /// Writes the report to the standard output, as the options ask.
    pub(crate) fn print(&self, options: &ReportOptions) -> Result<()> {
        match options.format {
            Format::Text => print(&self.to_string()),
            Format::Json => print(&(document(self)? + "\n")),
        }
    }
}
