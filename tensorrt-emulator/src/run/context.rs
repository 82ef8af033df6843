//! Contexts: the shapes, the profile and the memory of one user of an engine.

use std::sync::Arc;

use smallvec::SmallVec;

use super::engine::Engine;
use super::execute::{Sources, execute};
use super::hooks::{LayerProfiler, MemoryAccount};
use super::interpret::interpret;
use super::io::IoTensor;
use super::schedule::Schedule;
use super::shapes::{InputShape, Shapes};
use crate::memory::{Regions, Storage};
use crate::plan::Selector;
use crate::tensor::{Dims, Tensor, TensorView, byte_len};
use crate::{Error, Result};

/// The schedules a context keeps.
const KEPT: usize = 8;

/// An execution context (`nvinfer1::IExecutionContext`).
#[derive(Debug)]
pub struct Context {
    engine: Arc<Engine>,
    profile: usize,
    /// One an input; `None` until set, where the engine's are dynamic.
    dims: Vec<Option<Dims>>,
    /// One an input; the values of shape inputs, once set.
    values: Vec<Option<Vec<i64>>>,
    /// The most recently used first.
    planned: Vec<(Vec<InputShape>, Arc<Planned>)>,
    arena: Storage,
    account: Option<Arc<dyn MemoryAccount>>,
    charged: usize,
    profiler: Option<Box<dyn LayerProfiler>>,
}

/// What is known for concrete inputs.
#[derive(Debug)]
struct Planned {
    output_dims: Vec<Dims>,
    /// `None` where shapes depend on data.
    schedule: Option<Schedule>,
}

impl Context {
    pub(super) fn new(engine: Arc<Engine>, account: Option<Arc<dyn MemoryAccount>>) -> Result<Self> {
        let inputs = &engine.io_tensors()[..engine.num_inputs()];
        let dims = inputs.iter().map(|tensor| tensor.dims.is_static().then_some(tensor.dims)).collect();
        let values = vec![None; inputs.len()];
        let mut context = Self {
            engine,
            profile: 0,
            dims,
            values,
            planned: Vec::new(),
            arena: Storage::zeroed(0),
            account,
            charged: 0,
            profiler: None,
        };
        context.charge(context.engine.device_memory_size(0)?)?;
        Ok(context)
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The profile in use.
    pub fn profile(&self) -> usize {
        self.profile
    }

    /// Changes the profile; the shapes of dynamic inputs are to be set anew.
    ///
    /// # Errors
    /// There is no such profile, or no memory for its maximum.
    pub fn set_profile(&mut self, profile: usize) -> Result<()> {
        self.engine.profile(profile)?;
        self.charge(self.engine.device_memory_size(profile)?)?;
        self.profile = profile;
        for (dims, tensor) in self.dims.iter_mut().zip(self.engine.io_tensors()) {
            *dims = tensor.dims.is_static().then_some(tensor.dims);
        }
        self.values.fill(None);
        Ok(())
    }

    /// Sets who is told each layer's time.
    pub fn set_profiler(&mut self, profiler: Option<Box<dyn LayerProfiler>>) {
        self.profiler = profiler;
    }

    fn input(&self, index: usize) -> Result<&IoTensor> {
        let tensor = self.engine.io_tensors().get(index);
        match tensor {
            Some(tensor) if tensor.is_input => Ok(tensor),
            Some(tensor) => Err(Error::invalid(format!("\"{}\" is not an input", tensor.name))),
            None => Err(Error::invalid(format!("the engine has no tensor {index}"))),
        }
    }

    /// Sets the extents of input `index`.
    ///
    /// # Errors
    /// It is not an input, or the extents contradict the engine's or lie outside of the profile.
    pub fn set_input_shape(&mut self, index: usize, dims: Dims) -> Result<()> {
        let tensor = self.input(index)?;
        if dims.rank() != tensor.dims.rank() {
            return Err(Error::invalid(format!(
                "the input \"{}\" has {} dimensions, not {} ({dims})",
                tensor.name,
                tensor.dims.rank(),
                dims.rank()
            )));
        }
        let profile = self.engine.profile(self.profile)?;
        let range = profile.dims(&tensor.name, Selector::Min).zip(profile.dims(&tensor.name, Selector::Max));
        let (least, most) = range.unwrap_or((tensor.dims, tensor.dims));
        for (at, &extent) in dims.iter().enumerate() {
            let fixed = tensor.dims[at];
            if fixed >= 0 && extent != fixed {
                return Err(Error::invalid(format!(
                    "dimension {at} of the input \"{}\" is {fixed} in the engine, not {extent}",
                    tensor.name
                )));
            }
            if !(least[at]..=most[at]).contains(&extent) {
                return Err(Error::invalid(format!(
                    "dimension {at} of the input \"{}\" is {extent}, but profile {} allows {} to {}",
                    tensor.name, self.profile, least[at], most[at]
                )));
            }
        }
        if self.dims[index] != Some(dims) {
            self.dims[index] = Some(dims);
        }
        Ok(())
    }

    /// The extents of input `index`, `None` until they are set.
    pub fn input_shape(&self, index: usize) -> Option<Dims> {
        self.dims.get(index).copied().flatten()
    }

    /// Sets the values of a shape input; runs take them from the input's buffer.
    ///
    /// # Errors
    /// It is not a shape input, its extents are not set or hold another number of values, or a value lies outside of the profile.
    pub fn set_input_values(&mut self, index: usize, values: &[i64]) -> Result<()> {
        let tensor = self.input(index)?;
        if !tensor.is_shape {
            return Err(Error::invalid(format!("no shape depends on the input \"{}\"", tensor.name)));
        }
        let count = self.dims[index].and_then(|dims| dims.volume());
        if count != Some(values.len()) {
            let wanted = count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
            return Err(Error::invalid(format!(
                "the input \"{}\" has {wanted} elements, not {}",
                tensor.name,
                values.len()
            )));
        }
        let profile = self.engine.profile(self.profile)?;
        let range = profile.values(&tensor.name, Selector::Min).zip(profile.values(&tensor.name, Selector::Max));
        if let Some((least, most)) = range {
            for (at, ((&value, &least), &most)) in values.iter().zip(least).zip(most).enumerate() {
                if !(least..=most).contains(&value) {
                    return Err(Error::invalid(format!(
                        "value {at} of the input \"{}\" is {value}, but profile {} allows {least} to {most}",
                        tensor.name, self.profile
                    )));
                }
            }
        }
        if self.values[index].as_deref() != Some(values) {
            self.values[index] = Some(values.to_vec());
        }
        Ok(())
    }

    /// The inputs whose extents or values are still to be set (`inferShapes`).
    pub fn missing_inputs(&self) -> Vec<usize> {
        let inputs = self.engine.io_tensors()[..self.dims.len()].iter().enumerate();
        let missing = inputs
            .filter(|&(index, tensor)| self.dims[index].is_none() || (tensor.is_shape && self.values[index].is_none()));
        missing.map(|(index, _)| index).collect()
    }

    /// The extents of input or output `index` (`getTensorShape`): −1 where inputs are not set yet or where they depend on data.
    ///
    /// # Errors
    /// There is no such tensor, or a layer refuses the inputs' shapes.
    pub fn tensor_shape(&mut self, index: usize) -> Result<Dims> {
        let Some(tensor) = self.engine.io_tensors().get(index) else {
            return Err(Error::invalid(format!("the engine has no tensor {index}")));
        };
        let engine_dims = tensor.dims;
        if tensor.is_input {
            return Ok(self.dims[index].unwrap_or(engine_dims));
        }
        if !self.missing_inputs().is_empty() {
            return Ok(engine_dims);
        }
        let output = index - self.dims.len();
        Ok(self.plan()?.output_dims[output])
    }

    /// Whether shapes depend on data, so that a run itself decides how large its outputs are.
    ///
    /// # Errors
    /// Inputs are missing, or a layer refuses their shapes.
    pub fn is_data_dependent(&mut self) -> Result<bool> {
        Ok(self.plan()?.schedule.is_none())
    }

    /// The bytes of activation memory that a run of the present shapes takes.
    ///
    /// # Errors
    /// Inputs are missing, or a layer refuses their shapes.
    pub fn memory_size(&mut self) -> Result<usize> {
        Ok(self.plan()?.schedule.as_ref().map_or(0, Schedule::arena_bytes))
    }

    /// The plan for the present shapes.
    fn plan(&mut self) -> Result<Arc<Planned>> {
        let found = self.planned.iter().position(|(key, _)| self.is_current(key));
        if let Some(at) = found {
            self.planned[..=at].rotate_right(1);
            return Ok(self.planned[0].1.clone());
        }
        if let Some(&index) = self.missing_inputs().first() {
            let tensor = &self.engine.io_tensors()[index];
            let what = if self.dims[index].is_none() { "shape" } else { "values" };
            return Err(Error::new(
                tensorrt_sys::ErrorCode::InvalidState,
                format!("the {what} of the input \"{}\" must be set first", tensor.name),
            ));
        }
        self.check_names()?;
        let dims = self.dims.iter().flatten();
        let inputs: Vec<InputShape> =
            dims.zip(&self.values).map(|(&dims, values)| InputShape { dims, values: values.clone() }).collect();
        let shapes = Shapes::infer(&self.engine, &inputs)?;
        let graph = self.engine.graph();
        let output_dims = graph.outputs.iter().map(|&id| shapes.dims(id)).collect();
        let schedule = if shapes.is_static() { Some(Schedule::new(&self.engine, &shapes)?) } else { None };
        let planned = Arc::new(Planned { output_dims, schedule });
        self.planned.truncate(KEPT - 1);
        self.planned.insert(0, (inputs, planned.clone()));
        Ok(planned)
    }

    fn is_current(&self, key: &[InputShape]) -> bool {
        let mut now = self.dims.iter().zip(&self.values).zip(key);
        now.all(|((dims, values), key)| *dims == Some(key.dims) && *values == key.values)
    }

    /// Equal names of dimensions are equal extents.
    fn check_names(&self) -> Result<()> {
        let graph = self.engine.graph();
        let mut known: Vec<(&str, i64, &str)> = Vec::new();
        for (&id, dims) in graph.inputs.iter().zip(self.dims.iter().flatten()) {
            let tensor = graph.tensor(id);
            for (name, &extent) in tensor.dim_names.iter().zip(dims.iter()).filter(|(name, _)| !name.is_empty()) {
                match known.iter().find(|(other, ..)| other == name) {
                    Some(&(_, other, place)) if other != extent => {
                        return Err(Error::invalid(format!(
                            "the dimension \"{name}\" is {other} in the input \"{place}\" and {extent} in \"{}\"",
                            tensor.name
                        )));
                    }
                    Some(_) => {}
                    None => known.push((name, extent, &tensor.name)),
                }
            }
        }
        Ok(())
    }

    /// Takes the values of shape inputs from their buffers.
    fn read_values(&mut self, inputs: &[&[u8]]) -> Result<()> {
        for (index, &bytes) in inputs.iter().enumerate() {
            self.set_input_elements(index, bytes)?;
        }
        Ok(())
    }

    /// Takes the values of input `index` from its elements, where shapes depend on them and its extents are set.
    ///
    /// # Errors
    /// As [`set_input_values`](Self::set_input_values), or the extents take another number of bytes.
    pub(crate) fn set_input_elements(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let tensor = self.input(index)?;
        let Some(dims) = self.dims[index].filter(|_| tensor.is_shape) else { return Ok(()) };
        if crate::tensor::is_float(tensor.dtype) {
            // Shapes that depend on fractions are known during the run only, which reads them from the buffer.
            self.values[index] = Some(Vec::new());
            return Ok(());
        }
        let values = TensorView::new(tensor.dtype, dims, bytes)?.to_i64()?;
        self.set_input_values(index, &values)
    }

    fn check_inputs(&self, inputs: &[&[u8]]) -> Result<()> {
        if inputs.len() != self.dims.len() {
            return Err(Error::invalid(format!(
                "{} inputs are given, the engine has {}",
                inputs.len(),
                self.dims.len()
            )));
        }
        for (index, ((bytes, dims), tensor)) in inputs.iter().zip(&self.dims).zip(self.engine.io_tensors()).enumerate()
        {
            let Some(dims) = dims else { continue };
            if bytes.is_empty() && self.engine.alias_of_input(index).is_some() {
                continue;
            }
            let wanted = dims.volume().and_then(|count| byte_len(tensor.dtype, count));
            if wanted != Some(bytes.len()) {
                return Err(Error::invalid(format!(
                    "the buffer of \"{}\" has {} bytes, but {dims} of {} takes {}",
                    tensor.name,
                    bytes.len(),
                    tensor.dtype.name(),
                    wanted.unwrap_or(usize::MAX)
                )));
            }
            check_alignment(&tensor.name, bytes)?;
        }
        Ok(())
    }

    /// Runs the network: one buffer an input, of exactly its bytes, and one an output, of at least its bytes.
    ///
    /// An output with the memory of an input (a cache updated in place) starts as a copy of that input's buffer, or, where that is empty,
    /// as what it has.
    ///
    /// Activations lie in `memory` where it is given, else in memory of the context's own.
    ///
    /// # Errors
    /// Shapes or values are missing or outside of the profile, a buffer has the wrong size or is not aligned to 8 bytes, a shape depends
    /// on data (see [`run_dynamic`](Self::run_dynamic)), or a layer refuses its values.
    pub fn run(&mut self, inputs: &[&[u8]], outputs: &mut [&mut [u8]], memory: Option<&mut [u8]>) -> Result<()> {
        self.check_inputs(inputs)?;
        self.read_values(inputs)?;
        let planned = self.plan()?;
        self.run_planned(&planned, inputs, outputs, memory)
    }

    /// Runs what was planned for inputs that were checked.
    fn run_planned(
        &mut self,
        planned: &Planned,
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
        memory: Option<&mut [u8]>,
    ) -> Result<()> {
        let Some(schedule) = &planned.schedule else {
            return Err(Error::new(
                tensorrt_sys::ErrorCode::InvalidState,
                "the outputs' shapes depend on data: their buffers cannot be given before the run",
            ));
        };
        if outputs.len() != schedule.output_bytes.len() {
            let wanted = schedule.output_bytes.len();
            return Err(Error::invalid(format!("{} outputs are given, the engine has {wanted}", outputs.len())));
        }
        let bytes = schedule.arena_bytes();
        if memory.is_none() && self.arena.len() < bytes {
            self.charge(bytes)?;
            self.arena = Storage::try_zeroed(bytes)?;
        }
        let arena = match memory {
            Some(memory)
                if memory.len() < bytes
                    || (bytes > 0 && memory.as_ptr().align_offset(crate::memory::ALIGNMENT) != 0) =>
            {
                return Err(Error::invalid(format!(
                    "{} bytes of activation memory are given, {bytes} bytes at a multiple of 64 are needed",
                    memory.len()
                )));
            }
            Some(memory) => memory,
            None => self.arena.make_mut(),
        };
        for (output, tensor) in outputs.iter_mut().zip(&self.engine.io_tensors()[self.dims.len()..]) {
            let Some(cache) = tensor.aliased_input.map(|input| inputs[input]) else { continue };
            if let Some(start) = output.get_mut(..cache.len()) {
                start.copy_from_slice(cache);
            }
        }
        let mut regions = Regions::new();
        regions.add(arena);
        let names = &self.engine.io_tensors()[self.dims.len()..];
        for ((buffer, &wanted), tensor) in outputs.iter_mut().zip(&schedule.output_bytes).zip(names) {
            let given = buffer.len();
            let Some(buffer) = buffer.get_mut(..wanted) else {
                let name = &tensor.name;
                return Err(Error::invalid(format!("the buffer of \"{name}\" has {given} bytes, {wanted} are needed")));
            };
            check_alignment(&tensor.name, buffer)?;
            regions.add(buffer);
        }
        debug_assert!(
            inputs.iter().zip(&schedule.input_bytes).all(|(have, &want)| have.is_empty() || have.len() == want)
        );
        let (engine, profiler) = (&self.engine, self.profiler.as_deref_mut());
        let sources = Sources { engine, schedule, inputs };
        engine.install(|| execute(sources, &mut regions, profiler))
    }

    /// Runs the network and returns its outputs as new tensors; works for shapes that depend on data, too.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_dynamic(&mut self, inputs: &[&[u8]]) -> Result<Vec<Tensor>> {
        self.check_inputs(inputs)?;
        self.read_values(inputs)?;
        let planned = self.plan()?;
        let io = self.engine.io_tensors();
        if planned.schedule.is_some() {
            let mut outputs = Vec::with_capacity(planned.output_dims.len());
            for (&dims, tensor) in planned.output_dims.iter().zip(&io[self.dims.len()..]) {
                outputs.push(Tensor::zeroed(tensor.dtype, dims)?);
            }
            let mut views: Vec<_> = outputs.iter_mut().map(Tensor::view_mut).collect();
            let mut buffers: Vec<&mut [u8]> = views.iter_mut().map(|view| view.bytes_mut()).collect();
            self.run(inputs, &mut buffers, None)?;
            return Ok(outputs);
        }
        let mut tensors = Vec::with_capacity(inputs.len());
        for ((&bytes, dims), tensor) in inputs.iter().zip(self.dims.iter().flatten()).zip(io) {
            tensors.push(Tensor::new(tensor.dtype, *dims, Storage::copy_of(bytes))?);
        }
        let (engine, profiler) = (&self.engine, self.profiler.as_deref_mut());
        engine.install(|| interpret(engine, &tensors, profiler))
    }

    /// Runs the network as [`run_dynamic`](Self::run_dynamic) does, into tensors of a run before where they fit.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(super) fn run_reusing(&mut self, inputs: &[&[u8]], outputs: &mut Vec<Tensor>) -> Result<()> {
        self.check_inputs(inputs)?;
        self.read_values(inputs)?;
        let planned = self.plan()?;
        if planned.schedule.is_none() {
            *outputs = self.run_dynamic(inputs)?;
            return Ok(());
        }
        let types = self.engine.io_tensors()[self.dims.len()..].iter().map(|tensor| tensor.dtype);
        for (at, (&dims, dtype)) in planned.output_dims.iter().zip(types).enumerate() {
            if outputs.get(at).is_none_or(|known| *known.dims() != dims || known.dtype() != dtype) {
                outputs.truncate(at);
                outputs.push(Tensor::zeroed(dtype, dims)?);
            }
        }
        let mut views: SmallVec<[_; 8]> = outputs.iter_mut().map(Tensor::view_mut).collect();
        let mut buffers: SmallVec<[&mut [u8]; 8]> = views.iter_mut().map(|view| view.bytes_mut()).collect();
        self.run_planned(&planned, inputs, &mut buffers, None)
    }

    /// Raises what is charged to the account to `bytes`.
    fn charge(&mut self, bytes: usize) -> Result<()> {
        if let Some(account) = self.account.as_ref().filter(|_| bytes > self.charged) {
            account.charge(bytes - self.charged)?;
            self.charged = bytes;
        }
        Ok(())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(account) = &self.account {
            account.release(self.charged);
        }
    }
}

/// Elements are read in place: their addresses are multiples of their sizes.
fn check_alignment(name: &str, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() || bytes.as_ptr().align_offset(8) == 0 {
        return Ok(());
    }
    Err(Error::invalid(format!("the address of \"{name}\" is not a multiple of 8 bytes")))
}
