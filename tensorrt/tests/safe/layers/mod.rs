//! Every kind of layer: added with parameters, read back, changed, built and run in emulation; and the same calls to NVIDIA's library, which
//! must name, shape and type everything the same way.

mod arithmetic;
mod arrangement;
mod network;
mod reduction;

use ndarray::ArrayD;
use tensorrt::{
    Builder, DataType, Engine, Family, Library, NetworkDefinition, Result, Session, Tensor, Version, Weights,
};

/// A network with one kind of layer, and what its output `y` is where inputs count from -1; none where it cannot be run.
type Case = (&'static str, fn(&NetworkDefinition<'_>) -> Option<Vec<f32>>);

/// Checks a property: its first value, and that another one is taken.
macro_rules! property {
    ($layer:ident $get:ident $set:ident some $first:expr => $second:expr) => {
        assert_eq!($layer.$get().unwrap(), $first, stringify!($get));
        $layer.$set($second).unwrap();
        assert_eq!($layer.$get().unwrap(), Some($second.into()), stringify!($set));
    };
    ($layer:ident $get:ident $set:ident dims $first:expr => $second:expr) => {
        assert_eq!($layer.$get().unwrap(), $first.into(), stringify!($get));
        $layer.$set($second).unwrap();
        assert_eq!($layer.$get().unwrap(), $second.into(), stringify!($set));
    };
    ($layer:ident $get:ident $set:ident axes $first:expr => $second:expr) => {
        assert_eq!($layer.$get().unwrap(), $first, stringify!($get));
        $layer.$set(&$second).unwrap();
        assert_eq!($layer.$get().unwrap(), $second, stringify!($set));
    };
    ($layer:ident $get:ident $set:ident $first:expr => $second:expr) => {
        assert_eq!($layer.$get().unwrap(), $first, stringify!($get));
        $layer.$set($second).unwrap();
        assert_eq!($layer.$get().unwrap(), $second, stringify!($set));
    };
}
use property;

/// An input of floats.
fn input<'n, const N: usize>(network: &'n NetworkDefinition<'_>, dims: [i64; N]) -> Tensor<'n> {
    let name = format!("x{}", network.num_inputs().unwrap());
    network.add_input(&name, DataType::Float, dims).unwrap()
}

fn floats<'n, const N: usize>(network: &'n NetworkDefinition<'_>, dims: [i64; N], values: &[f32]) -> Tensor<'n> {
    network.add_constant(dims, Weights::new(values)).unwrap().output(0).unwrap()
}

fn ints<'n, const N: usize>(network: &'n NetworkDefinition<'_>, dims: [i64; N], values: &[i32]) -> Tensor<'n> {
    network.add_constant(dims, Weights::new(values)).unwrap().output(0).unwrap()
}

/// Makes a tensor the output.
fn answer(network: &NetworkDefinition<'_>, tensor: Tensor<'_>) {
    tensor.set_name("y").unwrap();
    network.mark_output(tensor).unwrap();
}

/// What a library says of a network.
fn facts(network: &NetworkDefinition<'_>) -> Result<Vec<String>> {
    let describe = |tensor: &Tensor<'_>| Ok(format!("{} {:?} {}", tensor.name()?, tensor.dims()?, tensor.data_type()?));
    let mut facts = Vec::new();
    for layer in network.layers()? {
        let inputs =
            layer.inputs()?.iter().map(|tensor| tensor.map(|it| it.name()).transpose()).collect::<Result<Vec<_>>>()?;
        let outputs = layer.outputs()?.iter().map(describe).collect::<Result<Vec<_>>>()?;
        facts.push(format!("{} {} {inputs:?} {outputs:?}", layer.layer_type()?, layer.name()?));
    }
    Ok(facts)
}

fn run(network: &NetworkDefinition<'_>, builder: &Builder, library: &Library) -> Result<Vec<f32>> {
    let config = builder.create_builder_config()?;
    let inputs: Vec<(String, ArrayD<f32>)> = network
        .inputs()?
        .iter()
        .map(|tensor| {
            let shape = tensor.dims()?.unwrap().to_usize().unwrap();
            let count = shape.iter().product::<usize>();
            Ok((tensor.name()?, ArrayD::from_shape_vec(shape, (0..count).map(|i| i as f32 - 1.0).collect()).unwrap()))
        })
        .collect::<Result<_>>()?;
    let plan = builder.build_serialized_network(network, &config)?;
    let mut session = Session::new(&Engine::from_plan(library, &plan)?)?;
    let outputs = session.run(inputs.iter().map(|(name, array)| (name.as_str(), array)))?;
    Ok(outputs.array::<f32>("y")?.iter().copied().collect())
}

/// Checks cases on the emulator as RTX 1.7, and on the real one where there is one.
fn check(cases: &[Case]) {
    let emulated = tensorrt_emulator::library_as(Family::RtxNew, Version::new(1, 7, 1)).unwrap();
    let real = crate::real::library();
    let builder = Builder::new(&emulated).unwrap();
    for (name, case) in cases {
        println!("{name}");
        let network = builder.create_network(&[]).unwrap();
        let expected = case(&network);
        let ours = facts(&network).unwrap();
        if let Some(expected) = expected {
            let found = run(&network, &builder, &emulated).unwrap();
            let close = found.len() == expected.len() && found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close, "{name}: {found:?} instead of {expected:?}");
        }
        if let Some(real) = &real {
            println!("{name}, NVIDIA's");
            let builder = Builder::new(real).unwrap();
            let network = builder.create_network(&[]).unwrap();
            case(&network);
            assert_eq!(ours, facts(&network).unwrap(), "{name}: ours and NVIDIA's");
        }
    }
}
