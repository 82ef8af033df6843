//! What NVIDIA calls layers that have no name, and their tensors.

use tensorrt_sys::LayerType;

use super::LayerKind;

impl LayerKind {
    /// The word in brackets of an unnamed layer's name.
    pub fn label(&self) -> &'static str {
        if let Self::Normalization(normalization) = self
            && normalization.v2
        {
            return "NormalizationV2";
        }
        match self.layer_type() {
            LayerType::Activation => "Activation",
            LayerType::Assertion => "Assertion",
            LayerType::AttentionInput => "AttentionInput",
            LayerType::AttentionOutput => "AttentionOutput",
            LayerType::Cast => "Cast",
            LayerType::Concatenation => "Concatenation",
            LayerType::Condition => "IfCondition",
            LayerType::ConditionalInput => "Input",
            LayerType::ConditionalOutput => "Output",
            LayerType::Constant => "Constant",
            LayerType::Convolution => "Convolution",
            LayerType::Cumulative => "Cumulative",
            LayerType::Deconvolution => "Deconvolution",
            LayerType::Dequantize => "Dequantize",
            LayerType::DistCollective => "DistCollective",
            LayerType::DynamicQuantize => "DynamicQuantize",
            LayerType::Einsum => "Einsum",
            LayerType::Elementwise => "ElementWise",
            LayerType::Fill => "Fill",
            LayerType::Gather => "Gather",
            LayerType::GridSample => "GridSample",
            LayerType::Identity => "Identity",
            LayerType::Iterator => "Iterator",
            LayerType::KvcacheUpdate => "KVCacheUpdate",
            LayerType::LoopOutput => "LoopOutput",
            LayerType::Lrn => "LRN",
            LayerType::MatrixMultiply => "Matrix Multiply",
            LayerType::Moe => "MoE",
            LayerType::Nms => "NMS",
            LayerType::NonZero => "NonZero",
            LayerType::Normalization => "Normalization",
            LayerType::OneHot => "OneHot",
            LayerType::Padding => "Padding",
            LayerType::ParametricRelu => "Parametric ReLU",
            LayerType::Pooling => "Pooling",
            LayerType::Quantize => "Quantize",
            LayerType::RaggedSoftmax => "Ragged SoftMax",
            LayerType::Recurrence => "Recurrence",
            LayerType::Reduce => "Reduce",
            LayerType::Resize => "Resize",
            LayerType::ReverseSequence => "ReverseSequence",
            LayerType::RotaryEmbedding => "RotaryEmbedding",
            LayerType::Scale => "Scale",
            LayerType::Scatter => "Scatter",
            LayerType::Select => "Select",
            LayerType::Shape => "Shape",
            LayerType::Shuffle => "Shuffle",
            LayerType::Slice => "Slice",
            LayerType::Softmax => "Softmax",
            LayerType::Squeeze => "Squeeze",
            LayerType::Topk => "TopK",
            LayerType::TripLimit => "TripLimit",
            LayerType::Unary => "Unary",
            LayerType::Unsqueeze => "Unsqueeze",
            other => other.name().trim_start_matches('k'),
        }
    }

    /// What follows a layer's name in the name of an output that is not named.
    pub fn output_suffix(&self, output: u32) -> String {
        match (self, output) {
            (_, 0) => "_output".to_owned(),
            (Self::TopK(_) | Self::Nms { .. }, _) => format!("_output ({output})"),
            _ => format!("_output_{output}"),
        }
    }
}
