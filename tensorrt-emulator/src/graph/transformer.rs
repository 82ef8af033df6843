//! Parameters of the layers that transformers are made of: attention, key/value caches, experts, and exchange between devices.

use serde::{Deserialize, Serialize};
use tensorrt_sys::{
    AttentionIOForm, AttentionNormalizationOp, CausalMaskKind, CollectiveOperation, DataType, KVCacheMode, MoEActType,
    ReduceOperation,
};

use crate::tensor::Dims;

/// Parameters of an attention (`nvinfer1::IAttention`): the input layer of its pair of boundary layers holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// The attention's own name; its layers are named after it.
    pub name: String,
    /// What is done to the scores: softmax or nothing.
    pub normalization: AttentionNormalizationOp,
    /// Which keys a query sees by their positions.
    pub causal: CausalMaskKind,
    /// Whether several kernels may compute it.
    pub decomposable: bool,
    /// How queries and the output lie in memory.
    pub query_form: AttentionIOForm,
    /// How keys and values lie in memory.
    pub key_value_form: AttentionIOForm,
    /// What the normalized scores are quantized to, if anything.
    pub quantize_to: Option<DataType>,
    /// The number of devices it is spread over.
    pub num_ranks: i32,
}

impl Attention {
    /// An attention over padded tensors, without a name.
    pub fn new(normalization: AttentionNormalizationOp, causal: CausalMaskKind) -> Self {
        Self {
            name: String::new(),
            normalization,
            causal,
            decomposable: false,
            query_form: AttentionIOForm::PaddedBhnd,
            key_value_form: AttentionIOForm::PaddedBhnd,
            quantize_to: None,
            num_ranks: 1,
        }
    }
}

/// Parameters of an exchange between devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistCollective {
    /// What is exchanged.
    pub op: CollectiveOperation,
    /// How contributions are reduced; `None` where they are not.
    pub reduce: ReduceOperation,
    /// The rank that sends or receives; −1 where there is none.
    pub root: i64,
    /// The ranks that take part; empty for all.
    pub groups: Vec<i64>,
    /// The number of ranks.
    pub num_ranks: i32,
}

/// Parameters of a write into a key or value cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KvCacheUpdate {
    /// How positions map to the cache.
    pub mode: KVCacheMode,
    /// How the update lies in memory.
    pub form: AttentionIOForm,
}

/// Parameters of a mixture of experts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moe {
    /// The gate's activation.
    pub activation: MoEActType,
    /// What the product of gate and up projection is quantized to; float where it is not.
    pub quantize_to: DataType,
    /// The block of that quantization.
    pub block_shape: Dims,
    /// The type of the scales computed at run time.
    pub scale_type: DataType,
    /// The largest gate value; infinite without a limit.
    pub swiglu_limit: f32,
    /// The factor within the gate's sigmoid.
    pub swiglu_alpha: f32,
    /// Added to the up projection.
    pub swiglu_beta: f32,
}

impl Default for Moe {
    fn default() -> Self {
        Self {
            activation: MoEActType::Silu,
            quantize_to: DataType::Float,
            block_shape: Dims::scalar(),
            scale_type: DataType::Fp8,
            swiglu_limit: f32::INFINITY,
            swiglu_alpha: 1.0,
            swiglu_beta: 0.0,
        }
    }
}
