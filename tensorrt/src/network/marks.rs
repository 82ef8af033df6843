//! What is marked in a network besides outputs: tensors to debug, weights to refit.

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
}
