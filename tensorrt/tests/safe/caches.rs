//! Caches of keys and values through the safe interface: updated in place, and built beside NVIDIA's library.

use crate::support::{builds, input, libraries, library};
use ndarray::{Array4, IxDyn, array};
use tensorrt::{
    AttentionIOForm, Builder, DataType, DeviceBuffer, Engine, Family, KVCacheMode, Session, Stream, Version,
};
use tensorrt_emulator::Emulator;

/// A network that writes `new` into `past`, which has room for 4 tokens of 2 elements.
fn cached() -> Engine {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let past = input(&network, "past", DataType::Float, &[1, 1, 4, 2]);
    let new = input(&network, "new", DataType::Float, &[1, 1, 1, 2]);
    let at = input(&network, "at", DataType::Int32, &[1]);
    let present = network.add_kv_cache_update(past, new, at, KVCacheMode::Linear).unwrap().output(0).unwrap();
    present.set_name("present").unwrap();
    network.mark_output(present).unwrap();
    let plan = builder.build_serialized_network(&network, &builder.create_builder_config().unwrap()).unwrap();
    Engine::from_plan(&library, &plan).unwrap()
}

#[test]
fn a_cache_grows_in_place() {
    let engine = cached();
    assert_eq!(engine.tensor("present").unwrap().aliased_input(), Some("past"));
    assert_eq!(engine.tensor("past").unwrap().aliased_input(), None);
    let stream = Stream::new(engine.device()).unwrap();
    let cache = DeviceBuffer::from_slice(&stream, &[0.0_f32; 8]).unwrap();
    let other = DeviceBuffer::from_slice(&stream, &[0.0_f32; 8]).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    context.set_tensor("past", &cache).unwrap();
    context.set_tensor("present", &other).unwrap();
    for token in 0..4_u8 {
        let new = DeviceBuffer::from_slice(&stream, &[f32::from(token) + 1.0, 0.5]).unwrap();
        let at = DeviceBuffer::from_slice(&stream, &[i32::from(token)]).unwrap();
        context.set_tensor("new", &new).unwrap();
        context.set_tensor("at", &at).unwrap();
        if token == 0 {
            let error = context.launch(&stream).unwrap_err();
            assert!(error.to_string().contains("updated in place"), "{error}");
            context.set_tensor("present", &cache).unwrap();
        }
        context.launch(&stream).unwrap();
    }
    assert_eq!(cache.to_vec(&stream).unwrap(), [1.0, 0.5, 2.0, 0.5, 3.0, 0.5, 4.0, 0.5]);
    let at = DeviceBuffer::from_slice(&stream, &[4_i32]).unwrap();
    context.set_tensor("at", &at).unwrap();
    let error = context.enqueue(&stream).and_then(|inference| inference.wait()).unwrap_err();
    assert!(error.to_string().contains("write index 4"), "{error}");
}

#[test]
fn a_session_copies_the_cache_in_and_out() {
    let mut session = Session::new(&cached()).unwrap();
    let past = Array4::<f32>::ones((1, 1, 4, 2)).into_dyn();
    let new = array![[[[7.0_f32, 8.0]]]].into_dyn();
    let mut expected = past.clone();
    for at in [2_i32, 0] {
        let place = array![at].into_dyn();
        let outputs = session
            .run([
                ("past", tensorrt::TensorView::from(&past)),
                ("new", tensorrt::TensorView::from(&new)),
                ("at", tensorrt::TensorView::from(&place)),
            ])
            .unwrap();
        expected.fill(1.0);
        expected[IxDyn(&[0, 0, usize::try_from(at).unwrap(), 0])] = 7.0;
        expected[IxDyn(&[0, 0, usize::try_from(at).unwrap(), 1])] = 8.0;
        assert_eq!(outputs.array::<f32>("present").unwrap(), expected);
    }
}

#[test]
fn caches_are_the_networks_own() {
    let strict = Emulator::of(Family::RtxNew, Version::new(1, 7, 1)).unwrap().with_strict(true).library();
    for library in libraries().into_iter().skip(1).chain([strict]) {
        for (copied_in, copied_out) in [(false, false), (true, false), (false, true)] {
            let builder = Builder::new(&library).unwrap();
            let network = builder.create_network(&[]).unwrap();
            let mut cache = input(&network, "cache", DataType::Float, &[2, 4, 16, 8]);
            if copied_in {
                cache = network.add_identity(cache).unwrap().output(0).unwrap();
            }
            let update = input(&network, "update", DataType::Float, &[2, 4, 3, 8]);
            let at = input(&network, "at", DataType::Int32, &[2]);
            let layer = network.add_kv_cache_update(cache, update, at, KVCacheMode::Linear).unwrap();
            let mut present = layer.output(0).unwrap();
            if copied_out {
                present = network.add_identity(present).unwrap().output(0).unwrap();
            }
            network.mark_output(present).unwrap();
            assert_eq!(builds(&library, &network, &builder), !copied_in && !copied_out, "{copied_in} {copied_out}");
        }
    }
}

#[test]
fn updates_that_do_not_fit_are_not_built() {
    for library in libraries() {
        for (update, at, lengths, expected) in [
            (&[2, 4, 3, 8][..], 2, None, true),
            (&[2, 4, 16, 8], 2, None, true),
            (&[2, 4, 17, 8], 2, None, false),
            (&[2, 4, 3, 8], 3, None, false),
            (&[2, 3, 3, 8], 2, None, false),
            (&[2, 4, 3, 7], 2, None, false),
            (&[1, 4, 3, 8], 2, None, false),
            (&[4, 3, 8], 2, None, false),
            (&[7, 4, 8], 2, Some(3), true),
            (&[7, 4, 8], 2, Some(4), false),
            (&[7, 3, 8], 2, Some(3), false),
            (&[7, 4, 8], 3, Some(3), false),
            (&[2, 4, 3, 8], 2, Some(3), false),
        ] {
            let builder = Builder::new(&library).unwrap();
            let network = builder.create_network(&[]).unwrap();
            let cache = input(&network, "cache", DataType::Float, &[2, 4, 16, 8]);
            let (new, at) =
                (input(&network, "new", DataType::Float, update), input(&network, "at", DataType::Int32, &[at]));
            let layer = network.add_kv_cache_update(cache, new, at, KVCacheMode::Linear).unwrap();
            if let Some(lengths) = lengths {
                layer.set_update_form(AttentionIOForm::PackedNhd).unwrap();
                let lengths = input(&network, "lengths", DataType::Int32, &[lengths]);
                layer.set_update_lengths(Some(lengths)).unwrap();
            }
            let present = layer.output(0).unwrap();
            assert_eq!(present.dims().unwrap(), Some([2, 4, 16, 8].into()), "{update:?}");
            network.mark_output(present).unwrap();
            assert_eq!(builds(&library, &network, &builder), expected, "{update:?} {lengths:?}");
        }
    }
}
