//! Attention, caches, experts and collectives through the safe interface: on the emulator, and what NVIDIA's library says of the same
//! networks (skipped where `TENSORRT_TEST_RTX17` does not name its folder).

use crate::support::{builds, input, libraries, library};
use ndarray::{Array4, ArrayD, array};
use tensorrt::{
    Attention, AttentionBoundaryLayer, AttentionIOForm, AttentionNormalizationOp, Builder, CausalMaskKind,
    CollectiveOperation, DataType, Dims, DistCollectiveLayer, Engine, ErrorKind, Family, KVCacheMode,
    KvCacheUpdateLayer, LayerType, Library, MoEActType, MoeLayer, NetworkDefinition, ReduceOperation,
    RotaryEmbeddingLayer, Session, Version, Weights,
};
use tensorrt_emulator::Emulator;

/// An attention of queries [2, 4, 3, 8] to keys [2, 2, 5, 8].
fn attention<'n>(network: &'n NetworkDefinition<'_>, causal: CausalMaskKind) -> Attention<'n> {
    let q = input(network, "q", DataType::Float, &[2, 4, 3, 8]);
    let [k, v] = ["k", "v"].map(|name| input(network, name, DataType::Float, &[2, 2, 5, 8]));
    network.add_attention(q, k, v, AttentionNormalizationOp::Softmax, causal).unwrap()
}

#[test]
fn an_attention_is_a_pair_of_layers() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let attention = attention(&network, CausalMaskKind::None);
        let kinds: Vec<_> = network.layers().unwrap().iter().map(|layer| layer.layer_type().unwrap()).collect();
        assert_eq!(kinds, [LayerType::AttentionInput, LayerType::AttentionOutput]);
        let [begin, end] = [0, 1].map(|index| network.layer(index).unwrap());
        assert_eq!((begin.num_inputs().unwrap(), end.num_inputs().unwrap()), (3, 1));
        assert_eq!(attention.name().unwrap(), "(Unnamed Layer* 0) [Attention]");
        assert_eq!(begin.name().unwrap(), "(Unnamed Layer* 1) [AttentionInput]");
        assert_eq!(end.name().unwrap(), "(Unnamed Layer* 2) [AttentionOutput]");
        let x = attention.output().unwrap();
        assert_eq!(x.name().unwrap(), "(Unnamed Layer* 2) [AttentionOutput]_output");
        let next = network.add_identity(x).unwrap();
        assert_eq!(next.name().unwrap(), "(Unnamed Layer* 3) [Identity]");
        assert_eq!(attention.output().unwrap().dims().unwrap(), Some([2, 4, 3, 8].into()));
        attention.set_name("heads").unwrap();
        attention.set_metadata("block 0").unwrap();
        assert_eq!(begin.name().unwrap(), "heads_AttentionInput");
        assert_eq!(end.name().unwrap(), "heads_AttentionOutput");
        assert_eq!(end.metadata().unwrap(), "block 0");
        assert_eq!(attention.output().unwrap().name().unwrap(), "heads_AttentionOutput_output");
        for layer in [begin, end] {
            let again = layer.downcast::<AttentionBoundaryLayer<'_>>().unwrap().attention().unwrap();
            assert_eq!(again.name().unwrap(), "heads");
            assert_eq!(again.metadata().unwrap(), "block 0");
        }
    }
}

#[test]
fn properties_of_an_attention_come_back() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let it = attention(&network, CausalMaskKind::LowerRight);
        assert_eq!(it.normalization_operation().unwrap(), AttentionNormalizationOp::Softmax);
        assert_eq!((it.causal().unwrap(), it.causal_kind().unwrap()), (true, CausalMaskKind::LowerRight));
        assert_eq!((it.decomposable().unwrap(), it.num_ranks().unwrap()), (false, 1));
        assert_eq!(it.query_form().unwrap(), AttentionIOForm::PaddedBhnd);
        let mask = input(&network, "mask", DataType::Bool, &[1, 1, 3, 5]);
        assert_eq!(it.set_mask(mask).unwrap_err().kind(), ErrorKind::Setting);
        it.set_causal(false).unwrap();
        it.set_mask(mask).unwrap();
        assert_eq!(it.set_causal_kind(CausalMaskKind::UpperLeft).unwrap_err().kind(), ErrorKind::Setting);
        assert_eq!(it.mask().unwrap().unwrap().name().unwrap(), "mask");
        assert_eq!(it.num_inputs().unwrap(), 4);
        it.set_normalization_operation(AttentionNormalizationOp::None).unwrap();
        assert_eq!(it.normalization_operation().unwrap(), AttentionNormalizationOp::None);
        it.set_decomposable(true).unwrap();
        assert!(it.decomposable().unwrap());
        let scale = input(&network, "scale", DataType::Float, &[]);
        it.set_normalization_quantize_scale(scale).unwrap();
        assert_eq!(it.normalization_quantize_scale().unwrap().unwrap().name().unwrap(), "scale");
        assert!(it.set_normalization_quantize_to_type(DataType::Half).is_err());
        it.set_normalization_quantize_to_type(DataType::Fp8).unwrap();
        assert_eq!(it.normalization_quantize_to_type().unwrap(), DataType::Fp8);
        let wide = input(&network, "wide", DataType::Int64, &[2]);
        assert!(it.set_key_value_lengths(Some(wide)).is_err());
        let lengths = input(&network, "lengths", DataType::Int32, &[2]);
        it.set_key_value_lengths(Some(lengths)).unwrap();
        assert_eq!(it.key_value_lengths().unwrap().unwrap().name().unwrap(), "lengths");
        assert!(it.query_lengths().unwrap().is_none());
        it.set_key_value_lengths(None).unwrap();
        assert!(it.key_value_lengths().unwrap().is_none());
        it.set_num_ranks(2).unwrap();
        assert!(it.set_num_ranks(3).is_err());
        assert_eq!(it.num_ranks().unwrap(), 2);
        assert_eq!(it.input(3).unwrap_err().kind(), ErrorKind::UnknownName);
        let q = input(&network, "q2", DataType::Float, &[2, 4, 7, 8]);
        it.set_input(0, q).unwrap();
        assert_eq!(it.input(0).unwrap().name().unwrap(), "q2");
        it.set_query_form(AttentionIOForm::PackedNhd).unwrap();
        assert_eq!(it.query_form().unwrap(), AttentionIOForm::PackedNhd);
        it.set_key_value_form(AttentionIOForm::PackedNhd).unwrap();
        assert_eq!(it.key_value_form().unwrap(), AttentionIOForm::PackedNhd);
    }
}

/// The shapes of query, keys and values, and of a mask, lengths of queries and lengths of keys where there are any; and whether it is packed.
type Shapes<'a> = (&'a [i64], [&'a [i64]; 2], [Option<&'a [i64]>; 3], [bool; 2]);

const PADDED: [bool; 2] = [false, false];
const NOTHING: [Option<&[i64]>; 3] = [None, None, None];
const Q: &[i64] = &[2, 4, 3, 8];
const K: &[i64] = &[2, 4, 5, 8];

/// Attentions that both libraries take or refuse alike.
const ATTENTIONS: &[Shapes<'static>] = &[
    (Q, [K, K], NOTHING, PADDED),
    (Q, [&[2, 2, 5, 8]; 2], NOTHING, PADDED),
    (Q, [&[2, 3, 5, 8]; 2], NOTHING, PADDED),
    (Q, [&[2, 8, 5, 8]; 2], NOTHING, PADDED),
    (Q, [K, &[2, 4, 5, 6]], NOTHING, PADDED),
    (Q, [K, &[2, 4, 6, 8]], NOTHING, PADDED),
    (Q, [&[2, 4, 5, 6]; 2], NOTHING, PADDED),
    (Q, [&[1, 4, 5, 8]; 2], NOTHING, PADDED),
    (&[2, 3, 8], [&[2, 3, 8]; 2], NOTHING, PADDED),
    (Q, [&[4, 5, 8]; 2], NOTHING, PADDED),
    (&[1, 2, 4, 3, 8], [K, K], NOTHING, PADDED),
    (&[-1, 4, -1, 8], [&[-1, 4, -1, 8]; 2], NOTHING, PADDED),
    (Q, [&[-1, 4, -1, 8], K], NOTHING, PADDED),
    (&[2, 4, 3, -1], [K, K], NOTHING, PADDED),
    (&[2, 4, 0, 8], [K, K], NOTHING, PADDED),
    (Q, [&[2, 4, 0, 8]; 2], NOTHING, PADDED),
    (Q, [K, K], [Some(&[2, 4, 3, 5]), None, None], PADDED),
    (Q, [K, K], [Some(&[1, 4, 1, 5]), None, None], PADDED),
    (Q, [K, K], [Some(&[1, 1, 1, 1]), None, None], PADDED),
    (Q, [K, K], [Some(&[3, 5]), None, None], PADDED),
    (Q, [K, K], [Some(&[2, 2, 3, 5]), None, None], PADDED),
    (Q, [K, K], [Some(&[2, 4, 3, 6]), None, None], PADDED),
    (Q, [K, K], [Some(&[-1, -1, -1, -1]), None, None], PADDED),
    (Q, [K, K], [None, Some(&[3]), None], PADDED),
    (Q, [K, K], [None, None, Some(&[2])], PADDED),
    (Q, [K, K], [None, None, Some(&[3])], PADDED),
    (&[7, 4, 8], [K, K], NOTHING, [true, false]),
    (&[7, 4, 8], [K, K], [None, Some(&[3]), None], [true, false]),
    (&[7, 4, 8], [K, K], [None, Some(&[4]), None], [true, false]),
    (&[7, 4, 8], [&[9, 4, 8]; 2], [None, Some(&[3]), Some(&[3])], [true, true]),
    (&[7, 4, 8], [&[9, 2, 8]; 2], [None, Some(&[3]), Some(&[3])], [true, true]),
    (&[7, 4, 8], [&[9, 4, 8]; 2], [None, Some(&[3]), Some(&[4])], [true, true]),
    (&[7, 4, 8], [&[9, 4, 8]; 2], [None, Some(&[3]), None], [true, true]),
    (Q, [&[9, 4, 8]; 2], [None, None, Some(&[3])], [false, true]),
    (Q, [K, K], [None, Some(&[3]), None], [true, false]),
    (&[-1, 4, 8], [&[-1, 4, 8]; 2], [None, Some(&[-1]), Some(&[-1])], [true, true]),
    (&[7, 4, 8], [&[9, 4, 8]; 2], [Some(&[1, 1, 7, 9]), Some(&[3]), Some(&[3])], [true, true]),
];

/// The dimensions of an attention's output; none where the library refuses.
fn attention_dims(library: &Library, &(q, [k, v], [mask, queries, keys], packed): &Shapes<'_>) -> Option<Dims> {
    let builder = Builder::new(library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let q = input(&network, "q", DataType::Float, q);
    let (k, v) = (input(&network, "k", DataType::Float, k), input(&network, "v", DataType::Float, v));
    let it = network.add_attention(q, k, v, AttentionNormalizationOp::Softmax, CausalMaskKind::None).ok()?;
    let form = |packed| if packed { AttentionIOForm::PackedNhd } else { AttentionIOForm::PaddedBhnd };
    it.set_query_form(form(packed[0])).unwrap();
    it.set_key_value_form(form(packed[1])).unwrap();
    if let Some(mask) = mask {
        it.set_mask(input(&network, "mask", DataType::Bool, mask)).unwrap();
    }
    if let Some(queries) = queries {
        it.set_query_lengths(Some(input(&network, "queries", DataType::Int32, queries))).unwrap();
    }
    if let Some(keys) = keys {
        it.set_key_value_lengths(Some(input(&network, "keys", DataType::Int32, keys))).unwrap();
    }
    it.output().unwrap().dims().ok()?
}

#[test]
fn attention_shapes_agree_with_nvidias() {
    let libraries = libraries();
    for shapes in ATTENTIONS {
        let all: Vec<_> = libraries.iter().map(|library| attention_dims(library, shapes)).collect();
        assert!(all.iter().all(|dims| *dims == all[0]), "{shapes:?}: {all:?}");
    }
}

/// Small random numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// The shape with some extents replaced: never by 0 at `heads`, which NVIDIA's library divides by.
    fn perturbed(&mut self, shape: &[i64], heads: usize) -> Vec<i64> {
        let mut shape = shape.to_vec();
        while self.below(3) == 0 {
            let at = self.below(shape.len().max(1));
            let extent = [-1, 0, 1, 2, 3, 4, 5, 8][self.below(8)];
            if let Some(slot) = shape.get_mut(at).filter(|_| extent != 0 || at != heads) {
                *slot = extent;
            }
        }
        shape
    }
}

#[test]
fn attention_shapes_at_random_agree_with_nvidias() {
    let libraries = libraries();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c19);
    for _ in 0..600 {
        let (q, [k, v], rest, packed) = ATTENTIONS[numbers.below(ATTENTIONS.len())];
        let q = numbers.perturbed(q, 1);
        let (k, v) = if numbers.below(3) == 0 {
            (numbers.perturbed(k, 1), numbers.perturbed(v, 1))
        } else {
            let both = numbers.perturbed(k, 1);
            (both.clone(), both)
        };
        let rest = rest.map(|dims| dims.map(|dims| numbers.perturbed(dims, usize::MAX)));
        let shapes = (&q[..], [&k[..], &v[..]], rest.each_ref().map(Option::as_deref), packed);
        let all: Vec<_> = libraries.iter().map(|library| attention_dims(library, &shapes)).collect();
        assert!(all.iter().all(|dims| *dims == all[0]), "{shapes:?}: {all:?}");
    }
}

/// The shapes of the input, of the caches and of position ids where there are any; and how many elements of each head take part.
type Rotary<'a> = (&'a [i64], &'a [i64], Option<&'a [i64]>, i32);

/// Rotary embeddings that both libraries take or refuse alike.
const ROTARIES: &[Rotary<'static>] = &[
    (Q, &[2, 3, 4], None, 0),
    (Q, &[50, 4], Some(&[2, 3]), 0),
    (Q, &[50, 4], None, 0),
    (Q, &[2, 3, 4], Some(&[2, 3]), 0),
    (Q, &[2, 3, 2], None, 4),
    (Q, &[2, 3, 4], None, 4),
    (Q, &[2, 3, 1], None, 3),
    (Q, &[2, 3, 1], None, -2),
    (Q, &[2, 3, 5], None, 10),
    (&[4, 3, 8], &[4, 3, 4], None, 0),
    (&[2, 4, 3, 7], &[2, 3, 3], None, 0),
    (Q, &[1, 3, 4], None, 0),
    (Q, &[2, 4, 4], None, 0),
    (Q, &[50, 4], Some(&[3, 2]), 0),
    (Q, &[50, 4], Some(&[3]), 0),
    (&[-1, 4, -1, 8], &[-1, -1, 4], None, 0),
    (&[2, 4, 3, -1], &[2, 3, 4], None, 0),
    (&[-1, 4, -1, 8], &[50, 4], Some(&[-1, -1]), 0),
];

/// The dimensions of a rotary embedding's output; none where the library refuses.
fn rotary_dims(library: &Library, &(x, cache, ids, dim): &Rotary<'_>) -> Option<Dims> {
    let builder = Builder::new(library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let [x, cos, sin] =
        [("x", x), ("c", cache), ("s", cache)].map(|(name, dims)| input(&network, name, DataType::Float, dims));
    let it = network.add_rotary_embedding(x, cos, sin, true, dim).ok()?;
    assert!(it.interleaved().unwrap());
    if let Some(ids) = ids {
        it.set_input(3, input(&network, "ids", DataType::Int64, ids)).unwrap();
    }
    it.output(0).unwrap().dims().ok()?
}

#[test]
fn rotary_shapes_agree_with_nvidias() {
    let libraries = libraries();
    let check = |rotary: &Rotary<'_>| {
        let all: Vec<_> = libraries.iter().map(|library| rotary_dims(library, rotary)).collect();
        assert!(all.iter().all(|dims| *dims == all[0]), "{rotary:?}: {all:?}");
    };
    ROTARIES.iter().for_each(check);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let (x, cache, ids, dim) = ROTARIES[numbers.below(ROTARIES.len())];
        let (x, cache) = (numbers.perturbed(x, usize::MAX), numbers.perturbed(cache, usize::MAX));
        let ids = ids.map(|ids| numbers.perturbed(ids, usize::MAX));
        check(&(&x, &cache, ids.as_deref(), dim));
    }
}

#[test]
fn properties_of_the_other_layers_come_back() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let x = input(&network, "x", DataType::Float, &[2, 4, 3, 8]);
        let cache = input(&network, "cache", DataType::Float, &[2, 3, 4]);
        network.add_rotary_embedding(x, cache, cache, false, 0).unwrap();
        let rotary = network.layer(0).unwrap().downcast::<RotaryEmbeddingLayer<'_>>().unwrap();
        rotary.set_interleaved(true).unwrap();
        rotary.set_rotary_embedding_dim(4).unwrap();
        assert_eq!((rotary.interleaved().unwrap(), rotary.rotary_embedding_dim().unwrap()), (true, 4));
        let past = input(&network, "past", DataType::Half, &[2, 4, 16, 8]);
        let new = input(&network, "new", DataType::Half, &[7, 4, 8]);
        let at = input(&network, "at", DataType::Int32, &[2]);
        let update = network.add_kv_cache_update(past, new, at, KVCacheMode::Linear).unwrap();
        update.set_update_form(AttentionIOForm::PackedNhd).unwrap();
        let lengths = input(&network, "lengths", DataType::Int32, &[3]);
        update.set_update_lengths(Some(lengths)).unwrap();
        assert_eq!(update.update_form().unwrap(), AttentionIOForm::PackedNhd);
        assert_eq!(update.cache_mode().unwrap(), KVCacheMode::Linear);
        assert_eq!(update.update_lengths().unwrap().unwrap().name().unwrap(), "lengths");
        assert_eq!(update.output(0).unwrap().dims().unwrap(), Some([2, 4, 16, 8].into()));
        update.set_update_lengths(None).unwrap();
        assert!(update.update_lengths().unwrap().is_none());
        assert!(network.layer(1).unwrap().downcast::<KvCacheUpdateLayer<'_>>().is_some());
    }
}

#[test]
fn experts_have_shapes_and_properties() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let hidden = input(&network, "hidden", DataType::Float, &[2, 3, 8]);
        let experts = input(&network, "experts", DataType::Int32, &[2, 3, 2]);
        let scores = input(&network, "scores", DataType::Float, &[2, 3, 2]);
        let fewer = input(&network, "fewer", DataType::Float, &[2, 3, 1]);
        assert_eq!(network.add_moe(hidden, experts, fewer).unwrap_err().kind(), ErrorKind::Build);
        network.add_moe(hidden, experts, scores).unwrap();
        let moe = network.layer(0).unwrap().downcast::<MoeLayer<'_>>().unwrap();
        assert_eq!(moe.activation_type().unwrap(), MoEActType::Silu);
        assert_eq!(moe.quantization_to_type().unwrap(), DataType::Float);
        assert_eq!(moe.quantization_block_shape().unwrap(), Dims::new(&[]).unwrap());
        assert_eq!(moe.dyn_q_output_scale_type().unwrap(), DataType::Fp8);
        assert_eq!(moe.swiglu_param_limit().unwrap(), f32::INFINITY);
        let [gate, up] = ["gate", "up"].map(|name| input(&network, name, DataType::Float, &[4, 8, 16]));
        let down = input(&network, "down", DataType::Float, &[4, 16, 8]);
        moe.set_gated_weights(gate, up, down, MoEActType::None).unwrap();
        assert_eq!(moe.activation_type().unwrap(), MoEActType::None);
        assert_eq!(moe.output(0).unwrap().dims().unwrap(), Some([2, 3, 8].into()));
        let [gate, up] = ["gate bias", "up bias"].map(|name| input(&network, name, DataType::Float, &[4, 16]));
        let down = input(&network, "down bias", DataType::Float, &[4, 8]);
        moe.set_gated_biases(gate, up, down).unwrap();
        assert_eq!(moe.num_inputs().unwrap(), 9);
        let scale = input(&network, "scale", DataType::Float, &[]);
        assert!(moe.set_quantization_static(scale, DataType::Int8).is_err());
        moe.set_quantization_static(scale, DataType::Fp8).unwrap();
        assert_eq!(moe.quantization_to_type().unwrap(), DataType::Fp8);
        assert!(moe.set_quantization_dynamic_dbl_q(scale, DataType::Fp4, [1, 1, 1, 16], DataType::Fp8).is_err());
        moe.set_swiglu_params(7.0, 1.702, 1.0).unwrap();
        assert_eq!(moe.swiglu_param_limit().unwrap(), 7.0);
        assert_eq!((moe.swiglu_param_alpha().unwrap(), moe.swiglu_param_beta().unwrap()), (1.702, 1.0));
        moe.set_quantization_block_shape([1, 1, 1, 16]).unwrap();
        assert_eq!(moe.quantization_block_shape().unwrap(), [1, 1, 1, 16].into());
        assert!(moe.set_quantization_block_shape([1, 16]).is_err());
    }
}

#[test]
fn collectives_join_and_split() {
    use CollectiveOperation as Op;
    for library in libraries() {
        for (operation, reduce, root, expected) in [
            (Op::AllReduce, ReduceOperation::Sum, None, [5, 6]),
            (Op::AllGather, ReduceOperation::None, None, [10, 6]),
            (Op::Broadcast, ReduceOperation::None, Some(1), [5, 6]),
            (Op::Reduce, ReduceOperation::Max, Some(0), [5, 6]),
            (Op::ReduceScatter, ReduceOperation::Avg, None, [3, 6]),
            (Op::AllToAll, ReduceOperation::None, None, [5, 6]),
            (Op::Gather, ReduceOperation::None, Some(0), [10, 6]),
            (Op::Scatter, ReduceOperation::None, Some(0), [3, 6]),
        ] {
            let builder = Builder::new(&library).unwrap();
            let network = builder.create_network(&[]).unwrap();
            let x = input(&network, "x", DataType::Half, &[5, 6]);
            let other = if reduce == ReduceOperation::None { ReduceOperation::Sum } else { ReduceOperation::None };
            assert!(network.add_dist_collective(x, operation, other, root, &[]).is_err(), "{operation}");
            let wrong = if root.is_some() { None } else { Some(0) };
            assert!(network.add_dist_collective(x, operation, reduce, wrong, &[]).is_err(), "{operation}");
            network.add_dist_collective(x, operation, reduce, root, &[0, 1]).unwrap();
            let it = network.layer(0).unwrap().downcast::<DistCollectiveLayer<'_>>().unwrap();
            assert_eq!(it.num_ranks().unwrap(), 1);
            it.set_num_ranks(2).unwrap();
            assert!(it.set_num_ranks(3).is_err());
            assert_eq!(it.output(0).unwrap().dims().unwrap(), Some(expected.into()), "{operation}");
        }
    }
}

#[test]
fn an_exchange_between_devices_is_not_built() {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = input(&network, "x", DataType::Float, &[4]);
    let it = network.add_dist_collective(x, CollectiveOperation::AllReduce, ReduceOperation::Sum, None, &[]).unwrap();
    it.set_name("exchange").unwrap();
    network.mark_output(it.output(0).unwrap()).unwrap();
    let error = builder.build_serialized_network(&network, &builder.create_builder_config().unwrap()).unwrap_err();
    assert!(error.to_string().contains("exchange") && error.to_string().contains("IDistCollectiveLayer"), "{error}");
}

#[test]
fn releases_without_a_layer_say_since_when() {
    let old = tensorrt_emulator::library_as(Family::Trt10, Version::new(10, 13, 0)).unwrap();
    let builder = Builder::new(&old).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = input(&network, "x", DataType::Float, &[1, 1, 1, 1]);
    let refused = |error: tensorrt::Error, method: &str| {
        assert!(matches!(error.kind(), ErrorKind::Unsupported { method: it, .. } if it.contains(method)), "{error}");
    };
    let softmax = AttentionNormalizationOp::Softmax;
    refused(network.add_attention(x, x, x, softmax, CausalMaskKind::None).unwrap_err(), "addAttention");
    refused(network.add_rotary_embedding(x, x, x, false, 0).unwrap_err(), "addRotaryEmbedding");
    refused(network.add_kv_cache_update(x, x, x, KVCacheMode::Linear).unwrap_err(), "addKVCacheUpdate");
    refused(network.add_moe(x, x, x).unwrap_err(), "addMoE");
    let sum = ReduceOperation::Sum;
    let error = network.add_dist_collective(x, CollectiveOperation::AllReduce, sum, None, &[]).unwrap_err();
    refused(error, "addDistCollective");
    // Attention itself came before causal kinds.
    let older = tensorrt_emulator::library_as(Family::Trt10, Version::new(10, 16, 1)).unwrap();
    let builder = Builder::new(&older).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let it = attention(&network, CausalMaskKind::UpperLeft);
    assert!(it.causal().unwrap());
    refused(it.causal_kind().unwrap_err(), "getCausalKind");
    let [q, k, v] = [0, 1, 2].map(|index| it.input(index).unwrap());
    let error = network.add_attention(q, k, v, softmax, CausalMaskKind::LowerRight).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
}

#[test]
fn inputs_may_be_made_after_the_layer() {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let [q, k, v] = ["q", "k", "v"].map(|name| input(&network, name, DataType::Float, &[1, 1, 2, 1]));
    let it = network.add_attention(q, k, v, AttentionNormalizationOp::Softmax, CausalMaskKind::None).unwrap();
    let y = it.output().unwrap();
    y.set_name("y").unwrap();
    network.mark_output(y).unwrap();
    let hidden = Weights::new(&[0.0_f32, f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0]);
    it.set_mask(network.add_constant([1, 1, 2, 2], hidden).unwrap().output(0).unwrap()).unwrap();
    let plan = builder.build_serialized_network(&network, &builder.create_builder_config().unwrap()).unwrap();
    let mut session = Session::new(&Engine::from_plan(&library, &plan).unwrap()).unwrap();
    let zeros = Array4::<f32>::zeros((1, 1, 2, 1));
    let values = array![[[[4.0_f32], [8.0]]]];
    let outputs = session.run([("q", &zeros), ("k", &zeros), ("v", &values)]).unwrap();
    let expected: ArrayD<f32> = values.clone().into_dyn();
    assert_eq!(outputs.array::<f32>("y").unwrap(), expected);
}

#[test]
fn attentions_are_built_and_refused_as_nvidia_does() {
    for library in libraries() {
        for (data_types, keys, expected) in [
            ([DataType::Float, DataType::Float, DataType::Bool], [2, 4, 5, 8], true),
            ([DataType::Half, DataType::Half, DataType::Half], [2, 2, 5, 8], true),
            ([DataType::Float, DataType::Half, DataType::Bool], [2, 4, 5, 8], false),
            ([DataType::Float, DataType::Float, DataType::Half], [2, 4, 5, 8], false),
            ([DataType::Float, DataType::Float, DataType::Bool], [1, 4, 5, 8], false),
        ] {
            let builder = Builder::new(&library).unwrap();
            let network = builder.create_network(&[]).unwrap();
            let q = input(&network, "q", data_types[0], &[2, 4, 3, 8]);
            let [k, v] = ["k", "v"].map(|name| input(&network, name, data_types[1], &keys));
            let softmax = AttentionNormalizationOp::Softmax;
            let it = network.add_attention(q, k, v, softmax, CausalMaskKind::None).unwrap();
            it.set_decomposable(true).unwrap();
            it.set_mask(input(&network, "mask", data_types[2], &[1, 1, 3, 5])).unwrap();
            network.mark_output(it.output().unwrap()).unwrap();
            assert_eq!(builds(&library, &network, &builder), expected, "{data_types:?} {keys:?}");
        }
    }
}

#[test]
fn attentions_without_a_kernel_are_refused_in_the_strict_setting() {
    let strict = Emulator::of(Family::RtxNew, Version::new(1, 7, 1)).unwrap().with_strict(true).library();
    let (none, lower_right) = (CausalMaskKind::None, CausalMaskKind::LowerRight);
    for library in libraries().into_iter().skip(1).chain([strict]) {
        for (data_type, size, queries, causal, split, expected) in [
            (DataType::Float, 64, 8, none, false, false),
            (DataType::Float, 64, 1, lower_right, false, true),
            (DataType::Half, 64, 8, lower_right, false, true),
            (DataType::Bf16, 256, 8, none, false, true),
            (DataType::Half, 264, 8, none, false, false),
            (DataType::Half, 8, 8, none, false, false),
            (DataType::Float, 8, 8, none, true, true),
            (DataType::Float, 8, 8, lower_right, true, false),
        ] {
            let builder = Builder::new(&library).unwrap();
            let network = builder.create_network(&[]).unwrap();
            let tensor = |name: &str, tokens: i64| {
                if !split {
                    return input(&network, name, data_type, &[2, 4, tokens, size]);
                }
                let x = input(&network, name, data_type, &[2, tokens, 4 * size]);
                let shuffle = network.add_shuffle(x).unwrap();
                shuffle.set_reshape_dims([2, tokens, 4, size]).unwrap();
                shuffle.set_second_transpose(&[0, 2, 1, 3]).unwrap();
                shuffle.output(0).unwrap()
            };
            let (q, k, v) = (tensor("q", queries), tensor("k", 8), tensor("v", 8));
            let it = network.add_attention(q, k, v, AttentionNormalizationOp::Softmax, causal).unwrap();
            network.mark_output(it.output().unwrap()).unwrap();
            let case = format!("{data_type} {size} {queries} {causal} {split}");
            assert_eq!(builds(&library, &network, &builder), expected, "{case}");
            it.set_decomposable(true).unwrap();
            assert!(builds(&library, &network, &builder), "{case}");
        }
    }
}
