//! What the builder is asked for.

use crate::plan::{Identity, Profile, Settings};

/// The settings of a build (`nvinfer1::IBuilderConfig`).
#[derive(Debug, Clone)]
pub struct BuildConfig {
    /// Which TensorRT the plan is built as.
    pub identity: Identity,
    /// The optimization profiles: for each dynamic input its three dimensions, for each shape input its three values. Inputs whose
    /// dimensions are all known may be left out.
    pub profiles: Vec<Profile>,
    /// What the engine answers about its build.
    pub settings: Settings,
    /// The threads of the build; the caller's rayon pool where absent.
    pub threads: Option<usize>,
    /// Whether networks are refused that NVIDIA's builder refuses and the emulator could run.
    pub strict: bool,
}

impl BuildConfig {
    /// No profile, and the default settings.
    pub fn new(identity: Identity) -> Self {
        Self { identity, profiles: Vec::new(), settings: Settings::default(), threads: None, strict: false }
    }
}
