//! Settings of execution contexts, and activation memory of the user's.

use std::sync::mpsc;

use tensorrt::{
    DeviceBuffer, DeviceMemory, ErrorKind, Event, ExecutionContext, ExecutionContextAllocationStrategy,
    ProfilingVerbosity, Stream,
};

use crate::support::{digits_engine, doubled_engine};

fn bound(mut context: ExecutionContext, stream: &Stream) -> (ExecutionContext, DeviceBuffer<f32>) {
    let x = DeviceBuffer::from_slice(stream, &[1.0_f32, 2.0, 3.0]).unwrap();
    let y = DeviceBuffer::zeroed(stream, 3).unwrap();
    context.set_input_shape("x", [1, 3]).unwrap();
    context.set_tensor("x", &x).unwrap();
    context.set_tensor("y", &y).unwrap();
    (context, y)
}

#[test]
fn settings_are_read_back() {
    let engine = doubled_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    assert!(!context.debug_sync().unwrap() && context.enqueue_emits_profile().unwrap());
    assert!(!context.all_input_dimensions_specified().unwrap());
    assert_eq!(context.tensor_strides("x").unwrap_err().kind(), ErrorKind::MissingInput);
    context.set_debug_sync(true).unwrap();
    context.set_name("first").unwrap();
    context.set_persistent_cache_limit(1 << 20).unwrap();
    context.set_nvtx_verbosity(ProfilingVerbosity::None).unwrap();
    context.set_aux_streams(&[Stream::new(engine.device()).unwrap()]).unwrap();
    assert!(context.debug_sync().unwrap());
    assert_eq!(context.name().unwrap(), "first");
    assert_eq!(context.persistent_cache_limit().unwrap(), 1 << 20);
    assert_eq!(context.nvtx_verbosity().unwrap(), ProfilingVerbosity::None);
    let (mut context, y) = bound(context, &stream);
    assert!(context.all_input_dimensions_specified().unwrap());
    assert_eq!(context.tensor_strides("y").unwrap(), [3, 1].into());
    assert_eq!(context.max_output_size("y").unwrap(), Some(12));
    assert_eq!(context.max_output_size("x").unwrap_err().kind(), ErrorKind::UnknownName);
    context.launch(&stream).unwrap();
    assert_eq!(y.to_vec(&stream).unwrap(), [2.0, 4.0, 6.0]);
}

#[test]
fn inputs_are_consumed_when_the_event_says_so() {
    let engine = doubled_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let (mut context, _) = bound(engine.create_execution_context().unwrap(), &stream);
    let event = Event::new(engine.device()).unwrap();
    context.set_input_consumed_event(Some(&event)).unwrap();
    assert_eq!(context.input_consumed_event().unwrap().map(Event::as_raw), Some(event.as_raw()));
    context.launch(&stream).unwrap();
    event.synchronize().unwrap();
    assert!(event.is_complete().unwrap());
    context.set_input_consumed_event(None).unwrap();
    assert!(context.input_consumed_event().unwrap().is_none());
}

#[test]
fn a_profiler_is_told_later_when_asked() {
    let engine = doubled_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let (mut context, _) = bound(engine.create_execution_context().unwrap(), &stream);
    assert_eq!(context.report_to_profiler().unwrap_err().kind(), ErrorKind::Setting);
    let (tell, told) = mpsc::channel();
    context.set_profiler(move |name: &str, _: f32| tell.send(name.to_owned()).unwrap()).unwrap();
    context.set_enqueue_emits_profile(false).unwrap();
    context.launch(&stream).unwrap();
    assert_eq!(told.try_iter().count(), 0);
    context.report_to_profiler().unwrap();
    assert!(told.try_iter().count() > 0);
}

#[test]
fn activations_lie_in_the_users_memory() {
    let engine = digits_engine();
    let stream = Stream::new(engine.device()).unwrap();
    let user_managed = ExecutionContextAllocationStrategy::UserManaged;
    let image = DeviceBuffer::<f32>::zeroed(&stream, 64).unwrap();
    let mut answers = Vec::new();
    let needed = usize::try_from(engine.device_memory_size_for_profile(0).unwrap()).unwrap();
    let shared = DeviceMemory::alloc(engine.device(), needed).unwrap();
    for strategy in [ExecutionContextAllocationStrategy::Static, user_managed, user_managed] {
        let mut context = engine.create_execution_context_with(strategy).unwrap();
        let answer = DeviceBuffer::<f32>::zeroed(&stream, 10).unwrap();
        context.set_input_shape("image", [1, 1, 8, 8]).unwrap();
        context.set_tensor("image", &image).unwrap();
        context.set_tensor("probabilities", &answer).unwrap();
        if strategy == user_managed {
            let error = context.launch(&stream).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ShapeMismatch, "{error}");
            let small = DeviceMemory::alloc(engine.device(), 1).unwrap();
            assert_eq!(context.set_device_memory(&small).unwrap_err().kind(), ErrorKind::ShapeMismatch);
            assert!(context.needed_device_memory().unwrap() <= needed);
            context.set_device_memory(&shared).unwrap();
            context.set_tensor_memory("image", &shared).unwrap();
            let error = context.launch(&stream).unwrap_err();
            assert!(error.to_string().contains("activations"), "{error}");
            context.set_tensor("image", &image).unwrap();
        } else {
            assert_eq!(context.set_device_memory(&shared).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
        context.launch(&stream).unwrap();
        answers.push(answer.to_vec(&stream).unwrap());
    }
    assert!(answers[0].iter().sum::<f32>() > 0.99);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}
