//! `IBuilder`: makes networks, configurations and profiles, and builds plans.

use std::ffi::c_void;
use std::sync::Mutex;

use tensorrt_sys::{
    Api, BuilderFlag, Family, IBuilderConfig, IHostMemory, ILogger, INetworkDefinition, IOptimizationProfile,
    IStreamWriter, Severity,
};

use super::callbacks::{ProgressMonitor, StreamWriter};
use super::config::{ConfigObject, Settings};
use super::entries::entries;
use super::host_memory::HostMemory;
use super::network::NetworkObject;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::profile::ProfileObject;
use super::scope::{Scope, c_text};
use super::timing_cache::TimingCacheObject;
use crate::build::{self, BuildConfig, Progress};
use crate::memory::Storage;
use crate::plan::Plan;
use crate::{Error, Result};

/// The object behind `IBuilder`. It owns its profiles, as TensorRT's builder does.
#[derive(Debug)]
pub(super) struct BuilderObject {
    scope: Scope,
    max_threads: Mutex<i32>,
    #[expect(clippy::vec_box, reason = "the user holds their addresses, which must not move")]
    profiles: Mutex<Vec<Box<ProfileObject>>>,
    /// The number of networks made.
    networks: Mutex<u32>,
}

impl Object for BuilderObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Makes a builder; the version says which TensorRT the emulator is.
unsafe extern "C" fn create<const STRICT: bool>(logger: *mut c_void, version: i32) -> *mut c_void {
    let Some(scope) = Scope::of_version(logger.cast(), version) else { return std::ptr::null_mut() };
    into_raw(BuilderObject {
        scope: scope.with_strict(STRICT),
        max_threads: Mutex::new(1),
        profiles: Mutex::default(),
        networks: Mutex::default(),
    })
}

impl BuilderObject {
    fn build(&self, network: *mut INetworkDefinition, config: *mut IBuilderConfig) -> Result<Plan> {
        // SAFETY: the table's contract: both are alive during the call.
        let network: Option<&NetworkObject> = unsafe { borrow(network) };
        // SAFETY: as above.
        let config: Option<&ConfigObject> = unsafe { borrow(config) };
        let network = network.ok_or_else(|| Error::invalid("the network is null"))?;
        let settings = config.ok_or_else(|| Error::invalid("the configuration is null"))?.settings();
        refuse_precision(self.scope.family, &settings, network.strongly_typed())?;
        let mut config = BuildConfig {
            identity: self.scope.identity(),
            settings: settings.to_plan(self.scope.family, network.flags()),
            profiles: settings.profiles.iter().map(|profile| profile.complete()).collect::<Result<_>>()?,
            threads: usize::try_from(*lock(&self.max_threads)).ok(),
            strict: self.scope.strict,
        };
        // SAFETY: the table's contract: a monitor that was set is alive while plans are built.
        let monitor: Option<&ProgressMonitor> = unsafe { borrow(settings.progress) };
        let mut state = network.shared.state();
        config.settings.debugs_unfused = state.debugs_unfused();
        let plan = build::build(state.settled()?, &config, &mut Monitor(monitor))?;
        self.use_cache(&settings, &plan)?;
        self.scope.log(Severity::Info, &format!("built a plan of {} layers", plan.graph.layers.len()));
        Ok(plan)
    }
}

impl BuilderObject {
    /// Adds the plan's layers to the timing cache of the build, if it has one.
    fn use_cache(&self, settings: &Settings, plan: &Plan) -> Result<()> {
        // SAFETY: the table's contract: a cache that was set is alive while plans are built.
        let cache: Option<&TimingCacheObject> = unsafe { borrow(settings.timing_cache) };
        let complete = settings.has(self.scope.family, BuilderFlag::ErrorOnTimingCacheMiss);
        match cache {
            Some(cache) if !settings.has(self.scope.family, BuilderFlag::DisableTimingCache) => {
                cache.record(plan, complete)
            }
            _ => Ok(()),
        }
    }
}

/// The reduced precisions that a build asks for are refused until they are emulated: an engine that silently computes in FP32 would be a
/// wrong answer.
fn refuse_precision(family: Family, settings: &Settings, strongly_typed: bool) -> Result<()> {
    use BuilderFlag::{Bf16, Fp4, Fp8, Fp16, Int4, Int8};
    for flag in [Fp16, Bf16, Int8, Fp8, Int4, Fp4] {
        if !settings.has(family, flag) {
            continue;
        }
        let name = flag.name();
        if matches!(family, Family::RtxOld) || strongly_typed {
            return Err(Error::invalid(format!(
                "Parameter check failed, condition: !config.getFlag(BuilderFlag::{name})"
            )));
        }
        return Err(Error::unsupported(format!(
            "BuilderFlag::{name}: the emulator does not round to reduced precision yet"
        )));
    }
    Ok(())
}

/// The user's progress monitor, if any.
#[derive(Debug)]
struct Monitor<'a>(Option<&'a ProgressMonitor>);

impl Progress for Monitor<'_> {
    fn phase_start(&mut self, phase: &str, parent: Option<&str>, steps: usize) {
        if let Some(monitor) = self.0 {
            let parent = parent.map(c_text);
            monitor.phase_start(&c_text(phase), parent.as_deref(), i32::try_from(steps).unwrap_or(i32::MAX));
        }
    }

    fn step_complete(&mut self, phase: &str, step: usize) -> bool {
        self.0.is_none_or(|monitor| monitor.step_complete(&c_text(phase), i32::try_from(step).unwrap_or(i32::MAX)))
    }

    fn phase_finish(&mut self, phase: &str) {
        if let Some(monitor) = self.0 {
            monitor.phase_finish(&c_text(phase));
        }
    }
}

/// Fills the entries; `strict` is what the builders are.
pub(super) fn fill(api: &mut Api, strict: bool) {
    unsafe extern "C" fn destroy(object: *mut tensorrt_sys::IBuilder) {
        // SAFETY: the table's contract: made by `create`, not used again.
        unsafe { drop_object::<BuilderObject>(object.cast::<c_void>()) };
    }
    api.createInferBuilder_INTERNAL = Some(if strict { create::<true> } else { create::<false> });
    api.IBuilder_destroy = Some(destroy);
    entries! { api;
        IBuilder: BuilderObject {
            fn IBuilder_createNetworkV2(builder, flags: u32) -> *mut INetworkDefinition {
                let object = std::ptr::from_ref(builder).cast_mut().cast();
                let mut made = lock(&builder.networks);
                let name = format!("Unnamed Network {}", *made);
                *made += 1;
                Ok(NetworkObject::hand_out(builder.scope.clone(), object, flags, name))
            }
            fn IBuilder_createBuilderConfig(builder) -> *mut IBuilderConfig { Ok(ConfigObject::hand_out(builder.scope.clone())) }
            fn IBuilder_createOptimizationProfile(builder) -> *mut IOptimizationProfile {
                let mut profile = Box::new(ProfileObject::new(builder.scope.clone()));
                let object = &raw mut *profile;
                lock(&builder.profiles).push(profile);
                Ok(object.cast())
            }
            fn IBuilder_buildSerializedNetwork(builder, network: *mut INetworkDefinition, config: *mut IBuilderConfig) -> *mut IHostMemory {
                let bytes = builder.build(network, config)?.to_bytes()?;
                Ok(HostMemory::hand_out(builder.scope.clone(), Storage::copy_of(&bytes)))
            }
            fn IBuilder_buildSerializedNetworkToStream(builder, network: *mut INetworkDefinition, config: *mut IBuilderConfig, writer: *mut IStreamWriter) -> bool {
                // SAFETY: the table's contract: the writer is alive during the call.
                let writer: Option<&StreamWriter> = unsafe { borrow(writer) };
                let writer = writer.ok_or_else(|| Error::invalid("the writer is null"))?;
                let bytes = builder.build(network, config)?.to_bytes()?;
                if writer.write(&bytes) { Ok(true) } else { Err(Error::invalid("the stream writer did not take the plan")) }
            }
            fn IBuilder_isNetworkSupported(builder, network: *mut INetworkDefinition, config: *mut IBuilderConfig) -> bool {
                builder.build(network, config).map(|_| true)
            }
            fn IBuilder_reset(builder) { Ok(()) }
            fn IBuilder_setMaxThreads(builder, threads: i32) -> bool {
                if threads < 1 {
                    return Err(Error::invalid(format!("{threads} threads")));
                }
                *lock(&builder.max_threads) = threads;
                Ok(true)
            }
            fn IBuilder_getMaxThreads(builder) -> i32 { Ok(*lock(&builder.max_threads)) }
            fn IBuilder_getMaxDLABatchSize(builder) -> i32 { Ok(0) }
            fn IBuilder_getNbDLACores(builder) -> i32 { Ok(0) }
            fn IBuilder_platformHasTf32(builder) -> bool { Ok(false) }
            fn IBuilder_platformHasFastFp16(builder) -> bool { Ok(false) }
            fn IBuilder_platformHasFastInt8(builder) -> bool { Ok(false) }
            fn IBuilder_getLogger(builder) -> *mut ILogger { Ok(builder.scope.logger()) }
            fn IBuilder_setErrorRecorder(builder, recorder: *mut tensorrt_sys::IErrorRecorder) {
                builder.scope.set_recorder(recorder);
                Ok(())
            }
            fn IBuilder_getErrorRecorder(builder) -> *mut tensorrt_sys::IErrorRecorder { Ok(builder.scope.recorder()) }
        }
    }
}
