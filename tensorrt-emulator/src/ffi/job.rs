//! One run of a context: a snapshot of its shapes and addresses, executed on a stream's thread.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use cuda_utils::DeviceMemory;
use cuda_utils::host::Operation;
use smallvec::SmallVec;

use super::engine::Slot;
use super::object::lock;
use super::scope::Scope;
use crate::memory::Storage;
use crate::run::{Context, Engine, IoTensor, LayerProfiler};
use crate::tensor::{Dims, Tensor, byte_len};
use crate::{Error, Result};

/// The half of a context that computes; runs take turns.
#[derive(Debug)]
pub(super) struct Back {
    scope: Scope,
    slot: Arc<Slot>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    context: Context,
    /// Which of the slot's engines the context is of.
    generation: u64,
    memory: Memory,
}

/// Where activations lie.
#[derive(Debug)]
enum Memory {
    Own(Arc<DeviceMemory>),
    /// The user's, by address and size; null until given.
    Lent(*mut c_void, usize),
}

// SAFETY: lent memory is device memory that the user keeps valid during runs, on any thread (the table's contract).
unsafe impl Send for Memory {}

impl Back {
    /// A back half with a context of the slot's engine of `generation`; without memory, the user lends some.
    pub(super) fn new(
        scope: Scope,
        slot: &Arc<Slot>,
        generation: u64,
        context: Context,
        memory: Option<Arc<DeviceMemory>>,
    ) -> Self {
        let memory = memory.map_or(Memory::Lent(std::ptr::null_mut(), 0), Memory::Own);
        Self { scope, slot: slot.clone(), state: Mutex::new(State { context, generation, memory }) }
    }

    /// Takes the user's memory for the runs from now on.
    pub(super) fn lend(&self, memory: *mut c_void, size: usize) {
        lock(&self.state).memory = Memory::Lent(memory, size);
    }

    /// Takes larger memory of its own, where it has some.
    ///
    /// # Errors
    /// Those of `alloc`.
    pub(super) fn grow(&self, alloc: impl FnOnce() -> Result<Arc<DeviceMemory>>) -> Result<()> {
        let mut state = lock(&self.state);
        if let Memory::Own(memory) = &mut state.memory {
            *memory = alloc()?;
        }
        Ok(())
    }
}

/// A run's shapes, values and addresses.
#[derive(Debug)]
pub(super) struct Job {
    engine: Arc<Engine>,
    back: Arc<Back>,
    snapshot: Mutex<Snapshot>,
}

#[derive(Debug, Default)]
struct Snapshot {
    profile: usize,
    dims: Vec<Dims>,
    /// The elements of those inputs that are read on the host, as they were when the run was enqueued.
    elements: Vec<Option<Storage>>,
    addresses: Vec<*mut c_void>,
    sizes: Vec<usize>,
    profiled: bool,
    /// Whether outputs' shapes depend on data: the run leaves its outputs in `results`.
    dynamic: bool,
    results: Vec<Tensor>,
    times: Vec<(String, f32)>,
}

// SAFETY: the addresses are buffers that the user keeps valid until the run is done, on any thread (the table's contract).
unsafe impl Send for Snapshot {}

impl Job {
    pub(super) fn new(engine: &Arc<Engine>, back: &Arc<Back>) -> Self {
        Self { engine: engine.clone(), back: back.clone(), snapshot: Mutex::default() }
    }

    /// Takes the snapshot; `context` has every input set.
    ///
    /// # Errors
    /// A shape that is not known.
    pub(super) fn take(&self, context: &mut Context, addresses: &[*mut c_void], profiled: bool) -> Result<()> {
        let mut snapshot = lock(&self.snapshot);
        snapshot.profile = context.profile();
        snapshot.profiled = profiled;
        snapshot.dynamic = context.is_data_dependent()?;
        snapshot.results.clear();
        snapshot.dims.clear();
        snapshot.elements.clear();
        for (index, tensor) in self.engine.io_tensors()[..self.engine.num_inputs()].iter().enumerate() {
            let dims = context.input_shape(index).ok_or_else(|| Error::internal("an input's shape is not set"))?;
            snapshot.dims.push(dims);
            snapshot.elements.push(if tensor.is_shape {
                let size = size_of(tensor, &dims)?;
                // SAFETY: the table's contract: a shape input's address holds its elements, on the host, during the call.
                Some(Storage::copy_of(unsafe { std::slice::from_raw_parts(addresses[index].cast::<u8>(), size) }))
            } else {
                None
            });
        }
        snapshot.addresses.clear();
        snapshot.addresses.extend_from_slice(addresses);
        Ok(())
    }

    /// Hands out the layers' times of the run, which is done.
    pub(super) fn report(&self, mut tell: impl FnMut(&str, f32)) {
        for (layer, milliseconds) in lock(&self.snapshot).times.drain(..) {
            tell(&layer, milliseconds);
        }
    }

    /// The outputs of a run whose shapes depended on data, which is done.
    pub(super) fn results(&self) -> Vec<Tensor> {
        std::mem::take(&mut lock(&self.snapshot).results)
    }

    fn execute(&self) -> Result<()> {
        let mut snapshot = lock(&self.snapshot);
        let mut state = lock(&self.back.state);
        if state.generation != self.back.slot.generation() {
            // The engine was refitted: the run is one of its new weights.
            let (generation, engine) = self.back.slot.newest();
            state.context = engine.create_context(None)?;
            state.generation = generation;
        }
        let State { context, memory, .. } = &mut *state;
        let snapshot = &mut *snapshot;
        if context.profile() != snapshot.profile {
            context.set_profile(snapshot.profile)?;
        }
        for (index, &dims) in snapshot.dims.iter().enumerate() {
            context.set_input_shape(index, dims)?;
            if let Some(elements) = &snapshot.elements[index] {
                context.set_input_elements(index, elements)?;
            }
        }
        let io = self.engine.io_tensors();
        let inputs = self.engine.num_inputs();
        snapshot.sizes.clear();
        for (index, tensor) in io[..if snapshot.dynamic { inputs } else { io.len() }].iter().enumerate() {
            let dims = if tensor.is_input { snapshot.dims[index] } else { context.tensor_shape(index)? };
            snapshot.sizes.push(size_of(tensor, &dims)?);
        }
        let buffer = |index: usize| (snapshot.addresses[index].cast::<u8>(), snapshot.sizes[index]);
        let given: SmallVec<[&[u8]; 8]> = (0..inputs)
            .map(|index| {
                if let Some(elements) = &snapshot.elements[index] {
                    return &**elements;
                }
                let (address, size) = buffer(index);
                if !snapshot.dynamic && io.iter().any(|tensor| tensor.aliased_input == Some(index)) {
                    return &[][..];
                }
                // SAFETY: the table's contract: the address holds the tensor's bytes until the run is done; no output overlaps it.
                unsafe { std::slice::from_raw_parts(address, size) }
            })
            .collect();
        let times = Arc::new(Mutex::new(Vec::new()));
        if snapshot.profiled {
            context.set_profiler(Some(Box::new(Times(times.clone()))));
        }
        let done = if snapshot.dynamic {
            context.run_dynamic(&given).map(|results| snapshot.results = results)
        } else {
            run_static(context, memory, &given, &snapshot.addresses, &snapshot.sizes)
        };
        if snapshot.profiled {
            context.set_profiler(None);
            snapshot.times = std::mem::take(&mut *lock(&times));
        }
        done
    }
}

/// The bytes of a tensor of these extents.
fn size_of(tensor: &IoTensor, dims: &Dims) -> Result<usize> {
    let size = dims.volume().and_then(|count| byte_len(tensor.dtype, count));
    size.ok_or_else(|| Error::internal(format!("the size of \"{}\" is not known", tensor.name)))
}

/// Runs with every output's size known, into the user's buffers.
fn run_static(
    context: &mut Context,
    memory: &Memory,
    inputs: &[&[u8]],
    addresses: &[*mut c_void],
    sizes: &[usize],
) -> Result<()> {
    check_overlap(context.engine().io_tensors(), addresses, sizes)?;
    let needed = context.memory_size()?;
    let (address, size) = match memory {
        Memory::Own(memory) => (memory.as_device_ptr(), memory.bytes()),
        Memory::Lent(address, size) => (*address, *size),
    };
    if size < needed || (address.is_null() && needed > 0) {
        return Err(Error::invalid(format!("{size} bytes of device memory are set, the run needs {needed}")));
    }
    let arena: &mut [u8] = if needed == 0 {
        &mut []
    } else {
        // SAFETY: the memory is the context's own or lent to it (`setDeviceMemoryV2`), has `size` bytes, and the lock on the state
        // lets no other run use it.
        unsafe { std::slice::from_raw_parts_mut(address.cast(), size) }
    };
    let mut outputs: SmallVec<[&mut [u8]; 8]> = (inputs.len()..addresses.len())
        .map(|index| {
            // SAFETY: the table's contract: the address has room for the tensor until the run is done, and `check_overlap` found it
            // apart from every other buffer.
            unsafe { std::slice::from_raw_parts_mut(addresses[index].cast::<u8>(), sizes[index]) }
        })
        .collect();
    context.run(inputs, &mut outputs, Some(arena))
}

impl Operation for Job {
    /// The batch: the first extent of the first input.
    fn items(&self) -> u64 {
        let first = lock(&self.snapshot).dims.first().and_then(|dims| dims.first().copied());
        first.and_then(|extent| u64::try_from(extent).ok()).unwrap_or(1)
    }

    fn run(&self) -> cuda_utils::Result<()> {
        self.execute().map_err(|error| {
            self.back.scope.error("IExecutionContext::enqueueV3", &error);
            cuda_utils::Error::operation(error.message())
        })
    }
}

/// Collects the layers' times.
#[derive(Debug)]
struct Times(Arc<Mutex<Vec<(String, f32)>>>);

impl LayerProfiler for Times {
    fn report(&mut self, layer: &str, milliseconds: f32) {
        lock(&self.0).push((layer.to_owned(), milliseconds));
    }
}

/// Refuses an output that shares bytes with another buffer than its alias.
fn check_overlap(io: &[IoTensor], addresses: &[*mut c_void], sizes: &[usize]) -> Result<()> {
    let range = |index: usize| (addresses[index].addr(), addresses[index].addr() + sizes[index]);
    for (index, output) in io.iter().enumerate().filter(|(_, tensor)| !tensor.is_input) {
        let (start, end) = range(index);
        let others = (0..index).filter(|&other| output.aliased_input != Some(other));
        let overlaps = others.map(range).any(|(other, other_end)| start < other_end && other < end);
        if overlaps && start < end {
            return Err(Error::invalid("the address of an output lies within another tensor's buffer"));
        }
    }
    Ok(())
}
