//! The GPU side: cudarc's loader and types, and the few calls of the CUDA driver that this crate makes.
//!
//! These are all of them (`driver::CALLS`, which a test compares with this list); a stand-in for libcuda needs no others:
//!
//! - library and devices: `cuInit`, `cuDriverGetVersion`, `cuGetErrorName`, `cuGetErrorString`, `cuDeviceGetCount`, `cuDeviceGet`,
//!   `cuDeviceGetName`, `cuDeviceGetAttribute`
//! - context: `cuDevicePrimaryCtxRetain`, `cuDevicePrimaryCtxRelease_v2`, `cuCtxGetCurrent`, `cuCtxSetCurrent`, `cuCtxSynchronize`
//! - memory: `cuMemGetInfo_v2`, `cuMemAlloc_v2`, `cuMemFree_v2`, `cuMemHostAlloc`, `cuMemFreeHost`, `cuPointerGetAttribute`,
//!   `cuMemcpyHtoDAsync_v2`,
//!   `cuMemcpyDtoHAsync_v2`, `cuMemcpyDtoDAsync_v2`, `cuMemsetD8Async`
//! - streams: `cuStreamCreateWithPriority`, `cuStreamDestroy_v2`, `cuStreamSynchronize`, `cuStreamQuery`, `cuStreamWaitEvent`,
//!   `cuStreamAddCallback`
//! - graphs: `cuStreamBeginCapture_v2`, `cuStreamEndCapture`, `cuGraphGetNodes`, `cuGraphInstantiateWithFlags`, `cuGraphLaunch`,
//!   `cuGraphDestroy`, `cuGraphExecDestroy`
//! - events: `cuEventCreate`, `cuEventDestroy_v2`, `cuEventRecord`, `cuEventQuery`, `cuEventSynchronize`, `cuEventElapsedTime`
//!
//! cudarc finds and loads the library. The functions are then looked up here rather than called through cudarc's bindings, for two
//! reasons: those panic if the driver lacks a function, and they return a Rust enum, so that a result code which a newer driver adds
//! would be undefined behaviour.

mod context;
mod driver;
mod event;
mod graph;
mod stream;

pub(crate) use self::context::Context;
pub(crate) use self::event::Event;
pub(crate) use self::graph::Graph;
pub(crate) use self::stream::Stream;
