//! `ICudaEngine`: a plan that is ready to run.

use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tensorrt_sys::{
    Api, ErrorCode, ExecutionContextAllocationStrategy, Family, ICudaEngine, IEngineInspector, IExecutionContext,
    IHostMemory, IRuntimeConfig, ISerializationConfig, OptProfileSelector, SerializationFlag, TensorFormat,
    TensorIOMode, TensorLocation,
};

use super::context::ContextObject;
use super::dims::to_c;
use super::entries::entries;
use super::host_memory::HostMemory;
use super::inspector::InspectorObject;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::runtime_config::RuntimeConfigObject;
use super::scope::{Scope, c_text};
use super::serialization::SerializationObject;
use super::text::{Text, read};
use super::value::Value;
use crate::memory::Storage;
use crate::plan::{Plan, Selector};
use crate::run::{Engine, EngineOptions, IoTensor};
use crate::tensor::bits;
use crate::{Error, Result};

/// The engine as it is now: a refitter puts another in its place.
#[derive(Debug)]
pub(super) struct Slot {
    current: Mutex<Arc<Engine>>,
    /// How often it was replaced.
    generation: AtomicU64,
}

impl Slot {
    fn new(engine: &Arc<Engine>) -> Arc<Self> {
        Arc::new(Self { current: Mutex::new(engine.clone()), generation: AtomicU64::new(0) })
    }

    /// The engine with the newest weights.
    pub(super) fn current(&self) -> Arc<Engine> {
        lock(&self.current).clone()
    }

    /// The engine with the newest weights, and its generation.
    pub(super) fn newest(&self) -> (u64, Arc<Engine>) {
        let current = lock(&self.current);
        (self.generation(), current.clone())
    }

    /// How often it was replaced.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts an engine with other weights in its place.
    pub(super) fn replace(&self, engine: Arc<Engine>) {
        let mut current = lock(&self.current);
        *current = engine;
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// The object behind `ICudaEngine`.
#[derive(Debug)]
pub(super) struct EngineObject {
    scope: Scope,
    /// The engine as it was deserialized: what does not change when it is refitted.
    pub(super) engine: Arc<Engine>,
    slot: Arc<Slot>,
    /// The names of inputs and outputs, for C.
    names: Vec<CString>,
    name: Text,
}

impl Object for EngineObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl EngineObject {
    /// A new engine from a plan.
    ///
    /// # Errors
    /// A layer that is not supported.
    pub(super) fn hand_out(scope: Scope, plan: Plan) -> Result<*mut ICudaEngine> {
        let engine = Engine::from_plan(plan, EngineOptions::default())?;
        let names = engine.io_tensors().iter().map(|tensor| c_text(&tensor.name)).collect();
        let slot = Slot::new(&engine);
        Ok(into_raw(Self { scope, engine, slot, names, name: Text::default() }))
    }

    /// Where the engine with the newest weights is.
    pub(super) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    fn family(&self) -> Family {
        self.scope.family
    }

    fn tensor(&self, name: *const c_char) -> Result<&IoTensor> {
        let name = read(name, "the tensor's name")?;
        Ok(&self.engine.io_tensors()[self.engine.io_index(&name)?])
    }

    /// What vectorized formats answer, of which the emulator has none: −1, as TensorRT does for linear ones.
    fn not_vectorized(&self, name: *const c_char) -> Result<i32> {
        self.tensor(name)?;
        Ok(-1)
    }

    fn context(&self, object: *mut ICudaEngine, own_memory: bool) -> Result<*mut IExecutionContext> {
        ContextObject::hand_out(self.scope.clone(), &self.slot, object, own_memory)
    }

    fn serialize(&self, exclude_weights: bool) -> Result<*mut IHostMemory> {
        let engine = self.slot.current();
        let bytes = if exclude_weights {
            engine.plan().clone().without_weights().to_bytes()
        } else {
            engine.plan().to_bytes()
        }?;
        Ok(HostMemory::hand_out(self.scope.clone(), Storage::copy_of(&bytes)))
    }

    fn profile_index(index: i32) -> Result<usize> {
        usize::try_from(index).map_err(|_| Error::invalid(format!("there is no profile {index}")))
    }
}

/// The address that C knows an engine by.
fn address(engine: &EngineObject) -> *mut ICudaEngine {
    std::ptr::from_ref(engine).cast_mut().cast()
}

/// Fills the entries.
#[expect(clippy::too_many_lines, reason = "one entry a fact, in the order of NVIDIA's header")]
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut ICudaEngine) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<EngineObject>(object.cast::<c_void>()) };
    }
    api.ICudaEngine_destroy = Some(destroy);
    entries! { api;
        ICudaEngine: EngineObject {
            fn ICudaEngine_getName(engine) -> *const c_char { Ok(engine.name.show(&engine.engine.plan().graph.name)) }
            fn ICudaEngine_getNbLayers(engine) -> i32 { Ok(i32::try_from(engine.engine.plan().graph.layers.len()).unwrap_or(i32::MAX)) }
            fn ICudaEngine_getNbIOTensors(engine) -> i32 { Ok(i32::try_from(engine.names.len()).unwrap_or(i32::MAX)) }
            fn ICudaEngine_getIOTensorName(engine, index: i32) -> *const c_char {
                let name = usize::try_from(index).ok().and_then(|index| engine.names.get(index));
                let name = name.ok_or_else(|| Error::invalid(format!("there is no tensor {index}, the engine has {}", engine.names.len())));
                Ok(name?.as_ptr())
            }
            fn ICudaEngine_getTensorShape(engine, name: *const c_char) -> tensorrt_sys::Dims { Ok(to_c(&engine.tensor(name)?.dims)) }
            fn ICudaEngine_getTensorDataType(engine, name: *const c_char) -> i32 { Ok(engine.tensor(name)?.dtype.show(engine.family())) }
            fn ICudaEngine_getTensorLocation(engine, name: *const c_char) -> i32 {
                let tensor = engine.tensor(name)?;
                let on_host = tensor.is_shape && tensor.is_input;
                let location = if on_host { TensorLocation::Host } else { TensorLocation::Device };
                Ok(location.show(engine.family()))
            }
            fn ICudaEngine_isShapeInferenceIO(engine, name: *const c_char) -> bool { Ok(engine.tensor(name)?.is_shape) }
            fn ICudaEngine_getTensorIOMode(engine, name: *const c_char) -> i32 {
                let mode = engine.tensor(name).map(|tensor| if tensor.is_input { TensorIOMode::Input } else { TensorIOMode::Output });
                Ok(mode.unwrap_or(TensorIOMode::None).show(engine.family()))
            }
            fn ICudaEngine_getTensorBytesPerComponent(engine, name: *const c_char) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorBytesPerComponentV2(engine, name: *const c_char, profile: i32) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorComponentsPerElement(engine, name: *const c_char) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorComponentsPerElementV2(engine, name: *const c_char, profile: i32) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorVectorizedDim(engine, name: *const c_char) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorVectorizedDimV2(engine, name: *const c_char, profile: i32) -> i32 { engine.not_vectorized(name) }
            fn ICudaEngine_getTensorFormat(engine, name: *const c_char) -> i32 {
                engine.tensor(name)?;
                Ok(TensorFormat::Linear.show(engine.family()))
            }
            fn ICudaEngine_getTensorFormatV2(engine, name: *const c_char, profile: i32) -> i32 {
                engine.tensor(name)?;
                Ok(TensorFormat::Linear.show(engine.family()))
            }
            fn ICudaEngine_getTensorFormatDesc(engine, name: *const c_char) -> *const c_char {
                Ok(format_description(bits(engine.tensor(name)?.dtype)).as_ptr())
            }
            fn ICudaEngine_getTensorFormatDescV2(engine, name: *const c_char, profile: i32) -> *const c_char {
                Ok(format_description(bits(engine.tensor(name)?.dtype)).as_ptr())
            }
            fn ICudaEngine_getNbOptimizationProfiles(engine) -> i32 { Ok(i32::try_from(engine.engine.profiles().len()).unwrap_or(i32::MAX)) }
            fn ICudaEngine_getProfileShape(engine, name: *const c_char, profile: i32, selector: i32) -> tensorrt_sys::Dims {
                let tensor = engine.tensor(name)?;
                let selector = select(engine.family(), selector)?;
                let dims = engine.engine.profile(EngineObject::profile_index(profile)?)?.dims(&tensor.name, selector);
                let dims = dims.ok_or_else(|| Error::invalid(format!("\"{}\" is not an input", tensor.name)))?;
                Ok(to_c(&dims))
            }
            fn ICudaEngine_getProfileTensorValuesV2(engine, name: *const c_char, profile: i32, selector: i32) -> *const i64 {
                let tensor = engine.tensor(name)?;
                let selector = select(engine.family(), selector)?;
                let values = engine.engine.profile(EngineObject::profile_index(profile)?)?.values(&tensor.name, selector);
                Ok(values.map_or(std::ptr::null(), <[i64]>::as_ptr))
            }
            fn ICudaEngine_getDeviceMemorySizeV2(engine) -> i64 {
                let sizes = (0..engine.engine.profiles().len()).map(|profile| engine.engine.device_memory_size(profile));
                let largest = sizes.collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or(0);
                Ok(i64::try_from(largest).unwrap_or(i64::MAX))
            }
            fn ICudaEngine_getDeviceMemorySizeForProfileV2(engine, profile: i32) -> i64 {
                let size = engine.engine.device_memory_size(EngineObject::profile_index(profile)?)?;
                Ok(i64::try_from(size).unwrap_or(i64::MAX))
            }
            fn ICudaEngine_getStreamableWeightsSize(engine) -> i64 { Ok(0) }
            fn ICudaEngine_isRefittable(engine) -> bool { Ok(engine.engine.plan().settings.refittable) }
            fn ICudaEngine_isDebugTensor(engine, name: *const c_char) -> bool {
                let (name, graph) = (read(name, "the tensor's name")?, engine.engine.graph());
                Ok(graph.debug.iter().any(|&id| graph.tensor(id).name == name))
            }
            fn ICudaEngine_getEngineCapability(engine) -> i32 { Ok(engine.engine.plan().settings.capability.show(engine.family())) }
            fn ICudaEngine_getProfilingVerbosity(engine) -> i32 { Ok(engine.engine.plan().settings.profiling_verbosity.show(engine.family())) }
            fn ICudaEngine_getHardwareCompatibilityLevel(engine) -> i32 {
                Ok(engine.engine.plan().settings.hardware_compatibility.show(engine.family()))
            }
            fn ICudaEngine_getTacticSources(engine) -> u32 { Ok(engine.engine.plan().settings.tactic_sources) }
            fn ICudaEngine_getNbAuxStreams(engine) -> i32 { Ok(0) }
            fn ICudaEngine_getAliasedInputTensor(engine, name: *const c_char) -> *const c_char {
                let aliased = engine.tensor(name)?.aliased_input;
                Ok(aliased.and_then(|input| engine.names.get(input)).map_or(std::ptr::null(), |name| name.as_ptr()))
            }
            fn ICudaEngine_hasImplicitBatchDimension(engine) -> bool { Ok(false) }
            fn ICudaEngine_serialize(engine) -> *mut IHostMemory {
                engine.serialize(false)
            }
            fn ICudaEngine_createExecutionContext(engine, strategy: i32) -> *mut IExecutionContext {
                let strategy = ExecutionContextAllocationStrategy::read(engine.family(), strategy)?;
                engine.context(address(engine), !matches!(strategy, ExecutionContextAllocationStrategy::UserManaged))
            }
            fn ICudaEngine_createRuntimeConfig(engine) -> *mut IRuntimeConfig {
                Ok(RuntimeConfigObject::hand_out(engine.scope.clone()))
            }
            fn ICudaEngine_createExecutionContextWithRuntimeConfig(engine, config: *mut IRuntimeConfig) -> *mut IExecutionContext {
                // SAFETY: the table's contract: the configuration is alive during the call.
                let config: Option<&RuntimeConfigObject> = unsafe { borrow(config) };
                let strategy = config.ok_or_else(|| Error::invalid("the configuration is null"))?.allocation();
                engine.context(address(engine), !matches!(strategy, ExecutionContextAllocationStrategy::UserManaged))
            }
            fn ICudaEngine_createSerializationConfig(engine) -> *mut ISerializationConfig {
                Ok(SerializationObject::hand_out(engine.scope.clone()))
            }
            fn ICudaEngine_serializeWithConfig(engine, config: *mut ISerializationConfig) -> *mut IHostMemory {
                // SAFETY: the table's contract: the configuration is alive during the call.
                let config: Option<&SerializationObject> = unsafe { borrow(config) };
                let config = config.ok_or_else(|| Error::invalid("the configuration is null"))?;
                let exclude = config.has(SerializationFlag::ExcludeWeights);
                if exclude && !engine.engine.plan().settings.refittable {
                    let text = "weights can be left out of plans of refittable engines only (BuilderFlag::kREFIT)";
                    return Err(Error::new(ErrorCode::InvalidState, text));
                }
                engine.serialize(exclude)
            }
            fn ICudaEngine_setWeightStreamingBudgetV2(engine, bytes: i64) -> bool {
                if bytes == 0 {
                    return Ok(true);
                }
                Err(Error::invalid(format!("a budget of {bytes} bytes: the engine has no weights that can be streamed")))
            }
            fn ICudaEngine_getWeightStreamingBudgetV2(engine) -> i64 { Ok(0) }
            fn ICudaEngine_getWeightStreamingAutomaticBudget(engine) -> i64 { Ok(0) }
            fn ICudaEngine_getWeightStreamingScratchMemorySize(engine) -> i64 { Ok(0) }
            fn ICudaEngine_createExecutionContextWithoutDeviceMemory(engine) -> *mut IExecutionContext {
                engine.context(address(engine), false)
            }
            fn ICudaEngine_createEngineInspector(engine) -> *mut IEngineInspector {
                Ok(InspectorObject::hand_out(engine.scope.clone(), engine.engine.clone()))
            }
            fn ICudaEngine_setErrorRecorder(engine, recorder: *mut tensorrt_sys::IErrorRecorder) {
                engine.scope.set_recorder(recorder);
                Ok(())
            }
            fn ICudaEngine_getErrorRecorder(engine) -> *mut tensorrt_sys::IErrorRecorder { Ok(engine.scope.recorder()) }
        }
    }
}

/// The description of the linear format, in the words of NVIDIA's library.
fn format_description(bits: usize) -> &'static std::ffi::CStr {
    match bits {
        64 => c"Row-major linear INT64 format (kLINEAR)",
        32 => c"Row-major linear 32-bit format (kLINEAR)",
        16 => c"Row-major linear 16-bit format (kLINEAR)",
        _ => c"Row-major linear format (kLINEAR)",
    }
}

fn select(family: Family, selector: i32) -> Result<Selector> {
    Ok(match OptProfileSelector::read(family, selector)? {
        OptProfileSelector::Min => Selector::Min,
        OptProfileSelector::Opt => Selector::Opt,
        _ => Selector::Max,
    })
}
