//! Mixtures of experts.

use tensorrt_sys::IMoELayer;

use super::{accessors, layers};
use crate::dims::ToDims;
use crate::error::{ErrorKind, Result};
use crate::network::Tensor;
use crate::network::add::adds;
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{DataType, MoEActType};

layers! {
    /// A mixture of experts.
    #[doc(alias = "nvinfer1::IMoELayer")]
    MoeLayer = IMoELayer is Moe;
}

adds! {
    /// Adds a mixture of experts: each token's hidden state, [batch, tokens, hidden], goes through the experts selected for it,
    /// [batch, tokens, k], and their results are added, weighed by their scores, [batch, tokens, k].
    ///
    /// An expert is down(up(x) · activation(gate(x))). The weights are set by [`MoeLayer::set_gated_weights`].
    ///
    /// ```
    /// use ndarray::array;
    /// use tensorrt::{Builder, DataType, MoEActType, Engine, Session, Weights};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// let library = tensorrt_emulator::library();
    /// let builder = Builder::new(&library)?;
    /// let network = builder.create_network(&[])?;
    /// let hidden = network.add_input("hidden", DataType::Float, [1, 1, 1])?;
    /// let experts = network.add_input("experts", DataType::Int32, [1, 1, 2])?;
    /// let scores = network.add_input("scores", DataType::Float, [1, 1, 2])?;
    /// // Three experts of one number each.
    /// let gate = network.add_constant([3, 1, 1], Weights::new(&[1.0_f32, 1.0, 1.0]))?.output(0)?;
    /// let up = network.add_constant([3, 1, 1], Weights::new(&[1.0_f32, 2.0, 3.0]))?.output(0)?;
    /// let moe = network.add_moe(hidden, experts, scores)?;
    /// moe.set_gated_weights(gate, up, gate, MoEActType::None)?;
    /// let y = moe.output(0)?;
    /// y.set_name("y")?;
    /// network.mark_output(y)?;
    ///
    /// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
    /// let engine = Engine::from_plan(&library, &plan)?;
    /// let mut session = Session::new(&engine)?;
    /// let (hidden, scores) = (array![[[2.0_f32]]], array![[[0.5_f32, 0.25]]]);
    /// let experts = array![[[0_i32, 2]]];
    /// let outputs = session.run([
    ///     ("hidden", tensorrt::TensorView::from(&hidden)),
    ///     ("experts", tensorrt::TensorView::from(&experts)),
    ///     ("scores", tensorrt::TensorView::from(&scores)),
    /// ])?;
    /// // 0.5 · (2 · 2) + 0.25 · (6 · 2)
    /// assert_eq!(outputs.array::<f32>("y")?, array![[[5.0_f32]]].into_dyn());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addMoE")]
    add_moe(hidden_states: Tensor<'_> as tensor, selected_experts: Tensor<'_> as tensor, scores: Tensor<'_> as tensor) -> MoeLayer
    by INetworkDefinition_addMoE;
}

accessors! { MoeLayer:
    "the activation of the gate; `Silu` at first" value MoEActType,
        activation_type = IMoELayer_getActivationType "nvinfer1::IMoELayer::getActivationType",
        set_activation_type = IMoELayer_setActivationType "nvinfer1::IMoELayer::setActivationType";
    "the type that the product of gate and up projection is quantized to; `Float`, for none, at first" value DataType,
        quantization_to_type = IMoELayer_getQuantizationToType "nvinfer1::IMoELayer::getQuantizationToType",
        set_quantization_to_type = IMoELayer_setQuantizationToType "nvinfer1::IMoELayer::setQuantizationToType";
    "the block that shares a scale in that quantization, of [batch, tokens, k, inner]; empty at first" dims,
        quantization_block_shape = IMoELayer_getQuantizationBlockShape "nvinfer1::IMoELayer::getQuantizationBlockShape",
        set_quantization_block_shape = IMoELayer_setQuantizationBlockShape "nvinfer1::IMoELayer::setQuantizationBlockShape";
    "the type of scales that are computed at run time" value DataType,
        dyn_q_output_scale_type = IMoELayer_getDynQOutputScaleType "nvinfer1::IMoELayer::getDynQOutputScaleType",
        set_dyn_q_output_scale_type = IMoELayer_setDynQOutputScaleType "nvinfer1::IMoELayer::setDynQOutputScaleType";
    "SwiGLU's limit; infinite at first" value f32,
        swiglu_param_limit = IMoELayer_getSwigluParamLimit "nvinfer1::IMoELayer::getSwigluParamLimit",
        set_swiglu_param_limit = IMoELayer_setSwigluParamLimit "nvinfer1::IMoELayer::setSwigluParamLimit";
    "SwiGLU's alpha; 1 at first" value f32,
        swiglu_param_alpha = IMoELayer_getSwigluParamAlpha "nvinfer1::IMoELayer::getSwigluParamAlpha",
        set_swiglu_param_alpha = IMoELayer_setSwigluParamAlpha "nvinfer1::IMoELayer::setSwigluParamAlpha";
    "SwiGLU's beta; 0 at first" value f32,
        swiglu_param_beta = IMoELayer_getSwigluParamBeta "nvinfer1::IMoELayer::getSwigluParamBeta",
        set_swiglu_param_beta = IMoELayer_setSwigluParamBeta "nvinfer1::IMoELayer::setSwigluParamBeta";
}

impl MoeLayer<'_> {
    /// Sets the experts' weights: gate and up projection of [experts, hidden, inner], down projection of [experts, inner, hidden]; and the
    /// gate's activation.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IMoELayer::setGatedWeights")]
    pub fn set_gated_weights(
        &self,
        gate: Tensor<'_>,
        up: Tensor<'_>,
        down: Tensor<'_>,
        activation: MoEActType,
    ) -> Result<()> {
        [gate, up, down].into_iter().try_for_each(|tensor| self.network().own(tensor))?;
        let activation = activation.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: layer and tensors are alive and of one network (checked above).
        unsafe { call!(self, IMoELayer_setGatedWeights(gate.as_ptr(), up.as_ptr(), down.as_ptr(), activation)) }?;
        operation.silent(self.library(), ErrorKind::Setting, "set the weights of a mixture of experts")
    }

    /// Sets the experts' biases: gate and up projection of [experts, inner], down projection of [experts, hidden].
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IMoELayer::setGatedBiases")]
    pub fn set_gated_biases(&self, gate: Tensor<'_>, up: Tensor<'_>, down: Tensor<'_>) -> Result<()> {
        [gate, up, down].into_iter().try_for_each(|tensor| self.network().own(tensor))?;
        let operation = Operation::begin();
        // SAFETY: layer and tensors are alive and of one network (checked above).
        unsafe { call!(self, IMoELayer_setGatedBiases(gate.as_ptr(), up.as_ptr(), down.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, "set the biases of a mixture of experts")
    }

    /// Quantizes the product of gate and up projection with a scale that is given: a scalar, or one an expert.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses: the type is not `Fp8`.
    #[doc(alias = "nvinfer1::IMoELayer::setQuantizationStatic")]
    pub fn set_quantization_static(&self, scale: Tensor<'_>, to: DataType) -> Result<()> {
        self.network().own(scale)?;
        let to = to.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: layer and tensor are alive and of one network (checked above).
        unsafe { call!(self, IMoELayer_setQuantizationStatic(scale.as_ptr(), to)) }?;
        operation.silent(self.library(), ErrorKind::Setting, "quantize within a mixture of experts")
    }

    /// Quantizes the product of gate and up projection with scales computed at run time, themselves quantized with the scale given.
    /// TensorRT up to 11.4 and RTX 1.7 refuse it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IMoELayer::setQuantizationDynamicDblQ")]
    pub fn set_quantization_dynamic_dbl_q(
        &self,
        scale: Tensor<'_>,
        to: DataType,
        block_shape: impl ToDims,
        scale_type: DataType,
    ) -> Result<()> {
        self.network().own(scale)?;
        let (to, scale_type) = (to.cross(self.library())?, scale_type.cross(self.library())?);
        let block = block_shape.to_dims()?.to_raw();
        let operation = Operation::begin();
        // SAFETY: layer and tensor are alive and of one network (checked above); the shape lives during the call.
        unsafe { call!(self, IMoELayer_setQuantizationDynamicDblQ(scale.as_ptr(), to, &raw const block, scale_type)) }?;
        operation.silent(self.library(), ErrorKind::Setting, "quantize within a mixture of experts")
    }

    /// Sets SwiGLU's limit, alpha and beta.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method, `Setting` if it refuses.
    #[doc(alias = "nvinfer1::IMoELayer::setSwigluParams")]
    pub fn set_swiglu_params(&self, limit: f32, alpha: f32, beta: f32) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a mixture of experts.
        unsafe { call!(self, IMoELayer_setSwigluParams(limit, alpha, beta)) }?;
        operation.silent(self.library(), ErrorKind::Setting, "set SwiGLU's parameters")
    }
}
