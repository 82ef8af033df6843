//! Every kind of layer, tried with every type: what builds and runs is emulated.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tensorrt_emulator::build::{BuildConfig, Quiet, build_engine};
use tensorrt_emulator::graph::{
    Attention, Conv, Fill, KvCacheUpdate, LayerKind, Moe, Normalization, Permutation, Pooling, Quantization, Resize,
    Scale, Shuffle, Slice, TopK,
};
use tensorrt_emulator::memory::Storage;
use tensorrt_emulator::network::Network;
use tensorrt_emulator::plan::{Identity, Profile};
use tensorrt_emulator::tensor::{Dims, Tensor, byte_len};
use tensorrt_emulator::{Error, Result};
use tensorrt_sys::{
    ActivationType, AttentionIOForm, AttentionNormalizationOp, BoundingBoxFormat, CausalMaskKind, CumulativeOperation,
    DataType, ElementWiseOperation, Family, FillOperation, GatherMode, InterpolationMode, KVCacheMode, LayerType,
    LoopOutput, MatrixOperation, MoEActType, PaddingMode, PoolingType, ReduceOperation, ResizeCoordinateTransformation,
    ResizeRoundMode, ResizeSelector, SampleMode, ScaleMode, ScatterMode, TopKOperation, TripLimit, UnaryOperation,
    Version,
};

use LayerType as L;

/// How closely a layer's outputs agree with the definition.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Agreement {
    /// Elements are moved, compared or counted.
    Exact,
    /// Floats are computed in float32 and rounded to the type once; integers are exact.
    Rounded,
    /// Sums of many products, in float32, in an order of their own.
    Summed,
}

/// A layer of a kind on inputs of a type; returns an output.
type Sample = fn(&mut Sketch, DataType) -> Result<tensorrt_emulator::graph::TensorId>;

/// A network under construction.
pub(crate) struct Sketch(Network);

type Id = tensorrt_emulator::graph::TensorId;

fn dims(extents: &[i64]) -> Dims {
    Dims::new(extents).unwrap()
}

impl Sketch {
    fn input(&mut self, dtype: DataType, extents: &[i64]) -> Result<Id> {
        let name = format!("x{}", self.0.graph().inputs.len());
        self.0.add_input(&name, dtype, dims(extents))
    }

    fn ints<T: tensorrt_emulator::tensor::Element>(&mut self, extents: &[i64], values: &[T]) -> Result<Id> {
        self.0.add_constant("", &Tensor::from_slice(dims(extents), values)?)
    }

    /// A constant of ones, as far as the type has a one.
    fn ones(&mut self, dtype: DataType, extents: &[i64]) -> Result<Id> {
        let tensor = self.one_tensor(dtype, extents)?;
        self.0.add_constant("", &tensor)
    }

    fn one_tensor(&self, dtype: DataType, extents: &[i64]) -> Result<Tensor> {
        let extents = dims(extents);
        let count = extents.volume().unwrap_or(0);
        let one: &[u8] = match dtype {
            DataType::Float => &[0, 0, 0x80, 0x3F],
            DataType::Half => &[0, 0x3C],
            DataType::Bf16 => &[0x80, 0x3F],
            DataType::Int32 => &[1, 0, 0, 0],
            DataType::Int64 => &[1, 0, 0, 0, 0, 0, 0, 0],
            DataType::Fp8 => &[0x38],
            DataType::E8m0 => &[127],
            DataType::Int4 => &[0x11],
            DataType::Fp4 => &[0x22],
            _ => &[1],
        };
        let bytes = byte_len(dtype, count).unwrap_or(0);
        let storage = Storage::copy_of(&one.repeat(bytes.div_ceil(one.len()))[..bytes]);
        Tensor::new(dtype, extents, storage)
    }

    fn weights(&mut self, dtype: DataType, extents: &[i64]) -> Result<tensorrt_emulator::graph::WeightsId> {
        let tensor = self.one_tensor(dtype, extents)?;
        let count = tensor.dims().volume().unwrap_or(0);
        let weights = tensorrt_emulator::graph::Weights::new("", dtype, count, tensor.storage().clone())?;
        Ok(self.0.graph_mut().add_weights(weights))
    }

    fn add(&mut self, kind: LayerKind, inputs: &[Id]) -> Result<Id> {
        self.0.add_one(kind, inputs.iter().copied().map(Some).collect())
    }

    /// A layer over one input.
    fn over(&mut self, kind: LayerKind, dtype: DataType, extents: &[i64]) -> Result<Id> {
        let x = self.input(dtype, extents)?;
        self.add(kind, &[x])
    }

    /// Builds and runs the network with `y` as its output.
    fn run(mut self, y: Id) -> Result<()> {
        self.0.graph_mut().tensor_mut(y).name = "y".to_owned();
        self.0.mark_output(y);
        let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
        let mut profile = Profile::default();
        for &id in &self.0.graph().inputs {
            let tensor = self.0.graph().tensor(id);
            profile.dims.insert(tensor.name.clone(), [tensor.dims; 3]);
            if matches!(tensor.dtype, DataType::Int32 | DataType::Int64 | DataType::Bool) {
                let values = vec![1; tensor.dims.volume().unwrap_or(0)];
                profile.values.insert(tensor.name.clone(), [values.clone(), values.clone(), values]);
            }
        }
        config.profiles.push(profile);
        let engine = build_engine(&self.0, &config, &mut Quiet)?;
        let mut context = engine.create_context(None)?;
        let inputs = self.0.graph().inputs.iter().map(|&id| {
            let tensor = self.0.graph().tensor(id);
            self.one_tensor(tensor.dtype, &tensor.dims)
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let bytes: Vec<&[u8]> = inputs.iter().map(|tensor| &tensor.storage()[..]).collect();
        context.run_dynamic(&bytes).map(drop)
    }
}

/// The types that a kind of layer is emulated with, in the order of [`DataType::ALL`].
fn types(samples: &[Sample]) -> Vec<DataType> {
    let works = |sample: Sample, dtype| {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let mut sketch = Sketch(Network::new());
            let y = sample(&mut sketch, dtype)?;
            sketch.run(y)
        }));
        tried.unwrap_or_else(|_| panic!("a sample panics with {dtype:?}")).is_ok()
    };
    let any = |dtype: &DataType| samples.iter().any(|&sample| works(sample, *dtype));
    DataType::ALL.iter().copied().filter(any).collect()
}

fn short(dtype: DataType) -> String {
    dtype.name().trim_start_matches('k').to_lowercase()
}

/// A row a kind of layer: its name, its types, how closely it agrees with the definition.
///
/// # Panics
/// A kind of layer is in neither list below.
pub(crate) fn rows() -> Vec<[String; 3]> {
    let row = |&kind: &LayerType| {
        let name = kind.name().trim_start_matches('k').to_owned();
        if let Some((_, why)) = NOT_RUN.iter().find(|(other, _)| *other == kind) {
            return [name, "–".to_owned(), (*why).to_owned()];
        }
        let (_, agreement, samples) =
            SAMPLES.iter().find(|(other, ..)| *other == kind).unwrap_or_else(|| panic!("no sample of {kind:?}"));
        let types: Vec<String> = types(samples).into_iter().map(short).collect();
        let agreement = match agreement {
            Agreement::Exact => "exact",
            Agreement::Rounded => "rounded once",
            Agreement::Summed => "summed in float32",
        };
        match types.is_empty() {
            true => [name, "–".to_owned(), "refused when built".to_owned()],
            false => [name, types.join(", "), agreement.to_owned()],
        }
    };
    let mut rows: Vec<[String; 3]> = LayerType::ALL.iter().map(row).collect();
    rows.sort();
    rows
}

/// Kinds that are refused, and why.
const NOT_RUN: &[(LayerType, &str)] = &[
    (L::DistCollective, "refused when built: there is one emulated device"),
    (L::Plugin, "refused: plugins are not emulated"),
    (L::PluginV2, "refused: plugins are not emulated"),
    (L::PluginV3, "refused: plugins are not emulated"),
];

fn conv(s: &mut Sketch, t: DataType, spatial: usize, kernel: &[i64]) -> Result<Conv> {
    Ok(Conv {
        num_output_maps: 1,
        kernel_size: Dims::splat(1, spatial),
        stride: Dims::splat(1, spatial),
        dilation: Dims::splat(1, spatial),
        pre_padding: Dims::splat(0, spatial),
        post_padding: Dims::splat(0, spatial),
        padding_mode: PaddingMode::ExplicitRoundDown,
        groups: 1,
        kernel: Some(s.weights(t, kernel)?),
        bias: None,
    })
}

fn fill(op: FillOperation, to: DataType) -> LayerKind {
    let dims = dims(&[3]);
    LayerKind::Fill(Fill { op, dims, alpha: 0.0, beta: 1.0, alpha_int64: 0, beta_int64: 1, to })
}

fn conditional(s: &mut Sketch, t: DataType) -> Result<Id> {
    let (c, x) = (s.input(DataType::Bool, &[])?, s.input(t, &[2])?);
    let conditional = s.0.add_conditional();
    s.0.set_condition(conditional, c)?;
    let x = s.add(LayerKind::ConditionalInput { conditional }, &[x])?;
    let y = s.add(LayerKind::Identity, &[x])?;
    s.add(LayerKind::ConditionalOutput { conditional }, &[y, x])
}

fn looped(s: &mut Sketch, t: DataType) -> Result<Id> {
    let (x, first, count) = (s.input(t, &[2, 2])?, s.input(t, &[2])?, s.ints(&[], &[2_i32])?);
    let loop_id = s.0.add_loop();
    s.0.add(LayerKind::TripLimit { loop_id, limit: TripLimit::Count }, vec![Some(count)])?;
    let row = s.add(LayerKind::Iterator { loop_id, axis: 0, reverse: false }, &[x])?;
    let value = s.add(LayerKind::Recurrence { loop_id }, &[first])?;
    let value_layer = s.0.graph().tensor(value).producer.ok_or_else(|| Error::internal("no producer"))?;
    s.0.set_input(value_layer.0, 1, row)?;
    s.add(LayerKind::LoopOutput { loop_id, output: LoopOutput::LastValue, axis: 0 }, &[value])
}

fn scaled(s: &mut Sketch, from: DataType, to: DataType, scale: DataType, inverse: bool) -> Result<Id> {
    let (x, scale) = (s.input(from, &[2, 2])?, s.ones(scale, &[])?);
    let params = Quantization { axis: -1, to, block_shape: None };
    let kind = if inverse { LayerKind::Dequantize(params) } else { LayerKind::Quantize(params) };
    s.add(kind, &[x, scale])
}

/// A sample or more of every kind, and how closely it agrees.
#[rustfmt::skip]
const SAMPLES: &[(LayerType, Agreement, &[Sample])] = &[
    (L::Activation, Agreement::Rounded, &[|s, t| s.over(LayerKind::Activation { op: ActivationType::Relu, alpha: 0.0, beta: 0.0 }, t, &[2, 2])]),
    (L::Assertion, Agreement::Exact, &[|s, t| {
        let c = s.input(t, &[])?;
        s.0.add(LayerKind::Assertion { message: String::new() }, vec![Some(c)])?;
        s.add(LayerKind::Identity, &[c])
    }]),
    (L::AttentionInput, Agreement::Summed, &[attention]),
    (L::AttentionOutput, Agreement::Summed, &[attention]),
    (L::Cast, Agreement::Rounded, &[|s, t| s.over(LayerKind::Cast { to: DataType::Float }, t, &[2])]),
    (L::Concatenation, Agreement::Exact, &[|s, t| { let x = s.input(t, &[2, 2])?; s.add(LayerKind::Concatenation { axis: 0 }, &[x, x]) }]),
    (L::Condition, Agreement::Exact, &[conditional]),
    (L::ConditionalInput, Agreement::Exact, &[conditional]),
    (L::ConditionalOutput, Agreement::Exact, &[conditional]),
    (L::Constant, Agreement::Exact, &[|s, t| { let c = s.ones(t, &[2])?; s.add(LayerKind::Identity, &[c]) }]),
    (L::Convolution, Agreement::Summed, &[|s, t| { let conv = conv(s, t, 2, &[1, 1, 1, 1])?; s.over(LayerKind::Convolution(conv), t, &[1, 1, 2, 2]) }]),
    (L::Cumulative, Agreement::Rounded, &[|s, t| {
        let (x, axis) = (s.input(t, &[2, 2])?, s.ints(&[], &[0_i32])?);
        s.add(LayerKind::Cumulative { op: CumulativeOperation::Sum, exclusive: false, reverse: false }, &[x, axis])
    }]),
    (L::Deconvolution, Agreement::Summed, &[|s, t| { let conv = conv(s, t, 2, &[1, 1, 1, 1])?; s.over(LayerKind::Deconvolution(conv), t, &[1, 1, 2, 2]) }]),
    (L::Dequantize, Agreement::Rounded, &[|s, t| scaled(s, t, DataType::Float, DataType::Float, true)]),
    (L::DynamicQuantize, Agreement::Rounded, &[|s, t| {
        let (to, scale_type) = (DataType::Fp4, DataType::Fp8);
        let kind = LayerKind::DynamicQuantize { axis: 1, block_size: 16, block_shape: None, to, scale_type };
        let (x, second) = (s.input(t, &[2, 16])?, s.ones(DataType::Float, &[])?);
        s.add(kind, &[x, second])
    }]),
    (L::Einsum, Agreement::Summed, &[|s, t| { let x = s.input(t, &[2, 2])?; s.add(LayerKind::Einsum { equation: "ij,jk->ik".to_owned() }, &[x, x]) }]),
    (L::Elementwise, Agreement::Rounded, &[
        |s, t| { let x = s.input(t, &[2])?; s.add(LayerKind::ElementWise { op: ElementWiseOperation::Sum }, &[x, x]) },
        |s, t| { let x = s.input(t, &[2])?; s.add(LayerKind::ElementWise { op: ElementWiseOperation::And }, &[x, x]) },
    ]),
    (L::Fill, Agreement::Rounded, &[|s, t| s.add(fill(FillOperation::Linspace, t), &[]), |s, t| s.add(fill(FillOperation::RandomUniform, t), &[])]),
    (L::Gather, Agreement::Exact, &[|s, t| {
        let (x, i) = (s.input(t, &[2, 2])?, s.ints(&[1], &[1_i32])?);
        s.add(LayerKind::Gather { axis: 0, num_elementwise_dims: 0, mode: GatherMode::Default }, &[x, i])
    }]),
    (L::GridSample, Agreement::Summed, &[|s, t| {
        let (x, grid) = (s.input(t, &[1, 1, 2, 2])?, s.input(t, &[1, 2, 2, 2])?);
        s.add(LayerKind::GridSample { interpolation: InterpolationMode::Linear, align_corners: false, sample_mode: SampleMode::Fill }, &[x, grid])
    }]),
    (L::Identity, Agreement::Exact, &[|s, t| s.over(LayerKind::Identity, t, &[2])]),
    (L::Iterator, Agreement::Exact, &[looped]),
    (L::KvcacheUpdate, Agreement::Exact, &[|s, t| {
        let (cache, update, at) = (s.input(t, &[1, 1, 4, 2])?, s.input(t, &[1, 1, 1, 2])?, s.input(DataType::Int32, &[1])?);
        s.add(LayerKind::KvCacheUpdate(KvCacheUpdate { mode: KVCacheMode::Linear, form: AttentionIOForm::PaddedBhnd }), &[cache, update, at])
    }]),
    (L::LoopOutput, Agreement::Exact, &[looped]),
    (L::Lrn, Agreement::Rounded, &[|s, t| s.over(LayerKind::Lrn { window: 3, alpha: 1.0, beta: 0.75, k: 1.0 }, t, &[1, 2, 2, 2])]),
    (L::MatrixMultiply, Agreement::Summed, &[|s, t| { let x = s.input(t, &[2, 2])?; s.add(LayerKind::MatrixMultiply { ops: [MatrixOperation::None; 2] }, &[x, x]) }]),
    (L::Moe, Agreement::Summed, &[moe]),
    (L::Nms, Agreement::Exact, &[|s, t| {
        let (boxes, scores, most) = (s.input(t, &[1, 2, 1, 4])?, s.input(t, &[1, 2, 1])?, s.ints(&[], &[2_i32])?);
        let kind = LayerKind::Nms { format: BoundingBoxFormat::CornerPairs, topk_limit: 10, indices: DataType::Int32 };
        let layer = s.0.add(kind, vec![Some(boxes), Some(scores), Some(most)])?;
        Ok(s.0.graph().layers[layer.0 as usize].outputs[0])
    }]),
    (L::NonZero, Agreement::Exact, &[|s, t| s.over(LayerKind::NonZero { indices: DataType::Int64 }, t, &[2, 2]), |s, t| s.over(LayerKind::NonZero { indices: DataType::Int32 }, t, &[2, 2])]),
    (L::Normalization, Agreement::Summed, &[|s, t| {
        let (x, one) = (s.input(t, &[1, 2, 2])?, s.ones(t, &[1, 1, 2])?);
        let params = Normalization { epsilon: 1e-5, axes: 4, groups: 1, compute_precision: DataType::Float, v2: false };
        s.add(LayerKind::Normalization(params), &[x, one, one])
    }]),
    (L::OneHot, Agreement::Exact, &[|s, t| {
        let (i, values, depth) = (s.input(DataType::Int32, &[2])?, s.ones(t, &[2])?, s.ints(&[], &[3_i32])?);
        s.add(LayerKind::OneHot { axis: 1 }, &[i, values, depth])
    }]),
    (L::Padding, Agreement::Exact, &[|s, t| s.over(LayerKind::Padding { pre: dims(&[1, 1]), post: dims(&[0, 0]) }, t, &[1, 1, 2, 2])]),
    (L::ParametricRelu, Agreement::Rounded, &[|s, t| { let x = s.input(t, &[2])?; s.add(LayerKind::ParametricRelu, &[x, x]) }]),
    (L::Pooling, Agreement::Summed, &[|s, t| {
        let two = dims(&[2, 2]);
        let zero = dims(&[0, 0]);
        let params = Pooling { op: PoolingType::Max, window: two, stride: two, pre_padding: zero, post_padding: zero, padding_mode: PaddingMode::ExplicitRoundDown, blend_factor: 0.0, average_count_excludes_padding: true };
        s.over(LayerKind::Pooling(params), t, &[1, 1, 2, 2])
    }]),
    (L::Quantize, Agreement::Rounded, &[|s, t| scaled(s, t, DataType::Int8, t, false), |s, t| scaled(s, t, DataType::Int8, DataType::Float, false)]),
    (L::RaggedSoftmax, Agreement::Summed, &[|s, t| { let (x, bounds) = (s.input(t, &[1, 2, 2])?, s.input(DataType::Int32, &[1, 2, 1])?); s.add(LayerKind::RaggedSoftmax, &[x, bounds]) }]),
    (L::Recurrence, Agreement::Exact, &[looped]),
    (L::Reduce, Agreement::Summed, &[|s, t| s.over(LayerKind::Reduce { op: ReduceOperation::Sum, axes: 1, keep_dims: false }, t, &[2, 2])]),
    (L::Resize, Agreement::Summed, &[|s, t| {
        let params = Resize { mode: InterpolationMode::Nearest, transformation: ResizeCoordinateTransformation::HalfPixel, selector: ResizeSelector::Formula, rounding: ResizeRoundMode::HalfDown, cubic_coeff: -0.75, exclude_outside: false, dims: Some(dims(&[1, 1, 4, 4])), scales: Vec::new() };
        s.over(LayerKind::Resize(params), t, &[1, 1, 2, 2])
    }]),
    (L::ReverseSequence, Agreement::Exact, &[|s, t| { let (x, lengths) = (s.input(t, &[2, 2])?, s.ints(&[2], &[1_i32, 2])?); s.add(LayerKind::ReverseSequence { batch_axis: 0, sequence_axis: 1 }, &[x, lengths]) }]),
    (L::RotaryEmbedding, Agreement::Rounded, &[|s, t| {
        let (x, cache) = (s.input(t, &[1, 1, 2, 4])?, s.input(t, &[1, 2, 2])?);
        s.add(LayerKind::RotaryEmbedding { interleaved: false, dim: 4 }, &[x, cache, cache])
    }]),
    (L::Scale, Agreement::Rounded, &[|s, t| { let scale = s.weights(t, &[1])?; s.over(LayerKind::Scale(Scale { mode: ScaleMode::Uniform, shift: None, scale: Some(scale), power: None, channel_axis: 1 }), t, &[1, 1, 2, 2]) }]),
    (L::Scatter, Agreement::Exact, &[|s, t| {
        let (x, i, u) = (s.input(t, &[3])?, s.ints(&[1], &[1_i32])?, s.input(t, &[1])?);
        s.add(LayerKind::Scatter { mode: ScatterMode::Element, axis: 0, combine: None }, &[x, i, u])
    }]),
    (L::Select, Agreement::Exact, &[|s, t| { let (c, x) = (s.input(DataType::Bool, &[2])?, s.input(t, &[2])?); s.add(LayerKind::Select, &[c, x, x]) }]),
    (L::Shape, Agreement::Exact, &[|s, t| s.over(LayerKind::Shape, t, &[2, 2])]),
    (L::Shuffle, Agreement::Exact, &[|s, t| s.over(LayerKind::Shuffle(Shuffle { first: Permutation::new(&[1, 0]), reshape: Some(dims(&[4])), second: Permutation::IDENTITY, zero_is_placeholder: true }), t, &[2, 2])]),
    (L::Slice, Agreement::Exact, &[|s, t| s.over(LayerKind::Slice(Slice { start: Some(dims(&[0])), size: Some(dims(&[1])), stride: Some(dims(&[1])), mode: SampleMode::StrictBounds, axes: None }), t, &[2])]),
    (L::Softmax, Agreement::Summed, &[|s, t| s.over(LayerKind::Softmax { axes: 2 }, t, &[2, 2])]),
    (L::Squeeze, Agreement::Exact, &[|s, t| { let (x, axes) = (s.input(t, &[2, 1])?, s.ints(&[1], &[1_i64])?); s.add(LayerKind::Squeeze, &[x, axes]) }]),
    (L::Topk, Agreement::Exact, &[|s, t| {
        let x = s.input(t, &[4])?;
        let layer = s.0.add(LayerKind::TopK(TopK { op: TopKOperation::Max, k: 2, axes: 1, indices: DataType::Int32 }), vec![Some(x)])?;
        Ok(s.0.graph().layers[layer.0 as usize].outputs[0])
    }]),
    (L::TripLimit, Agreement::Exact, &[looped]),
    (L::Unary, Agreement::Rounded, &[
        |s, t| s.over(LayerKind::Unary { op: UnaryOperation::Exp }, t, &[2]),
        |s, t| s.over(LayerKind::Unary { op: UnaryOperation::Abs }, t, &[2]),
        |s, t| s.over(LayerKind::Unary { op: UnaryOperation::Not }, t, &[2]),
    ]),
    (L::Unsqueeze, Agreement::Exact, &[|s, t| { let (x, axes) = (s.input(t, &[2])?, s.ints(&[1], &[0_i64])?); s.add(LayerKind::Unsqueeze, &[x, axes]) }]),
];

fn attention(s: &mut Sketch, t: DataType) -> Result<Id> {
    let x = s.input(t, &[1, 1, 2, 4])?;
    let kind = Attention::new(AttentionNormalizationOp::Softmax, CausalMaskKind::None);
    let y = s.add(LayerKind::AttentionInput(kind), &[x, x, x])?;
    s.add(LayerKind::AttentionOutput, &[y])
}

fn moe(s: &mut Sketch, t: DataType) -> Result<Id> {
    let x = s.input(t, &[1, 2, 4])?;
    let (chosen, scores) = (s.ints(&[1, 2, 1], &[0_i32, 1])?, s.input(t, &[1, 2, 1])?);
    let (up, down) = (s.ones(t, &[2, 4, 4])?, s.ones(t, &[2, 4, 4])?);
    let moe = Moe {
        activation: MoEActType::Silu,
        quantize_to: DataType::Float,
        block_shape: Dims::scalar(),
        scale_type: DataType::Float,
        swiglu_limit: f32::INFINITY,
        swiglu_alpha: 1.0,
        swiglu_beta: 0.0,
    };
    s.add(LayerKind::Moe(moe), &[x, chosen, scores, up, up, down])
}
