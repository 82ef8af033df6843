//! What a library makes of a case.

use tensorrt::{Builder, ComputeCapability, OptimizationProfile, Plan, Result};

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

    /// As one line.
    pub(crate) fn line(&self) -> String {
        format!("{}\t{}\t{}", self.answer, self.text, self.reason.replace(['\n', '\t'], " "))
    }

    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Outcome { answer: fields.next()?, text: fields.next()?, reason: fields.next()? })
    }
}

/// Applies a case.
pub(crate) fn run(builder: &Builder, generator: Generator, seed: u64) -> Outcome {
    let network = builder.create_network(&[]).unwrap();
    let mut draft = Draft::new(&network, seed);
    let made = generator(&mut draft);
    let text = draft.text.trim().to_owned();
    let refused = |answer: &str, reason: String| Outcome { answer: answer.to_owned(), text: text.clone(), reason };
    let layer = match made {
        Ok(layer) => layer,
        Err(error) => return refused("add", error.to_string()),
    };
    let mut all = Vec::new();
    for output in layer.outputs().unwrap() {
        match output.dims() {
            Ok(Some(dims)) => {
                let data_type = output.data_type().unwrap();
                all.push(format!("{}{dims}", data_type.name().trim_start_matches('k')));
            }
            Ok(None) => return refused("dims", String::new()),
            Err(error) => return refused("dims", error.to_string()),
        }
    }
    Outcome { answer: all.join(" "), text, reason: String::new() }
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
