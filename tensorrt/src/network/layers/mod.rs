//! The classes of layers: how each is added, and what can be read and set on it.
//!
//! A file has one class or a family of them. [`layers`] names a class, [`adds`](super::add::adds) adds it, [`accessors`] gives it
//! properties.

mod activation;
mod assertion;
mod attention;
mod cast;
mod collective;
mod concatenation;
mod conditionals;
mod constant;
mod convolution;
mod elementwise;
mod fill;
mod gather;
mod kv_cache;
mod loops;
mod matrix;
mod moe;
mod nms;
mod normalization;
mod padding;
mod pooling;
mod quantize;
mod reduce;
mod resize;
mod scale;
mod sequence;
mod shape;
mod shuffle;
mod slice;
mod softmax;

pub use self::activation::{ActivationLayer, ParametricReluLayer, UnaryLayer};
pub use self::assertion::AssertionLayer;
pub use self::attention::{Attention, AttentionBoundaryLayer, RotaryEmbeddingLayer};
pub use self::cast::{CastLayer, IdentityLayer};
pub use self::collective::DistCollectiveLayer;
pub use self::concatenation::ConcatenationLayer;
pub use self::conditionals::{
    ConditionLayer, IfConditional, IfConditionalBoundaryLayer, IfConditionalInputLayer, IfConditionalOutputLayer,
};
pub use self::constant::ConstantLayer;
pub use self::convolution::{ConvolutionLayer, DeconvolutionLayer};
pub use self::elementwise::{ElementWiseLayer, SelectLayer};
pub use self::fill::FillLayer;
pub use self::gather::{GatherLayer, NonZeroLayer, OneHotLayer, ScatterLayer};
pub use self::kv_cache::KvCacheUpdateLayer;
pub use self::loops::{IteratorLayer, Loop, LoopBoundaryLayer, LoopOutputLayer, RecurrenceLayer, TripLimitLayer};
pub use self::matrix::{EinsumLayer, MatrixMultiplyLayer};
pub use self::moe::MoeLayer;
pub use self::nms::NmsLayer;
pub use self::normalization::{LrnLayer, NormalizationLayer};
pub use self::padding::PaddingLayer;
pub use self::pooling::PoolingLayer;
pub use self::quantize::{DequantizeLayer, DynamicQuantizeLayer, QuantizeLayer};
pub use self::reduce::{CumulativeLayer, ReduceLayer, TopKLayer};
pub use self::resize::{GridSampleLayer, ResizeLayer};
pub use self::scale::ScaleLayer;
pub use self::sequence::ReverseSequenceLayer;
pub use self::shape::{ShapeLayer, SqueezeLayer, UnsqueezeLayer};
pub use self::shuffle::ShuffleLayer;
pub use self::slice::SliceLayer;
pub use self::softmax::{RaggedSoftMaxLayer, SoftMaxLayer};

/// Names classes of layers: the handle, TensorRT's class, and the kind that its layers have.
macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident = $class:ident is $kind:ident;)+) => {
        $(
            $(#[$doc])*
            pub type $name<'n> = $crate::network::Layer<'n, $class>;

            impl $crate::network::layer::Class for $class {
                const KINDS: &'static [$crate::LayerType] = &[$crate::LayerType::$kind];
            }
        )+
    };
}
use layers;

/// Defines the getter and the setter of each property of a class of layers: what it is, how it crosses, and the two methods with their
/// entries and NVIDIA's names.
macro_rules! accessors {
    ($layer:ident: $(
        $what:literal $how:ident $($type:ident)*,
        $get:ident = $get_entry:ident $get_alias:tt,
        $set:ident = $set_entry:ident $set_alias:tt;
    )+) => {
        impl $layer<'_> {
            $(
                #[doc = concat!("Returns ", $what, ".")]
                ///
                /// # Errors
                ///
                /// `Unsupported` if the loaded library has no such property, `UnknownValue` if its value has no name here.
                #[doc(alias = $get_alias)]
                pub fn $get(&self) -> $crate::Result<$crate::network::layers::type_of!($how $($type)*)> {
                    // SAFETY: a network's layers live as long as it, and this one is of the entry's class.
                    let raw = unsafe { $crate::raw::call!(self, $get_entry()) }?;
                    $crate::network::layers::read!(self $how $($type)*, raw, $get_alias)
                }

                #[doc = concat!("Sets ", $what, ".")]
                ///
                /// # Errors
                ///
                /// `Unsupported` if the loaded library has no such property or value, `Setting` if it refuses it.
                #[doc(alias = $set_alias)]
                pub fn $set(&self, value: $crate::network::layers::argument_of!($how $($type)*)) -> $crate::Result<()> {
                    let value = $crate::network::layers::cross!(self $how value);
                    let operation = $crate::operation::Operation::begin();
                    // SAFETY: a network's layers live as long as it, and this one is of the entry's class; shapes and texts live during the
                    // call, and weights as long as the network.
                    let outcome = unsafe {
                        $crate::raw::call!(self, $set_entry($crate::network::add::pass!($how value)))
                    }?;
                    $crate::operation::Outcome::check(outcome, operation, self.library(), &concat!("call ", $set_alias))
                }
            )+
        }
    };
}
use accessors;

/// The type that a getter returns.
macro_rules! type_of {
    (value $type:ident) => { $type };
    (dims) => { $crate::Dims };
    (optional_dims) => { Option<$crate::Dims> };
    (axes) => { Vec<u32> };
    (weights) => { $crate::Weights };
    (text) => { String };
}
use type_of;

/// The type that a setter takes.
macro_rules! argument_of {
    (value $type:ident) => { $type };
    (dims) => { impl $crate::ToDims };
    (optional_dims) => { impl $crate::ToDims };
    (axes) => { &[u32] };
    (weights) => { $crate::Weights };
    (text) => { &str };
}
use argument_of;

/// Turns what a getter's entry returned into what the getter returns.
macro_rules! read {
    ($self:ident value $type:ident, $raw:ident, $method:tt) => {
        <$type as $crate::value::Value>::read($self.library(), $raw, $method)
    };
    ($self:ident dims, $raw:ident, $method:tt) => {
        $crate::Dims::known(&$raw, concat!("read ", $method))
    };
    ($self:ident optional_dims, $raw:ident, $method:tt) => {
        Ok($crate::Dims::from_raw(&$raw))
    };
    ($self:ident axes, $raw:ident, $method:tt) => {
        Ok($crate::network::add::axes_of($raw))
    };
    ($self:ident weights, $raw:ident, $method:tt) => {
        // SAFETY: the weights are those of a living layer, which its network or parser keeps.
        unsafe { $crate::Weights::copy_of($self.library(), &$raw, $method) }
    };
    ($self:ident text, $raw:ident, $method:tt) => {
        // SAFETY: TensorRT returns null or a C string that lives until the property is changed; it is copied at once.
        Ok(unsafe { $crate::value::text($raw) })
    };
}
use read;

/// Turns what a setter takes into what lives during the call of its entry.
macro_rules! cross {
    ($self:ident optional_dims $value:ident) => {
        $crate::ToDims::to_dims(&$value)?.to_raw()
    };
    ($self:ident weights $value:ident) => {
        $self.network().keep_weights($value)?
    };
    ($self:ident $how:ident $value:ident) => {
        $crate::network::add::prepare!($self $how $value)
    };
}
use cross;
