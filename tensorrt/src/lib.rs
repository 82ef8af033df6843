//! Safe, asynchronous NVIDIA TensorRT: build engines from ONNX, run them, test without a GPU.
//!
//! ```
//! use tensorrt::{Engine, EngineBuilder, OptimizationProfile, Session};
//!
//! # fn main() -> tensorrt::Result<()> {
//! # pollster::block_on(async {
//! let library = tensorrt_emulator::library(); // or tensorrt::Library::load()?, on a machine with TensorRT and a GPU
//! let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [8, 1, 8, 8], [32, 1, 8, 8])?;
//! let plan = EngineBuilder::from_onnx(&library, "../examples/data/digits.onnx")?.profile(profile).build()?;
//! plan.save(std::env::temp_dir().join("digits.plan"))?;
//!
//! let engine = Engine::from_plan(&library, &plan)?;
//! let mut session = Session::new(&engine)?;
//! let images = ndarray::Array4::<f32>::zeros((2, 1, 8, 8));
//! let outputs = session.run_async([("image", &images)]).await?;
//! assert_eq!(outputs.array::<f32>("probabilities")?.shape(), [2, 10]);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # The way of a model
//!
//! | What | With |
//! |---|---|
//! | ONNX model to [`Plan`] in one expression | [`EngineBuilder`] |
//! | the same step by step, or a network made by hand | [`Builder`], [`NetworkDefinition`], [`OnnxParser`], [`BuilderConfig`] |
//! | plan to [`Engine`] on a device | [`Runtime`], [`Engine::from_plan`] |
//! | inference over `ndarray` arrays | [`Session`] |
//! | inference over device buffers and streams of one's own | [`ExecutionContext`] |
//!
//! # Which TensorRT
//!
//! [`Library::load`] finds TensorRT 10 or 11 or TensorRT for RTX when the program runs; nothing of NVIDIA's is needed to build it. What the
//! loaded release lacks is an error of kind [`ErrorKind::Unsupported`] that says which release has it; no call and no flag is silently
//! left out. The crate `tensorrt-emulator` gives a [`Library`] that computes on the CPU, for tests: it is chosen by value, and never taken
//! in place of a GPU that is not there.
//!
//! # Ownership and threads
//!
//! NVIDIA's developer guide says that TensorRT's objects "are generally not thread-safe; the client must serialize access to objects from
//! different threads", and names what may be done at once: non-modifying operations on a runtime or engine, deserializing, and creating
//! execution contexts. Hence:
//!
//! - [`Library`], [`Runtime`], [`Engine`] and [`Plan`] are `Send` and `Sync`, and cheap to clone.
//! - [`ExecutionContext`] and [`Session`] are `Send`; running them takes `&mut`. Make one for each thread.
//! - [`Builder`] is `Send`. Networks, configurations and parsers borrow it, and stay on its thread.
//!
//! Whatever users keep owns what it needs, so everything is destroyed in the right order.
//!
//! # Errors and the log
//!
//! An [`Error`] says what was tried, what TensorRT said, and every warning and error that TensorRT logged meanwhile. TensorRT's log goes to
//! the `log` crate, target [`LOG_TARGET`].
//!
//! # Features
//!
//! - `tracing`: TensorRT's log lines as `tracing` events too.

mod builder;
mod callbacks;
mod context;
mod dims;
mod element;
mod engine;
mod error;
mod library;
mod logger;
mod network;
mod operation;
mod parser;
mod plan;
mod raw;
mod refitter;
mod runtime;
mod session;
mod value;

pub use cuda_utils::{Device, DeviceBuffer, DeviceMemory, Event, PinnedBuffer, Stream};
pub use tensorrt_sys::{
    ActivationType, AttentionIOForm, AttentionNormalizationOp, BoundingBoxFormat, BuilderFlag, CausalMaskKind,
    CollectiveOperation, ComputeCapability, CudaGraphStrategy, CumulativeOperation, DLAWorkspaceAllocationStrategy,
    DataType, DeviceType, DynamicShapesKernelSpecializationStrategy, ElementWiseOperation, EngineCapability,
    EngineStat, EngineValidity, ErrorCode, ExecutionContextAllocationStrategy, Family, FillOperation, GatherMode,
    HardwareCompatibilityLevel, Info, InterpolationMode, KVCacheMode, LayerInformationFormat, LayerType, Library,
    LibraryKind, LoadError, LoadErrorKind, LoadOptions, LoopOutput, MatrixOperation, MemoryPoolType, MoEActType,
    NetworkDefinitionCreationFlag, OnnxParserFlag, OptProfileSelector, PaddingMode, ParserErrorCode, PlanKind,
    PoolingType, PreviewFeature, ProfilingVerbosity, QuantizationFlag, ReduceOperation, ResizeCoordinateTransformation,
    ResizeRoundMode, ResizeSelector, RuntimePlatform, SampleMode, ScaleMode, ScatterMode, SerializationFlag, Severity,
    TacticSource, TempfileControlFlag, TensorFormat, TensorIOMode, TensorLocation, TilingOptimizationLevel,
    TopKOperation, TripLimit, UnaryOperation, Version, WeightsRole,
};

pub use self::builder::{
    Builder, BuilderConfig, EngineBuilder, OnnxSource, OptimizationProfile, ShapeRange, TimingCache,
};
pub use self::callbacks::{Profiler, Progress, ProgressEvent, ProgressMonitor};
pub use self::context::{ExecutionContext, GraphLaunch, Inference, OutputTensor};
pub use self::dims::{Dims, ToDims};
pub use self::element::{DeviceElement, TensorElement};
pub use self::engine::{
    Engine, EngineInspector, RuntimeCache, RuntimeConfig, TensorId, TensorInfo, TensorLayout, TensorSelector,
};
pub use self::error::{Error, ErrorKind, Result};
pub use self::logger::{LOG_TARGET, LogLine};
pub use self::network::layers::*;
pub use self::network::{Layer, NetworkDefinition, Tensor, TypedLayer, Weights};
pub use self::parser::{ModelSupport, OnnxParser, ParserError, Subgraph};
pub use self::plan::Plan;
pub use self::refitter::Refitter;
pub use self::runtime::Runtime;
pub use self::session::{Outputs, Session, TensorView};

/// The threading that the documentation promises.
const _: fn() = || {
    fn sent<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    shared::<Engine>();
    shared::<Runtime>();
    shared::<Plan>();
    shared::<Error>();
    sent::<Builder>();
    sent::<ExecutionContext>();
    sent::<Session>();
    sent::<Inference>();
};
