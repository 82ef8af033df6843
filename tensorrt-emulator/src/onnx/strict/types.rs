//! The types that NVIDIA's converters take, as the parser was seen to take them.

use tensorrt_sys::DataType;
use tensorrt_sys::DataType::{Bf16, Bool, Float, Half, Int8, Int32, Int64};

use super::super::error::{Refusal, Result};
use super::super::importer::Context;

/// Operators, the index of their input that decides, and the types that it may have.
type Row = (&'static [&'static str], usize, &'static [DataType]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (&["Celu", "MeanVarianceNormalization"], 0, &[Float]),
    (&["GlobalLpPool", "LpNormalization", "LpPool", "Mish"], 0, &[Float, Half]),
    (&["HardSwish"], 0, &[Float, Half, Int8]),
    (&["Shrink"], 0, &[Float, Half, Int8, Int32, Int64]),
    (&["Hardmax", "LayerNormalization", "Mean"], 0, &[Float, Half, Bf16]),
    (&["CumSum"], 0, &[Float, Half, Bf16, Int32, Int64]),
    (&["Range"], 0, &[Float, Int32, Int64]),
    (&["And", "Not", "Or", "Xor"], 0, &[Bool]),
    (&["Relu"], 0, &[Float, Half, Bf16, Int8, Int64]),
    (
        &[
            "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "AveragePool", "BatchNormalization", "Ceil", "Conv", "ConvTranspose", "Cos",
            "Cosh", "Einsum", "Elu", "Erf", "Exp", "Floor", "Gelu", "Gemm", "GroupNormalization", "HardSigmoid", "InstanceNormalization",
            "IsInf", "IsNaN", "LRN", "LeakyRelu", "Log", "LogSoftmax", "MatMul", "MaxPool", "PRelu", "Reciprocal", "ReduceL2", "ReduceLogSum",
            "ReduceLogSumExp", "Resize", "Round", "Selu", "Sigmoid", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish",
            "Tan", "Tanh", "ThresholdedRelu",
        ],
        0,
        &[Float, Half, Bf16, Int8],
    ),
    (
        &[
            "Abs", "Add", "ArgMax", "ArgMin", "Clip", "DepthToSpace", "Div", "GlobalAveragePool", "GlobalMaxPool", "Greater",
            "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg", "Pow", "RMSNormalization", "ReduceL1", "ReduceMax",
            "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Sign", "SpaceToDepth", "Sub", "Sum", "TopK",
        ],
        0,
        &[Float, Half, Bf16, Int8, Int32, Int64],
    ),
    (
        &[
            "Concat", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "OneHot", "Pad", "Reshape", "ReverseSequence",
            "ScatterElements", "ScatterND", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze",
        ],
        0,
        &[Float, Half, Bf16, Int8, Int32, Int64, Bool],
    ),
    (&["Where"], 1, &[Float, Half, Bf16, Int8, Int32, Int64, Bool]),
];

/// Refuses an input of a type that the operator's converter does not take.
pub(super) fn check(c: &Context<'_>) -> Result<()> {
    let operator = c.node.op_type.as_str();
    for &(_, index, types) in TABLE.iter().filter(|(operators, ..)| operators.contains(&operator)) {
        let Ok(dtype) = c.input_type(index) else { continue };
        if !types.contains(&dtype) {
            let dtype = dtype.name();
            return Err(Refusal::datatype(format!(
                "NVIDIA's parser takes no {operator} whose input {index} is of {dtype}"
            )));
        }
    }
    Ok(())
}
