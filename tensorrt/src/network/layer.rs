//! A layer of a network.

use std::marker::PhantomData;
use std::ptr::NonNull;

use tensorrt_sys::{ILayer, Library};

use super::{NetworkDefinition, Tensor, count};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, c_string, text};
use crate::{DataType, LayerType};

/// A layer of a network: a handle that borrows it. `K` is its class, such as `IConvolutionLayer`, or `ILayer` for any.
#[derive(Debug)]
#[doc(alias = "nvinfer1::ILayer")]
pub struct Layer<'n, K = ILayer> {
    network: &'n NetworkDefinition<'n>,
    pointer: NonNull<ILayer>,
    class: PhantomData<*const K>,
}

/// A class of layers.
pub(crate) trait Class: Sized {
    /// The kinds that layers of the class have.
    const KINDS: &'static [LayerType];
}

/// The layers of one class, such as [`ConvolutionLayer`](crate::ConvolutionLayer): what [`Layer::downcast`] gives.
pub trait TypedLayer<'n>: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn of_layer(layer: Layer<'n>) -> Option<Self>;
}

impl<K: Class> sealed::Sealed for Layer<'_, K> {}

impl<'n, K: Class> TypedLayer<'n> for Layer<'n, K> {
    fn of_layer(layer: Layer<'n>) -> Option<Self> {
        let is = layer.layer_type().is_ok_and(|kind| K::KINDS.contains(&kind));
        is.then(|| Layer::new(layer.network, layer.pointer))
    }
}

mod sealed {
    pub trait Sealed {}
}

impl<K> Clone for Layer<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Layer<'_, K> {}

impl<'n, K> Layer<'n, K> {
    pub(crate) fn new(network: &'n NetworkDefinition<'_>, pointer: NonNull<ILayer>) -> Self {
        Layer { network, pointer, class: PhantomData }
    }

    pub(crate) fn network(&self) -> &'n NetworkDefinition<'n> {
        self.network
    }

    pub(crate) fn as_layer_ptr(&self) -> *mut ILayer {
        self.pointer.as_ptr()
    }

    /// The layer as its class: a layer's pointer is also the pointer to its class.
    pub(crate) fn as_ptr(&self) -> *mut K {
        self.pointer.as_ptr().cast()
    }

    pub(crate) fn library(&self) -> &Library {
        self.network.library()
    }

    /// The layer as any layer.
    #[must_use]
    pub fn as_any(&self) -> Layer<'n> {
        Layer { network: self.network, pointer: self.pointer, class: PhantomData }
    }

    /// The layer as one of a class; none if it is of another.
    ///
    /// ```
    /// use tensorrt::{ActivationLayer, ActivationType, Builder, DataType, SoftMaxLayer};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// let library = tensorrt_emulator::library();
    /// let builder = Builder::new(&library)?;
    /// let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [2, 3])?;
    /// network.add_activation(x, ActivationType::Relu)?;
    ///
    /// let layer = network.layer(0)?;
    /// let activation = layer.downcast::<ActivationLayer>().unwrap();
    /// assert_eq!(activation.activation_type()?, ActivationType::Relu);
    /// assert!(layer.downcast::<SoftMaxLayer>().is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn downcast<L: TypedLayer<'n>>(&self) -> Option<L> {
        L::of_layer(self.as_any())
    }

    fn base(&self) -> Layer<'n> {
        self.as_any()
    }

    /// The kind of layer.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a kind that this crate has no name for.
    #[doc(alias = "nvinfer1::ILayer::getType")]
    pub fn layer_type(&self) -> Result<LayerType> {
        // SAFETY: a network's layers live as long as it.
        let raw = unsafe { call!(self.base(), ILayer_getType()) }?;
        <LayerType as Value>::read(self.library(), raw, "ILayer::getType")
    }

    /// The name.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILayer::getName")]
    pub fn name(&self) -> Result<String> {
        // SAFETY: a network's layers live as long as it.
        let name = unsafe { call!(self.base(), ILayer_getName()) }?;
        // SAFETY: TensorRT returns null or a C string that lives until the name is changed; it is copied at once.
        Ok(unsafe { text(name) })
    }

    /// Renames the layer.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character, `Setting` if TensorRT refuses it.
    #[doc(alias = "nvinfer1::ILayer::setName")]
    pub fn set_name(&self, name: &str) -> Result<()> {
        let string = c_string("name a layer", name)?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it; the name lives during the call and is copied.
        unsafe { call!(self.base(), ILayer_setName(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("name a layer {name:?}"))
    }

    /// The number of inputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILayer::getNbInputs")]
    pub fn num_inputs(&self) -> Result<usize> {
        // SAFETY: a network's layers live as long as it.
        unsafe { call!(self.base(), ILayer_getNbInputs()) }.map(count)
    }

    /// The number of outputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILayer::getNbOutputs")]
    pub fn num_outputs(&self) -> Result<usize> {
        // SAFETY: a network's layers live as long as it.
        unsafe { call!(self.base(), ILayer_getNbOutputs()) }.map(count)
    }

    /// An input by its index; none for an optional one that is left out.
    ///
    /// # Errors
    ///
    /// `UnknownName` if the index is not below the number of inputs.
    #[doc(alias = "nvinfer1::ILayer::getInput")]
    pub fn input(&self, index: usize) -> Result<Option<Tensor<'n>>> {
        let position = self.position("input", index, self.num_inputs()?)?;
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        let pointer = unsafe { call!(self.base(), ILayer_getInput(position)) }?;
        Ok(NonNull::new(pointer).map(|pointer| Tensor::new(self.network, pointer)))
    }

    /// An output by its index.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is none.
    #[doc(alias = "nvinfer1::ILayer::getOutput")]
    pub fn output(&self, index: usize) -> Result<Tensor<'n>> {
        let position = self.position("output", index, self.num_outputs()?)?;
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        let pointer = unsafe { call!(self.base(), ILayer_getOutput(position)) }?;
        match NonNull::new(pointer) {
            Some(pointer) => Ok(Tensor::new(self.network, pointer)),
            None => Err(Error::new(ErrorKind::UnknownName, format_args!("get output {index}"), "TensorRT has none")),
        }
    }

    /// All inputs; none where an optional one is left out.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot list them.
    pub fn inputs(&self) -> Result<Vec<Option<Tensor<'n>>>> {
        (0..self.num_inputs()?).map(|index| self.input(index)).collect()
    }

    /// All outputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library cannot list them.
    pub fn outputs(&self) -> Result<Vec<Tensor<'n>>> {
        (0..self.num_outputs()?).map(|index| self.output(index)).collect()
    }

    /// Sets an input, or an optional one that was left out: TensorRT's index of it, such as 1 for a convolution's kernel or a shuffle's shape.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILayer::setInput")]
    pub fn set_input(&self, index: u32, tensor: Tensor<'_>) -> Result<()> {
        self.network.own(tensor)?;
        let position = index.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: layer and tensor are alive and of one network (checked above).
        unsafe { call!(self.base(), ILayer_setInput(position, tensor.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set input {index} of a layer"))
    }

    /// The type of an output's elements.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a type that this crate has no name for.
    #[doc(alias = "nvinfer1::ILayer::getOutputType")]
    pub fn output_type(&self, index: usize) -> Result<DataType> {
        let position = self.position("output", index, self.num_outputs()?)?;
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        let raw = unsafe { call!(self.base(), ILayer_getOutputType(position)) }?;
        <DataType as Value>::read(self.library(), raw, "ILayer::getOutputType")
    }

    /// Asks for the type of an output's elements. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILayer::setOutputType")]
    pub fn set_output_type(&self, index: usize, data_type: DataType) -> Result<()> {
        let position = self.position("output", index, self.num_outputs()?)?;
        let raw = data_type.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        unsafe { call!(self.base(), ILayer_setOutputType(position, raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set an output's type to {data_type}"))
    }

    /// Whether the type of an output was asked for. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed.
    #[doc(alias = "nvinfer1::ILayer::outputTypeIsSet")]
    pub fn is_output_type_set(&self, index: usize) -> Result<bool> {
        let position = self.position("output", index, self.num_outputs()?)?;
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        unsafe { call!(self.base(), ILayer_outputTypeIsSet(position)) }
    }

    /// Takes [`set_output_type`](Self::set_output_type) back. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed.
    #[doc(alias = "nvinfer1::ILayer::resetOutputType")]
    pub fn reset_output_type(&self, index: usize) -> Result<()> {
        let position = self.position("output", index, self.num_outputs()?)?;
        // SAFETY: a network's layers live as long as it, and the index is below the count.
        unsafe { call!(self.base(), ILayer_resetOutputType(position)) }
    }

    /// Takes [`set_precision`](Self::set_precision) back. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed.
    #[doc(alias = "nvinfer1::ILayer::resetPrecision")]
    pub fn reset_precision(&self) -> Result<()> {
        // SAFETY: a network's layers live as long as it.
        unsafe { call!(self.base(), ILayer_resetPrecision()) }
    }

    /// The precision that was asked for; none if none was. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed.
    #[doc(alias = "nvinfer1::ILayer::getPrecision")]
    #[doc(alias = "nvinfer1::ILayer::precisionIsSet")]
    pub fn precision(&self) -> Result<Option<DataType>> {
        // SAFETY: a network's layers live as long as it.
        if !unsafe { call!(self.base(), ILayer_precisionIsSet()) }? {
            return Ok(None);
        }
        // SAFETY: as above.
        let raw = unsafe { call!(self.base(), ILayer_getPrecision()) }?;
        <DataType as Value>::read(self.library(), raw, "ILayer::getPrecision").map(Some)
    }

    /// Asks for a precision. TensorRT 10 and RTX 1.4 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` where networks are strongly typed, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILayer::setPrecision")]
    pub fn set_precision(&self, data_type: DataType) -> Result<()> {
        let raw = data_type.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it.
        unsafe { call!(self.base(), ILayer_setPrecision(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set a layer's precision to {data_type}"))
    }

    /// The metadata: whatever the one who added the layer noted, such as the ONNX node it came from.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILayer::getMetadata")]
    pub fn metadata(&self) -> Result<String> {
        // SAFETY: a network's layers live as long as it.
        let metadata = unsafe { call!(self.base(), ILayer_getMetadata()) }?;
        // SAFETY: TensorRT returns null or a C string that lives until the metadata is changed; it is copied at once.
        Ok(unsafe { text(metadata) })
    }

    /// Sets the metadata, which the engine's inspector shows.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the text has a NUL character.
    #[doc(alias = "nvinfer1::ILayer::setMetadata")]
    pub fn set_metadata(&self, metadata: &str) -> Result<()> {
        let string = c_string("set a layer's metadata", metadata)?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it; the text lives during the call and is copied.
        unsafe { call!(self.base(), ILayer_setMetadata(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, "set a layer's metadata")
    }

    fn position(&self, what: &str, index: usize, count: usize) -> Result<i32> {
        let position = i32::try_from(index).ok().filter(|_| index < count);
        position.ok_or_else(|| {
            let said = format!("the layer has {count}");
            Error::new(ErrorKind::UnknownName, format_args!("get {what} {index}"), said)
        })
    }
}
