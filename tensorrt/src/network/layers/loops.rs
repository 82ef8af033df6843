//! Loops: layers that run again and again.

use std::ptr::NonNull;

use tensorrt_sys::{
    IIteratorLayer, ILayer, ILoop, ILoopBoundaryLayer, ILoopOutputLayer, IRecurrenceLayer, ITripLimitLayer, Library,
};

use super::{accessors, layers};
use crate::error::{ErrorKind, Result};
use crate::network::layer::Class;
use crate::network::{Layer, NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{LayerType, LoopOutput, TripLimit};

layers! {
    /// The slices of a tensor, one an iteration of a [`Loop`].
    #[doc(alias = "nvinfer1::IIteratorLayer")]
    IteratorLayer = IIteratorLayer is Iterator;
    /// An output of a [`Loop`]: all that other layers may read of it.
    #[doc(alias = "nvinfer1::ILoopOutputLayer")]
    LoopOutputLayer = ILoopOutputLayer is LoopOutput;
    /// A value that a [`Loop`] carries from one iteration to the next.
    #[doc(alias = "nvinfer1::IRecurrenceLayer")]
    RecurrenceLayer = IRecurrenceLayer is Recurrence;
    /// What ends a [`Loop`].
    #[doc(alias = "nvinfer1::ITripLimitLayer")]
    TripLimitLayer = ITripLimitLayer is TripLimit;
}

/// A layer at the border of a [`Loop`].
#[doc(alias = "nvinfer1::ILoopBoundaryLayer")]
pub type LoopBoundaryLayer<'n> = Layer<'n, ILoopBoundaryLayer>;

impl Class for ILoopBoundaryLayer {
    const KINDS: &'static [LayerType] =
        &[LayerType::Iterator, LayerType::LoopOutput, LayerType::Recurrence, LayerType::TripLimit];
}

impl<'n> LoopBoundaryLayer<'n> {
    /// The loop that the layer belongs to.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILoopBoundaryLayer::getLoop")]
    pub fn parent_loop(&self) -> Result<Loop<'n>> {
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a boundary of a loop.
        let made = unsafe { call!(self, ILoopBoundaryLayer_getLoop()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "get a layer's loop", made)?;
        Ok(Loop { network: self.network(), pointer })
    }
}

accessors! { IteratorLayer:
    "the axis along which the slices lie" value i32,
        axis = IIteratorLayer_getAxis "nvinfer1::IIteratorLayer::getAxis",
        set_axis = IIteratorLayer_setAxis "nvinfer1::IIteratorLayer::setAxis";
    "whether the last slice comes first" value bool,
        reverse = IIteratorLayer_getReverse "nvinfer1::IIteratorLayer::getReverse",
        set_reverse = IIteratorLayer_setReverse "nvinfer1::IIteratorLayer::setReverse";
}

accessors! { LoopOutputLayer:
    "the axis along which values are collected; it counts among those of the output" value i32,
        axis = ILoopOutputLayer_getAxis "nvinfer1::ILoopOutputLayer::getAxis",
        set_axis = ILoopOutputLayer_setAxis "nvinfer1::ILoopOutputLayer::setAxis";
}

impl LoopOutputLayer<'_> {
    /// Whether it gives the last value, or all in order or reversed.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for one that this crate has no name for.
    #[doc(alias = "nvinfer1::ILoopOutputLayer::getLoopOutput")]
    pub fn loop_output(&self) -> Result<LoopOutput> {
        // SAFETY: a network's layers live as long as it, and this one is of the entry's class.
        let raw = unsafe { call!(self, ILoopOutputLayer_getLoopOutput()) }?;
        <LoopOutput as Value>::read(self.library(), raw, "ILoopOutputLayer::getLoopOutput")
    }

    /// Sets how many values are collected: a scalar from outside of the loop. An output of all values needs it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILoopOutputLayer::setInput")]
    pub fn set_length(&self, length: Tensor<'_>) -> Result<()> {
        self.set_input(1, length)
    }
}

impl RecurrenceLayer<'_> {
    /// Sets the value for the next iteration, of the first value's shape and type. Every recurrence needs it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRecurrenceLayer::setInput")]
    pub fn set_next(&self, next: Tensor<'_>) -> Result<()> {
        self.set_input(1, next)
    }
}

impl TripLimitLayer<'_> {
    /// Whether it is a count or a condition.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for one that this crate has no name for.
    #[doc(alias = "nvinfer1::ITripLimitLayer::getTripLimit")]
    pub fn trip_limit(&self) -> Result<TripLimit> {
        // SAFETY: a network's layers live as long as it, and this one is of the entry's class.
        let raw = unsafe { call!(self, ITripLimitLayer_getTripLimit()) }?;
        <TripLimit as Value>::read(self.library(), raw, "ITripLimitLayer::getTripLimit")
    }
}

/// A loop: the layers that depend on its recurrences and iterators run once an iteration.
///
/// It needs at least one trip limit, and gives values to other layers by its outputs only. Layers inside may read tensors from outside.
///
/// ```
/// use ndarray::array;
/// use tensorrt::{
///     Builder, DataType, ElementWiseOperation, Engine, LoopBoundaryLayer, LoopOutput, Session, TripLimit, Weights,
/// };
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = tensorrt_emulator::library();
/// let builder = Builder::new(&library)?;
/// let network = builder.create_network(&[])?;
/// let rows = network.add_input("rows", DataType::Float, [3, 2])?;
/// let start = network.add_constant([2], Weights::new(&[0.0_f32, 100.0]))?.output(0)?;
/// let count = network.add_constant([0; 0], Weights::new(&[3_i32]))?.output(0)?;
///
/// // The running sums of the rows.
/// let sums = network.add_loop()?;
/// sums.set_name("sums")?;
/// sums.add_trip_limit(count, TripLimit::Count)?;
/// let row = sums.add_iterator(rows, 0, false)?.output(0)?;
/// let carried = sums.add_recurrence(start)?;
/// let sum = network.add_elementwise(carried.output(0)?, row, ElementWiseOperation::Sum)?.output(0)?;
/// carried.set_next(sum)?;
///
/// let last = sums.add_loop_output(carried.output(0)?, LoopOutput::LastValue, 0)?;
/// let all = sums.add_loop_output(sum, LoopOutput::Concatenate, 0)?;
/// all.set_length(count)?;
/// for (layer, name) in [(last, "last"), (all, "all")] {
///     layer.output(0)?.set_name(name)?;
///     network.mark_output(layer.output(0)?)?;
/// }
/// let boundary = carried.as_any().downcast::<LoopBoundaryLayer>().unwrap();
/// assert_eq!(boundary.parent_loop()?.name()?, "sums");
///
/// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
/// let engine = Engine::from_plan(&library, &plan)?;
/// let rows = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let mut session = Session::new(&engine)?;
/// let outputs = session.run([("rows", &rows)])?;
/// assert_eq!(outputs.array::<f32>("last")?, array![9.0_f32, 112.0].into_dyn());
/// assert_eq!(outputs.array::<f32>("all")?, array![[1.0_f32, 102.0], [4.0, 106.0], [9.0, 112.0]].into_dyn());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[doc(alias = "nvinfer1::ILoop")]
pub struct Loop<'n> {
    network: &'n NetworkDefinition<'n>,
    pointer: NonNull<ILoop>,
}

impl<'n> Loop<'n> {
    fn library(&self) -> &Library {
        self.network.library()
    }

    fn as_ptr(&self) -> *mut ILoop {
        self.pointer.as_ptr()
    }

    fn added<K>(&self, operation: Operation, tried: &str, made: *mut ILayer) -> Result<Layer<'n, K>> {
        Ok(Layer::new(self.network, operation.object(self.library(), ErrorKind::Build, tried, made)?))
    }

    /// Adds a value that is carried from one iteration to the next: `first` at first, then what
    /// [`RecurrenceLayer::set_next`] sets.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILoop::addRecurrence")]
    pub fn add_recurrence(&self, first: Tensor<'_>) -> Result<RecurrenceLayer<'n>> {
        self.network.own(first)?;
        let operation = Operation::begin();
        // SAFETY: loop and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, ILoop_addRecurrence(first.as_ptr())) }?;
        self.added(operation, "add a recurrence", made.cast())
    }

    /// Adds what ends the loop: a scalar count, known before, or a scalar boolean, asked before each iteration. There may be one of each.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILoop::addTripLimit")]
    pub fn add_trip_limit(&self, tensor: Tensor<'_>, limit: TripLimit) -> Result<TripLimitLayer<'n>> {
        self.network.own(tensor)?;
        let limit = limit.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: loop and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, ILoop_addTripLimit(tensor.as_ptr(), limit)) }?;
        self.added(operation, "add a trip limit", made.cast())
    }

    /// Adds the slices of a tensor along an axis, one an iteration, the last first if `reverse`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network or the axis is too large, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILoop::addIterator")]
    pub fn add_iterator(&self, tensor: Tensor<'_>, axis: u32, reverse: bool) -> Result<IteratorLayer<'n>> {
        self.network.own(tensor)?;
        let axis = axis.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: loop and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, ILoop_addIterator(tensor.as_ptr(), axis, reverse)) }?;
        self.added(operation, "add an iterator", made.cast())
    }

    /// Adds an output: the last value of a recurrence, or all values of a tensor along a new axis, as many as
    /// [`LoopOutputLayer::set_length`] says.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network or the axis is too large, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILoop::addLoopOutput")]
    pub fn add_loop_output(&self, tensor: Tensor<'_>, output: LoopOutput, axis: u32) -> Result<LoopOutputLayer<'n>> {
        self.network.own(tensor)?;
        let (output, axis) = (output.cross(self.library())?, axis.cross(self.library())?);
        let operation = Operation::begin();
        // SAFETY: loop and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, ILoop_addLoopOutput(tensor.as_ptr(), output, axis)) }?;
        self.added(operation, "add an output of a loop", made.cast())
    }
}

accessors! { Loop:
    "the name, which errors use" text,
        name = ILoop_getName "nvinfer1::ILoop::getName",
        set_name = ILoop_setName "nvinfer1::ILoop::setName";
}

impl NetworkDefinition<'_> {
    /// Adds a loop, whose boundary layers it adds itself.
    ///
    /// # Errors
    ///
    /// `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addLoop")]
    pub fn add_loop(&self) -> Result<Loop<'_>> {
        let operation = Operation::begin();
        // SAFETY: the network is alive.
        let made = unsafe { call!(self.raw, INetworkDefinition_addLoop()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "add a loop", made)?;
        Ok(Loop { network: self, pointer })
    }
}
