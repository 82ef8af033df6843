//! Inference over arrays: an engine, a context, a stream and buffers that are used again and again.

mod batch;
mod outputs;
mod view;

use cuda_utils::{DeviceBuffer, PinnedBuffer, Stream};

pub use self::outputs::Outputs;
pub use self::view::TensorView;
use crate::TensorLocation;
use crate::context::{ExecutionContext, check_input_shape};
use crate::engine::{Engine, TensorSelector};
use crate::error::{Error, ErrorKind, Result};

/// Runs an engine on arrays.
///
/// It has a context and a stream of its own, and buffers that grow to the largest inputs and outputs and are then used again. Threads
/// that are to run at the same time each make a session of the same engine.
///
/// Every mistake about names, types and shapes is an error before anything is enqueued.
///
/// ```
/// use ndarray::Array4;
/// use tensorrt::{Engine, EngineBuilder, OptimizationProfile, Session};
///
/// # fn main() -> tensorrt::Result<()> {
/// # pollster::block_on(async {
/// # let library = tensorrt_emulator::library();
/// # let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [4, 1, 8, 8], [8, 1, 8, 8])?;
/// # let plan = EngineBuilder::from_onnx(&library, "../examples/data/digits.onnx")?.profile(profile).build()?;
/// let engine = Engine::from_plan(&library, &plan)?;
/// let mut session = Session::new(&engine)?;
/// let images = Array4::<f32>::zeros((3, 1, 8, 8));
/// let outputs = session.run([("image", &images)])?;
/// let answers = outputs.array::<f32>("probabilities")?;
/// let outputs = session.run_async([("image", &images)]).await?;
/// assert_eq!(outputs.view::<f32>("probabilities")?, answers);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    context: ExecutionContext,
    stream: Stream,
    slots: Vec<Slot>,
}

/// The buffers of one input or output.
#[derive(Debug, Default)]
struct Slot {
    buffers: Option<(PinnedBuffer<u8>, DeviceBuffer<u8>)>,
}

impl Slot {
    /// The buffers, with room for some bytes.
    fn room(&mut self, bytes: usize, stream: &Stream) -> Result<&mut (PinnedBuffer<u8>, DeviceBuffer<u8>)> {
        if self.buffers.as_ref().is_some_and(|(pinned, _)| pinned.len() < bytes) {
            self.buffers = None;
        }
        let device = stream.device();
        let buffers = match self.buffers.take() {
            Some(buffers) => buffers,
            None => (PinnedBuffer::alloc(device, bytes.max(1))?, DeviceBuffer::alloc(device, bytes.max(1))?),
        };
        Ok(self.buffers.insert(buffers))
    }
}

impl Session {
    /// Makes a session with a context and a stream of its own.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if the device has no room for the context.
    pub fn new(engine: &Engine) -> Result<Self> {
        let stream = Stream::new(engine.device())?;
        let mut slots = Vec::new();
        slots.resize_with(engine.num_io_tensors(), Slot::default);
        Ok(Session { context: engine.create_execution_context()?, stream, slots })
    }

    /// Makes a session that uses another optimization profile than the first.
    ///
    /// # Errors
    ///
    /// `UnknownName` if the engine has no such profile, `OutOfMemory` if the device has no room for the context.
    pub fn with_profile(engine: &Engine, profile: usize) -> Result<Self> {
        let mut session = Self::new(engine)?;
        session.context.set_optimization_profile(profile, &session.stream)?;
        Ok(session)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.context.engine()
    }

    /// The context.
    #[must_use]
    pub fn context(&self) -> &ExecutionContext {
        &self.context
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Runs an inference, and blocks until its outputs are there.
    ///
    /// The outputs borrow the session's memory; [`Outputs::into_owned`] copies them out.
    ///
    /// # Errors
    ///
    /// `UnknownName`, `MissingInput`, `TypeMismatch`, `ShapeMismatch` or `ShapeOutOfProfile` if the inputs are not what the engine takes,
    /// before anything is enqueued; `Enqueue`, `Cuda` or `OutOfMemory` if the inference fails.
    pub fn run<'a, N, V>(&mut self, inputs: impl IntoIterator<Item = (N, V)>) -> Result<Outputs<'_>>
    where
        N: TensorSelector,
        V: Into<TensorView<'a>>,
    {
        let inputs = self.resolve(inputs)?;
        self.submit(&inputs)?;
        self.stream.completion()?.wait().map_err(|error| Error::cuda("run an inference", error))?;
        self.outputs()
    }

    /// Runs an inference. The future is woken by the stream, so no thread waits for it; dropping it lets the inference end by itself.
    ///
    /// # Errors
    ///
    /// As for [`Session::run`].
    pub async fn run_async<'a, N, V>(&mut self, inputs: impl IntoIterator<Item = (N, V)>) -> Result<Outputs<'_>>
    where
        N: TensorSelector,
        V: Into<TensorView<'a>>,
    {
        let completion = {
            let inputs = self.resolve(inputs)?;
            self.submit(&inputs)?;
            self.stream.completion()?
        };
        completion.await.map_err(|error| Error::cuda("run an inference", error))?;
        self.outputs()
    }

    /// Finds the inputs and checks all that can be checked before anything happens. One place for each tensor of the engine.
    fn resolve<'a, N, V>(&self, inputs: impl IntoIterator<Item = (N, V)>) -> Result<Vec<Option<TensorView<'a>>>>
    where
        N: TensorSelector,
        V: Into<TensorView<'a>>,
    {
        let tensors = self.engine().io_tensors();
        let mut views: Vec<Option<TensorView<'a>>> = Vec::new();
        views.resize_with(tensors.len(), || None);
        for (name, view) in inputs {
            let index = self.engine().tensor_id(name)?.index();
            let (info, view) = (&tensors[index], view.into());
            let tried = || format!("run with the input {:?}", info.name());
            if !info.is_input() {
                return Err(Error::new(ErrorKind::UnknownName, tried(), "it is an output"));
            }
            if view.data_type() != info.data_type() {
                let said = format!("it has elements of {}, not {}", info.data_type().name(), view.data_type().name());
                return Err(Error::new(ErrorKind::TypeMismatch, tried(), said));
            }
            if views[index].replace(view).is_some() {
                return Err(Error::invalid(tried(), "it is given twice"));
            }
        }
        let missing = tensors.iter().zip(&views).filter(|(info, view)| info.is_input() && view.is_none());
        let missing: Vec<&str> = missing.map(|(info, _)| info.name()).collect();
        if !missing.is_empty() {
            return Err(Error::new(
                ErrorKind::MissingInput,
                "run an inference",
                format_args!("{missing:?} are not given"),
            ));
        }
        Ok(views)
    }

    /// Copies inputs to the device, runs the engine, and copies outputs back: all on the stream.
    fn submit(&mut self, inputs: &[Option<TensorView<'_>>]) -> Result<()> {
        let engine = self.engine().clone();
        for (info, view) in engine.io_tensors().iter().zip(inputs) {
            if let Some(view) = view {
                check_input_shape(info, &view.dims()?, self.context.optimization_profile())?;
            }
        }
        for (index, info) in engine.io_tensors().iter().enumerate() {
            let Some(view) = &inputs[index] else { continue };
            self.context.set_input_shape(info.name(), view.dims()?)?;
            if info.location() == TensorLocation::Host {
                self.context.set_host_bytes(index, view.bytes())?;
            }
        }
        for (index, info) in engine.io_tensors().iter().enumerate() {
            if info.location() == TensorLocation::Host {
                continue;
            }
            let bytes = self.context.bytes_needed(index)?;
            if bytes == usize::MAX || self.context.is_allocated(index) {
                continue;
            }
            if let Some(shared) = self.updated(index, bytes)? {
                self.context.set_tensor_memory(info.name(), shared.memory())?;
                continue;
            }
            let (pinned, device) = self.slots[index].room(bytes, &self.stream)?;
            self.context.set_tensor_memory(info.name(), device.memory())?;
            if let Some(view) = &inputs[index] {
                let length = view.bytes().len();
                pinned.as_mut_slice()?[..length].copy_from_slice(view.bytes());
                self.stream.copy_range_to_device(pinned, 0..length, device, 0)?;
            }
        }
        self.context.launch(&self.stream)?;
        for (index, info) in engine.io_tensors().iter().enumerate() {
            if info.is_input() || info.location() == TensorLocation::Host {
                continue;
            }
            if self.context.is_allocated(index) {
                let output = self.context.output(info.name())?;
                let (pinned, _) = self.slots[index].room(output.bytes(), &self.stream)?;
                output.copy_to(pinned, &self.stream)?;
                continue;
            }
            let bytes = self.context.bytes_needed(index)?;
            let shared = self.updated(index, bytes)?;
            let (pinned, device) = self.slots[index].room(bytes, &self.stream)?;
            self.stream.copy_range_to_host(shared.as_ref().unwrap_or(device), 0..bytes, pinned, 0)?;
        }
        Ok(())
    }

    /// The buffer of the input that an output is the update of, in place.
    fn updated(&self, index: usize, bytes: usize) -> Result<Option<DeviceBuffer<u8>>> {
        let tensors = self.engine().io_tensors();
        let Some(input) = tensors[index].aliased_input() else { return Ok(None) };
        let source = tensors.iter().position(|info| info.name() == input);
        let buffers = source.and_then(|source| self.slots[source].buffers.as_ref());
        buffers.map(|(_, device)| Ok(DeviceBuffer::from_memory(device.memory(), bytes)?)).transpose()
    }

    /// The outputs of the inference that is done.
    fn outputs(&mut self) -> Result<Outputs<'_>> {
        let engine = self.engine().clone();
        let mut shapes = Vec::new();
        for (index, info) in engine.io_tensors().iter().enumerate() {
            if !info.is_input() {
                let shape = self.context.tensor_shape(info.name())?;
                shapes.push((index, shape, info.bytes(&shape)?));
            }
        }
        let mut outputs = Outputs::new();
        for (index, shape, bytes) in shapes {
            let info = &engine.io_tensors()[index];
            let Some((pinned, _)) = &self.slots[index].buffers else { continue };
            outputs.push(info.name(), info.data_type(), shape, &pinned.as_slice()?[..bytes]);
        }
        Ok(outputs)
    }
}
