//! The execution context: what one inference at a time needs.

mod bind;
mod graph;
mod inference;
mod memory;
mod output;
mod profiler;
mod settings;
mod shapes;

use std::ffi::c_char;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use cuda_utils::{DeviceMemory, Event, SharedUse, Stream};
use tensorrt_sys::{IExecutionContext, TensorUpdate};

pub use self::graph::GraphLaunch;
use self::graph::GraphState;
pub use self::inference::Inference;
pub use self::output::OutputTensor;
pub(crate) use self::shapes::check_input_shape;
use crate::ExecutionContextAllocationStrategy;
use crate::callbacks::{OutputAllocator, ProfilerObject, panic};
use crate::dims::Dims;
use crate::engine::{Engine, RuntimeCache};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, c_string};

/// What one inference at a time needs: shapes, bound buffers, scratch memory. Make one for each stream that is to run at the same time.
///
/// # Why does `enqueue` take `&mut self`?
///
/// NVIDIA's documentation: "using a context concurrently in different threads results in undefined behavior". A context can be sent to
/// another thread but not shared, and only its owner enqueues:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<tensorrt::ExecutionContext>();
/// ```
///
/// An inference on another stream than the one before waits for that one, since both use the context's memory.
///
/// # Buffers
///
/// A bound buffer is kept alive by the context, and every use of it is ordered: an inference waits for the copies that other streams make
/// to it, and they for the inference. So it may be dropped, copied from and rebound at any time. Dropping the context waits for the
/// inference that is in flight.
#[doc(alias = "nvinfer1::IExecutionContext")]
pub struct ExecutionContext {
    raw: ManuallyDrop<Raw<IExecutionContext>>,
    engine: ManuallyDrop<Engine>,
    /// Whom TensorRT tells the layers' times; it outlives the context.
    profiler: ManuallyDrop<Option<ProfilerObject>>,
    device_use: SharedUse,
    bindings: Vec<Binding>,
    pending: Pending,
    profile: usize,
    /// Whether TensorRT has inferred the shapes of all tensors.
    shapes_known: bool,
    /// Whether every bound memory was seen to be large enough.
    sizes_checked: bool,
    /// Whether TensorRT allocates an output.
    allocates: bool,
    graph: GraphState,
    kept: Kept,
}

/// What is known of one input or output.
#[derive(Debug, Default)]
struct Binding {
    /// As given, for inputs, or as inferred, for outputs.
    shape: Option<Dims>,
    /// The bytes that the tensor needs, once all shapes are known.
    needed: usize,
    memory: Option<Arc<DeviceMemory>>,
    /// Allocates the memory, where the size depends on the data; it outlives the context.
    allocator: Option<OutputAllocator>,
    /// The values of an input that is read on the host, kept as long as TensorRT knows their address.
    values: Option<Box<[u64]>>,
    /// Whether the values were set since the shape was.
    values_fit: bool,
}

/// What TensorRT refers to as long as it is set. It outlives the context.
#[derive(Debug, Default)]
struct Kept {
    /// Recorded once inputs are read.
    event: Option<Event>,
    aux_streams: Vec<Stream>,
    /// Whether the user gives the activation memory.
    user_managed: bool,
    /// The activation memory that the user gave.
    memory: Option<Arc<DeviceMemory>>,
    /// Where kernels are looked up.
    cache: Option<RuntimeCache>,
}

/// Addresses that TensorRT has not been told yet.
#[derive(Default)]
struct Pending(Vec<TensorUpdate>);

// SAFETY: the names belong to the engine that the context keeps, and the addresses to memories that `device_use` keeps; both are only
// handed to TensorRT.
unsafe impl Send for Pending {}

impl Pending {
    fn set(&mut self, update: TensorUpdate) {
        match self.0.iter_mut().find(|known| known.name == update.name) {
            Some(known) => *known = update,
            None => self.0.push(update),
        }
    }

    fn forget(&mut self, name: *const c_char) {
        self.0.retain(|known| known.name != name);
    }
}

impl ExecutionContext {
    pub(crate) fn new(engine: &Engine, strategy: ExecutionContextAllocationStrategy) -> Result<Self> {
        engine.device().make_current()?;
        let raw_strategy = strategy.cross(engine.library())?;
        let operation = Operation::begin();
        // SAFETY: the engine is alive as long as `engine`.
        let made = unsafe { call!(engine.raw(), ICudaEngine_createExecutionContext(raw_strategy)) }?;
        let tried = "create an execution context";
        let pointer = operation.object(engine.library(), ErrorKind::Setting, tried, made)?;
        // SAFETY: the context was just made by this library for the caller, who owns it; it keeps the engine, which must outlive it.
        let raw = unsafe { Raw::new(engine.library(), pointer) };
        Self::over(engine, raw, strategy, None)
    }

    /// A context over an object that was just made of the engine.
    pub(crate) fn over(
        engine: &Engine,
        raw: Raw<IExecutionContext>,
        strategy: ExecutionContextAllocationStrategy,
        cache: Option<RuntimeCache>,
    ) -> Result<Self> {
        let user_managed = strategy == ExecutionContextAllocationStrategy::UserManaged;
        let mut bindings = Vec::new();
        bindings.resize_with(engine.num_io_tensors(), Binding::default);
        let mut context = ExecutionContext {
            raw: ManuallyDrop::new(raw),
            engine: ManuallyDrop::new(engine.clone()),
            profiler: ManuallyDrop::new(None),
            device_use: SharedUse::new(engine.device())?,
            bindings,
            pending: Pending(Vec::with_capacity(engine.num_io_tensors())),
            profile: 0,
            shapes_known: false,
            sizes_checked: false,
            allocates: false,
            graph: GraphState::Cold,
            kept: Kept { user_managed, cache, ..Kept::default() },
        };
        context.forget_shapes();
        Ok(context)
    }

    pub(crate) fn as_ptr(&self) -> *mut IExecutionContext {
        self.raw.as_ptr()
    }

    /// The engine that it runs.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The optimization profile in use.
    #[must_use]
    #[doc(alias = "nvinfer1::IExecutionContext::getOptimizationProfile")]
    pub fn optimization_profile(&self) -> usize {
        self.profile
    }

    /// Uses another optimization profile from the next inference on. The shapes of dynamic inputs have to be set again.
    ///
    /// # Errors
    ///
    /// `UnknownName` if the engine has no such profile, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IExecutionContext::setOptimizationProfileAsync")]
    pub fn set_optimization_profile(&mut self, profile: usize, stream: &Stream) -> Result<()> {
        let index = self.engine.profile_index(profile)?;
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        let guard = self.device_use.begin(stream)?;
        // SAFETY: the context is alive; the stream is of its device (checked by `begin`) and waits for the context's earlier work.
        let taken = unsafe { call!(self.raw, IExecutionContext_setOptimizationProfileAsync(index, stream.as_raw())) };
        guard.finish()?;
        let tried = format!("use optimization profile {profile}");
        operation.truth(self.engine.library(), ErrorKind::Setting, tried, taken?)?;
        self.profile = profile;
        self.forget_shapes();
        for index in 0..self.bindings.len() {
            self.send_again(index);
        }
        Ok(())
    }

    /// Enqueues an inference on a stream and returns at once. What comes next on the stream, such as a copy of an output, sees its results.
    ///
    /// Nothing is sent to TensorRT that has not changed since the inference before. To learn when it is done, see
    /// [`ExecutionContext::enqueue`]. Once shapes and buffers stay the same, a call allocates nothing and takes no lock.
    ///
    /// # Errors
    ///
    /// `MissingInput` if an input has no shape or a tensor no buffer, `ShapeMismatch` if a buffer is too small, `Enqueue` if TensorRT
    /// refuses, `OutOfMemory` if there is no room for an output whose size depends on the data, `Cuda` if the device reports an error.
    /// Nothing is enqueued then.
    #[doc(alias = "nvinfer1::IExecutionContext::enqueueV3")]
    pub fn launch(&mut self, stream: &Stream) -> Result<()> {
        self.drop_stale_graph();
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        if !self.sizes_checked {
            self.check_sizes()?;
        }
        if self.allocates {
            self.forget_outputs();
        }
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        let guard = self.device_use.begin(stream)?;
        let enqueued = enqueue(&self.raw, &self.pending, stream);
        let finished = guard.finish();
        if self.allocates {
            self.keep_outputs()?;
        }
        if self.profiler.is_some() {
            panic::resume();
        }
        if let (false, tensor) = enqueued? {
            return Err(self.refused(operation, tensor));
        }
        self.pending.0.clear();
        finished.map_err(|error| Error::cuda("enqueue an inference", error))
    }

    /// Enqueues an inference on a stream and returns at once, with a future that completes when it is done.
    ///
    /// # Errors
    ///
    /// As for [`ExecutionContext::launch`].
    #[doc(alias = "nvinfer1::IExecutionContext::enqueueV3")]
    pub fn enqueue(&mut self, stream: &Stream) -> Result<Inference> {
        self.launch(stream)?;
        Ok(Inference::new(stream.completion()?))
    }

    #[cold]
    fn refused(&self, operation: Operation, failed: i32) -> Error {
        if let Some(error) = self.allocation_error() {
            return error.with_lines(operation.lines());
        }
        let tensor = usize::try_from(failed).ok().and_then(|index| self.pending.0.get(index));
        let name = tensor.and_then(|update| {
            self.engine.io_tensors().iter().find(|info| std::ptr::eq(info.c_name().as_ptr(), update.name))
        });
        let tried = match name {
            Some(info) => format!("enqueue an inference: set the address of {:?}", info.name()),
            None => "enqueue an inference".into(),
        };
        operation.fail(self.engine.library(), ErrorKind::Enqueue, tried)
    }

    /// Whether the newest inference is done, or there was none.
    ///
    /// # Errors
    ///
    /// The error with which it failed.
    pub fn is_complete(&self) -> Result<bool> {
        Ok(self.device_use.is_complete()?)
    }

    /// Blocks until the newest inference is done.
    ///
    /// # Errors
    ///
    /// The error with which it failed.
    pub fn synchronize(&self) -> Result<()> {
        Ok(self.device_use.synchronize()?)
    }

    /// Names the context, for TensorRT's log and profilers.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character.
    #[doc(alias = "nvinfer1::IExecutionContext::setName")]
    pub fn set_name(&mut self, name: &str) -> Result<()> {
        let string = c_string("name an execution context", name)?;
        // SAFETY: the context is alive as long as `self`; the name lives during the call and is copied.
        unsafe { call!(self.raw, IExecutionContext_setName(string.as_ptr())) }
    }
}

/// Tells TensorRT what changed, and has it enqueue; false with the index of the update that it refused, or −1.
///
/// The shapes are known and the sizes checked, the device is current, and the context's `device_use` has begun a run on this stream.
#[inline]
fn enqueue(raw: &Raw<IExecutionContext>, pending: &Pending, stream: &Stream) -> Result<(bool, i32)> {
    let updates = &pending.0;
    let count = i32::try_from(updates.len()).unwrap_or(i32::MAX);
    let mut failed = -1_i32;
    // SAFETY: the context is alive and this is its only use at the moment. The updates live during the call; their names belong to the
    // engine, their addresses to memories of this device that are large enough (checked before) and attached to `device_use`, which keeps
    // them alive and ordered until the work is done. The stream is of the same device (checked by `begin`).
    let enqueued = unsafe {
        call!(raw, IExecutionContext_updateAndEnqueueV3(updates.as_ptr(), count, stream.as_raw(), &raw mut failed))
    }?;
    Ok((enqueued, failed))
}

impl Drop for ExecutionContext {
    fn drop(&mut self) {
        // An error other than this means that the work is over, because it failed.
        let waited = self.device_use.synchronize();
        if waited.is_err_and(|error| error.kind() == cuda_utils::ErrorKind::NotPermitted) {
            // In a host callback nothing can be waited for: the context and its engine are leaked, for work may be in flight, and so is what
            // that may read. (Memories know by themselves when they are used no more.)
            let values: Vec<_> = self.bindings.iter_mut().map(|binding| binding.values.take()).collect();
            let _ = ManuallyDrop::new((values, self.kept.cache.take()));
            return;
        }
        // TensorRT frees the context's memory on the device that is current; an error of the driver here surfaces on the next call.
        let _ = self.engine.device().make_current();
        // SAFETY: no work of the context is in flight, and neither field is used again.
        unsafe { ManuallyDrop::drop(&mut self.raw) };
        // SAFETY: as above; the context, which calls the profiler, is gone.
        unsafe { ManuallyDrop::drop(&mut self.profiler) };
        // SAFETY: as above; the context, which must not outlive the engine, is gone.
        unsafe { ManuallyDrop::drop(&mut self.engine) };
    }
}

impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("engine", &self.engine.name())
            .field("profile", &self.profile)
            .field("bindings", &self.bindings)
            .finish_non_exhaustive()
    }
}
