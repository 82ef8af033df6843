//! Safe, asynchronous NVIDIA TensorRT: build engines from ONNX, run them, test without a GPU.

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
mod runtime;
mod session;
mod value;

pub use cuda_utils::{Device, DeviceBuffer, PinnedBuffer, Stream};
pub use tensorrt_sys::{
    ActivationType, BuilderFlag, ComputeCapability, CumulativeOperation, DataType, DeviceType, ElementWiseOperation,
    EngineCapability, EngineStat, EngineValidity, ErrorCode, ExecutionContextAllocationStrategy, Family, GatherMode,
    HardwareCompatibilityLevel, Info, LayerInformationFormat, LayerType, Library, LibraryKind, LoadError,
    LoadErrorKind, LoadOptions, MatrixOperation, MemoryPoolType, NetworkDefinitionCreationFlag, OnnxParserFlag,
    OptProfileSelector, PaddingMode, ParserErrorCode, PlanKind, PoolingType, PreviewFeature, ProfilingVerbosity,
    QuantizationFlag, ReduceOperation, RuntimePlatform, Severity, TacticSource, TempfileControlFlag, TensorFormat,
    TensorIOMode, TensorLocation, TilingOptimizationLevel, TopKOperation, UnaryOperation, Version,
};

pub use self::builder::{
    Builder, BuilderConfig, EngineBuilder, OnnxSource, OptimizationProfile, ShapeRange, TimingCache,
};
pub use self::callbacks::{Progress, ProgressEvent, ProgressMonitor};
pub use self::context::{ExecutionContext, Inference};
pub use self::dims::{Dims, ToDims};
pub use self::element::{DeviceElement, TensorElement};
pub use self::engine::{Engine, EngineInspector, TensorId, TensorInfo, TensorSelector};
pub use self::error::{Error, ErrorKind, Result};
pub use self::logger::{LOG_TARGET, LogLine};
pub use self::network::{
    ActivationLayer, CastLayer, ConcatenationLayer, ConstantLayer, ConvolutionLayer, ElementWiseLayer, GatherLayer,
    IdentityLayer, Layer, MatrixMultiplyLayer, NetworkDefinition, PoolingLayer, ReduceLayer, SelectLayer, ShapeLayer,
    ShuffleLayer, SliceLayer, SoftMaxLayer, Tensor, TopKLayer, UnaryLayer, Weights,
};
pub use self::parser::{ModelSupport, OnnxParser, ParserError, Subgraph};
pub use self::plan::Plan;
pub use self::runtime::Runtime;
pub use self::session::{Outputs, Session, TensorView};
