//! One stream with a context and buffers of its own.

use std::time::{Duration, Instant};

use cuda_utils::Event;
use tensorrt::{
    DataType, Device, DeviceBuffer, Dims, Engine, ExecutionContext, PinnedBuffer, Profiler, Stream, TensorInfo,
    TensorLocation,
};

use crate::failure::{Failure, Result};
use crate::inputs::{self, InputShape};
use crate::options::InferenceOptions;
use crate::report::OutputReport;
use crate::values::Values;

/// A stream, a context, and buffers on both sides.
#[derive(Debug)]
pub(crate) struct Lane {
    context: ExecutionContext,
    stream: Stream,
    inputs: Vec<Slot>,
    outputs: Vec<Slot>,
    marks: [Marks; 2],
    transfers: bool,
}

/// The memory of one tensor.
#[derive(Debug)]
struct Slot {
    name: String,
    data_type: DataType,
    dims: Dims,
    pinned: PinnedBuffer<u8>,
    device: DeviceBuffer<u8>,
}

/// Where the parts of a query begin and end.
#[derive(Debug)]
pub(crate) struct Marks([Event; 4]);

impl Marks {
    fn new(device: &Device) -> Result<Self> {
        let mark = || Event::with_timing(device);
        Ok(Self([mark()?, mark()?, mark()?, mark()?]))
    }

    /// The beginning since an earlier event, and the times of the copies to the device, of the engine, and of the copies back, in
    /// milliseconds.
    pub(crate) fn since(&self, origin: &Event) -> Result<[f64; 4]> {
        let [start, to_device, computed, to_host] = &self.0;
        let pairs = [(origin, start), (start, to_device), (to_device, computed), (computed, to_host)];
        let mut times = [0.0; 4];
        for (time, (from, to)) in times.iter_mut().zip(pairs) {
            *time = f64::from(Event::elapsed_ms(from, to)?);
        }
        Ok(times)
    }
}

impl Lane {
    /// Makes a lane with the shapes and contents that the options ask for.
    pub(crate) fn new(engine: &Engine, shapes: &[InputShape], options: &InferenceOptions) -> Result<Self> {
        let device = engine.device();
        let stream = Stream::new(device)?;
        let mut context = engine.create_execution_context()?;
        let all = || engine.inputs().zip(shapes);
        for (info, shape) in all() {
            context.set_input_shape(info.name(), shape.dims)?;
        }
        let mut inputs = Vec::new();
        for (seed, (info, shape)) in (0_u64..).zip(all()) {
            if info.location() == TensorLocation::Host {
                set_values(&mut context, info, shape)?;
                continue;
            }
            let mut slot = Slot::new(device, info, shape.dims)?;
            inputs::fill(info, &shape.dims, seed, options, slot.contents()?)?;
            context.set_tensor_memory(info.name(), slot.device.memory())?;
            inputs.push(slot);
        }
        let mut outputs = Vec::new();
        context.infer_shapes()?;
        for info in engine.outputs() {
            let dims = context.tensor_shape(info.name()).map_err(|error| {
                let hint = "trtexec times engines whose outputs have known shapes; run this one with tensorrt::Session, or build it \
                            with --skipInference";
                Failure::from(error).hint(hint)
            })?;
            let slot = Slot::new(device, info, dims)?;
            context.set_tensor_memory(info.name(), slot.device.memory())?;
            outputs.push(slot);
        }
        let marks = [Marks::new(device)?, Marks::new(device)?];
        Ok(Self { context, stream, inputs, outputs, marks, transfers: !options.no_data_transfers })
    }

    /// Has the time of each layer told from now on.
    pub(crate) fn set_profiler(&mut self, profiler: impl Profiler + 'static) -> Result<()> {
        Ok(self.context.set_profiler(profiler)?)
    }

    /// Copies the inputs to the device, where the queries leave that out.
    pub(crate) fn upload(&mut self) -> Result<()> {
        if !self.transfers {
            self.copy_inputs()?;
        }
        Ok(())
    }

    fn copy_inputs(&mut self) -> Result<()> {
        for slot in &mut self.inputs {
            self.stream.copy_to_device(&slot.pinned, &mut slot.device)?;
        }
        Ok(())
    }

    fn copy_outputs(&mut self) -> Result<()> {
        for slot in &mut self.outputs {
            self.stream.copy_to_host(&slot.device, &mut slot.pinned)?;
        }
        Ok(())
    }

    /// Enqueues a query; returns how long TensorRT took for that. `at` says which of two in flight it is.
    pub(crate) fn enqueue(&mut self, at: usize) -> Result<Duration> {
        self.mark(at, 0)?;
        if self.transfers {
            self.copy_inputs()?;
        }
        self.mark(at, 1)?;
        let start = Instant::now();
        self.context.launch(&self.stream)?;
        let took = start.elapsed();
        self.mark(at, 2)?;
        if self.transfers {
            self.copy_outputs()?;
        }
        self.mark(at, 3)?;
        Ok(took)
    }

    fn mark(&self, at: usize, which: usize) -> Result<()> {
        Ok(self.marks[at].0[which].record(&self.stream)?)
    }

    /// Waits for the query that was enqueued as `at`.
    pub(crate) fn wait(&mut self, at: usize) -> Result<&Marks> {
        self.marks[at].0[3].synchronize()?;
        Ok(&self.marks[at])
    }

    /// Waits for everything.
    pub(crate) fn synchronize(&self) -> Result<()> {
        Ok(self.stream.synchronize()?)
    }

    /// The outputs of the newest query.
    pub(crate) fn outputs(&mut self) -> Result<Vec<OutputReport>> {
        if !self.transfers {
            self.copy_outputs()?;
        }
        self.outputs.iter().map(Slot::report).collect()
    }
}

impl Slot {
    fn new(device: &Device, info: &TensorInfo, dims: Dims) -> Result<Self> {
        // A tensor without elements has an address all the same.
        let bytes = info.bytes(&dims)?.max(1);
        Ok(Self {
            name: info.name().to_owned(),
            data_type: info.data_type(),
            dims,
            pinned: PinnedBuffer::alloc(device, bytes)?,
            device: DeviceBuffer::alloc(device, bytes)?,
        })
    }

    /// The bytes of the elements.
    fn contents(&mut self) -> Result<&mut [u8]> {
        let empty = self.dims.volume() == Some(0);
        let bytes = self.pinned.as_mut_slice()?;
        Ok(if empty { &mut [] } else { bytes })
    }

    fn report(&self) -> Result<OutputReport> {
        let bytes = if self.dims.volume() == Some(0) { &[] } else { self.pinned.as_slice()? };
        let values = Values::read(self.data_type, bytes);
        Ok(OutputReport::new(&self.name, self.data_type, &self.dims, values))
    }
}

/// Sets the values of an input that is a shape.
fn set_values(context: &mut ExecutionContext, info: &TensorInfo, shape: &InputShape) -> Result<()> {
    let tried = format!("set the values of the input {:?}", info.name());
    let Some(values) = &shape.values else {
        let hint = "give its values as --shapes=NAME:2x3x4";
        return Err(Failure::new(tried, "it is a shape, and neither options nor profile have values for it").hint(hint));
    };
    if info.data_type() == DataType::Int64 {
        return Ok(context.set_input_values(info.name(), values)?);
    }
    let narrow = values.iter().map(|value| i32::try_from(*value)).collect::<std::result::Result<Vec<i32>, _>>();
    let narrow = narrow.map_err(|_| Failure::usage(&tried, "its elements have 32 bits, and a value needs more"))?;
    Ok(context.set_input_values(info.name(), &narrow)?)
}
