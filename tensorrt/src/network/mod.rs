//! The network: tensors and the layers between them.

mod add;
mod layer;
pub(crate) mod layers;
mod marks;
mod tensor;
mod weights;

use std::cell::RefCell;

use tensorrt_sys::{Family, ILayer, INetworkDefinition, IParser, ITensor, Library};

pub use self::layer::{Layer, TypedLayer};
pub use self::tensor::Tensor;
pub use self::weights::Weights;
use crate::builder::{Builder, OptimizationProfile};
use crate::dims::ToDims;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, c_string, flags, text};
use crate::{DataType, NetworkDefinitionCreationFlag};

/// A network: its inputs and outputs, and the layers that compute one from the other.
///
/// [`Tensor`] and [`Layer`] are handles that borrow the network and can be copied. Adding layers takes `&self`, so that handles stay
/// usable; a network is therefore not shared between threads.
#[derive(Debug)]
#[doc(alias = "nvinfer1::INetworkDefinition")]
pub struct NetworkDefinition<'b> {
    // Fields are dropped in order: parsers refer to the network, and the network to the weights.
    parsers: RefCell<Vec<Raw<IParser>>>,
    raw: Raw<INetworkDefinition>,
    weights: RefCell<Vec<Weights>>,
    builder: &'b Builder,
}

impl<'b> NetworkDefinition<'b> {
    pub(crate) fn new(builder: &'b Builder, raw: Raw<INetworkDefinition>) -> Self {
        NetworkDefinition { parsers: RefCell::default(), raw, weights: RefCell::default(), builder }
    }

    /// The builder it came from.
    #[must_use]
    #[doc(alias = "nvinfer1::INetworkDefinition::getBuilder")]
    pub fn builder(&self) -> &'b Builder {
        self.builder
    }

    pub(crate) fn as_ptr(&self) -> *mut INetworkDefinition {
        self.raw.as_ptr()
    }

    /// The library it came from.
    #[must_use]
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Keeps a parser, which owns the weights of what it parsed, for as long as the network.
    pub(crate) fn keep_parser(&self, parser: Raw<IParser>) {
        self.parsers.borrow_mut().push(parser);
    }

    /// Keeps weights, which TensorRT does not copy, for as long as the network.
    pub(crate) fn keep_weights(&self, weights: Weights) -> Result<tensorrt_sys::Weights> {
        let raw = weights.to_raw(self.library())?;
        self.weights.borrow_mut().push(weights);
        Ok(raw)
    }

    /// Adds an input. An extent of -1 is dynamic.
    ///
    /// # Errors
    ///
    /// `Build` if TensorRT refuses: the name is taken, or the type cannot be an input's.
    #[doc(alias = "nvinfer1::INetworkDefinition::addInput")]
    pub fn add_input(&self, name: &str, data_type: DataType, dims: impl ToDims) -> Result<Tensor<'_>> {
        let (string, dims) = (c_string("add the input", name)?, dims.to_dims()?);
        let (data_type_raw, raw) = (data_type.cross(self.library())?, dims.to_raw());
        let operation = Operation::begin();
        // SAFETY: the network is alive; name and shape live during the call and are copied.
        let made =
            unsafe { call!(self.raw, INetworkDefinition_addInput(string.as_ptr(), data_type_raw, &raw const raw)) }?;
        let tried = format!("add the input {name:?} of type {} and shape {dims}", data_type.name());
        let pointer = operation.object(self.library(), ErrorKind::Build, tried, made)?;
        Ok(Tensor::new(self, pointer))
    }

    /// The number of inputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INetworkDefinition::getNbInputs")]
    pub fn num_inputs(&self) -> Result<usize> {
        // SAFETY: the network is alive as long as `self`.
        unsafe { call!(self.raw, INetworkDefinition_getNbInputs()) }.map(count)
    }

    /// The number of outputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INetworkDefinition::getNbOutputs")]
    pub fn num_outputs(&self) -> Result<usize> {
        // SAFETY: the network is alive as long as `self`.
        unsafe { call!(self.raw, INetworkDefinition_getNbOutputs()) }.map(count)
    }

    /// The number of layers.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INetworkDefinition::getNbLayers")]
    pub fn num_layers(&self) -> Result<usize> {
        // SAFETY: the network is alive as long as `self`.
        unsafe { call!(self.raw, INetworkDefinition_getNbLayers()) }.map(count)
    }

    /// An input by its index.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    #[doc(alias = "nvinfer1::INetworkDefinition::getInput")]
    pub fn input(&self, index: usize) -> Result<Tensor<'_>> {
        let position = self.position("input", index, self.num_inputs()?)?;
        // SAFETY: the network is alive, and the index is below the count.
        let pointer = unsafe { call!(self.raw, INetworkDefinition_getInput(position)) }?;
        self.tensor("input", index, pointer)
    }

    /// An output by its index.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    #[doc(alias = "nvinfer1::INetworkDefinition::getOutput")]
    pub fn output(&self, index: usize) -> Result<Tensor<'_>> {
        let position = self.position("output", index, self.num_outputs()?)?;
        // SAFETY: the network is alive, and the index is below the count.
        let pointer = unsafe { call!(self.raw, INetworkDefinition_getOutput(position)) }?;
        self.tensor("output", index, pointer)
    }

    /// A layer by its index.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    #[doc(alias = "nvinfer1::INetworkDefinition::getLayer")]
    pub fn layer(&self, index: usize) -> Result<Layer<'_>> {
        let position = self.position("layer", index, self.num_layers()?)?;
        // SAFETY: the network is alive, and the index is below the count.
        let pointer: *mut ILayer = unsafe { call!(self.raw, INetworkDefinition_getLayer(position)) }?;
        match std::ptr::NonNull::new(pointer) {
            Some(pointer) => Ok(Layer::new(self, pointer)),
            None => Err(Error::new(ErrorKind::UnknownName, format_args!("get layer {index}"), "TensorRT has none")),
        }
    }

    /// All inputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot list them.
    pub fn inputs(&self) -> Result<Vec<Tensor<'_>>> {
        (0..self.num_inputs()?).map(|index| self.input(index)).collect()
    }

    /// All outputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot list them.
    pub fn outputs(&self) -> Result<Vec<Tensor<'_>>> {
        (0..self.num_outputs()?).map(|index| self.output(index)).collect()
    }

    /// All layers, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot list them.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>> {
        (0..self.num_layers()?).map(|index| self.layer(index)).collect()
    }

    /// The network's name.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INetworkDefinition::getName")]
    pub fn name(&self) -> Result<String> {
        // SAFETY: the network is alive as long as `self`.
        let name = unsafe { call!(self.raw, INetworkDefinition_getName()) }?;
        // SAFETY: TensorRT returns null or a C string that lives until the name is changed; it is copied at once.
        Ok(unsafe { text(name) })
    }

    /// Names the network; engines built from it have the name too.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character.
    #[doc(alias = "nvinfer1::INetworkDefinition::setName")]
    pub fn set_name(&self, name: &str) -> Result<()> {
        let string = c_string("name the network", name)?;
        // SAFETY: the network is alive; the name lives during the call and is copied.
        unsafe { call!(self.raw, INetworkDefinition_setName(string.as_ptr())) }
    }

    /// The flags that it was created with.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::INetworkDefinition::getFlags")]
    pub fn flags(&self) -> Result<Vec<NetworkDefinitionCreationFlag>> {
        // SAFETY: the network is alive as long as `self`.
        let bits = unsafe { call!(self.raw, INetworkDefinition_getFlags()) }?;
        Ok(flags(self.library(), bits))
    }

    /// Whether it was created with a flag.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such flag.
    #[doc(alias = "nvinfer1::INetworkDefinition::getFlag")]
    pub fn has_flag(&self, flag: NetworkDefinitionCreationFlag) -> Result<bool> {
        let raw = flag.cross(self.library())?;
        // SAFETY: the network is alive as long as `self`.
        unsafe { call!(self.raw, INetworkDefinition_getFlag(raw)) }
    }

    /// Whether the type of every tensor follows from the types of inputs and layers. TensorRT 11 and TensorRT for RTX from 1.5 on know no
    /// other networks.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot tell.
    pub fn is_strongly_typed(&self) -> Result<bool> {
        if matches!(self.library().family(), Family::Trt11 | Family::RtxNew) {
            return Ok(true);
        }
        self.has_flag(NetworkDefinitionCreationFlag::StronglyTyped)
    }

    /// Whether the batch is no axis of the tensors: never since TensorRT 10.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT for RTX.
    #[doc(alias = "nvinfer1::INetworkDefinition::hasImplicitBatchDimension")]
    pub fn has_implicit_batch_dimension(&self) -> Result<bool> {
        // SAFETY: the network is alive as long as `self`.
        unsafe { call!(self.raw, INetworkDefinition_hasImplicitBatchDimension()) }
    }

    /// The first layer of a name.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    pub fn layer_named(&self, name: &str) -> Result<Layer<'_>> {
        for layer in self.layers()? {
            if layer.name()? == name {
                return Ok(layer);
            }
        }
        Err(Error::new(ErrorKind::UnknownName, format_args!("get the layer {name:?}"), "the network has none"))
    }

    /// The first tensor of a name: an input, or an output of a layer.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    pub fn tensor_named(&self, name: &str) -> Result<Tensor<'_>> {
        for tensor in self.inputs()? {
            if tensor.name()? == name {
                return Ok(tensor);
            }
        }
        for layer in self.layers()? {
            for tensor in layer.outputs()? {
                if tensor.name()? == name {
                    return Ok(tensor);
                }
            }
        }
        Err(Error::new(ErrorKind::UnknownName, format_args!("get the tensor {name:?}"), "the network has none"))
    }

    /// Refuses what some libraries crash on or report badly.
    pub(crate) fn check_buildable(&self) -> Result<()> {
        if self.num_outputs()? == 0 {
            return Err(Error::new(ErrorKind::Build, "build the network", "no tensor is marked as an output"));
        }
        Ok(())
    }

    /// Refuses a profile that names no input of the network, or fits its shape badly.
    pub(crate) fn check_profile(&self, profile: &OptimizationProfile) -> Result<()> {
        let inputs = self.inputs()?;
        let names = inputs.iter().map(Tensor::name).collect::<Result<Vec<_>>>()?;
        for name in profile.names() {
            let Some(index) = names.iter().position(|known| known == name) else {
                let tried = format!("use an optimization profile for {name:?}");
                let said = format!("the network has no such input, only {names:?}");
                return Err(Error::new(ErrorKind::UnknownName, tried, said));
            };
            let (Some(dims), Some(range)) = (inputs[index].dims()?, profile.range(name)) else { continue };
            let fixed = dims.iter().zip(range.min.iter().zip(range.max.iter()));
            let fits = dims.len() == range.min.len()
                && fixed.into_iter().all(|(at, (min, max))| *at < 0 || (at == min && at == max));
            if !fits {
                let tried = format!("use an optimization profile for {name:?}");
                let said = format!("the range {} to {} does not fit the network's {dims}", range.min, range.max);
                return Err(Error::new(ErrorKind::ShapeMismatch, tried, said));
            }
        }
        Ok(())
    }

    /// Refuses a tensor of another network.
    pub(crate) fn own(&self, tensor: Tensor<'_>) -> Result<()> {
        if std::ptr::eq(tensor.network().as_ptr(), self.as_ptr()) {
            return Ok(());
        }
        Err(Error::invalid("use a tensor", "it is of another network"))
    }

    fn position(&self, what: &str, index: usize, count: usize) -> Result<i32> {
        let position = i32::try_from(index).ok().filter(|_| index < count);
        position.ok_or_else(|| {
            let said = format!("the network has {count}");
            Error::new(ErrorKind::UnknownName, format_args!("get {what} {index}"), said)
        })
    }

    fn tensor(&self, what: &str, index: usize, pointer: *mut ITensor) -> Result<Tensor<'_>> {
        match std::ptr::NonNull::new(pointer) {
            Some(pointer) => Ok(Tensor::new(self, pointer)),
            None => Err(Error::new(ErrorKind::UnknownName, format_args!("get {what} {index}"), "TensorRT has none")),
        }
    }
}

/// A count that TensorRT returns; negative ones do not occur.
pub(crate) fn count(raw: i32) -> usize {
    usize::try_from(raw).unwrap_or(0)
}
