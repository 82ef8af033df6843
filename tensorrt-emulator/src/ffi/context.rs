//! `IExecutionContext`: shapes and addresses, and runs on emulated streams.
//!
//! A context has two halves. The front answers for shapes and addresses on the caller's thread; the back computes on the stream's thread.
//! A run takes a snapshot of the front, so that the caller may set the next shapes and addresses while it goes on.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Mutex};

use cuda_utils::DeviceMemory;
use cuda_utils::host::{self, HostStreamRef};
use tensorrt_sys::{
    Api, ErrorCode, ICudaEngine, IExecutionContext, IOutputAllocator, IProfiler, ProfilingVerbosity, TensorUpdate,
};

use super::callbacks::{OutputAllocator, Profiler};
use super::dims::{shape_from_c, to_c};
use super::engine::Slot;
use super::entries::{entries, guard};
use super::job::{Back, Job};
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::{Scope, c_text};
use super::text::{Text, read};
use super::value::Value;
use crate::run::{Context, Engine};
use crate::tensor::{Dims, Tensor, byte_len};
use crate::{Error, Result};

/// The object behind `IExecutionContext`.
#[derive(Debug)]
pub(super) struct ContextObject {
    scope: Scope,
    engine: Arc<Engine>,
    engine_object: *mut ICudaEngine,
    names: Vec<CString>,
    name: Text,
    front: Mutex<Front>,
    back: Arc<Back>,
}

/// What the caller sets.
#[derive(Debug)]
struct Front {
    context: Context,
    /// One an input or output; null until set.
    addresses: Vec<*mut c_void>,
    /// One an input or output; null where the user gives the address.
    allocators: Vec<*mut IOutputAllocator>,
    name: String,
    profiler: *mut IProfiler,
    emits_profile: bool,
    /// The newest run whose times the profiler was not told.
    unreported: Option<Arc<Job>>,
    debug_sync: bool,
    nvtx: ProfilingVerbosity,
    cache_limit: usize,
    input_consumed: *mut c_void,
    /// Snapshots of runs; those that no stream holds are used again.
    jobs: Vec<Arc<Job>>,
}

// SAFETY: the pointers are addresses that the caller keeps valid until the runs that use them are done, on any thread (the table's contract).
unsafe impl Send for Front {}

impl Object for ContextObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl ContextObject {
    /// A new context of an engine, with memory of its own unless the user gives it some.
    ///
    /// # Errors
    /// The device has not enough memory.
    pub(super) fn hand_out(
        scope: Scope,
        slot: &Arc<Slot>,
        engine_object: *mut ICudaEngine,
        own_memory: bool,
    ) -> Result<*mut IExecutionContext> {
        let (generation, engine) = slot.newest();
        let io = engine.io_tensors();
        let names = io.iter().map(|tensor| c_text(&tensor.name)).collect();
        let context = engine.create_context(None)?;
        let memory = if own_memory { Some(device_memory(&engine, 0)?) } else { None };
        let front = Front {
            context,
            addresses: vec![std::ptr::null_mut(); io.len()],
            allocators: vec![std::ptr::null_mut(); io.len()],
            name: String::new(),
            profiler: std::ptr::null_mut(),
            emits_profile: true,
            unreported: None,
            debug_sync: false,
            nvtx: ProfilingVerbosity::LayerNamesOnly,
            cache_limit: 0,
            input_consumed: std::ptr::null_mut(),
            jobs: Vec::new(),
        };
        let back = Arc::new(Back::new(scope.clone(), slot, generation, engine.create_context(None)?, memory));
        let front = Mutex::new(front);
        Ok(into_raw(Self { scope, engine, engine_object, names, name: Text::default(), front, back }))
    }

    fn index(&self, name: *const c_char) -> Result<usize> {
        self.engine.io_index(&read(name, "the tensor's name")?)
    }

    fn set_shape(&self, name: *const c_char, dims: *const tensorrt_sys::Dims) -> Result<()> {
        let (index, dims) = (self.index(name)?, shape_from_c(dims, "the shape")?);
        lock(&self.front).context.set_input_shape(index, dims)
    }

    fn set_address(&self, name: *const c_char, address: *mut c_void, kind: Option<bool>) -> Result<()> {
        let index = self.index(name)?;
        let tensor = &self.engine.io_tensors()[index];
        if kind.is_some_and(|input| input != tensor.is_input) {
            let is = if tensor.is_input { "an input" } else { "an output" };
            return Err(Error::invalid(format!("\"{}\" is {is}", tensor.name)));
        }
        lock(&self.front).addresses[index] = address;
        Ok(())
    }

    fn set_profile(&self, index: i32) -> Result<()> {
        let index = usize::try_from(index).map_err(|_| Error::invalid(format!("there is no profile {index}")))?;
        let mut front = lock(&self.front);
        front.context.set_profile(index)?;
        self.back.grow(|| device_memory(&self.engine, index))
    }

    fn enqueue(&self, stream: *mut c_void) -> Result<()> {
        let mut front = lock(&self.front);
        front.ready(&self.engine)?;
        let dynamic = front.context.is_data_dependent()?;
        let raw_stream = stream;
        let default;
        // SAFETY: the table's contract: the handle is null or a stream of the emulated device that lives during the call.
        let stream = match unsafe { HostStreamRef::from_raw(stream) } {
            Some(stream) => stream,
            None if stream.is_null() => {
                default = host::current_device().default_stream();
                HostStreamRef::of(&default).ok_or_else(|| Error::internal("the default stream is not emulated"))?
            }
            None => {
                let text = "the stream is not one of the emulated device: make it with Stream::new(&Device::host())";
                return Err(Error::invalid(text));
            }
        };
        if stream.is_capturing() {
            front.check_capture(dynamic)?;
        }
        let job = front.job(&self.engine, &self.back);
        let profiler = front.profiler;
        let profiled = !profiler.is_null();
        let report = profiled && front.emits_profile;
        if !dynamic {
            self.allocate(&mut front, raw_stream)?;
        }
        let Front { context, addresses, .. } = &mut *front;
        job.take(context, addresses, profiled)?;
        let failed = |error: cuda_utils::Error| Error::new(ErrorCode::FailedExecution, error.to_string());
        stream.enqueue_shared(job.clone()).map_err(failed)?;
        if dynamic {
            stream.to_stream().and_then(|stream| stream.synchronize()).map_err(failed)?;
            self.hand_over(&mut front, &job.results(), raw_stream)?;
        }
        if !front.input_consumed.is_null() {
            // SAFETY: the table's contract: the event is one of the emulated device that lives during the call.
            let event = unsafe { host::HostEventRef::from_raw(front.input_consumed) };
            let event =
                event.ok_or_else(|| Error::invalid("the input-consumed event is not one of the emulated device"))?;
            event.record(&stream).map_err(failed)?;
        }
        if report || front.debug_sync {
            stream.to_stream().and_then(|stream| stream.synchronize()).map_err(failed)?;
        }
        if report {
            tell(profiler, &job);
        } else if profiled {
            front.unreported = Some(job);
        }
        Ok(())
    }
}

impl ContextObject {
    /// Memory from the user's allocator for output `index`, where it has one.
    fn reallocate(&self, front: &mut Front, index: usize, dims: &Dims, stream: *mut c_void) -> Result<()> {
        // SAFETY: the table's contract: an allocator that was set is alive during runs.
        let Some(allocator) = (unsafe { borrow::<OutputAllocator, _>(front.allocators[index]) }) else { return Ok(()) };
        let (name, tensor) = (&self.names[index], &self.engine.io_tensors()[index]);
        let size = dims.volume().and_then(|count| byte_len(tensor.dtype, count));
        let size = size.ok_or_else(|| Error::internal(format!("the size of \"{}\" is not known", tensor.name)))?;
        let address = allocator.reallocate(name, front.addresses[index], size, stream);
        if address.is_null() {
            let text = format!("the output allocator of \"{}\" gave no memory for {size} bytes", tensor.name);
            return Err(Error::new(ErrorCode::FailedAllocation, text));
        }
        front.addresses[index] = address;
        allocator.notify(name, &to_c(dims));
        Ok(())
    }

    /// Asks the allocators of outputs whose sizes are known before the run.
    fn allocate(&self, front: &mut Front, stream: *mut c_void) -> Result<()> {
        for index in 0..front.allocators.len() {
            if !front.allocators[index].is_null() {
                let dims = front.context.tensor_shape(index)?;
                self.reallocate(front, index, &dims, stream)?;
            }
        }
        Ok(())
    }

    /// Gives the user the outputs of a run whose shapes depended on data; the stream has been waited for.
    fn hand_over(&self, front: &mut Front, results: &[Tensor], stream: *mut c_void) -> Result<()> {
        let first = self.engine.num_inputs();
        for (index, result) in (first..).zip(results) {
            self.reallocate(front, index, result.dims(), stream)?;
            let bytes = result.view().bytes();
            // SAFETY: the table's contract: the address, the user's or just allocated, has room for the output, is the host's memory, and
            // nothing else uses it, for the stream is idle. The result is memory of its own.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), front.addresses[index].cast::<u8>(), bytes.len()) };
        }
        Ok(())
    }
}

/// Tells a profiler the layers' times of a run, waiting for it.
fn tell(profiler: *mut IProfiler, job: &Job) {
    // SAFETY: the table's contract: a profiler that was set is alive during runs and reports.
    if let Some(profiler) = unsafe { borrow::<Profiler, _>(profiler) } {
        job.report(|layer, milliseconds| profiler.report(&c_text(layer), milliseconds));
    }
}

/// The memory that runs of a profile need, on the calling thread's device.
fn device_memory(engine: &Engine, profile: usize) -> Result<Arc<DeviceMemory>> {
    let bytes = engine.device_memory_size(profile)?;
    DeviceMemory::alloc(&host::current_device(), bytes.max(1)).map_err(|error| {
        Error::new(ErrorCode::FailedAllocation, format!("{bytes} bytes of activations for profile {profile}: {error}"))
    })
}

impl Front {
    /// Reads the values of shape inputs, then checks that a run could start.
    fn ready(&mut self, engine: &Engine) -> Result<()> {
        self.read_values(engine)?;
        for (index, tensor) in engine.io_tensors().iter().enumerate() {
            if !self.allocators[index].is_null() {
                continue;
            }
            if self.addresses[index].is_null() {
                let text = format!("the address of \"{}\" is not set", tensor.name);
                return Err(Error::new(ErrorCode::InvalidState, text));
            }
            if let Some(input) = tensor.aliased_input
                && self.addresses[input] != self.addresses[index]
            {
                return Err(Error::invalid(format!(
                    "\"{}\" is \"{}\" updated in place: both must have one address",
                    tensor.name,
                    engine.io_tensors()[input].name
                )));
            }
            if !tensor.is_input && !self.context.tensor_shape(index)?.is_static() {
                let text = format!("the shape of \"{}\" depends on data: set an output allocator for it", tensor.name);
                return Err(Error::new(ErrorCode::InvalidState, text));
            }
        }
        Ok(())
    }

    /// Takes the values of shape inputs, which lie on the host, where both shape and address are set.
    fn read_values(&mut self, engine: &Engine) -> Result<()> {
        for (index, tensor) in
            engine.io_tensors().iter().enumerate().filter(|(_, tensor)| tensor.is_input && tensor.is_shape)
        {
            let bytes = self.context.input_shape(index).and_then(|dims| byte_len(tensor.dtype, dims.volume()?));
            let (Some(bytes), false) = (bytes, self.addresses[index].is_null()) else { continue };
            // SAFETY: the table's contract: a shape input's address holds its elements, on the host, during the call.
            let bytes = unsafe { std::slice::from_raw_parts(self.addresses[index].cast::<u8>(), bytes) };
            self.context.set_input_elements(index, bytes)?;
        }
        Ok(())
    }

    /// Refuses what needs the host during a run, which a captured one cannot have.
    fn check_capture(&self, dynamic: bool) -> Result<()> {
        let what = if dynamic {
            "an output's shape depends on data"
        } else if !self.profiler.is_null() && self.emits_profile {
            "a profiler is set"
        } else if self.debug_sync {
            "debug synchronization is on"
        } else if !self.input_consumed.is_null() {
            "an input-consumed event is set"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::InvalidState, format!("the stream is capturing, but {what}")))
    }

    /// A snapshot that no stream holds.
    fn job(&mut self, engine: &Arc<Engine>, back: &Arc<Back>) -> Arc<Job> {
        if let Some(free) = self.jobs.iter().find(|job| Arc::strong_count(job) == 1) {
            return free.clone();
        }
        let job = Arc::new(Job::new(engine, back));
        self.jobs.push(job.clone());
        job
    }
}

/// Sets what changed, then enqueues.
unsafe extern "C" fn update_and_enqueue(
    object: *mut IExecutionContext,
    updates: *const TensorUpdate,
    count: i32,
    stream: *mut c_void,
    failed: *mut i32,
) -> bool {
    // SAFETY: the table's contract: a live context of this table.
    let context: Option<&ContextObject> = unsafe { borrow(object) };
    let mut refused = -1;
    let done = guard("IExecutionContext_updateAndEnqueueV3", context, |context| {
        let len = usize::try_from(count).ok().filter(|&len| len == 0 || !updates.is_null());
        let len = len.ok_or_else(|| Error::invalid(format!("an array of {count} updates")))?;
        let updates = if len == 0 {
            &[][..]
        } else {
            // SAFETY: the table's contract: the array has `count` updates, readable during the call.
            unsafe { std::slice::from_raw_parts(updates, len) }
        };
        for (index, update) in (0i32..).zip(updates) {
            refused = index;
            if !update.shape.is_null() {
                context.set_shape(update.name, update.shape)?;
            }
            if !update.address.is_null() {
                context.set_address(update.name, update.address, None)?;
            }
        }
        refused = -1;
        context.enqueue(stream)?;
        Ok(true)
    });
    // SAFETY: the table's contract: `failed` is null or writable during the call.
    if let Some(failed) = unsafe { failed.as_mut() } {
        *failed = refused;
    }
    done
}

/// Fills the entries.
#[expect(clippy::too_many_lines, reason = "one entry a setting, in the order of NVIDIA's header")]
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IExecutionContext) {
        // SAFETY: the table's contract: made by `hand_out`, not used again. Runs under way hold the back half by themselves.
        unsafe { drop_object::<ContextObject>(object.cast::<c_void>()) };
    }
    api.IExecutionContext_destroy = Some(destroy);
    api.IExecutionContext_updateAndEnqueueV3 = Some(update_and_enqueue);
    entries! { api;
        IExecutionContext: ContextObject {
            fn IExecutionContext_getEngine(context) -> *mut ICudaEngine { Ok(context.engine_object) }
            fn IExecutionContext_setName(context, name: *const c_char) {
                lock(&context.front).name = read(name, "the context's name")?;
                Ok(())
            }
            fn IExecutionContext_getName(context) -> *const c_char { Ok(context.name.show(&lock(&context.front).name)) }
            fn IExecutionContext_setDebugSync(context, sync: bool) {
                lock(&context.front).debug_sync = sync;
                Ok(())
            }
            fn IExecutionContext_getDebugSync(context) -> bool { Ok(lock(&context.front).debug_sync) }
            fn IExecutionContext_setProfiler(context, profiler: *mut IProfiler) {
                lock(&context.front).profiler = profiler;
                Ok(())
            }
            fn IExecutionContext_getProfiler(context) -> *mut IProfiler { Ok(lock(&context.front).profiler) }
            fn IExecutionContext_setEnqueueEmitsProfile(context, emits: bool) {
                lock(&context.front).emits_profile = emits;
                Ok(())
            }
            fn IExecutionContext_getEnqueueEmitsProfile(context) -> bool { Ok(lock(&context.front).emits_profile) }
            fn IExecutionContext_reportToProfiler(context) -> bool {
                let mut front = lock(&context.front);
                if front.profiler.is_null() {
                    return Err(Error::new(ErrorCode::InvalidState, "no profiler is set"));
                }
                let job = front.unreported.take();
                let job = job.ok_or_else(|| Error::new(ErrorCode::InvalidState, "there is no run to report"))?;
                tell(front.profiler, &job);
                Ok(true)
            }
            fn IExecutionContext_setAuxStreams(context, streams: *mut *mut c_void, count: i32) {
                if count < 0 || (count > 0 && streams.is_null()) {
                    return Err(Error::invalid(format!("an array of {count} auxiliary streams")));
                }
                // Every run is one operation on its own stream, so none would be used.
                Ok(())
            }
            fn IExecutionContext_getOptimizationProfile(context) -> i32 {
                Ok(i32::try_from(lock(&context.front).context.profile()).unwrap_or(-1))
            }
            fn IExecutionContext_setOptimizationProfileAsync(context, index: i32, stream: *mut c_void) -> bool {
                context.set_profile(index).map(|()| true)
            }
            fn IExecutionContext_setInputShape(context, name: *const c_char, dims: *const tensorrt_sys::Dims) -> bool {
                context.set_shape(name, dims).map(|()| true)
            }
            fn IExecutionContext_getTensorShape(context, name: *const c_char) -> tensorrt_sys::Dims {
                let index = context.index(name)?;
                let mut front = lock(&context.front);
                front.read_values(&context.engine)?;
                Ok(to_c(&front.context.tensor_shape(index)?))
            }
            fn IExecutionContext_getTensorStrides(context, name: *const c_char) -> tensorrt_sys::Dims {
                let index = context.index(name)?;
                let dims = lock(&context.front).context.tensor_shape(index)?;
                let mut strides = dims;
                let mut step = 1;
                for (stride, &extent) in strides.iter_mut().zip(dims.iter()).rev() {
                    *stride = step;
                    step = if step < 0 || extent < 0 { -1 } else { step.saturating_mul(extent) };
                }
                Ok(to_c(&strides))
            }
            fn IExecutionContext_allInputDimensionsSpecified(context) -> bool {
                let front = lock(&context.front);
                Ok((0..context.engine.num_inputs()).all(|index| front.context.input_shape(index).is_some()))
            }
            fn IExecutionContext_allInputShapesSpecified(context) -> bool {
                let mut front = lock(&context.front);
                front.read_values(&context.engine)?;
                Ok(front.context.missing_inputs().is_empty())
            }
            fn IExecutionContext_inferShapes(context, capacity: i32, names: *mut *const c_char) -> i32 {
                let mut front = lock(&context.front);
                front.read_values(&context.engine)?;
                let missing = front.context.missing_inputs();
                for (slot, &index) in missing.iter().enumerate().take(usize::try_from(capacity).unwrap_or(0)) {
                    if names.is_null() {
                        break;
                    }
                    // SAFETY: the table's contract: `names` has room for `capacity` pointers, and `slot < capacity`.
                    let place = unsafe { names.add(slot) };
                    // SAFETY: as above.
                    unsafe { place.write(context.names[index].as_ptr()) };
                }
                if missing.is_empty() {
                    front.context.memory_size()?;
                }
                Ok(i32::try_from(missing.len()).unwrap_or(i32::MAX))
            }
            fn IExecutionContext_setTensorAddress(context, name: *const c_char, address: *mut c_void) -> bool {
                context.set_address(name, address, None).map(|()| true)
            }
            fn IExecutionContext_setInputTensorAddress(context, name: *const c_char, address: *const c_void) -> bool {
                context.set_address(name, address.cast_mut(), Some(true)).map(|()| true)
            }
            fn IExecutionContext_setOutputTensorAddress(context, name: *const c_char, address: *mut c_void) -> bool {
                context.set_address(name, address, Some(false)).map(|()| true)
            }
            fn IExecutionContext_getTensorAddress(context, name: *const c_char) -> *const c_void {
                let index = context.index(name)?;
                Ok(lock(&context.front).addresses[index])
            }
            fn IExecutionContext_getOutputTensorAddress(context, name: *const c_char) -> *mut c_void {
                let index = context.index(name)?;
                let is_output = !context.engine.io_tensors()[index].is_input;
                Ok(if is_output { lock(&context.front).addresses[index] } else { std::ptr::null_mut() })
            }
            fn IExecutionContext_setOutputAllocator(context, name: *const c_char, allocator: *mut IOutputAllocator) -> bool {
                let index = context.index(name)?;
                let tensor = &context.engine.io_tensors()[index];
                if tensor.is_input {
                    return Err(Error::invalid(format!("\"{}\" is an input", tensor.name)));
                }
                if let (Some(input), false) = (tensor.aliased_input, allocator.is_null()) {
                    let input = &context.engine.io_tensors()[input].name;
                    let text = format!("\"{}\" is \"{input}\" updated in place: it has the memory of that input", tensor.name);
                    return Err(Error::invalid(text));
                }
                lock(&context.front).allocators[index] = allocator;
                Ok(true)
            }
            fn IExecutionContext_getOutputAllocator(context, name: *const c_char) -> *mut IOutputAllocator {
                let index = context.index(name)?;
                Ok(lock(&context.front).allocators[index])
            }
            fn IExecutionContext_getMaxOutputSize(context, name: *const c_char) -> i64 {
                let index = context.index(name)?;
                let dims = lock(&context.front).context.tensor_shape(index)?;
                let bytes = dims.volume().and_then(|count| byte_len(context.engine.io_tensors()[index].dtype, count));
                Ok(bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1))
            }
            fn IExecutionContext_setInputConsumedEvent(context, event: *mut c_void) -> bool {
                lock(&context.front).input_consumed = event;
                Ok(true)
            }
            fn IExecutionContext_getInputConsumedEvent(context) -> *mut c_void { Ok(lock(&context.front).input_consumed) }
            fn IExecutionContext_enqueueV3(context, stream: *mut c_void) -> bool { context.enqueue(stream).map(|()| true) }
            fn IExecutionContext_executeV2(context, bindings: *const *mut c_void) -> bool {
                if bindings.is_null() {
                    return Err(Error::invalid("the bindings are null"));
                }
                for index in 0..context.names.len() {
                    // SAFETY: the table's contract: the array has one address an input or output of the engine.
                    let place = unsafe { bindings.add(index) };
                    // SAFETY: as above.
                    lock(&context.front).addresses[index] = unsafe { *place };
                }
                let stream = host::current_device().default_stream();
                context.enqueue(stream.as_raw())?;
                stream.synchronize().map_err(|error| Error::new(ErrorCode::FailedExecution, error.to_string()))?;
                Ok(true)
            }
            fn IExecutionContext_setPersistentCacheLimit(context, bytes: usize) {
                lock(&context.front).cache_limit = bytes;
                Ok(())
            }
            fn IExecutionContext_getPersistentCacheLimit(context) -> usize { Ok(lock(&context.front).cache_limit) }
            fn IExecutionContext_setNvtxVerbosity(context, verbosity: i32) -> bool {
                lock(&context.front).nvtx = ProfilingVerbosity::read(context.scope.family, verbosity)?;
                Ok(true)
            }
            fn IExecutionContext_getNvtxVerbosity(context) -> i32 { Ok(lock(&context.front).nvtx.show(context.scope.family)) }
            fn IExecutionContext_updateDeviceMemorySizeForShapes(context) -> usize { lock(&context.front).context.memory_size() }
            fn IExecutionContext_setDeviceMemoryV2(context, memory: *mut c_void, size: i64) {
                let size = usize::try_from(size).map_err(|_| Error::invalid(format!("{size} bytes of memory")))?;
                context.back.lend(memory, size);
                Ok(())
            }
            fn IExecutionContext_setDeviceMemory(context, memory: *mut c_void) {
                let profile = lock(&context.front).context.profile();
                context.back.lend(memory, context.engine.device_memory_size(profile)?);
                Ok(())
            }
            fn IExecutionContext_isStreamCapturable(context, stream: *mut c_void) -> bool {
                let mut front = lock(&context.front);
                let dynamic = front.context.is_data_dependent()?;
                Ok(front.check_capture(dynamic).is_ok())
            }
            fn IExecutionContext_setErrorRecorder(context, recorder: *mut tensorrt_sys::IErrorRecorder) {
                context.scope.set_recorder(recorder);
                Ok(())
            }
            fn IExecutionContext_getErrorRecorder(context) -> *mut tensorrt_sys::IErrorRecorder { Ok(context.scope.recorder()) }
        }
    }
}
