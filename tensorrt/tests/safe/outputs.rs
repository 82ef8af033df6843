//! Outputs whose shapes depend on the data.

use cuda_utils::HostOptions;
use cuda_utils::host::Faults;
use ndarray::{Array1, s};
use tensorrt::{
    Builder, DataType, Device, DeviceBuffer, ElementWiseOperation, Engine, ErrorKind, FillOperation,
    OptimizationProfile, Runtime, Session, Stream, Weights,
};

use crate::support::library;

/// `y` has the elements of `x` that are not zero, so its size depends on the data.
fn compressing_engine() -> Engine {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let x = network.add_input("x", DataType::Float, [8]).unwrap();
    let positions = network.add_non_zero(x, DataType::Int64).unwrap().output(0).unwrap();
    let positions = network.add_shuffle(positions).unwrap();
    positions.set_reshape_dims([-1]).unwrap();
    let y = network.add_gather(x, positions.output(0).unwrap(), 0).unwrap().output(0).unwrap();
    y.set_name("y").unwrap();
    network.mark_output(y).unwrap();
    let doubled = network.add_elementwise(x, x, ElementWiseOperation::Sum).unwrap().output(0).unwrap();
    doubled.set_name("doubled").unwrap();
    network.mark_output(doubled).unwrap();
    let config = builder.create_builder_config().unwrap();
    Engine::from_plan(&library, &builder.build_serialized_network(&network, &config).unwrap()).unwrap()
}

/// The first `count` elements are 1, the others 0.
fn ones(count: usize) -> Array1<f32> {
    Array1::from_shape_fn(8, |i| if i < count { 1.0 } else { 0.0 })
}

#[test]
fn outputs_sized_by_the_data_are_allocated_and_owned() {
    let engine = compressing_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    let x = DeviceBuffer::<f32>::from_slice(&stream, &[3.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let longer = DeviceBuffer::<f32>::from_slice(&stream, &[1.0, 1.0, 2.0, 0.5, 0.0, 0.0, 0.0, 5.0]).unwrap();
    let doubled = DeviceBuffer::<f32>::alloc(engine.device(), 8).unwrap();
    context.set_tensor("x", &x).unwrap();
    context.set_tensor("doubled", &doubled).unwrap();
    assert_eq!(context.output("doubled").unwrap_err().kind(), ErrorKind::InvalidArgument);
    context.enqueue(&stream).unwrap().wait().unwrap();
    let first = context.output("y").unwrap();
    assert_eq!((first.shape(), first.data_type(), first.bytes()), ([3].into(), DataType::Float, 12));
    assert_eq!(first.to_vec::<f32>(&stream).unwrap(), [3.0, 1.0, 2.0]);
    assert_eq!(context.tensor_shape("y").unwrap(), [3].into());
    assert_eq!(first.to_vec::<i32>(&stream).unwrap_err().kind(), ErrorKind::TypeMismatch);
    assert_eq!(context.set_tensor("y", &x).unwrap_err().kind(), ErrorKind::InvalidArgument);

    // What is held is not written again; what is not held is used again where it is large enough.
    context.set_tensor("x", &longer).unwrap();
    context.enqueue(&stream).unwrap().wait().unwrap();
    let second = context.output("y").unwrap();
    assert_eq!(second.to_vec::<f32>(&stream).unwrap(), [1.0, 1.0, 2.0, 0.5, 5.0]);
    assert_eq!(first.to_vec::<f32>(&stream).unwrap(), [3.0, 1.0, 2.0]);
    let address = second.memory().as_device_ptr();
    drop(second);
    context.set_tensor("x", &x).unwrap();
    context.enqueue(&stream).unwrap().wait().unwrap();
    let third = context.output("y").unwrap();
    assert_eq!(third.memory().as_device_ptr(), address);
    drop((context, engine));
    assert_eq!(third.to_vec::<f32>(&stream).unwrap(), [3.0, 1.0, 2.0]);
    assert_eq!(doubled.to_vec(&stream).unwrap()[0], 6.0);
}

#[test]
fn a_buffer_for_an_output_sized_by_the_data_is_refused_not_ignored() {
    let engine = compressing_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    let x = DeviceBuffer::<f32>::from_slice(&stream, &[3.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    context.set_tensor("x", &x).unwrap();
    context.set_tensor("doubled", &DeviceBuffer::<f32>::alloc(engine.device(), 8).unwrap()).unwrap();
    context.set_tensor("y", &DeviceBuffer::<f32>::alloc(engine.device(), 8).unwrap()).unwrap();
    let error = context.launch(&stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.to_string().contains("\"y\"") && error.to_string().contains("ExecutionContext::output"), "{error}");
    context.launch(&stream).unwrap();
    assert_eq!(context.output("y").unwrap().to_vec::<f32>(&stream).unwrap(), [3.0, 1.0, 2.0]);
}

#[test]
fn a_session_returns_outputs_sized_by_the_data() {
    let mut session = Session::new(&compressing_engine()).unwrap();
    for count in [2, 8, 0, 5] {
        let x = ones(count);
        let outputs = session.run([("x", &x)]).unwrap();
        assert_eq!(outputs.array::<f32>("y").unwrap(), x.slice(s![..count]).to_owned().into_dyn());
        assert_eq!(outputs.array::<f32>("doubled").unwrap(), (&x * 2.0).into_dyn());
    }
}

#[test]
fn a_device_without_room_for_an_output_says_so() {
    let engine = compressing_engine();
    let device = Device::host_with(HostOptions::new());
    let faults = Faults::of(&device).unwrap();
    let plan = engine.serialize().unwrap();
    let engine = Runtime::with_device(&library(), &device).unwrap().deserialize(&plan).unwrap();
    let mut session = Session::new(&engine).unwrap();
    session.run([("x", &ones(1))]).unwrap();
    faults.fail_allocation(1);
    let error = session.run([("x", &ones(7))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    assert!(error.to_string().contains("\"y\""), "{error}");
    assert_eq!(session.run([("x", &ones(2))]).unwrap().shape("y").unwrap(), [2].into());
}

/// An engine whose output `y`, 1, 3, 5, …, has as many elements as its input `n` says.
fn counted_engine(data_type: DataType) -> Engine {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let network = builder.create_network(&[]).unwrap();
    let n = network.add_input("n", data_type, [1]).unwrap();
    let mut config = builder.create_builder_config().unwrap();
    let profile = OptimizationProfile::new();
    let (profile, size) = if data_type == DataType::Int32 {
        (profile.shape_values("n", &[1], &[4], &[8]).unwrap(), n)
    } else {
        (profile, network.add_cast(n, DataType::Int32).unwrap().output(0).unwrap())
    };
    config.add_optimization_profile(&profile).unwrap();
    let fill = network.add_fill([0], FillOperation::Linspace, DataType::Float).unwrap();
    let first = network.add_constant([0; 0], Weights::new(&[1.0_f32])).unwrap();
    let step = network.add_constant([1], Weights::new(&[2.0_f32])).unwrap();
    for (index, tensor) in (0..).zip([size, first.output(0).unwrap(), step.output(0).unwrap()]) {
        fill.set_input(index, tensor).unwrap();
    }
    let y = fill.output(0).unwrap();
    y.set_name("y").unwrap();
    network.mark_output(y).unwrap();
    Engine::from_plan(&library, &builder.build_serialized_network(&network, &config).unwrap()).unwrap()
}

#[test]
fn outputs_are_as_long_as_the_values_of_an_inference_say() {
    let engine = counted_engine(DataType::Int32);
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    for n in [3_u8, 5, 2, 8] {
        context.set_input_values("n", &[i32::from(n)]).unwrap();
        assert_eq!(context.tensor_shape("y").unwrap(), [i64::from(n)].into());
        let y = DeviceBuffer::from_slice(&stream, &[-1.0_f32; 8]).unwrap();
        context.set_tensor("y", &y).unwrap();
        context.enqueue(&stream).unwrap().wait().unwrap();
        let expected: Vec<f32> = (0..8).map(|at| if at < n { f32::from(2 * at + 1) } else { -1.0 }).collect();
        assert_eq!(y.to_vec(&stream).unwrap(), expected);
    }
}

#[test]
fn fractions_may_say_how_long_an_output_is() {
    let mut session = Session::new(&counted_engine(DataType::Float)).unwrap();
    for (n, expected) in [(2.5_f32, &[1.0, 3.0][..]), (4.0, &[1.0, 3.0, 5.0, 7.0])] {
        let outputs = session.run([("n", &ndarray::array![n])]).unwrap();
        assert_eq!(outputs.array::<f32>("y").unwrap().as_slice().unwrap(), expected);
    }
}
