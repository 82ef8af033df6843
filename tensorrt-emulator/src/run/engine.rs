//! Engines: plans whose layers are prepared to run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tensorrt_sys::DataType;

use super::context::Context;
use super::hooks::MemoryAccount;
use super::io::{self, IoTensor};
use super::regions;
use super::schedule::Schedule;
use super::shapes::{InputShape, Shapes};
use crate::graph::{Graph, Layer, LayerKind, ValueInfo};
use crate::memory::Storage;
use crate::ops::{self, Kernel, Request};
use crate::plan::{Plan, Profile, Selector};
use crate::tensor::{Dims, Tensor};
use crate::{Error, Result, shape};

/// How an engine runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineOptions {
    /// The threads of the engine's own pool; the caller's rayon pool where absent.
    pub threads: Option<usize>,
}

/// A plan that is ready to run (`nvinfer1::ICudaEngine`): shared by any number of contexts, on any threads.
pub struct Engine {
    plan: Plan,
    /// One a layer; `None` for constants, which do not run.
    kernels: Vec<Option<Arc<dyn Kernel>>>,
    /// The graph with its loops and conditionals as single layers, where it has any.
    lowered: Option<Graph>,
    io: Vec<IoTensor>,
    pool: Option<ThreadPool>,
    /// The arena's bytes at each profile's maximum.
    memory: Vec<OnceLock<usize>>,
}

impl Engine {
    /// Prepares every layer of a plan.
    ///
    /// # Errors
    /// A layer, or its types, are not supported; the message names it.
    pub fn from_plan(plan: Plan, options: EngineOptions) -> Result<Arc<Self>> {
        let pool = match options.threads {
            Some(threads) => {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|error| Error::internal(format!("starting {threads} threads: {error}")))?)
            }
            None => None,
        };
        let io = io::tensors(&plan.graph)?;
        let prepare = || -> Result<_> {
            if plan.graph.is_stripped() {
                return Ok((None, Vec::new()));
            }
            let (lowered, regions) = match regions::lower(&plan.graph, &plan.identity)? {
                Some((graph, regions)) => (Some(graph), regions),
                None => (None, regions::Kernels::new()),
            };
            let kernels = prepare_all(lowered.as_ref().unwrap_or(&plan.graph), regions)?;
            Ok((lowered, kernels))
        };
        let (lowered, kernels) = match &pool {
            Some(pool) => pool.install(prepare)?,
            None => prepare()?,
        };
        let memory = plan.profiles.iter().map(|_| OnceLock::new()).collect();
        Ok(Arc::new(Self { plan, kernels, lowered, io, pool, memory }))
    }

    /// The engine of what is inside of a loop or conditional, with the kernels of those within it.
    ///
    /// # Errors
    /// As [`from_plan`](Self::from_plan).
    pub(super) fn of_region(plan: Plan, regions: regions::Kernels) -> Result<Arc<Self>> {
        let kernels = prepare_all(&plan.graph, regions)?;
        let io = io::tensors(&plan.graph)?;
        // Its extents have no bounds, so that its memory is allocated as it runs.
        let memory = plan.profiles.iter().map(|_| OnceLock::from(0)).collect();
        Ok(Arc::new(Self { plan, kernels, lowered: None, io, pool: None, memory }))
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The network as it runs: with its loops and conditionals as single layers.
    pub fn graph(&self) -> &Graph {
        self.lowered.as_ref().unwrap_or(&self.plan.graph)
    }

    /// Inputs, then outputs.
    pub fn io_tensors(&self) -> &[IoTensor] {
        &self.io
    }

    /// The index of an input or output among [`io_tensors`](Self::io_tensors).
    ///
    /// # Errors
    /// The engine has no such tensor.
    pub fn io_index(&self, name: &str) -> Result<usize> {
        let found = self.io.iter().position(|tensor| tensor.name == name);
        found.ok_or_else(|| Error::invalid(format!("the engine has no input or output \"{name}\"")))
    }

    /// The output that has the memory of input `index`, counted among the outputs.
    pub(super) fn alias_of_input(&self, index: usize) -> Option<usize> {
        self.io[self.num_inputs()..].iter().position(|tensor| tensor.aliased_input == Some(index))
    }

    /// The number of inputs.
    pub fn num_inputs(&self) -> usize {
        self.plan.graph.inputs.len()
    }

    /// The profiles.
    pub fn profiles(&self) -> &[Profile] {
        &self.plan.profiles
    }

    /// Profile `index`.
    ///
    /// # Errors
    /// There is none.
    pub fn profile(&self, index: usize) -> Result<&Profile> {
        self.plan.profiles.get(index).ok_or_else(|| {
            Error::invalid(format!("profile {index} does not exist: the engine has {}", self.plan.profiles.len()))
        })
    }

    /// The engine with other weights, by index in the plan.
    ///
    /// # Errors
    /// A layer refuses them.
    pub fn refitted(&self, weights: &BTreeMap<usize, Storage>) -> Result<Arc<Self>> {
        let mut plan = self.plan.clone();
        for (&index, storage) in weights {
            if let Some(blob) = plan.graph.weights.get_mut(index) {
                (blob.storage, blob.stripped) = (storage.clone(), false);
            }
        }
        Self::from_plan(plan, EngineOptions { threads: self.pool.as_ref().map(ThreadPool::current_num_threads) })
    }

    /// A new context with profile 0; its memory is charged to `account`.
    ///
    /// # Errors
    /// Weights were left out of the plan and are not set yet, or the account refuses.
    pub fn create_context(self: &Arc<Self>, account: Option<Arc<dyn MemoryAccount>>) -> Result<Context> {
        if self.plan.graph.is_stripped() {
            let text = "the plan was built without its weights: refit the engine before making contexts";
            return Err(Error::new(tensorrt_sys::ErrorCode::InvalidState, text));
        }
        Context::new(self.clone(), account)
    }

    /// The bytes of activation memory that a run at the profile's maximum needs (`getDeviceMemorySizeForProfile`); 0 where shapes depend on
    /// data, since memory is then allocated during the run.
    ///
    /// # Errors
    /// There is no such profile, or its maximum cannot be run.
    pub fn device_memory_size(&self, profile: usize) -> Result<usize> {
        self.profile(profile)?;
        if let Some(&bytes) = self.memory[profile].get() {
            return Ok(bytes);
        }
        let shapes = self.profile_shapes(profile, Selector::Max)?;
        let bytes = if shapes.is_static() { Schedule::new(self, &shapes)?.arena_bytes() } else { 0 };
        Ok(*self.memory[profile].get_or_init(|| bytes))
    }

    /// Infers every tensor's extents at one of a profile's three shapes.
    ///
    /// # Errors
    /// There is no such profile, or a layer refuses the shapes.
    pub(crate) fn profile_shapes(&self, profile: usize, selector: Selector) -> Result<Shapes> {
        let found = self.profile(profile)?;
        let mut inputs = Vec::with_capacity(self.num_inputs());
        for tensor in &self.io[..self.num_inputs()] {
            let dims = found.dims(&tensor.name, selector).ok_or_else(|| {
                Error::config(format!("profile {profile} has no dimensions for the input \"{}\"", tensor.name))
            })?;
            let values = found.values(&tensor.name, selector).map(<[i64]>::to_vec);
            let dims = self.common(found, &tensor.name, dims, selector);
            inputs.push(InputShape { dims, values });
        }
        Shapes::infer(self, &inputs)
    }

    /// What is known of a layer's outputs, from what is known of its inputs.
    ///
    /// # Errors
    /// The layer refuses them.
    pub(super) fn infer(&self, layer: usize, inputs: &[Option<&ValueInfo>]) -> Result<Vec<ValueInfo>> {
        let kind = &self.graph().layers[layer].kind;
        if !matches!(kind, LayerKind::Region(_)) {
            return shape::infer(kind, self.graph(), inputs);
        }
        let known = self.kernel(layer)?.infer(inputs)?;
        known.ok_or_else(|| Error::internal("the kernel of a loop or conditional does not know its outputs"))
    }

    /// The minimum or maximum of an input, each named dimension at the bound that all inputs with that name have in common.
    fn common(&self, profile: &Profile, input: &str, mut dims: Dims, selector: Selector) -> Dims {
        let graph = self.graph();
        let inputs = || graph.inputs.iter().map(|&id| graph.tensor(id));
        let names = inputs().find(|tensor| tensor.name == input).map_or(&[][..], |tensor| &tensor.dim_names);
        for (extent, name) in dims.iter_mut().zip(names).filter(|(_, name)| !name.is_empty()) {
            for tensor in inputs() {
                let Some(others) = profile.dims(&tensor.name, selector) else { continue };
                for (&other, _) in others.iter().zip(&tensor.dim_names).filter(|(_, other)| *other == name) {
                    *extent = match selector {
                        Selector::Min => other.max(*extent),
                        Selector::Opt => *extent,
                        Selector::Max => other.min(*extent),
                    };
                }
            }
        }
        dims
    }

    /// The prepared kernel of a layer.
    pub(super) fn kernel(&self, layer: usize) -> Result<&dyn Kernel> {
        let found = self.kernels.get(layer).and_then(Option::as_deref);
        found.ok_or_else(|| Error::internal(format!("layer {layer} does not run")))
    }

    /// Runs `work` on the engine's threads.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("name", &self.plan.graph.name)
            .field("layers", &self.kernels.len())
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}

/// Prepares every layer but those whose kernels there are already.
fn prepare_all(graph: &Graph, mut regions: regions::Kernels) -> Result<Vec<Option<Arc<dyn Kernel>>>> {
    let layers = graph.layers.iter().enumerate();
    let kernels = layers.map(|(index, layer)| match regions.remove(&index) {
        Some(kernel) => Ok(Some(kernel)),
        None => Ok(prepare(graph, layer)?.map(Arc::from)),
    });
    kernels.collect()
}

/// Prepares one layer.
///
/// # Errors
/// The layer is not supported; the message names it.
pub(crate) fn prepare(graph: &Graph, layer: &Layer) -> Result<Option<Box<dyn Kernel>>> {
    if matches!(layer.kind, LayerKind::Constant { .. }) {
        return Ok(None);
    }
    let inputs = || layer.inputs.iter().map(|id| id.map(|id| graph.tensor(id)));
    let input_types: Vec<Option<DataType>> = inputs().map(|tensor| tensor.map(|t| t.dtype)).collect();
    let input_ranks: Vec<Option<usize>> = inputs().map(|tensor| tensor.map(|t| t.dims.rank())).collect();
    let constants: Vec<Option<Tensor>> = layer.inputs.iter().map(|id| graph.constant((*id)?)).collect();
    let output_types: Vec<DataType> = layer.outputs.iter().map(|&id| graph.tensor(id).dtype).collect();
    let request = Request {
        kind: &layer.kind,
        graph,
        input_types: &input_types,
        input_ranks: &input_ranks,
        constants: &constants,
        output_types: &output_types,
    };
    let kernel = ops::prepare(&request);
    kernel.map(Some).map_err(|error| error.at(format!("layer \"{}\"", layer.name)))
}
