//! What is done with each mutant, as far as it goes: decode, check, import, build, run.

use std::collections::BTreeMap;
use std::path::Path;

use tensorrt_emulator::build::{BuildConfig, Quiet, build};
use tensorrt_emulator::graph::{Graph, LayerKind};
use tensorrt_emulator::memory::Storage;
use tensorrt_emulator::network::Network;
use tensorrt_emulator::onnx::{Importer, Model, check};
use tensorrt_emulator::plan::{Identity, Plan, Profile};
use tensorrt_emulator::run::{Context, Engine, EngineOptions};
use tensorrt_emulator::tensor::{Dims, byte_len};
use tensorrt_sys::{DataType, Family, TripLimit, Version};

use super::random::Random;

/// Inputs, outputs and activations of at most this many bytes are worth a run.
const CHEAP: usize = 64 << 10;

/// How far a mutant came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Not a model, or not a plan.
    Refused,
    /// Decoded, not imported.
    Decoded,
    /// Imported, not built.
    Imported,
    /// Built or loaded, not run: too large, or refused.
    Built,
    /// Run.
    Ran,
}

/// What a mutant became: where it ended, or what is left to run.
pub(crate) enum Outcome {
    Ended(Stage),
    Ready(Box<Context>),
}

impl Outcome {
    /// Runs what can be run.
    pub(crate) fn run(self) -> Stage {
        match self {
            Self::Ended(stage) => stage,
            Self::Ready(context) => run(*context),
        }
    }
}

/// The bytes of a model.
pub(crate) fn onnx(bytes: &[u8], folder: Option<&Path>) -> Outcome {
    use Outcome::Ended;
    let Ok(model) = Model::from_bytes(bytes.to_vec(), folder) else { return Ended(Stage::Refused) };
    let _ = check(&model);
    let _ = Importer::new().supports(&model);
    let mut network = Network::new();
    if Importer::new().import(&model, &mut network).is_err() {
        return Ended(Stage::Decoded);
    }
    drop(model);
    match build(&network, &config(&network), &mut Quiet) {
        Ok(plan) => load(plan),
        Err(_) => Ended(Stage::Imported),
    }
}

/// The bytes of a plan.
pub(crate) fn plan(bytes: &[u8]) -> Outcome {
    match Plan::from_bytes(bytes) {
        Ok(plan) => load(plan),
        Err(_) => Outcome::Ended(Stage::Refused),
    }
}

/// The plan of a model, as bytes.
pub(crate) fn plan_of(bytes: &[u8], folder: Option<&Path>) -> Option<Vec<u8>> {
    let model = Model::from_bytes(bytes.to_vec(), folder).ok()?;
    let mut network = Network::new();
    Importer::new().import(&model, &mut network).ok()?;
    build(&network, &config(&network), &mut Quiet).ok()?.to_bytes().ok()
}

/// Small profiles: two where an extent is not known, ones as values.
pub(crate) fn config(network: &Network) -> BuildConfig {
    let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
    let graph = network.graph();
    let mut profile = Profile { dims: BTreeMap::new(), values: BTreeMap::new() };
    for &id in &graph.inputs {
        let tensor = graph.tensor(id);
        let extents: Vec<i64> = tensor.dims.iter().map(|&extent| if extent < 0 { 2 } else { extent }).collect();
        let Ok(dims) = Dims::new(&extents) else { continue };
        profile.dims.insert(tensor.name.clone(), [dims; 3]);
        if matches!(tensor.dtype, DataType::Int32 | DataType::Int64 | DataType::Bool)
            && let Some(count) = dims.volume().filter(|&count| count <= 64)
        {
            profile.values.insert(tensor.name.clone(), [vec![1; count], vec![1; count], vec![1; count]]);
        }
    }
    config.profiles.push(profile);
    config
}

fn load(plan: Plan) -> Outcome {
    let _ = plan.to_bytes().is_ok_and(|bytes| Plan::from_bytes(&bytes).is_ok());
    let context = Engine::from_plan(plan, EngineOptions::default()).and_then(|engine| engine.create_context(None));
    context.map_or(Outcome::Ended(Stage::Built), |context| Outcome::Ready(Box::new(context)))
}

/// Whether loops end soon: their counts are small constants. What a loop is told to do it does, however long that takes.
fn is_short(graph: &Graph) -> bool {
    graph.layers.iter().all(|layer| match layer.kind {
        LayerKind::TripLimit { limit: TripLimit::Count, .. } => {
            let count = layer.inputs.first().copied().flatten().and_then(|id| graph.constant(id));
            let count = count.and_then(|count| count.view().to_i64().ok());
            count.is_some_and(|count| count.iter().all(|&count| count <= 100))
        }
        LayerKind::TripLimit { .. } => false,
        _ => true,
    })
}

fn run(mut context: Context) -> Stage {
    let engine = context.engine().clone();
    let Ok(profile) = engine.profile(0).cloned() else { return Stage::Built };
    let Ok(memory) = engine.device_memory_size(0) else { return Stage::Built };
    let mut random = Random::new(memory as u64);
    if memory > CHEAP || !is_short(&engine.plan().graph) {
        return Stage::Built;
    }
    // Where values say how large things are, they are small.
    let tiny =
        (engine.num_inputs()..engine.io_tensors().len()).any(|index| !engine.io_tensors()[index].dims.is_static());
    let mut inputs = Vec::new();
    for (index, tensor) in engine.io_tensors()[..engine.num_inputs()].iter().enumerate() {
        let Some(dims) = profile.dims(&tensor.name, tensorrt_emulator::plan::Selector::Opt) else {
            return Stage::Built;
        };
        let bytes = dims.volume().and_then(|count| byte_len(tensor.dtype, count)).filter(|&bytes| bytes <= CHEAP);
        let Some(bytes) = bytes else { return Stage::Built };
        if context.set_input_shape(index, dims).is_err() {
            return Stage::Built;
        }
        let mut storage = Storage::zeroed(bytes);
        let values = profile.values(&tensor.name, tensorrt_emulator::plan::Selector::Opt).filter(|_| tensor.is_shape);
        match values {
            Some(values) => {
                let width = bytes.checked_div(values.len()).unwrap_or(1).clamp(1, 8);
                for (slot, value) in storage.make_mut().chunks_mut(width).zip(values) {
                    slot.copy_from_slice(&value.to_le_bytes()[..slot.len()]);
                }
            }
            None if tiny => storage.make_mut().iter_mut().step_by(8).for_each(|byte| *byte = random.byte() & 3),
            None if tensor.dtype == DataType::Bool => {
                storage.make_mut().iter_mut().for_each(|byte| *byte = random.byte() & 1);
            }
            None => storage.make_mut().iter_mut().for_each(|byte| *byte = random.byte()),
        }
        inputs.push(storage);
    }
    for index in engine.num_inputs()..engine.io_tensors().len() {
        let dtype = engine.io_tensors()[index].dtype;
        let Ok(dims) = context.tensor_shape(index) else { return Stage::Built };
        let bytes = dims.volume().map(|count| byte_len(dtype, count));
        if bytes.is_some_and(|bytes| bytes.is_none_or(|bytes| bytes > CHEAP)) {
            return Stage::Built;
        }
    }
    let buffers: Vec<&[u8]> = inputs.iter().map(|storage| &storage[..]).collect();
    match context.run_dynamic(&buffers) {
        Ok(_) => Stage::Ran,
        Err(_) => Stage::Built,
    }
}
