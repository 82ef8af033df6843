//! Converters, one file a family of operators.

mod activation;
mod attention;
mod binary;
mod cast;
mod concat;
mod constant;
mod conv;
mod deconv;
mod einsum;
mod gather;
mod generate;
mod index;
mod integer;
mod kv_cache;
mod matmul;
mod nms;
mod non_zero;
mod norm;
mod pad;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod scale;
mod shape;
mod slice;
mod softmax;
mod spatial;
mod spectrum;
mod topk;
mod unary;
mod unique;
mod window;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::context::Converter;
use crate::onnx::error::Refusal;

/// One family's operators.
type Table = &'static [(&'static str, Converter)];

const FAMILIES: &[Table] = &[
    activation::OPS,
    attention::OPS,
    binary::OPS,
    cast::OPS,
    concat::OPS,
    constant::OPS,
    conv::OPS,
    deconv::OPS,
    einsum::OPS,
    gather::OPS,
    generate::OPS,
    index::OPS,
    integer::OPS,
    kv_cache::OPS,
    matmul::OPS,
    nms::OPS,
    non_zero::OPS,
    norm::OPS,
    pad::OPS,
    pool::OPS,
    quantize::OPS,
    recurrent::OPS,
    reduce::OPS,
    reshape::OPS,
    resize::OPS,
    scale::OPS,
    shape::OPS,
    slice::OPS,
    softmax::OPS,
    spatial::OPS,
    spectrum::OPS,
    topk::OPS,
    unary::OPS,
    unique::OPS,
    window::OPS,
];

static CONVERTERS: LazyLock<HashMap<&'static str, Converter>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| family.iter().copied()).collect());

/// The converter of an operator of ONNX's own domain.
pub(super) fn converter(name: &str) -> Option<Converter> {
    CONVERTERS.get(name).copied()
}

/// The error for an operator without a converter.
pub(super) fn unsupported(name: &str) -> Refusal {
    Refusal::node(format!("the operator {name} is not supported"))
}
