//! One generator a kind of layer: random inputs and parameters, about half of them what the layer takes.

mod elements;
mod indexing;
mod normalizing;
mod quantizing;
mod shapes;
mod transformers;
mod windows;

use tensorrt::{Layer, Result};

use crate::draft::Draft;

/// Adds the layers of a case; the last one is what is compared.
pub(crate) type Generator = for<'n> fn(&mut Draft<'n>) -> Result<Layer<'n>>;

/// The kinds and their generators.
pub(crate) const LAYERS: &[(&str, Generator)] = &[
    ("activation", elements::activation),
    ("attention", transformers::attention),
    ("cast", elements::cast),
    ("concatenation", shapes::concatenation),
    ("constant", elements::constant),
    ("convolution", windows::convolution),
    ("cumulative", indexing::cumulative),
    ("deconvolution", windows::deconvolution),
    ("dequantize", quantizing::dequantize),
    ("dynamic_quantize", quantizing::dynamic_quantize),
    ("einsum", elements::einsum),
    ("elementwise", elements::elementwise),
    ("fill", shapes::fill),
    ("gather", indexing::gather),
    ("grid_sample", windows::grid_sample),
    ("identity", elements::identity),
    ("kv_cache", transformers::kv_cache),
    ("lrn", normalizing::lrn),
    ("matrix_multiply", elements::matrix_multiply),
    ("nms", indexing::nms),
    ("non_zero", indexing::non_zero),
    ("normalization", normalizing::normalization),
    ("one_hot", indexing::one_hot),
    ("padding", windows::padding),
    ("parametric_relu", elements::parametric_relu),
    ("pooling", windows::pooling),
    ("quantize", quantizing::quantize),
    ("ragged_softmax", normalizing::ragged_softmax),
    ("reduce", indexing::reduce),
    ("resize", windows::resize),
    ("reverse_sequence", indexing::reverse_sequence),
    ("rotary_embedding", transformers::rotary_embedding),
    ("scale", normalizing::scale),
    ("scatter", indexing::scatter),
    ("select", elements::select),
    ("shape", shapes::shape),
    ("shape_chain", shapes::chain),
    ("shuffle", shapes::shuffle),
    ("slice", shapes::slice),
    ("softmax", normalizing::softmax),
    ("squeeze", shapes::squeeze),
    ("top_k", indexing::top_k),
    ("unary", elements::unary),
    ("unsqueeze", shapes::unsqueeze),
];
