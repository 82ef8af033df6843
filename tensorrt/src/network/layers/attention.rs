//! Attention, and rotary position embeddings.

use std::ptr::NonNull;

use tensorrt_sys::{IAttention, IAttentionBoundaryLayer, IRotaryEmbeddingLayer, ITensor, Library};

use super::{accessors, layers};
use crate::error::{Error, ErrorKind, Result};
use crate::network::layer::Class;
use crate::network::{Layer, NetworkDefinition, Tensor, count};
use crate::operation::{Operation, Outcome};
use crate::raw::call;
use crate::value::Value;
use crate::{AttentionIOForm, AttentionNormalizationOp, CausalMaskKind, DataType, LayerType};

layers! {
    /// Positions turned into queries and keys: RoPE.
    #[doc(alias = "nvinfer1::IRotaryEmbeddingLayer")]
    RotaryEmbeddingLayer = IRotaryEmbeddingLayer is RotaryEmbedding;
}

/// The layer where an [`Attention`] begins or ends.
#[doc(alias = "nvinfer1::IAttentionBoundaryLayer")]
#[doc(alias = "nvinfer1::IAttentionInputLayer")]
#[doc(alias = "nvinfer1::IAttentionOutputLayer")]
pub type AttentionBoundaryLayer<'n> = Layer<'n, IAttentionBoundaryLayer>;

impl Class for IAttentionBoundaryLayer {
    const KINDS: &'static [LayerType] = &[LayerType::AttentionInput, LayerType::AttentionOutput];
}

impl<'n> AttentionBoundaryLayer<'n> {
    /// The attention that the layer belongs to.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IAttentionBoundaryLayer::getAttention")]
    pub fn attention(&self) -> Result<Attention<'n>> {
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a boundary of an attention.
        let made = unsafe { call!(self, IAttentionBoundaryLayer_getAttention()) }?;
        let pointer = operation.object(self.library(), ErrorKind::Build, "get a layer's attention", made)?;
        Ok(Attention { network: self.network(), pointer })
    }
}

/// An attention: softmax(query · keyᵀ) · value, with a mask or causal. It is a pair of layers of the network.
///
/// Queries are not scaled: multiply them, or the keys, by the scale before. Queries have shape [batch, heads, tokens, size], keys and
/// values [batch, shared heads, tokens, size], where each of the shared heads serves as many heads of the queries.
///
/// ```
/// use ndarray::{Array4, array};
/// use tensorrt::{AttentionNormalizationOp, Builder, CausalMaskKind, DataType, Engine, Session};
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = tensorrt_emulator::library();
/// let builder = Builder::new(&library)?;
/// let network = builder.create_network(&[])?;
/// let [q, k, v] = ["q", "k", "v"].map(|name| network.add_input(name, DataType::Float, [1, 1, 2, 1]));
/// let attention = network.add_attention(q?, k?, v?, AttentionNormalizationOp::Softmax, CausalMaskKind::UpperLeft)?;
/// attention.set_decomposable(true)?;
/// let y = attention.output()?;
/// y.set_name("y")?;
/// network.mark_output(y)?;
///
/// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
/// let engine = Engine::from_plan(&library, &plan)?;
/// let zeros = Array4::<f32>::zeros((1, 1, 2, 1));
/// let values = array![[[[4.0_f32], [8.0]]]];
/// let mut session = Session::new(&engine)?;
/// let outputs = session.run([("q", &zeros), ("k", &zeros), ("v", &values)])?;
/// // The first token sees itself, the second sees both alike.
/// assert_eq!(outputs.array::<f32>("y")?, array![[[[4.0_f32], [6.0]]]].into_dyn());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[doc(alias = "nvinfer1::IAttention")]
pub struct Attention<'n> {
    network: &'n NetworkDefinition<'n>,
    pointer: NonNull<IAttention>,
}

accessors! { Attention:
    "what is done to the scores; `Softmax` at first" value AttentionNormalizationOp,
        normalization_operation = IAttention_getNormalizationOperation "nvinfer1::IAttention::getNormalizationOperation",
        set_normalization_operation = IAttention_setNormalizationOperation "nvinfer1::IAttention::setNormalizationOperation";
    "whether a query sees only keys up to its own position, counted from the first; not at first. Excludes a mask" value bool,
        causal = IAttention_getCausal "nvinfer1::IAttention::getCausal",
        set_causal = IAttention_setCausal "nvinfer1::IAttention::setCausal";
    "which keys a query sees by its position; `None` at first. Excludes a mask" value CausalMaskKind,
        causal_kind = IAttention_getCausalKind "nvinfer1::IAttention::getCausalKind",
        set_causal_kind = IAttention_setCausalKind "nvinfer1::IAttention::setCausalKind";
    "whether several kernels may compute it where there is no single one; not at first" value bool,
        decomposable = IAttention_getDecomposable "nvinfer1::IAttention::getDecomposable",
        set_decomposable = IAttention_setDecomposable "nvinfer1::IAttention::setDecomposable";
    "the name; its layers are named after it" text,
        name = IAttention_getName "nvinfer1::IAttention::getName",
        set_name = IAttention_setName "nvinfer1::IAttention::setName";
    "the metadata, which the engine's inspector shows" text,
        metadata = IAttention_getMetadata "nvinfer1::IAttention::getMetadata",
        set_metadata = IAttention_setMetadata "nvinfer1::IAttention::setMetadata";
    "the type that normalized scores are quantized to, `Fp8` or `Int8`; an error while none is set" value DataType,
        normalization_quantize_to_type
            = IAttention_getNormalizationQuantizeToType "nvinfer1::IAttention::getNormalizationQuantizeToType",
        set_normalization_quantize_to_type
            = IAttention_setNormalizationQuantizeToType "nvinfer1::IAttention::setNormalizationQuantizeToType";
    "the number of devices that it is spread over; 1 at first, and set once" value i32,
        num_ranks = IAttention_getNbRanks "nvinfer1::IAttention::getNbRanks",
        set_num_ranks = IAttention_setNbRanks "nvinfer1::IAttention::setNbRanks";
    "how queries and the output lie in memory; `PaddedBhnd` at first. Packed ones, [tokens, heads, size], need their lengths"
        value AttentionIOForm,
        query_form = IAttention_getQueryForm "nvinfer1::IAttention::getQueryForm",
        set_query_form = IAttention_setQueryForm "nvinfer1::IAttention::setQueryForm";
    "how keys and values lie in memory; `PaddedBhnd` at first. Packed ones need packed queries, and their lengths"
        value AttentionIOForm,
        key_value_form = IAttention_getKeyValueForm "nvinfer1::IAttention::getKeyValueForm",
        set_key_value_form = IAttention_setKeyValueForm "nvinfer1::IAttention::setKeyValueForm";
}

/// Defines the getter of an optional tensor, and its setter: one that takes a tensor, or one that can also take it away.
macro_rules! tensors {
    ($($(#[$doc:meta])* $get:ident = $get_entry:ident $get_alias:literal, $how:ident $set:ident = $set_entry:ident $set_alias:literal;)+) => {
        impl<'n> Attention<'n> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// `Unsupported` if the loaded library has no such method.
                #[doc(alias = $get_alias)]
                pub fn $get(&self) -> Result<Option<Tensor<'n>>> {
                    // SAFETY: a network's attentions live as long as it.
                    let pointer = unsafe { call!(self, $get_entry()) }?;
                    Ok(NonNull::new(pointer).map(|pointer| Tensor::new(self.network, pointer)))
                }

                tensors! { $how $set $set_entry $set_alias }
            )+
        }
    };
    (given $set:ident $entry:ident $alias:literal) => {
        /// Sets that tensor.
        ///
        /// # Errors
        ///
        /// `InvalidArgument` if it is of another network, `Setting` if TensorRT refuses.
        #[doc(alias = $alias)]
        pub fn $set(&self, tensor: Tensor<'_>) -> Result<()> {
            self.network.own(tensor)?;
            let operation = Operation::begin();
            // SAFETY: attention and tensor are alive and of one network (checked above).
            let done = unsafe { call!(self, $entry(tensor.as_ptr())) }?;
            Outcome::check(done, operation, self.library(), &concat!("call ", $alias))
        }
    };
    (optional $set:ident $entry:ident $alias:literal) => {
        /// Sets that tensor, or takes it away.
        ///
        /// # Errors
        ///
        /// `InvalidArgument` if it is of another network, `Setting` if TensorRT refuses.
        #[doc(alias = $alias)]
        pub fn $set(&self, tensor: Option<Tensor<'_>>) -> Result<()> {
            tensor.map_or(Ok(()), |tensor| self.network.own(tensor))?;
            let pointer: *mut ITensor = tensor.map_or(std::ptr::null_mut(), |tensor| tensor.as_ptr());
            let operation = Operation::begin();
            // SAFETY: attention and tensor are alive and of one network (checked above); null takes the tensor away.
            let done = unsafe { call!(self, $entry(pointer)) }?;
            Outcome::check(done, operation, self.library(), &concat!("call ", $alias))
        }
    };
}

tensors! {
    /// The mask, which repeats along axes of 1 up to [batch, heads, query tokens, key tokens]: of `Bool`, true where a query sees a key,
    /// or of the query's type, added to the scores. None at first.
    mask = IAttention_getMask "nvinfer1::IAttention::getMask",
    given set_mask = IAttention_setMask "nvinfer1::IAttention::setMask";
    /// The scale with which normalized scores are quantized: one element. None at first.
    normalization_quantize_scale
        = IAttention_getNormalizationQuantizeScale "nvinfer1::IAttention::getNormalizationQuantizeScale",
    given set_normalization_quantize_scale
        = IAttention_setNormalizationQuantizeScale "nvinfer1::IAttention::setNormalizationQuantizeScale";
    /// The running totals of tokens of packed queries: 0, the tokens of batch entry 0, of entries 0 and 1, …, as `Int32`.
    query_lengths = IAttention_getQueryLengths "nvinfer1::IAttention::getQueryLengths",
    optional set_query_lengths = IAttention_setQueryLengths "nvinfer1::IAttention::setQueryLengths";
    /// How many keys of each batch entry count, as `Int32`; running totals, as for queries, where keys are packed.
    key_value_lengths = IAttention_getKeyValueLengths "nvinfer1::IAttention::getKeyValueLengths",
    optional set_key_value_lengths = IAttention_setKeyValueLengths "nvinfer1::IAttention::setKeyValueLengths";
}

impl<'n> Attention<'n> {
    pub(crate) fn library(&self) -> &Library {
        self.network.library()
    }

    pub(crate) fn as_ptr(&self) -> *mut IAttention {
        self.pointer.as_ptr()
    }

    /// The number of inputs: query, key and value, and the optional ones up to the last that is set.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IAttention::getNbInputs")]
    pub fn num_inputs(&self) -> Result<usize> {
        // SAFETY: a network's attentions live as long as it.
        unsafe { call!(self, IAttention_getNbInputs()) }.map(count)
    }

    /// Query (0), key (1) or value (2).
    ///
    /// # Errors
    ///
    /// `UnknownName` for another index.
    #[doc(alias = "nvinfer1::IAttention::getInput")]
    pub fn input(&self, index: u32) -> Result<Tensor<'n>> {
        let position = position(index)?;
        // SAFETY: a network's attentions live as long as it.
        let pointer = unsafe { call!(self, IAttention_getInput(position)) }?;
        self.tensor(pointer, format_args!("get input {index} of an attention"))
    }

    /// Replaces query (0), key (1) or value (2).
    ///
    /// # Errors
    ///
    /// `UnknownName` for another index, `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IAttention::setInput")]
    pub fn set_input(&self, index: u32, tensor: Tensor<'_>) -> Result<()> {
        let position = position(index)?;
        self.network.own(tensor)?;
        let operation = Operation::begin();
        // SAFETY: attention and tensor are alive and of one network (checked above).
        let done = unsafe { call!(self, IAttention_setInput(position, tensor.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("set input {index} of an attention"), done)
    }

    /// The number of outputs: 1.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IAttention::getNbOutputs")]
    pub fn num_outputs(&self) -> Result<usize> {
        // SAFETY: a network's attentions live as long as it.
        unsafe { call!(self, IAttention_getNbOutputs()) }.map(count)
    }

    /// The output, which has the query's shape and type.
    ///
    /// # Errors
    ///
    /// `UnknownName` if TensorRT has none.
    #[doc(alias = "nvinfer1::IAttention::getOutput")]
    pub fn output(&self) -> Result<Tensor<'n>> {
        // SAFETY: a network's attentions live as long as it.
        let pointer = unsafe { call!(self, IAttention_getOutput(0)) }?;
        self.tensor(pointer, format_args!("get the output of an attention"))
    }

    fn tensor(&self, pointer: *mut ITensor, tried: std::fmt::Arguments<'_>) -> Result<Tensor<'n>> {
        let pointer = NonNull::new(pointer);
        let pointer = pointer.ok_or_else(|| Error::new(ErrorKind::UnknownName, tried, "TensorRT has none"))?;
        Ok(Tensor::new(self.network, pointer))
    }
}

fn position(index: u32) -> Result<i32> {
    i32::try_from(index).ok().filter(|index| *index < 3).ok_or_else(|| {
        let said = "it has query (0), key (1) and value (2); the others have methods of their own";
        Error::new(ErrorKind::UnknownName, format_args!("use input {index} of an attention"), said)
    })
}

impl NetworkDefinition<'_> {
    /// Adds an attention. Packed tensors, of rank 3, also need [`Attention::set_query_form`] and their lengths.
    ///
    /// Before TensorRT 11 and RTX 1.5, causal kinds are `None` and `UpperLeft` only.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a tensor is of another network, `Unsupported` if the loaded library has no attention or no such causal kind,
    /// `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addAttentionV2")]
    #[doc(alias = "nvinfer1::INetworkDefinition::addAttention")]
    pub fn add_attention(
        &self,
        query: Tensor<'_>,
        key: Tensor<'_>,
        value: Tensor<'_>,
        normalization: AttentionNormalizationOp,
        causal: CausalMaskKind,
    ) -> Result<Attention<'_>> {
        [query, key, value].into_iter().try_for_each(|tensor| self.own(tensor))?;
        let (query, key, value) = (query.as_ptr(), key.as_ptr(), value.as_ptr());
        let normalization = normalization.cross(self.library())?;
        let is_simple = matches!(causal, CausalMaskKind::None | CausalMaskKind::UpperLeft);
        let operation = Operation::begin();
        let made = if self.library().api().INetworkDefinition_addAttentionV2.is_none() && is_simple {
            let causal = causal == CausalMaskKind::UpperLeft;
            // SAFETY: the network is alive, and the tensors are its own (checked above).
            unsafe { call!(self.raw, INetworkDefinition_addAttention(query, key, value, normalization, causal)) }?
        } else {
            let causal = causal.cross(self.library())?;
            // SAFETY: as above.
            unsafe { call!(self.raw, INetworkDefinition_addAttentionV2(query, key, value, normalization, causal)) }?
        };
        let pointer = operation.object(self.library(), ErrorKind::Build, "add an attention", made)?;
        Ok(Attention { network: self, pointer })
    }
}

super::super::add::adds! {
    /// Adds a rotary position embedding of queries or keys, [batch, heads, tokens, size]: pairs of elements are turned by the angle of
    /// their position. `dim` elements of each head take part, all where it is 0; a pair is two neighbours (`interleaved`) or one of each
    /// half. The caches of cosines and sines have shape [batch, tokens, dim / 2], or, with position ids of [batch, tokens] as input 3,
    /// [positions, dim / 2].
    ///
    /// ```
    /// use ndarray::array;
    /// use tensorrt::{Builder, DataType, Engine, Session};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// let library = tensorrt_emulator::library();
    /// let builder = Builder::new(&library)?;
    /// let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [1, 1, 1, 4])?;
    /// let [cos, sin] = ["cos", "sin"].map(|name| network.add_input(name, DataType::Float, [1, 1, 2]));
    /// let rotary = network.add_rotary_embedding(x, cos?, sin?, false, 0)?;
    /// let y = rotary.output(0)?;
    /// y.set_name("y")?;
    /// network.mark_output(y)?;
    ///
    /// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
    /// let engine = Engine::from_plan(&library, &plan)?;
    /// let x = array![[[[1.0_f32, 2.0, 3.0, 4.0]]]];
    /// // A quarter turn of (1, 3), none of (2, 4).
    /// let (cos, sin) = (array![[[0.0_f32, 1.0]]], array![[[1.0_f32, 0.0]]]);
    /// let mut session = Session::new(&engine)?;
    /// let outputs = session.run([("x", x.view().into_dyn()), ("cos", cos.view().into_dyn()), ("sin", sin.view().into_dyn())])?;
    /// assert_eq!(outputs.array::<f32>("y")?, array![[[[-3.0_f32, 2.0, 1.0, 4.0]]]].into_dyn());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addRotaryEmbedding")]
    add_rotary_embedding(
        input: Tensor<'_> as tensor, cos_cache: Tensor<'_> as tensor, sin_cache: Tensor<'_> as tensor,
        interleaved: bool as value, dim: i32 as value,
    ) -> RotaryEmbeddingLayer by INetworkDefinition_addRotaryEmbedding;
}

accessors! { RotaryEmbeddingLayer:
    "whether a pair is two neighbours, not one element of each half" value bool,
        interleaved = IRotaryEmbeddingLayer_getInterleaved "nvinfer1::IRotaryEmbeddingLayer::getInterleaved",
        set_interleaved = IRotaryEmbeddingLayer_setInterleaved "nvinfer1::IRotaryEmbeddingLayer::setInterleaved";
    "the number of elements of each head that take part, an even number; 0 stands for all" value i32,
        rotary_embedding_dim
            = IRotaryEmbeddingLayer_getRotaryEmbeddingDim "nvinfer1::IRotaryEmbeddingLayer::getRotaryEmbeddingDim",
        set_rotary_embedding_dim
            = IRotaryEmbeddingLayer_setRotaryEmbeddingDim "nvinfer1::IRotaryEmbeddingLayer::setRotaryEmbeddingDim";
}
