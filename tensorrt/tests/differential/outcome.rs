//! What a library makes of a case.

use std::cell::RefCell;

use log::{Level, LevelFilter, Log, Metadata, Record};
use tensorrt::{Builder, ComputeCapability, Layer, OptimizationProfile, Plan, Result};

use crate::draft::Draft;
use crate::layers::Generator;

/// What a library made of a case, and what the case was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `add`, refused when the layer was added or a property set; `dims`, refused when its dimensions were asked for; otherwise the types
    /// and dimensions of its outputs.
    pub(crate) answer: String,
    /// The choices.
    pub(crate) text: String,
    /// Why it was refused.
    pub(crate) reason: String,
}

impl Outcome {
    pub(crate) fn accepted(&self) -> bool {
        !matches!(&self.answer[..], "add" | "dims")
    }

    /// Whether another library answered the same: refused both, or accepted with the same types and dimensions.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.answer == other.answer || (!self.accepted() && !other.accepted())
    }

    /// As one line.
    pub(crate) fn line(&self) -> String {
        let reason = self.reason.replace(['\n', '\t'], " ");
        format!("{}\t{}\t{reason}", self.answer, self.text)
    }

    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Outcome { answer: fields.next()?, text: fields.next()?, reason: fields.next()? })
    }
}

thread_local! {
    /// The last error that a library logged, for it says why dimensions are refused.
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the last error.
struct LastError;

impl Log for LastError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Error
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !record.args().to_string().contains("Cuda Runtime") {
            LOGGED.with(|last| *last.borrow_mut() = record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Applies a case.
pub(crate) fn run(builder: &Builder, generator: Generator, seed: u64) -> Outcome {
    if log::set_logger(&LastError).is_ok() {
        log::set_max_level(LevelFilter::Error);
    }
    let network = builder.create_network(&[]).unwrap();
    let mut draft = Draft::new(&network, seed);
    let made = generator(&mut draft);
    let text = draft.text.trim().to_owned();
    match made.and_then(|layer| answer(&layer)) {
        Ok(Some(answer)) => Outcome { answer, text, reason: String::new() },
        Ok(None) => Outcome { answer: "dims".into(), text, reason: LOGGED.with(RefCell::take) },
        Err(error) => Outcome { answer: "add".into(), text, reason: error.to_string() },
    }
}

fn answer(layer: &Layer<'_>) -> Result<Option<String>> {
    let mut all = Vec::new();
    for output in layer.outputs()? {
        let Some(dims) = output.dims()? else { return Ok(None) };
        all.push(format!("{}{dims}", output.data_type()?.name().trim_start_matches('k')));
    }
    Ok(Some(all.join(" ")))
}

/// Builds a case; `extent` stands in for extents and values that are not known.
pub(crate) fn build(builder: &Builder, generator: Generator, seed: u64, extent: i64) -> Result<Plan> {
    let network = builder.create_network(&[])?;
    let mut draft = Draft::new(&network, seed);
    let layer = generator(&mut draft)?;
    for output in layer.outputs()? {
        network.mark_output(output)?;
    }
    let mut config = builder.create_builder_config()?;
    if !network.library().is_emulated() {
        config.set_compute_capabilities(&[ComputeCapability::Sm89])?;
    }
    let mut profile = OptimizationProfile::new();
    for input in network.inputs()? {
        let (name, dims) = (input.name()?, input.dims()?.unwrap_or_default());
        let known: Vec<i64> = dims.iter().map(|&at| if at < 0 { extent } else { at }).collect();
        if input.is_shape_tensor()? {
            let count: i64 = known.iter().product();
            let values = vec![extent; usize::try_from(count).unwrap_or(0)];
            profile = profile.shape_values(&name, &values, &values, &values)?;
        }
        profile = profile.input(&name, &known[..], &known[..], &known[..])?;
    }
    config.add_optimization_profile(&profile)?;
    builder.build_serialized_network(&network, &config)
}

/// What a library says of building a case: empty if it can be built in some way.
pub(crate) fn refusal(builder: &Builder, generator: Generator, seed: u64) -> String {
    let mut first = String::new();
    for extent in [2, 1, 4] {
        match build(builder, generator, seed, extent) {
            Ok(_) => return String::new(),
            Err(error) if first.is_empty() => first = error.to_string().replace(['\n', '\t'], " "),
            Err(_) => {}
        }
    }
    first
}
