//! `IBuilderConfig`: what the builder is asked for.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::Mutex;

use tensorrt_sys::{
    Api, BuilderFlag, ComputeCapability, DeviceType, EngineCapability, Family, HardwareCompatibilityLevel,
    IOptimizationProfile, IProgressMonitor, ITimingCache, MemoryPoolType, PreviewFeature, ProfilingVerbosity,
    RuntimePlatform, Severity, TacticSource, TilingOptimizationLevel,
};

use super::entries::entries;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::profile::{Profile, ProfileObject};
use super::scope::Scope;
use super::text::{Text, read};
use super::timing_cache::TimingCacheObject;
use super::value::Value;
use crate::plan;
use crate::{Error, Result};

/// The flags of which one holds at most.
const REFITS: [BuilderFlag; 3] = [BuilderFlag::Refit, BuilderFlag::RefitIdentical, BuilderFlag::RefitIndividual];

/// The most shared memory of a tactic.
const LARGEST_SHARED: usize = 1 << 30;

/// What the pools of device memory are limited to where nothing is set: more than the emulated device has.
const DEVICE_MEMORY: usize = 64 << 30;

/// The object behind `IBuilderConfig`.
#[derive(Debug)]
pub(super) struct ConfigObject {
    scope: Scope,
    state: Mutex<Settings>,
    tuning: Text,
}

/// Every setting, numbers as the family writes them.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    flags: u32,
    pub(super) profiles: Vec<Profile>,
    pub(super) progress: *mut IProgressMonitor,
    verbosity: ProfilingVerbosity,
    compute_capabilities: Vec<ComputeCapability>,
    hardware_compatibility: HardwareCompatibilityLevel,
    max_aux_streams: i32,
    tactic_sources: u32,
    capability: EngineCapability,
    avg_timing_iterations: i32,
    device_type: DeviceType,
    dla_core: i32,
    stream: usize,
    pub(super) timing_cache: *mut ITimingCache,
    pools: BTreeMap<i32, usize>,
    preview: u32,
    optimization_level: i32,
    platform: RuntimePlatform,
    max_tactics: i32,
    tiling: TilingOptimizationLevel,
    l2_limit: i64,
    remote_tuning: String,
    quantization_flags: u32,
}

// SAFETY: the pointers are kept for the user and only used during a build, under the table's contract that they are alive then.
unsafe impl Send for Settings {}

impl Object for ConfigObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

fn bit<V: Value>(family: Family, raw: i32) -> Result<u32> {
    V::read(family, raw)?;
    u32::try_from(raw).map(|raw| 1 << raw).map_err(|_| Error::invalid(format!("{raw} is no {}", V::NAME)))
}

/// The mask of every value that the family has.
fn every<V: Value>(family: Family, values: &[V]) -> u32 {
    values
        .iter()
        .filter_map(|value| value.to_raw(family))
        .filter_map(|raw| u32::try_from(raw).ok())
        .map(|raw| 1 << raw)
        .sum()
}

impl Settings {
    fn new(family: Family) -> Self {
        let tf32 = BuilderFlag::Tf32.to_raw(family).and_then(|raw| u32::try_from(raw).ok()).map_or(0, |raw| 1 << raw);
        Self {
            flags: tf32,
            profiles: Vec::new(),
            progress: std::ptr::null_mut(),
            verbosity: ProfilingVerbosity::LayerNamesOnly,
            compute_capabilities: Vec::new(),
            hardware_compatibility: HardwareCompatibilityLevel::None,
            max_aux_streams: 0,
            tactic_sources: every(family, TacticSource::ALL),
            capability: EngineCapability::Standard,
            avg_timing_iterations: 1,
            device_type: DeviceType::Gpu,
            dla_core: 0,
            stream: 0,
            timing_cache: std::ptr::null_mut(),
            pools: BTreeMap::new(),
            preview: 0,
            optimization_level: 3,
            platform: RuntimePlatform::SameAsBuild,
            max_tactics: -1,
            tiling: TilingOptimizationLevel::None,
            l2_limit: -1,
            remote_tuning: String::new(),
            quantization_flags: 0,
        }
    }

    /// The settings as plans keep them.
    pub(super) fn to_plan(&self, family: Family, network_flags: u32) -> plan::Settings {
        let pool = |(&raw, &size): (&i32, &usize)| Some((MemoryPoolType::from_raw(family, raw)?, size as u64));
        plan::Settings {
            flags: self.flags,
            network_flags,
            tactic_sources: self.tactic_sources,
            preview_features: self.preview,
            // A plan without its weights is refittable in any case.
            refittable: self.has(family, BuilderFlag::StripPlan)
                || REFITS.into_iter().any(|flag| self.has(family, flag)),
            stripped: self.has(family, BuilderFlag::StripPlan),
            profiling_verbosity: self.verbosity,
            capability: self.capability,
            hardware_compatibility: self.hardware_compatibility,
            compute_capabilities: self.compute_capabilities.clone(),
            memory_pools: self.pools.iter().filter_map(pool).collect(),
            max_aux_streams: self.max_aux_streams,
            optimization_level: self.optimization_level,
            debugs_unfused: false,
        }
    }

    /// Whether a flag is set; a flag that the family lacks is not.
    pub(super) fn has(&self, family: Family, flag: BuilderFlag) -> bool {
        flag.to_raw(family).and_then(|raw| u32::try_from(raw).ok()).is_some_and(|raw| self.flags & 1 << raw != 0)
    }
}

impl ConfigObject {
    /// A new configuration of a builder.
    pub(super) fn hand_out(scope: Scope) -> *mut tensorrt_sys::IBuilderConfig {
        let state = Mutex::new(Settings::new(scope.family));
        into_raw(Self { scope, state, tuning: Text::default() })
    }

    /// The settings as they are now.
    pub(super) fn settings(&self) -> Settings {
        lock(&self.state).clone()
    }

    fn family(&self) -> Family {
        self.scope.family
    }
}

/// Entries that keep a number of a range, or a value of an enum.
macro_rules! kept {
    ($api:ident; $($get:ident $set:ident: $field:ident $(as $value:ident)? $(in $range:expr)?;)*) => {$(
        entries! { $api;
            IBuilderConfig: ConfigObject {
            fn $get(config) -> i32 {
                let value = lock(&config.state).$field;
                $(let value = <tensorrt_sys::$value as Value>::show(value, config.family());)?
                Ok(value)
            }
            fn $set(config, value: i32) {
                $(let value = <tensorrt_sys::$value as Value>::read(config.family(), value)?;)?
                $(if !$range.contains(&value) {
                    return Err(Error::invalid(format!("{value} is not in {:?}", $range)));
                })?
                lock(&config.state).$field = value;
                Ok(())
            }
            }
        }
    )*};
}

/// Fills the entries.
#[expect(clippy::too_many_lines, reason = "one entry a setting, in the order of NVIDIA's header")]
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut tensorrt_sys::IBuilderConfig) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<ConfigObject>(object.cast::<c_void>()) };
    }
    api.IBuilderConfig_destroy = Some(destroy);
    kept! { api;
        IBuilderConfig_getAvgTimingIterations IBuilderConfig_setAvgTimingIterations: avg_timing_iterations in (1..=i32::MAX);
        IBuilderConfig_getEngineCapability IBuilderConfig_setEngineCapability: capability as EngineCapability;
        IBuilderConfig_getDLACore IBuilderConfig_setDLACore: dla_core in (0..=0);
        IBuilderConfig_getProfilingVerbosity IBuilderConfig_setProfilingVerbosity: verbosity as ProfilingVerbosity;
        IBuilderConfig_getBuilderOptimizationLevel IBuilderConfig_setBuilderOptimizationLevel: optimization_level in (0..=5);
        IBuilderConfig_getHardwareCompatibilityLevel IBuilderConfig_setHardwareCompatibilityLevel: hardware_compatibility as HardwareCompatibilityLevel;
        IBuilderConfig_getRuntimePlatform IBuilderConfig_setRuntimePlatform: platform as RuntimePlatform;
        IBuilderConfig_getMaxNbTactics IBuilderConfig_setMaxNbTactics: max_tactics in (-1..=i32::MAX);
    }
    entries! { api;
        IBuilderConfig: ConfigObject {
        fn IBuilderConfig_setFlags(config, flags: u32) {
            let unknown = flags & !every(config.family(), BuilderFlag::ALL);
            if unknown != 0 {
                return Err(Error::invalid(format!("flags {unknown:#x} are no BuilderFlags of {:?}", config.family())));
            }
            lock(&config.state).flags = flags;
            Ok(())
        }
        fn IBuilderConfig_getFlags(config) -> u32 { Ok(lock(&config.state).flags) }
        fn IBuilderConfig_setFlag(config, flag: i32) {
            let bit = bit::<BuilderFlag>(config.family(), flag)?;
            let refits = every(config.family(), &REFITS);
            let mut state = lock(&config.state);
            if refits & bit != 0 && state.flags & refits & !bit != 0 {
                state.flags &= !refits;
                config.scope.log(Severity::Warning, "of kREFIT, kREFIT_IDENTICAL and kREFIT_INDIVIDUAL, only the last set one holds");
            }
            state.flags |= bit;
            Ok(())
        }
        fn IBuilderConfig_clearFlag(config, flag: i32) {
            lock(&config.state).flags &= !bit::<BuilderFlag>(config.family(), flag)?;
            Ok(())
        }
        fn IBuilderConfig_getFlag(config, flag: i32) -> bool {
            Ok(lock(&config.state).flags & bit::<BuilderFlag>(config.family(), flag)? != 0)
        }
        fn IBuilderConfig_setDefaultDeviceType(config, device: i32) {
            match DeviceType::read(config.family(), device)? {
                DeviceType::Gpu => lock(&config.state).device_type = DeviceType::Gpu,
                _ => return Err(Error::unsupported("the emulator has no DLA")),
            }
            Ok(())
        }
        fn IBuilderConfig_getDefaultDeviceType(config) -> i32 { Ok(lock(&config.state).device_type.show(config.family())) }
        fn IBuilderConfig_setDeviceType(config, layer: *mut tensorrt_sys::ILayer, device: i32) {
            match DeviceType::read(config.family(), device)? {
                DeviceType::Gpu => Ok(()),
                _ => Err(Error::unsupported("the emulator has no DLA")),
            }
        }
        fn IBuilderConfig_getDeviceType(config, layer: *mut tensorrt_sys::ILayer) -> i32 { Ok(DeviceType::Gpu.show(config.family())) }
        fn IBuilderConfig_isDeviceTypeSet(config, layer: *mut tensorrt_sys::ILayer) -> bool { Ok(false) }
        fn IBuilderConfig_resetDeviceType(config, layer: *mut tensorrt_sys::ILayer) { Ok(()) }
        fn IBuilderConfig_canRunOnDLA(config, layer: *mut tensorrt_sys::ILayer) -> bool { Ok(false) }
        fn IBuilderConfig_reset(config) {
            *lock(&config.state) = Settings::new(config.family());
            Ok(())
        }
        fn IBuilderConfig_setProfileStream(config, stream: *mut c_void) {
            lock(&config.state).stream = stream.addr();
            Ok(())
        }
        fn IBuilderConfig_getProfileStream(config) -> *mut c_void {
            Ok(std::ptr::without_provenance_mut(lock(&config.state).stream))
        }
        fn IBuilderConfig_addOptimizationProfile(config, profile: *mut IOptimizationProfile) -> i32 {
            // SAFETY: the table's contract: the profile is alive.
            let profile: Option<&ProfileObject> = unsafe { borrow(profile) };
            let profile = profile.ok_or_else(|| Error::invalid("the profile is null"))?.get();
            if !profile.is_valid() {
                return Err(Error::invalid("Parameter check failed, condition: profile->isValid()"));
            }
            let mut state = lock(&config.state);
            state.profiles.push(profile);
            Ok(i32::try_from(state.profiles.len() - 1).unwrap_or(-1))
        }
        fn IBuilderConfig_getNbOptimizationProfiles(config) -> i32 {
            Ok(i32::try_from(lock(&config.state).profiles.len()).unwrap_or(i32::MAX))
        }
        fn IBuilderConfig_setTacticSources(config, sources: u32) -> bool {
            let unknown = sources & !every(config.family(), TacticSource::ALL);
            if unknown != 0 {
                return Err(Error::invalid(format!("sources {unknown:#x} are no TacticSources of {:?}", config.family())));
            }
            lock(&config.state).tactic_sources = sources;
            Ok(true)
        }
        fn IBuilderConfig_getTacticSources(config) -> u32 { Ok(lock(&config.state).tactic_sources) }
        fn IBuilderConfig_createTimingCache(config, blob: *const c_void, size: usize) -> *mut ITimingCache {
            // SAFETY: the table's contract: the blob has `size` readable bytes, or is null.
            let blob = (!blob.is_null() && size > 0).then(|| unsafe { std::slice::from_raw_parts(blob.cast::<u8>(), size) });
            TimingCacheObject::hand_out(config.scope.clone(), blob.unwrap_or_default())
        }
        fn IBuilderConfig_setTimingCache(config, cache: *mut ITimingCache, ignore_mismatch: bool) -> bool {
            // A cache of another version is never handed out, and the emulated device is always the same one.
            lock(&config.state).timing_cache = cache;
            Ok(true)
        }
        fn IBuilderConfig_getTimingCache(config) -> *mut ITimingCache { Ok(lock(&config.state).timing_cache) }
        fn IBuilderConfig_setMemoryPoolLimit(config, pool: i32, size: usize) {
            let kind = MemoryPoolType::read(config.family(), pool)?;
            if !matches!(kind, MemoryPoolType::Workspace | MemoryPoolType::TacticDram | MemoryPoolType::TacticSharedMemory) {
                return Err(Error::unsupported(format!("{}: the emulator has no DLA", kind.name())));
            }
            if kind == MemoryPoolType::TacticDram && (size < 4096 || !size.is_power_of_two()) {
                return Err(Error::invalid(format!("{}: {size} is no power of two from 4096 on", kind.name())));
            }
            if kind == MemoryPoolType::TacticSharedMemory && size > LARGEST_SHARED {
                return Err(Error::invalid(format!("{}: {size} is more than {LARGEST_SHARED}", kind.name())));
            }
            lock(&config.state).pools.insert(pool, size);
            Ok(())
        }
        fn IBuilderConfig_getMemoryPoolLimit(config, pool: i32) -> usize {
            let unset = match MemoryPoolType::read(config.family(), pool)? {
                MemoryPoolType::Workspace | MemoryPoolType::TacticDram => DEVICE_MEMORY,
                MemoryPoolType::TacticSharedMemory => LARGEST_SHARED,
                _ => 0,
            };
            Ok(lock(&config.state).pools.get(&pool).copied().unwrap_or(unset))
        }
        fn IBuilderConfig_setPreviewFeature(config, feature: i32, on: bool) {
            let bit = bit::<PreviewFeature>(config.family(), feature)?;
            let mut state = lock(&config.state);
            state.preview = if on { state.preview | bit } else { state.preview & !bit };
            Ok(())
        }
        fn IBuilderConfig_getPreviewFeature(config, feature: i32) -> bool {
            Ok(lock(&config.state).preview & bit::<PreviewFeature>(config.family(), feature)? != 0)
        }
        fn IBuilderConfig_setPluginsToSerialize(config, paths: *const *const c_char, count: i32) {
            if count == 0 { Ok(()) } else { Err(Error::unsupported("plugins in a plan: the emulator runs no libraries of plugins")) }
        }
        fn IBuilderConfig_getPluginToSerialize(config, index: i32) -> *const c_char { Ok(std::ptr::null()) }
        fn IBuilderConfig_getNbPluginsToSerialize(config) -> i32 { Ok(0) }
        fn IBuilderConfig_setMaxAuxStreams(config, count: i32) -> bool {
            if count < 0 {
                return Err(Error::invalid(format!("{count} auxiliary streams")));
            }
            lock(&config.state).max_aux_streams = count;
            Ok(true)
        }
        fn IBuilderConfig_getMaxAuxStreams(config) -> i32 { Ok(lock(&config.state).max_aux_streams) }
        fn IBuilderConfig_setProgressMonitor(config, monitor: *mut IProgressMonitor) {
            lock(&config.state).progress = monitor;
            Ok(())
        }
        fn IBuilderConfig_getProgressMonitor(config) -> *mut IProgressMonitor { Ok(lock(&config.state).progress) }
        fn IBuilderConfig_setTilingOptimizationLevel(config, level: i32) -> bool {
            lock(&config.state).tiling = TilingOptimizationLevel::read(config.family(), level)?;
            Ok(true)
        }
        fn IBuilderConfig_getTilingOptimizationLevel(config) -> i32 { Ok(lock(&config.state).tiling.show(config.family())) }
        fn IBuilderConfig_setL2LimitForTiling(config, bytes: i64) -> bool {
            lock(&config.state).l2_limit = bytes;
            Ok(true)
        }
        fn IBuilderConfig_getL2LimitForTiling(config) -> i64 { Ok(lock(&config.state).l2_limit) }
        fn IBuilderConfig_setRemoteAutoTuningConfig(config, text: *const c_char) -> bool {
            lock(&config.state).remote_tuning = read(text, "the tuning configuration")?;
            Ok(true)
        }
        fn IBuilderConfig_getRemoteAutoTuningConfig(config) -> *const c_char {
            Ok(config.tuning.show(&lock(&config.state).remote_tuning))
        }
        fn IBuilderConfig_setNbComputeCapabilities(config, count: i32) -> bool {
            let len = usize::try_from(count).ok().filter(|&len| len <= 64);
            let len = len.ok_or_else(|| Error::invalid(format!("{count} compute capabilities")))?;
            lock(&config.state).compute_capabilities.resize(len, ComputeCapability::None);
            Ok(true)
        }
        fn IBuilderConfig_getNbComputeCapabilities(config) -> i32 {
            Ok(i32::try_from(lock(&config.state).compute_capabilities.len()).unwrap_or(i32::MAX))
        }
        fn IBuilderConfig_setComputeCapability(config, capability: i32, index: i32) -> bool {
            let capability = ComputeCapability::read(config.family(), capability)?;
            let mut state = lock(&config.state);
            let slot = usize::try_from(index).ok().and_then(|index| state.compute_capabilities.get_mut(index));
            *slot.ok_or_else(|| Error::invalid(format!("there is no compute capability {index}")))? = capability;
            Ok(true)
        }
        fn IBuilderConfig_getComputeCapability(config, index: i32) -> i32 {
            let state = lock(&config.state);
            let found = usize::try_from(index).ok().and_then(|index| state.compute_capabilities.get(index));
            Ok(found.copied().unwrap_or(ComputeCapability::None).show(config.family()))
        }
        fn IBuilderConfig_setQuantizationFlags(config, flags: u32) {
            lock(&config.state).quantization_flags = flags;
            Ok(())
        }
        fn IBuilderConfig_getQuantizationFlags(config) -> u32 { Ok(lock(&config.state).quantization_flags) }
        }
    }
}
