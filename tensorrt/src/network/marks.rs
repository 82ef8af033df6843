//! What is marked in a network: outputs, tensors to debug, weights to refit; and what is taken out of it.

use super::{NetworkDefinition, Tensor, Weights};
use crate::error::{ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::c_string;

impl NetworkDefinition<'_> {
    /// Marks a tensor for debugging: the engine keeps it apart, so that its values can be looked at while the engine runs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::markDebug")]
    pub fn mark_debug(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        let done = unsafe { call!(self.raw, INetworkDefinition_markDebug(tensor.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, "mark a tensor for debugging", done)
    }

    /// Takes back that a tensor is marked for debugging.
    ///
    /// # Errors
    ///
    /// As [`mark_debug`](Self::mark_debug).
    #[doc(alias = "nvinfer1::INetworkDefinition::unmarkDebug")]
    pub fn unmark_debug(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        let done = unsafe { call!(self.raw, INetworkDefinition_unmarkDebug(tensor.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, "unmark a tensor for debugging", done)
    }

    /// Whether a tensor is marked for debugging.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network.
    #[doc(alias = "nvinfer1::INetworkDefinition::isDebugTensor")]
    pub fn is_debug_tensor(&self, tensor: Tensor<'_>) -> Result<bool> {
        self.own(tensor)?;
        // SAFETY: network and tensor are alive and belong together (checked above).
        unsafe { call!(self.raw, INetworkDefinition_isDebugTensor(tensor.as_ptr())) }
    }

    /// Names weights that were given to this network, for a refitter to find them by. Weights are the same if they are clones of one
    /// another; equal values are not enough.
    ///
    /// # Errors
    ///
    /// `Build` if the network does not use the weights, or has other ones of that name.
    #[doc(alias = "nvinfer1::INetworkDefinition::setWeightsName")]
    pub fn set_weights_name(&self, weights: &Weights, name: &str) -> Result<()> {
        let tried = format!("name weights {name:?}");
        let (string, raw) = (c_string(&tried, name)?, weights.to_raw(self.library())?);
        let operation = Operation::begin();
        // SAFETY: the network is alive; weights and name live during the call, and only the values' address is compared.
        let done = unsafe { call!(self.raw, INetworkDefinition_setWeightsName(raw, string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, tried, done)
    }

    /// Lets weights be refitted where [`RefitIndividual`](crate::BuilderFlag::RefitIndividual) chooses them one by one.
    ///
    /// # Errors
    ///
    /// `Build` if the network has no weights of that name.
    #[doc(alias = "nvinfer1::INetworkDefinition::markWeightsRefittable")]
    pub fn mark_weights_refittable(&self, name: &str) -> Result<()> {
        let tried = format!("mark weights {name:?} as refittable");
        let string = c_string(&tried, name)?;
        let operation = Operation::begin();
        // SAFETY: the network is alive; the name lives during the call and is copied.
        let done = unsafe { call!(self.raw, INetworkDefinition_markWeightsRefittable(string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, tried, done)
    }

    /// Takes back that weights may be refitted.
    ///
    /// # Errors
    ///
    /// `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::unmarkWeightsRefittable")]
    pub fn unmark_weights_refittable(&self, name: &str) -> Result<()> {
        let tried = format!("unmark weights {name:?} as refittable");
        let string = c_string(&tried, name)?;
        let operation = Operation::begin();
        // SAFETY: the network is alive; the name lives during the call.
        let done = unsafe { call!(self.raw, INetworkDefinition_unmarkWeightsRefittable(string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, tried, done)
    }

    /// Whether weights are marked as refittable.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character.
    #[doc(alias = "nvinfer1::INetworkDefinition::areWeightsMarkedRefittable")]
    pub fn are_weights_marked_refittable(&self, name: &str) -> Result<bool> {
        let string = c_string("ask whether weights are refittable", name)?;
        // SAFETY: the network is alive; the name lives during the call.
        unsafe { call!(self.raw, INetworkDefinition_areWeightsMarkedRefittable(string.as_ptr())) }
    }

    /// Makes a tensor an output. Its name is what engines call it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if it is an input, or an output already.
    #[doc(alias = "nvinfer1::INetworkDefinition::markOutput")]
    pub fn mark_output(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        unsafe { call!(self.raw, INetworkDefinition_markOutput(tensor.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Build, "mark an output")
    }

    /// Takes back that a tensor is an output.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if it is no output.
    #[doc(alias = "nvinfer1::INetworkDefinition::unmarkOutput")]
    pub fn unmark_output(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        unsafe { call!(self.raw, INetworkDefinition_unmarkOutput(tensor.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Build, "unmark an output")
    }

    /// Makes a shape tensor an output, whose values are computed on the host.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::markOutputForShapes")]
    pub fn mark_output_for_shapes(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        let done = unsafe { call!(self.raw, INetworkDefinition_markOutputForShapes(tensor.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, "mark an output for shapes", done)
    }

    /// Takes back that a shape tensor is an output.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::unmarkOutputForShapes")]
    pub fn unmark_output_for_shapes(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above).
        let done = unsafe { call!(self.raw, INetworkDefinition_unmarkOutputForShapes(tensor.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Build, "unmark an output for shapes", done)
    }

    /// Takes an input that no layer reads out of the network.
    ///
    /// # Safety
    ///
    /// - No handle of the tensor is used afterwards: TensorRT frees it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if a layer refers to it.
    #[doc(alias = "nvinfer1::INetworkDefinition::removeTensor")]
    pub unsafe fn remove_tensor(&self, tensor: Tensor<'_>) -> Result<()> {
        self.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together (checked above), and the caller uses the tensor no more.
        unsafe { call!(self.raw, INetworkDefinition_removeTensor(tensor.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, "remove a tensor")
    }

    /// Lets the values of every tensor that is not fused away be looked at while an engine runs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::markUnfusedTensorsAsDebugTensors")]
    pub fn mark_unfused_tensors_as_debug_tensors(&self) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the network is alive.
        let done = unsafe { call!(self.raw, INetworkDefinition_markUnfusedTensorsAsDebugTensors()) }?;
        operation.truth(self.library(), ErrorKind::Setting, "mark unfused tensors as debug tensors", done)
    }

    /// Takes [`mark_unfused_tensors_as_debug_tensors`](Self::mark_unfused_tensors_as_debug_tensors) back.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::unmarkUnfusedTensorsAsDebugTensors")]
    pub fn unmark_unfused_tensors_as_debug_tensors(&self) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the network is alive.
        let done = unsafe { call!(self.raw, INetworkDefinition_unmarkUnfusedTensorsAsDebugTensors()) }?;
        operation.truth(self.library(), ErrorKind::Setting, "unmark unfused tensors as debug tensors", done)
    }
}
