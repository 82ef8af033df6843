//! The engine: a built network on a device.

mod inspector;
mod layout;
mod memory;
mod runtime_config;
mod serialization;
mod streaming;
mod tensor_info;

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

use cuda_utils::Device;
use tensorrt_sys::{ICudaEngine, Library};

pub use self::inspector::EngineInspector;
pub use self::layout::TensorLayout;
pub use self::runtime_config::{RuntimeCache, RuntimeConfig};
pub use self::tensor_info::{TensorId, TensorInfo, TensorSelector};
use crate::context::ExecutionContext;
use crate::error::{Error, ErrorKind, Result};
use crate::network::count;
use crate::operation::Operation;
use crate::plan::Plan;
use crate::raw::{Raw, call};
use crate::runtime::Runtime;
use crate::value::{Value, flags, text};
use crate::{
    EngineCapability, ExecutionContextAllocationStrategy, HardwareCompatibilityLevel, ProfilingVerbosity, TacticSource,
    TensorIOMode,
};

/// A built network on a device. Cloning shares it.
///
/// It is `Send` and `Sync`: NVIDIA's developer guide names non-modifying operations on an engine, and creating execution contexts from it,
/// as thread-safe. Each thread that runs it makes an [`ExecutionContext`] of its own. An engine keeps its runtime and library alive.
///
/// What is known of its inputs and outputs is read once, so that asking costs nothing.
///
/// ```
/// fn shared<T: Send + Sync>() {}
/// shared::<tensorrt::Engine>();
/// ```
#[derive(Clone)]
#[doc(alias = "nvinfer1::ICudaEngine")]
pub struct Engine {
    inner: Arc<EngineInner>,
}

pub(crate) struct EngineInner {
    // Destroyed before the runtime: fields are dropped in order.
    raw: Raw<ICudaEngine>,
    runtime: Runtime,
    device: Device,
    tensors: Vec<TensorInfo>,
    name: String,
    num_profiles: usize,
}

// SAFETY: NVIDIA's developer guide ("Thread Safety") names as thread-safe "nonmodifying operations on a runtime or engine" and "creating an
// execution context from an engine". `Engine` has no method that modifies its object.
unsafe impl Sync for EngineInner {}

impl Engine {
    pub(crate) fn new(runtime: &Runtime, device: &Device, raw: Raw<ICudaEngine>) -> Result<Self> {
        // SAFETY: the engine is alive.
        let num_tensors = unsafe { call!(raw, ICudaEngine_getNbIOTensors()) }?;
        // SAFETY: the engine is alive.
        let num_profiles = unsafe { call!(raw, ICudaEngine_getNbOptimizationProfiles()) }.map(count)?;
        let mut tensors = Vec::with_capacity(count(num_tensors));
        for index in 0..num_tensors {
            // SAFETY: the engine is alive, and the index is below the count.
            let name = unsafe { call!(raw, ICudaEngine_getIOTensorName(index)) }?;
            if name.is_null() {
                let tried = format!("read the name of tensor {index}");
                return Err(Error::new(ErrorKind::UnknownName, tried, "TensorRT has none"));
            }
            // SAFETY: TensorRT returns a C string that lives as long as the engine; it is copied at once.
            let name = unsafe { CStr::from_ptr(name) }.to_owned();
            tensors.push(TensorInfo::read(&raw, name, num_profiles)?);
        }
        // SAFETY: the engine is alive.
        let name = unsafe { call!(raw, ICudaEngine_getName()) }?;
        // SAFETY: TensorRT returns null or a C string that lives as long as the engine; it is copied at once.
        let name = unsafe { text(name) };
        let (runtime, device) = (runtime.clone(), device.clone());
        Ok(Engine { inner: Arc::new(EngineInner { raw, runtime, device, tensors, name, num_profiles }) })
    }

    pub(crate) fn as_ptr(&self) -> *mut ICudaEngine {
        self.inner.raw.as_ptr()
    }

    /// Deserializes a plan with a [`Runtime`] of its own, on the first GPU, or of the emulator on the emulated device.
    ///
    /// # Errors
    ///
    /// As for [`Runtime::deserialize`].
    pub fn from_plan(library: &Library, plan: &Plan) -> Result<Self> {
        Runtime::new(library)?.deserialize(plan)
    }

    pub(crate) fn raw(&self) -> &Raw<ICudaEngine> {
        &self.inner.raw
    }

    /// The library it came from.
    #[must_use]
    pub fn library(&self) -> &Library {
        self.inner.raw.library()
    }

    /// The runtime it came from.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// The device it is on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.inner.device
    }

    /// The name of the network that it was built from.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getName")]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The inputs and outputs, in the engine's order.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getNbIOTensors")]
    pub fn io_tensors(&self) -> &[TensorInfo] {
        &self.inner.tensors
    }

    /// The number of inputs and outputs.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getNbIOTensors")]
    pub fn num_io_tensors(&self) -> usize {
        self.inner.tensors.len()
    }

    /// The inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &TensorInfo> {
        self.inner.tensors.iter().filter(|tensor| tensor.io_mode() == TensorIOMode::Input)
    }

    /// The outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &TensorInfo> {
        self.inner.tensors.iter().filter(|tensor| tensor.io_mode() == TensorIOMode::Output)
    }

    /// Where a tensor is among the inputs and outputs. Calls that take the result need not look for its name again.
    ///
    /// # Errors
    ///
    /// `UnknownName` if the engine has no such tensor.
    pub fn tensor_id(&self, tensor: impl TensorSelector) -> Result<TensorId> {
        tensor.find(&self.inner.tensors)
    }

    /// What is known of an input or output.
    ///
    /// # Errors
    ///
    /// `UnknownName` if the engine has no such tensor.
    pub fn tensor(&self, tensor: impl TensorSelector) -> Result<&TensorInfo> {
        let id = self.tensor_id(tensor)?;
        Ok(&self.inner.tensors[id.index()])
    }

    /// The number of optimization profiles.
    #[must_use]
    #[doc(alias = "nvinfer1::ICudaEngine::getNbOptimizationProfiles")]
    pub fn num_optimization_profiles(&self) -> usize {
        self.inner.num_profiles
    }

    /// Makes an execution context with memory of its own.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or `Setting` if TensorRT makes none.
    #[doc(alias = "nvinfer1::ICudaEngine::createExecutionContext")]
    pub fn create_execution_context(&self) -> Result<ExecutionContext> {
        ExecutionContext::new(self, ExecutionContextAllocationStrategy::Static)
    }

    /// Makes an execution context whose activation memory is allocated as the strategy says: for all profiles at once, anew when the
    /// profile changes, or by the user ([`ExecutionContext::set_device_memory`]).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or `Setting` if TensorRT makes none.
    #[doc(alias = "nvinfer1::ICudaEngine::createExecutionContext")]
    #[doc(alias = "nvinfer1::ICudaEngine::createExecutionContextWithoutDeviceMemory")]
    pub fn create_execution_context_with(
        &self,
        strategy: ExecutionContextAllocationStrategy,
    ) -> Result<ExecutionContext> {
        ExecutionContext::new(self, strategy)
    }

    /// The number of layers after fusion.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getNbLayers")]
    pub fn num_layers(&self) -> Result<usize> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.inner.raw, ICudaEngine_getNbLayers()) }.map(count)
    }

    /// The most streams beside the given one that an inference uses.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getNbAuxStreams")]
    pub fn num_aux_streams(&self) -> Result<usize> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.inner.raw, ICudaEngine_getNbAuxStreams()) }.map(count)
    }

    /// Whether its weights can be replaced.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::isRefittable")]
    pub fn is_refittable(&self) -> Result<bool> {
        // SAFETY: the engine is alive as long as `self`.
        unsafe { call!(self.inner.raw, ICudaEngine_isRefittable()) }
    }

    /// What its inspector and profilers can say about layers.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a value that this crate has no name for.
    #[doc(alias = "nvinfer1::ICudaEngine::getProfilingVerbosity")]
    pub fn profiling_verbosity(&self) -> Result<ProfilingVerbosity> {
        // SAFETY: the engine is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, ICudaEngine_getProfilingVerbosity()) }?;
        <ProfilingVerbosity as Value>::read(self.library(), raw, "ICudaEngine::getProfilingVerbosity")
    }

    /// The restrictions that it obeys.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a value that this crate has no name for.
    #[doc(alias = "nvinfer1::ICudaEngine::getEngineCapability")]
    pub fn engine_capability(&self) -> Result<EngineCapability> {
        // SAFETY: the engine is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, ICudaEngine_getEngineCapability()) }?;
        <EngineCapability as Value>::read(self.library(), raw, "ICudaEngine::getEngineCapability")
    }

    /// Which GPUs can run it.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a value that this crate has no name for.
    #[doc(alias = "nvinfer1::ICudaEngine::getHardwareCompatibilityLevel")]
    pub fn hardware_compatibility_level(&self) -> Result<HardwareCompatibilityLevel> {
        // SAFETY: the engine is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, ICudaEngine_getHardwareCompatibilityLevel()) }?;
        <HardwareCompatibilityLevel as Value>::read(self.library(), raw, "ICudaEngine::getHardwareCompatibilityLevel")
    }

    /// Where its tactics came from.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ICudaEngine::getTacticSources")]
    pub fn tactic_sources(&self) -> Result<Vec<TacticSource>> {
        // SAFETY: the engine is alive as long as `self`.
        let bits = unsafe { call!(self.inner.raw, ICudaEngine_getTacticSources()) }?;
        Ok(flags(self.library(), bits))
    }

    /// The engine as a plan again.
    ///
    /// # Errors
    ///
    /// `Build` if TensorRT cannot serialize it.
    #[doc(alias = "nvinfer1::ICudaEngine::serialize")]
    pub fn serialize(&self) -> Result<Plan> {
        let operation = Operation::begin();
        // SAFETY: the engine is alive as long as `self`.
        let made = unsafe { call!(self.inner.raw, ICudaEngine_serialize()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "serialize the engine", made)?;
        // SAFETY: the memory was just made by this library for the caller, who owns it.
        Plan::from_host_memory(unsafe { Raw::new(self.library(), pointer) })
    }

    /// Checks a profile's index.
    pub(crate) fn profile_index(&self, profile: usize) -> Result<i32> {
        let index = i32::try_from(profile).ok().filter(|_| profile < self.inner.num_profiles);
        index.ok_or_else(|| {
            let said = format!("the engine has {}", self.inner.num_profiles);
            Error::new(ErrorKind::UnknownName, format_args!("use optimization profile {profile}"), said)
        })
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("name", &self.inner.name)
            .field("tensors", &self.inner.tensors)
            .finish_non_exhaustive()
    }
}
