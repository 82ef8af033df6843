//! What a build is told, and what becomes of it: profiles, marks, refits, timing caches, memory limits.

use crate::support::{doubled_network, library};
use tensorrt::{
    ActivationType, Builder, BuilderFlag, DataType, ElementWiseOperation, Engine, ErrorKind, MatrixOperation,
    MemoryPoolType, NetworkDefinition, OptimizationProfile, Plan, Result, Session, Weights,
};

/// `y = x + w` of two inputs whose first dimensions have the given names.
fn sum<'b>(builder: &'b Builder, names: [&str; 2]) -> NetworkDefinition<'b> {
    let network = builder.create_network(&[]).unwrap();
    let [x, w] = ["x", "w"].map(|name| network.add_input(name, DataType::Float, [-1, 4]).unwrap());
    for (tensor, name) in [x, w].into_iter().zip(names) {
        tensor.set_dimension_name(0, name).unwrap();
    }
    let y = network.add_elementwise(x, w, ElementWiseOperation::Sum).unwrap().output(0).unwrap();
    y.set_name("y").unwrap();
    network.mark_output(y).unwrap();
    network
}

fn profile(x: [i64; 3], w: [i64; 3]) -> OptimizationProfile {
    let rows = |three: [i64; 3]| three.map(|rows| [rows, 4]);
    let ([a, b, c], [d, e, f]) = (rows(x), rows(w));
    OptimizationProfile::new().input("x", a, b, c).unwrap().input("w", d, e, f).unwrap()
}

fn build(builder: &Builder, network: &NetworkDefinition<'_>, profiles: &[OptimizationProfile]) -> Result<Plan> {
    let mut config = builder.create_builder_config()?;
    for profile in profiles {
        config.add_optimization_profile(profile)?;
    }
    builder.build_serialized_network(network, &config)
}

#[test]
fn dimensions_of_one_name_have_one_optimum() {
    let builder = Builder::new(&library()).unwrap();
    let network = sum(&builder, ["N", "N"]);
    let error = build(&builder, &network, &[profile([1, 2, 4], [1, 3, 4])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Build);
    assert!(error.to_string().contains(r#"the dimension "N" is 2"#), "{error}");
    // Other bounds are taken, and what they have in common counts.
    let plan = build(&builder, &network, &[profile([1, 2, 4], [2, 2, 8])]).unwrap();
    let engine = Engine::from_plan(&library(), &plan).unwrap();
    let mut session = Session::new(&engine).unwrap();
    let ones = |rows: usize| ndarray::Array2::<f32>::ones((rows, 4));
    let outputs = session.run([("x", &ones(3)), ("w", &ones(3))]).unwrap();
    assert_eq!(outputs.array::<f32>("y").unwrap(), (ones(3) * 2.0).into_dyn());
    assert!(session.run([("x", &ones(3)), ("w", &ones(2))]).is_err());
    // Without the name, the optima have to fit the layers.
    let network = sum(&builder, ["N", "M"]);
    assert!(build(&builder, &network, &[profile([1, 2, 4], [1, 3, 4])]).is_err());
}

#[test]
fn an_engine_has_every_profile() {
    let builder = Builder::new(&library()).unwrap();
    let network = sum(&builder, ["N", "N"]);
    let plan = build(&builder, &network, &[profile([1, 2, 4], [1, 2, 4]), profile([5, 8, 9], [5, 8, 9])]).unwrap();
    let engine = Engine::from_plan(&library(), &plan).unwrap();
    assert_eq!(engine.num_optimization_profiles(), 2);
    assert_eq!(engine.tensor("x").unwrap().profile_shapes(1).unwrap().opt, [8, 4].into());
    assert!(build(&builder, &network, &[]).is_err());
}

#[test]
fn outputs_are_marked_once_and_are_no_inputs() {
    let builder = Builder::new(&library()).unwrap();
    let network = sum(&builder, ["", ""]);
    let (x, y) = (network.input(0).unwrap(), network.output(0).unwrap());
    for tensor in [x, y] {
        assert_eq!(network.mark_output(tensor).unwrap_err().kind(), ErrorKind::Build);
    }
    assert_eq!(network.unmark_output(x).unwrap_err().kind(), ErrorKind::Build);
    let relu = network.add_activation(y, ActivationType::Relu).unwrap().output(0).unwrap();
    relu.set_name("z").unwrap();
    network.mark_output(relu).unwrap();
    let plan = build(&builder, &network, &[profile([1; 3], [1; 3])]).unwrap();
    let engine = Engine::from_plan(&library(), &plan).unwrap();
    let mut session = Session::new(&engine).unwrap();
    let (minus, one) = (ndarray::Array2::from_elem((1, 4), -3.0_f32), ndarray::Array2::from_elem((1, 4), 1.0_f32));
    let outputs = session.run([("x", &minus), ("w", &one)]).unwrap();
    assert_eq!(outputs.array::<f32>("y").unwrap()[[0, 0]], -2.0);
    assert_eq!(outputs.array::<f32>("z").unwrap()[[0, 0]], 0.0);
    for tensor in [y, relu] {
        network.unmark_output(tensor).unwrap();
    }
    assert!(build(&builder, &network, &[profile([1; 3], [1; 3])]).is_err());
}

#[test]
fn debug_tensors_are_kept() {
    let builder = Builder::new(&library()).unwrap();
    let network = sum(&builder, ["", ""]);
    let unused = network.add_activation(network.input(0).unwrap(), ActivationType::Relu).unwrap().output(0).unwrap();
    unused.set_name("unused").unwrap();
    let engine = || {
        let plan = build(&builder, &network, &[profile([1; 3], [1; 3])]).unwrap();
        Engine::from_plan(&library(), &plan).unwrap()
    };
    assert!(!engine().is_debug_tensor("unused").unwrap());
    network.mark_debug(unused).unwrap();
    network.mark_debug(unused).unwrap();
    assert!(network.is_debug_tensor(unused).unwrap());
    assert!(engine().is_debug_tensor("unused").unwrap());
    assert!(!engine().is_debug_tensor("y").unwrap());
    network.unmark_debug(unused).unwrap();
    assert!(!network.is_debug_tensor(unused).unwrap());
}

#[test]
fn weights_are_named_for_a_refit() {
    let builder = Builder::new(&library()).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = network.add_input("x", DataType::Float, [2, 2]).unwrap();
    let (kernel, bias) = (Weights::new(&[1.0_f32; 4]), Weights::new(&[1.0_f32; 2]));
    let k = network.add_constant([2, 2], kernel.clone()).unwrap().output(0).unwrap();
    let b = network.add_constant([1, 2], bias.clone()).unwrap().output(0).unwrap();
    let product = network.add_matrix_multiply(x, MatrixOperation::None, k, MatrixOperation::None).unwrap();
    let y = network.add_elementwise(product.output(0).unwrap(), b, ElementWiseOperation::Sum).unwrap();
    network.mark_output(y.output(0).unwrap()).unwrap();
    network.set_weights_name(&kernel, "kernel").unwrap();
    network.set_weights_name(&kernel.clone(), "kernel").unwrap();
    let refused = |weights: &Weights, name| network.set_weights_name(weights, name).unwrap_err().kind();
    assert_eq!(refused(&bias, "kernel"), ErrorKind::Build);
    assert_eq!(refused(&Weights::new(&[1.0_f32; 4]), "other"), ErrorKind::Build);
    assert_eq!(network.mark_weights_refittable("other").unwrap_err().kind(), ErrorKind::Build);
    network.mark_weights_refittable("kernel").unwrap();
    assert!(network.are_weights_marked_refittable("kernel").unwrap());
    network.unmark_weights_refittable("kernel").unwrap();
    assert!(!network.are_weights_marked_refittable("kernel").unwrap());
    for (flag, refittable) in
        [(None, false), (Some(BuilderFlag::Refit), true), (Some(BuilderFlag::RefitIndividual), true)]
    {
        let mut config = builder.create_builder_config().unwrap();
        flag.into_iter().for_each(|flag| config.set_flag(flag).unwrap());
        let plan = builder.build_serialized_network(&network, &config).unwrap();
        assert_eq!(Engine::from_plan(&library(), &plan).unwrap().is_refittable().unwrap(), refittable, "{flag:?}");
    }
}

#[test]
fn of_the_refit_flags_the_last_one_holds() {
    let builder = Builder::new(&library()).unwrap();
    let mut config = builder.create_builder_config().unwrap();
    config.set_flag(BuilderFlag::Refit).unwrap();
    config.set_flag(BuilderFlag::RefitIndividual).unwrap();
    assert!(!config.flag(BuilderFlag::Refit).unwrap());
    assert!(config.flag(BuilderFlag::RefitIndividual).unwrap());
}

#[test]
fn timing_caches_grow_combine_and_belong_to_a_version() {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let (network, mut config) = doubled_network(&builder, &[]).unwrap();
    let empty = config.create_timing_cache(&[]).unwrap().serialize().unwrap();
    config.set_timing_cache(config.create_timing_cache(&[]).unwrap(), false).unwrap();
    builder.build_serialized_network(&network, &config).unwrap();
    let full = config.timing_cache().unwrap().unwrap();
    assert!(full.len() > empty.len());
    builder.build_serialized_network(&network, &config).unwrap();
    assert_eq!(config.timing_cache().unwrap().unwrap(), full);
    let mut combined = config.create_timing_cache(&empty).unwrap();
    combined.combine(&config.create_timing_cache(&full).unwrap(), false).unwrap();
    assert_eq!(combined.serialize().unwrap(), full);
    combined.reset().unwrap();
    assert_eq!(combined.serialize().unwrap(), empty);
    // A build may insist on what is in the cache.
    config.set_flag(BuilderFlag::ErrorOnTimingCacheMiss).unwrap();
    builder.build_serialized_network(&network, &config).unwrap();
    config.set_timing_cache(combined, false).unwrap();
    let error = builder.build_serialized_network(&network, &config).unwrap_err();
    assert!(error.to_string().contains("not in the timing cache"), "{error}");
    let other = tensorrt_emulator::library_as(tensorrt::Family::Trt10, tensorrt::Version::new(10, 16, 0)).unwrap();
    let other = Builder::new(&other).unwrap();
    let other = other.create_builder_config().unwrap();
    for bytes in [&full[..], &full[..full.len() - 1], b"not a cache"] {
        assert_eq!(other.create_timing_cache(bytes).unwrap_err().kind(), ErrorKind::Setting);
    }
    assert!(config.create_timing_cache(&full[..full.len() - 1]).is_err());
}

#[test]
fn memory_limits_are_kept_or_refused() {
    let builder = Builder::new(&library()).unwrap();
    let (network, mut config) = doubled_network(&builder, &[]).unwrap();
    assert!(config.memory_pool_limit(MemoryPoolType::Workspace).unwrap() >= 1 << 30);
    // Emulated layers take no memory of the device besides their outputs: every limit is enough.
    for (pool, bytes) in [
        (MemoryPoolType::Workspace, 64),
        (MemoryPoolType::TacticDram, 1 << 20),
        (MemoryPoolType::TacticSharedMemory, 1 << 16),
    ] {
        config.set_memory_pool_limit(pool, bytes).unwrap();
        assert_eq!(config.memory_pool_limit(pool).unwrap(), bytes);
    }
    for (pool, bytes) in [
        (MemoryPoolType::TacticDram, 1000),
        (MemoryPoolType::TacticSharedMemory, 2 << 30),
        (MemoryPoolType::DlaManagedSram, 1 << 20),
    ] {
        let error = config.set_memory_pool_limit(pool, bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting, "{pool} {bytes}");
    }
    builder.build_serialized_network(&network, &config).unwrap();
}

#[test]
fn shapes_are_folded_into_constants() {
    let builder = Builder::new(&library()).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = network.add_input("x", DataType::Float, [2, 3, 4]).unwrap();
    let shape = network.add_shape(x).unwrap().output(0).unwrap();
    let doubled = network.add_elementwise(shape, shape, ElementWiseOperation::Sum).unwrap().output(0).unwrap();
    doubled.set_name("twice").unwrap();
    network.mark_output(doubled).unwrap();
    let y = network.add_activation(x, ActivationType::Relu).unwrap().output(0).unwrap();
    network.mark_output(y).unwrap();
    let plan = build(&builder, &network, &[]).unwrap();
    let engine = Engine::from_plan(&library(), &plan).unwrap();
    let mut session = Session::new(&engine).unwrap();
    let zeros = ndarray::Array3::<f32>::zeros((2, 3, 4));
    let outputs = session.run([("x", &zeros)]).unwrap();
    assert_eq!(outputs.array::<i64>("twice").unwrap().as_slice().unwrap(), [4, 6, 8]);
}
