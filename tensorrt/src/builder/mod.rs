//! The builder: makes networks and configurations, and builds plans from them.

mod config;
mod config_device;
mod config_memory;
mod config_target;
mod engine_builder;
mod profile;
mod timing_cache;

use std::cell::RefCell;
use std::io::Write;

use tensorrt_sys::{IBuilder, Library};

pub use self::config::BuilderConfig;
pub use self::engine_builder::{EngineBuilder, OnnxSource};
pub use self::profile::{OptimizationProfile, ShapeRange};
pub use self::timing_cache::TimingCache;
use crate::NetworkDefinitionCreationFlag;
use crate::callbacks::StreamWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::library::State;
use crate::network::NetworkDefinition;
use crate::operation::Operation;
use crate::plan::Plan;
use crate::raw::{Raw, call};
use crate::value::{Value, bits, properties};

/// What a build tries.
const BUILD: &str = "build the network";

/// Makes networks and configurations, and builds plans from them.
///
/// Networks and configurations borrow their builder, as NVIDIA asks that a builder outlive what it made. A builder may be moved to
/// another thread, together with nothing that borrows it; it is not shared between threads.
///
/// ```
/// use tensorrt::{Builder, DataType};
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = tensorrt_emulator::library();
/// let builder = Builder::new(&library)?;
/// let network = builder.create_network(&[])?;
/// let x = network.add_input("x", DataType::Float, [1, 4])?;
/// let y = network.add_activation(x, tensorrt::ActivationType::Relu)?.output(0)?;
/// y.set_name("y")?;
/// network.mark_output(y)?;
/// let config = builder.create_builder_config()?;
/// let plan = builder.build_serialized_network(&network, &config)?;
/// assert!(!plan.as_bytes().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "nvinfer1::IBuilder")]
pub struct Builder {
    raw: Raw<IBuilder>,
    /// What must be destroyed after the builder.
    outliving: RefCell<Vec<TimingCache>>,
}

impl Builder {
    /// Makes a builder.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the library has no builder (lean and dispatch runtimes), `NoDriver` if it needs a driver that is not there.
    #[doc(alias = "createInferBuilder")]
    pub fn new(library: &Library) -> Result<Self> {
        let state = State::of(library)?;
        let operation = Operation::begin();
        // SAFETY: the logger is this library's, and lives as long as the process.
        let made = unsafe { library.create_builder(state.logger()) };
        let pointer = made.map_err(|error| Error::from(error).with_lines(operation.lines()))?;
        // SAFETY: the builder was just made by this library and is given to nobody else; nothing but the library must outlive it.
        let raw = unsafe { Raw::new(library, pointer) };
        if let Some(recorder) = state.recorder() {
            // SAFETY: the builder is alive, and the recorder is this library's and lives as long as the process.
            unsafe { call!(raw, IBuilder_setErrorRecorder(recorder)) }?;
        }
        Ok(Builder { raw, outliving: RefCell::default() })
    }

    /// The library it came from.
    #[must_use]
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Makes an empty network. On TensorRT 11 and TensorRT for RTX 1.5 or later every network is strongly typed, and the flag says nothing.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the library has no such flag, `Build` if it makes no network.
    #[doc(alias = "nvinfer1::IBuilder::createNetworkV2")]
    pub fn create_network(&self, flags: &[NetworkDefinitionCreationFlag]) -> Result<NetworkDefinition<'_>> {
        let flags = bits(self.library(), flags)?;
        let operation = Operation::begin();
        // SAFETY: the builder is alive as long as `self`.
        let made = unsafe { call!(self.raw, IBuilder_createNetworkV2(flags)) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "create a network", made)?;
        // SAFETY: the network was just made by this library and is given to nobody else; it borrows the builder, which outlives it.
        Ok(NetworkDefinition::new(self, unsafe { Raw::new(self.library(), pointer) }))
    }

    /// Makes a configuration with the library's defaults.
    ///
    /// # Errors
    ///
    /// `Build` if the library makes none.
    #[doc(alias = "nvinfer1::IBuilder::createBuilderConfig")]
    pub fn create_builder_config(&self) -> Result<BuilderConfig<'_>> {
        let operation = Operation::begin();
        // SAFETY: the builder is alive as long as `self`.
        let made = unsafe { call!(self.raw, IBuilder_createBuilderConfig()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "create a builder configuration", made)?;
        // SAFETY: the configuration was just made by this library and is given to nobody else; it borrows the builder, which outlives it.
        Ok(BuilderConfig::new(self, unsafe { Raw::new(self.library(), pointer) }))
    }

    /// Builds a network into a plan. This takes from milliseconds to minutes; a [`ProgressMonitor`](crate::ProgressMonitor) of the
    /// configuration sees how far it is.
    ///
    /// On TensorRT for RTX builds of one library take turns, whatever the thread: the library mixes up the targets of two at once.
    ///
    /// # Errors
    ///
    /// `Build` if the network cannot be built, with TensorRT's reasons; `Cancelled` if the progress monitor asked for that;
    /// `InvalidArgument` if network or configuration are of another builder.
    ///
    /// # Panics
    ///
    /// If the progress monitor panicked, its panic goes on here.
    #[doc(alias = "nvinfer1::IBuilder::buildSerializedNetwork")]
    pub fn build_serialized_network(
        &self,
        network: &NetworkDefinition<'_>,
        config: &BuilderConfig<'_>,
    ) -> Result<Plan> {
        self.check_build(network, config)?;
        let alone = State::of(self.library())?.alone(self.library());
        let operation = Operation::begin();
        config.begin_build();
        // SAFETY: the three objects are alive and belong together (checked above); the weights and parsers that the network refers to, and
        // the monitor and timing cache that the configuration refers to, are kept by them.
        let made = unsafe { call!(self.raw, IBuilder_buildSerializedNetwork(network.as_ptr(), config.as_ptr())) }?;
        drop(alone);
        Self::end_build(config, operation, made.is_null())?;
        let pointer = operation.object(self.library(), ErrorKind::Build, BUILD, made)?;
        // SAFETY: the memory was just made by this library for the caller, who owns it; it is independent of the builder.
        Plan::from_host_memory(unsafe { Raw::new(self.library(), pointer) })
    }

    /// Builds a network, writing the plan to a writer as it is made, so that it need not fit into memory. TensorRT 10.12 and later.
    ///
    /// # Errors
    ///
    /// `Io` with the first error of the writer, else as for [`Builder::build_serialized_network`]. What was written by then is no plan.
    ///
    /// # Panics
    ///
    /// If the progress monitor panicked, its panic goes on here.
    #[doc(alias = "nvinfer1::IBuilder::buildSerializedNetworkToStream")]
    #[doc(alias = "nvinfer1::IStreamWriter")]
    pub fn build_to_writer<W: Write + Send>(
        &self,
        network: &NetworkDefinition<'_>,
        config: &BuilderConfig<'_>,
        writer: &mut W,
    ) -> Result<()> {
        self.check_build(network, config)?;
        let object = StreamWriter::new(self.library(), writer)?;
        let alone = State::of(self.library())?.alone(self.library());
        let operation = Operation::begin();
        config.begin_build();
        let (network, raw_config, stream) = (network.as_ptr(), config.as_ptr(), object.as_ptr());
        // SAFETY: as in `build_serialized_network`; the writer lives during the call, after which TensorRT does not refer to it.
        let written = unsafe { call!(self.raw, IBuilder_buildSerializedNetworkToStream(network, raw_config, stream)) }?;
        drop(alone);
        Self::end_build(config, operation, !written)?;
        if let Some(error) = object.take_error() {
            return Err(Error::io("write the plan", error).with_lines(operation.lines()));
        }
        operation.truth(self.library(), ErrorKind::Build, BUILD, written)
    }

    /// Refuses what cannot be built.
    fn check_build(&self, network: &NetworkDefinition<'_>, config: &BuilderConfig<'_>) -> Result<()> {
        if !std::ptr::eq(network.builder(), self) || !std::ptr::eq(config.builder(), self) {
            return Err(Error::invalid(BUILD, "network or configuration are of another builder"));
        }
        network.check_buildable()
    }

    /// Goes on with a panic of the progress monitor; an error if that cancelled a build that failed.
    fn end_build(config: &BuilderConfig<'_>, operation: Operation, failed: bool) -> Result<()> {
        if config.end_build() && failed {
            let error = Error::new(ErrorKind::Cancelled, BUILD, "the progress monitor cancelled it");
            return Err(error.with_lines(operation.lines()));
        }
        Ok(())
    }

    /// Takes every setting back, and lets the memory go that earlier builds left.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT logs an error.
    #[doc(alias = "nvinfer1::IBuilder::reset")]
    pub fn reset(&mut self) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the builder is alive, and nothing borrows it, so it has no networks and configurations.
        unsafe { call!(self.raw, IBuilder_reset()) }?;
        operation.silent(self.library(), ErrorKind::Setting, "reset the builder")
    }

    /// Whether the network could be built with the configuration, without building it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if network or configuration are of another builder.
    #[doc(alias = "nvinfer1::IBuilder::isNetworkSupported")]
    pub fn is_network_supported(&self, network: &NetworkDefinition<'_>, config: &BuilderConfig<'_>) -> Result<bool> {
        if !std::ptr::eq(network.builder(), self) || !std::ptr::eq(config.builder(), self) {
            let tried = "ask whether the network is supported";
            return Err(Error::invalid(tried, "network or configuration are of another builder"));
        }
        // SAFETY: the three objects are alive and belong together (checked above).
        unsafe { call!(self.raw, IBuilder_isNetworkSupported(network.as_ptr(), config.as_ptr())) }
    }

    properties! {
        /// The most threads that a build uses.
        #[doc(alias = "nvinfer1::IBuilder::getMaxThreads")]
        get max_threads => IBuilder_getMaxThreads: u32;
        /// Sets the most threads that a build uses; 1 is none beside the calling one.
        #[doc(alias = "nvinfer1::IBuilder::setMaxThreads")]
        set set_max_threads => IBuilder_setMaxThreads: u32;
        /// The number of DLA cores of the machine.
        #[doc(alias = "nvinfer1::IBuilder::getNbDLACores")]
        get num_dla_cores => IBuilder_getNbDLACores: u32;
        /// The largest batch that a DLA takes.
        #[doc(alias = "nvinfer1::IBuilder::getMaxDLABatchSize")]
        get max_dla_batch_size => IBuilder_getMaxDLABatchSize: u32;
        /// Whether the GPU computes FP16 at full speed. TensorRT 10 only.
        #[doc(alias = "nvinfer1::IBuilder::platformHasFastFp16")]
        get platform_has_fast_fp16 => IBuilder_platformHasFastFp16: bool;
        /// Whether the GPU computes INT8 at full speed. TensorRT 10 only.
        #[doc(alias = "nvinfer1::IBuilder::platformHasFastInt8")]
        get platform_has_fast_int8 => IBuilder_platformHasFastInt8: bool;
        /// Whether the GPU has TF32. TensorRT 10 only.
        #[doc(alias = "nvinfer1::IBuilder::platformHasTf32")]
        get platform_has_tf32 => IBuilder_platformHasTf32: bool;
    }

    /// The builder's own object.
    pub(crate) fn raw(&self) -> &Raw<IBuilder> {
        &self.raw
    }

    /// Keeps a timing cache until after the builder is gone, as NVIDIA asks of caches that a builder uses.
    pub(crate) fn outlive(&self, cache: TimingCache) {
        self.outliving.borrow_mut().push(cache);
    }
}
