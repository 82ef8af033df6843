//! Outputs whose shapes depend on the data.

use cuda_utils::HostOptions;
use cuda_utils::host::Faults;
use ndarray::{Array1, s};
use tensorrt::{
    Builder, DataType, Device, DeviceBuffer, ElementWiseOperation, Engine, ErrorKind, Runtime, Session, Stream,
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
