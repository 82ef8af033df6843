//! What an engine answers about how it was built.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tensorrt_sys::{
    ComputeCapability, EngineCapability, HardwareCompatibilityLevel, MemoryPoolType, ProfilingVerbosity,
};

/// The builder's settings that outlive the build. Masks are in the numbering of the plan's family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The builder flags, as a mask.
    pub flags: u32,
    /// The network's creation flags, as a mask.
    pub network_flags: u32,
    /// The tactic sources, as a mask.
    pub tactic_sources: u32,
    /// The preview features, as a mask.
    pub preview_features: u32,
    /// Whether weights may be refitted later.
    pub refittable: bool,
    /// Whether weights are left out of the plan.
    pub stripped: bool,
    /// How much the inspector and the profiler tell.
    pub profiling_verbosity: ProfilingVerbosity,
    /// Standard, safe, or for the deep-learning accelerator.
    pub capability: EngineCapability,
    /// Which other GPUs the plan may run on.
    pub hardware_compatibility: HardwareCompatibilityLevel,
    /// The GPUs the plan was built for (TensorRT for RTX).
    pub compute_capabilities: Vec<ComputeCapability>,
    /// The limits of the memory pools, in bytes.
    pub memory_pools: BTreeMap<MemoryPoolType, u64>,
    /// The most auxiliary streams an execution may use.
    pub max_aux_streams: i32,
    /// 0 to 5: how long to search.
    pub optimization_level: i32,
    /// Whether every tensor of the engine may be looked at too.
    pub debugs_unfused: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flags: 0,
            network_flags: 0,
            tactic_sources: 0,
            preview_features: 0,
            refittable: false,
            stripped: false,
            profiling_verbosity: ProfilingVerbosity::LayerNamesOnly,
            capability: EngineCapability::Standard,
            hardware_compatibility: HardwareCompatibilityLevel::None,
            compute_capabilities: Vec::new(),
            memory_pools: BTreeMap::new(),
            max_aux_streams: 0,
            optimization_level: 3,
            debugs_unfused: false,
        }
    }
}
