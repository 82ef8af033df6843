//! The common road: an ONNX model to a plan in one expression.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use tensorrt_sys::Library;

use super::{Builder, BuilderConfig, OptimizationProfile};
use crate::callbacks::ProgressMonitor;
use crate::error::{Error, Result};
use crate::network::NetworkDefinition;
use crate::parser::OnnxParser;
use crate::plan::Plan;
use crate::{BuilderFlag, MemoryPoolType, NetworkDefinitionCreationFlag, OnnxParserFlag};

/// Where an ONNX model comes from: a file (a path) or bytes (a slice or a vector of `u8`).
///
/// Weights in files of their own are found beside the model's file, so a model that has them is given by its path.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OnnxSource<'a> {
    /// A file.
    File(PathBuf),
    /// The model itself.
    Bytes(Cow<'a, [u8]>),
}

macro_rules! from_path {
    ($($path:ty),+) => {
        $(impl<'a> From<$path> for OnnxSource<'a> {
            fn from(path: $path) -> Self {
                OnnxSource::File(AsRef::<Path>::as_ref(&path).to_path_buf())
            }
        })+
    };
}
from_path!(&'a str, String, &'a String, &'a Path, PathBuf, &'a PathBuf);

impl<'a> From<&'a [u8]> for OnnxSource<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        OnnxSource::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for OnnxSource<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        OnnxSource::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for OnnxSource<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        OnnxSource::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for OnnxSource<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        OnnxSource::Bytes(Cow::Owned(bytes))
    }
}

type Configure<'a> = Box<dyn FnOnce(&NetworkDefinition<'_>, &mut BuilderConfig<'_>) -> Result<()> + 'a>;

/// Builds a plan from an ONNX model.
///
/// ```no_run
/// use tensorrt::{BuilderFlag, EngineBuilder, Library, OptimizationProfile};
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = Library::load()?;
/// let plan = EngineBuilder::from_onnx(&library, "model.onnx")?
///     .profile(OptimizationProfile::new().input("image", [1, 3, 224, 224], [8, 3, 224, 224], [32, 3, 224, 224])?)
///     .flag(BuilderFlag::Tf32)
///     .workspace(1 << 30)
///     .build()?;
/// plan.save("model.plan")?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is built until `build` is called"]
pub struct EngineBuilder<'a> {
    library: Library,
    source: OnnxSource<'a>,
    network_flags: Vec<NetworkDefinitionCreationFlag>,
    parser_flags: Vec<OnnxParserFlag>,
    flags: Vec<BuilderFlag>,
    profiles: Vec<OptimizationProfile>,
    pools: Vec<(MemoryPoolType, u64)>,
    optimization_level: Option<u32>,
    progress: Option<Box<dyn ProgressMonitor>>,
    timing_cache: Option<Vec<u8>>,
    configure: Vec<Configure<'a>>,
}

impl<'a> EngineBuilder<'a> {
    /// Begins with a model: a path (`&str`, `Path`, ...) or the model's bytes.
    ///
    /// # Errors
    ///
    /// `Io` if the file does not exist, `Unsupported` if the library has no builder or no ONNX parser is loaded with it.
    pub fn from_onnx(library: &Library, source: impl Into<OnnxSource<'a>>) -> Result<Self> {
        let source = source.into();
        if let OnnxSource::File(path) = &source {
            let tried = format!("read the ONNX model {}", path.display());
            std::fs::metadata(path).map_err(|error| Error::io(tried, error))?;
        }
        for (entry, there) in [
            ("createInferBuilder_INTERNAL", library.has_builder()),
            ("createNvOnnxParser_INTERNAL", library.has_onnx_parser()),
        ] {
            if !there {
                return Err(library.missing(entry).into());
            }
        }
        Ok(EngineBuilder {
            library: library.clone(),
            source,
            network_flags: Vec::new(),
            parser_flags: Vec::new(),
            flags: Vec::new(),
            profiles: Vec::new(),
            pools: Vec::new(),
            optimization_level: None,
            progress: None,
            timing_cache: None,
            configure: Vec::new(),
        })
    }

    /// Adds a profile, which a model with dynamic inputs needs.
    pub fn profile(mut self, profile: OptimizationProfile) -> Self {
        self.profiles.push(profile);
        self
    }

    /// Turns a flag of the build on.
    pub fn flag(mut self, flag: BuilderFlag) -> Self {
        self.flags.push(flag);
        self
    }

    /// Turns a flag of the network on.
    pub fn network_flag(mut self, flag: NetworkDefinitionCreationFlag) -> Self {
        self.network_flags.push(flag);
        self
    }

    /// Turns a flag of the parser on.
    pub fn parser_flag(mut self, flag: OnnxParserFlag) -> Self {
        self.parser_flags.push(flag);
        self
    }

    /// Limits the workspace to some bytes.
    pub fn workspace(self, bytes: u64) -> Self {
        self.memory_pool_limit(MemoryPoolType::Workspace, bytes)
    }

    /// Limits a memory pool to some bytes.
    pub fn memory_pool_limit(mut self, pool: MemoryPoolType, bytes: u64) -> Self {
        self.pools.push((pool, bytes));
        self
    }

    /// Sets how much time the build spends on a faster engine, from 0 to 5.
    pub fn optimization_level(mut self, level: u32) -> Self {
        self.optimization_level = Some(level);
        self
    }

    /// Reports the progress of the build.
    pub fn progress(mut self, monitor: impl ProgressMonitor + 'static) -> Self {
        self.progress = Some(Box::new(monitor));
        self
    }

    /// Begins with the timings of an earlier build; [`EngineBuilder::build_with_timing_cache`] returns them extended.
    pub fn timing_cache(mut self, bytes: Vec<u8>) -> Self {
        self.timing_cache = Some(bytes);
        self
    }

    /// Does anything else with the parsed network and the configuration before the build.
    pub fn configure(
        mut self,
        with: impl FnOnce(&NetworkDefinition<'_>, &mut BuilderConfig<'_>) -> Result<()> + 'a,
    ) -> Self {
        self.configure.push(Box::new(with));
        self
    }

    /// Parses the model and builds the plan.
    ///
    /// # Errors
    ///
    /// `Parse` with every reason of the parser, `Unsupported` for a flag that the library lacks, `Setting` for a setting that it refuses,
    /// `Build` if the network cannot be built, `Cancelled` if the progress monitor asked for that.
    pub fn build(self) -> Result<Plan> {
        self.run(false).map(|(plan, _)| plan)
    }

    /// As [`EngineBuilder::build`]; also returns the timing cache with what the build measured.
    ///
    /// # Errors
    ///
    /// As for [`EngineBuilder::build`].
    pub fn build_with_timing_cache(self) -> Result<(Plan, Vec<u8>)> {
        self.run(true)
    }

    fn run(self, wants_cache: bool) -> Result<(Plan, Vec<u8>)> {
        let builder = Builder::new(&self.library)?;
        let network = builder.create_network(&self.network_flags)?;
        let mut parser = OnnxParser::new(&network)?;
        for flag in &self.parser_flags {
            parser.set_flag(*flag)?;
        }
        match &self.source {
            OnnxSource::File(path) => parser.parse_file(path)?,
            OnnxSource::Bytes(bytes) => parser.parse(bytes)?,
        }
        let mut config = builder.create_builder_config()?;
        for flag in &self.flags {
            config.set_flag(*flag)?;
        }
        for (pool, bytes) in &self.pools {
            config.set_memory_pool_limit(*pool, *bytes)?;
        }
        if let Some(level) = self.optimization_level {
            config.set_builder_optimization_level(level)?;
        }
        for profile in &self.profiles {
            network.check_profile(profile)?;
            config.add_optimization_profile(profile)?;
        }
        config.set_progress_monitor(self.progress)?;
        if wants_cache || self.timing_cache.is_some() {
            let cache = config.create_timing_cache(self.timing_cache.as_deref().unwrap_or_default())?;
            config.set_timing_cache(cache, false)?;
        }
        for with in self.configure {
            with(&network, &mut config)?;
        }
        let plan = builder.build_serialized_network(&network, &config)?;
        let cache = if wants_cache { config.timing_cache()?.unwrap_or_default() } else { Vec::new() };
        Ok((plan, cache))
    }
}

impl std::fmt::Debug for EngineBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("library", self.library.info())
            .field("flags", &self.flags)
            .field("profiles", &self.profiles)
            .finish_non_exhaustive()
    }
}
