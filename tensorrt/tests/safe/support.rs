//! What the tests share: the emulator, and small engines.

use tensorrt::{
    Builder, BuilderConfig, BuilderFlag, ComputeCapability, DataType, ElementWiseOperation, Engine, EngineBuilder,
    Family, Library, LoadOptions, MatrixOperation, NetworkDefinition, OptimizationProfile, Plan, Result, Tensor,
    Weights,
};

/// The emulator.
pub(crate) fn library() -> Library {
    tensorrt_emulator::library()
}

/// A network that computes `y = (x + x) * identity` for `x` of 1 to 4 rows of 3, and how to build it.
pub(crate) fn doubled_network<'b>(
    builder: &'b Builder,
    flags: &[BuilderFlag],
) -> Result<(NetworkDefinition<'b>, BuilderConfig<'b>)> {
    let network = builder.create_network(&[])?;
    let x = network.add_input("x", DataType::Float, [-1, 3])?;
    let sum = network.add_elementwise(x, x, ElementWiseOperation::Sum)?.output(0)?;
    let identity = Weights::new(&[1.0_f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let identity = network.add_constant([3, 3], identity)?.output(0)?;
    let y = network.add_matrix_multiply(sum, MatrixOperation::None, identity, MatrixOperation::None)?.output(0)?;
    y.set_name("y")?;
    network.mark_output(y)?;
    let mut config = builder.create_builder_config()?;
    config.add_optimization_profile(&OptimizationProfile::new().input("x", [1, 3], [2, 3], [4, 3])?)?;
    for flag in flags {
        config.set_flag(*flag)?;
    }
    Ok((network, config))
}

/// That network as a plan.
pub(crate) fn doubled(flags: &[BuilderFlag]) -> Result<Plan> {
    let library = library();
    let builder = Builder::new(&library)?;
    let (network, config) = doubled_network(&builder, flags)?;
    builder.build_serialized_network(&network, &config)
}

/// The same as an engine.
pub(crate) fn doubled_engine() -> Engine {
    Engine::from_plan(&library(), &doubled(&[]).unwrap()).unwrap()
}

/// The model of handwritten digits.
pub(crate) fn digits() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/digits.onnx")).unwrap()
}

/// Builds the model of handwritten digits with something more set.
pub(crate) fn digits_with(with: impl FnOnce(EngineBuilder<'_>) -> EngineBuilder<'_>) -> Result<Plan> {
    let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [1, 1, 8, 8], [2, 1, 8, 8])?;
    with(EngineBuilder::from_onnx(&library(), digits())?.profile(profile)).build()
}

/// That model as an engine.
pub(crate) fn digits_engine() -> Engine {
    Engine::from_plan(&library(), &digits_with(|builder| builder).unwrap()).unwrap()
}

/// The emulator, and NVIDIA's library where it is.
pub(crate) fn libraries() -> Vec<Library> {
    let real = std::env::var_os("TENSORRT_TEST_RTX17");
    if real.is_none() {
        println!("skipped: TENSORRT_TEST_RTX17 is not set");
    }
    let real = real.map(|folder| Library::find(LoadOptions::new().path(folder)).unwrap());
    std::iter::once(library()).chain(real).collect()
}

/// Adds an input.
pub(crate) fn input<'n>(
    network: &'n NetworkDefinition<'_>,
    name: &str,
    data_type: DataType,
    dims: &[i64],
) -> Tensor<'n> {
    network.add_input(name, data_type, dims).unwrap()
}

/// Whether a library builds a network; NVIDIA's for a GPU that is not here.
pub(crate) fn builds(library: &Library, network: &NetworkDefinition<'_>, builder: &Builder) -> bool {
    let mut config = builder.create_builder_config().unwrap();
    if library.family() == Family::RtxNew {
        config.set_compute_capabilities(&[ComputeCapability::Sm89]).unwrap();
    }
    builder.build_serialized_network(network, &config).is_ok()
}
