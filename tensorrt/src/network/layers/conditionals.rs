//! Conditionals: layers of which one branch runs.

use std::ptr::NonNull;

use tensorrt_sys::{
    IConditionLayer, IIfConditional, IIfConditionalBoundaryLayer, IIfConditionalInputLayer, IIfConditionalOutputLayer,
    ILayer, Library,
};

use super::{accessors, layers};
use crate::LayerType;
use crate::error::{ErrorKind, Result};
use crate::network::layer::Class;
use crate::network::{Layer, NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// What decides an [`IfConditional`].
    #[doc(alias = "nvinfer1::IConditionLayer")]
    ConditionLayer = IConditionLayer is Condition;
    /// A tensor that the branches of an [`IfConditional`] read.
    #[doc(alias = "nvinfer1::IIfConditionalInputLayer")]
    IfConditionalInputLayer = IIfConditionalInputLayer is ConditionalInput;
    /// An output of an [`IfConditional`]: of one branch or the other.
    #[doc(alias = "nvinfer1::IIfConditionalOutputLayer")]
    IfConditionalOutputLayer = IIfConditionalOutputLayer is ConditionalOutput;
}

/// A layer at the border of an [`IfConditional`].
#[doc(alias = "nvinfer1::IIfConditionalBoundaryLayer")]
pub type IfConditionalBoundaryLayer<'n> = Layer<'n, IIfConditionalBoundaryLayer>;

impl Class for IIfConditionalBoundaryLayer {
    const KINDS: &'static [LayerType] =
        &[LayerType::Condition, LayerType::ConditionalInput, LayerType::ConditionalOutput];
}

impl<'n> IfConditionalBoundaryLayer<'n> {
    /// The conditional that the layer belongs to.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IIfConditionalBoundaryLayer::getConditional")]
    pub fn conditional(&self) -> Result<IfConditional<'n>> {
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a boundary of a conditional.
        let made = unsafe { call!(self, IIfConditionalBoundaryLayer_getConditional()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "get a layer's conditional", made)?;
        Ok(IfConditional { network: self.network(), pointer })
    }
}

/// An if-conditional: of two branches, the layers between its inputs and its outputs, the one runs that the condition names.
///
/// The branches share no layers, and give values to other layers by the outputs only.
///
/// ```
/// use ndarray::{arr0, array};
/// use tensorrt::{Builder, DataType, Engine, IfConditionalBoundaryLayer, Session, UnaryOperation};
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = tensorrt_emulator::library();
/// let builder = Builder::new(&library)?;
/// let network = builder.create_network(&[])?;
/// let x = network.add_input("x", DataType::Float, [2])?;
/// let negate = network.add_input("negate", DataType::Bool, [0; 0])?;
///
/// // -x or |x|.
/// let conditional = network.add_if_conditional()?;
/// conditional.set_name("sign")?;
/// conditional.set_condition(negate)?;
/// let inside = conditional.add_input(x)?.output(0)?;
/// let on_true = network.add_unary(inside, UnaryOperation::Neg)?.output(0)?;
/// let on_false = network.add_unary(inside, UnaryOperation::Abs)?.output(0)?;
/// let output = conditional.add_output(on_true, on_false)?;
/// output.output(0)?.set_name("y")?;
/// network.mark_output(output.output(0)?)?;
/// let boundary = output.as_any().downcast::<IfConditionalBoundaryLayer>().unwrap();
/// assert_eq!(boundary.conditional()?.name()?, "sign");
///
/// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
/// let engine = Engine::from_plan(&library, &plan)?;
/// let x = array![1.0_f32, -2.0].into_dyn();
/// let mut session = Session::new(&engine)?;
/// for (negate, y) in [(true, [-1.0_f32, 2.0]), (false, [1.0, 2.0])] {
///     let negate = arr0(negate).into_dyn();
///     let outputs = session.run([("x", (&x).into()), ("negate", tensorrt::TensorView::from(&negate))])?;
///     assert_eq!(outputs.array::<f32>("y")?, array![y[0], y[1]].into_dyn());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[doc(alias = "nvinfer1::IIfConditional")]
pub struct IfConditional<'n> {
    network: &'n NetworkDefinition<'n>,
    pointer: NonNull<IIfConditional>,
}

impl<'n> IfConditional<'n> {
    fn library(&self) -> &Library {
        self.network.library()
    }

    fn as_ptr(&self) -> *mut IIfConditional {
        self.pointer.as_ptr()
    }

    fn added<K>(&self, operation: Operation, tried: &str, made: *mut ILayer) -> Result<Layer<'n, K>> {
        Ok(Layer::new(self.network, operation.object(self.library(), ErrorKind::Build, tried, made)?))
    }

    /// Sets the condition, a scalar boolean: in the layer there is, if it was set before.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IIfConditional::setCondition")]
    pub fn set_condition(&self, condition: Tensor<'_>) -> Result<ConditionLayer<'n>> {
        self.network.own(condition)?;
        let operation = Operation::begin();
        // SAFETY: conditional and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, IIfConditional_setCondition(condition.as_ptr())) }?;
        self.added(operation, "set a condition", made.cast())
    }

    /// Adds an input: what its output says is the same tensor, and what depends on it runs only with its branch.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IIfConditional::addInput")]
    pub fn add_input(&self, input: Tensor<'_>) -> Result<IfConditionalInputLayer<'n>> {
        self.network.own(input)?;
        let operation = Operation::begin();
        // SAFETY: conditional and tensor are alive and of one network (checked above).
        let made = unsafe { call!(self, IIfConditional_addInput(input.as_ptr())) }?;
        self.added(operation, "add an input of a conditional", made.cast())
    }

    /// Adds an output: `on_true` where the condition is true, else `on_false`. Types and ranks agree; where extents do not, the output's are
    /// dynamic, unless the condition is a constant.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IIfConditional::addOutput")]
    pub fn add_output(&self, on_true: Tensor<'_>, on_false: Tensor<'_>) -> Result<IfConditionalOutputLayer<'n>> {
        self.network.own(on_true)?;
        self.network.own(on_false)?;
        let operation = Operation::begin();
        // SAFETY: conditional and tensors are alive and of one network (checked above).
        let made = unsafe { call!(self, IIfConditional_addOutput(on_true.as_ptr(), on_false.as_ptr())) }?;
        self.added(operation, "add an output of a conditional", made.cast())
    }
}

accessors! { IfConditional:
    "the name, which errors use" text,
        name = IIfConditional_getName "nvinfer1::IIfConditional::getName",
        set_name = IIfConditional_setName "nvinfer1::IIfConditional::setName";
}

impl NetworkDefinition<'_> {
    /// Adds an if-conditional, whose boundary layers it adds itself.
    ///
    /// # Errors
    ///
    /// `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addIfConditional")]
    pub fn add_if_conditional(&self) -> Result<IfConditional<'_>> {
        let operation = Operation::begin();
        // SAFETY: the network is alive.
        let made = unsafe { call!(self.raw, INetworkDefinition_addIfConditional()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "add a conditional", made)?;
        Ok(IfConditional { network: self, pointer })
    }
}
