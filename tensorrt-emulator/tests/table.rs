//! The emulated function table, driven as a C program drives it: an ONNX file becomes a plan, an engine, and answers on a stream.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::Mutex;

use cuda_utils::{Device, DeviceBuffer, PinnedBuffer, Stream};
use tensorrt_sys::{
    DataType, Dims, ErrorCode, Family, IBuilder, IExecutionContext, ILogger, ILoggerFns, INetworkDefinition,
    IOutputAllocatorFns, IParser, IRuntime, KVCacheMode, Library, Version,
};

/// Lines that the library logged, for the tests of one library at a time.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    unsafe extern "C" fn log(user: *mut c_void, _severity: i32, text: *const c_char) {
        // SAFETY: `user` is the `Lines` given to `ILogger_new`, alive during the test.
        let lines = unsafe { &*user.cast::<Self>() };
        // SAFETY: the text is NUL-terminated and lives during the call.
        let text = unsafe { CStr::from_ptr(text) };
        lines.0.lock().unwrap().push(text.to_string_lossy().into_owned());
    }

    fn logger(&self, library: &Library) -> *mut ILogger {
        let functions = ILoggerFns { log: Some(Self::log) };
        let user = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the functions are those of a logger, and `self` outlives the objects of the test.
        unsafe { library.api().ILogger_new.unwrap()(&raw const functions, user) }
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

macro_rules! call {
    ($library:expr, $entry:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the objects are alive, and pointers to stack values are read during the call only.
        unsafe { $library.api().$entry.expect(stringify!($entry))($($arg),*) }
    };
}

fn number(library: &Library) -> i32 {
    library.version().number()
}

fn dims(extents: &[i64]) -> Dims {
    let mut dims = Dims { nbDims: i32::try_from(extents.len()).unwrap(), d: [0; 8] };
    dims.d[..extents.len()].copy_from_slice(extents);
    dims
}

fn builder(library: &Library, lines: &Lines) -> *mut IBuilder {
    call!(library, createInferBuilder_INTERNAL(lines.logger(library).cast(), number(library))).cast()
}

/// A network parsed from bytes, and its parser.
fn parse(
    library: &Library,
    lines: &Lines,
    builder: *mut IBuilder,
    model: &[u8],
) -> (*mut INetworkDefinition, *mut IParser, bool) {
    let network = call!(library, IBuilder_createNetworkV2(builder, 0));
    let parser: *mut IParser =
        call!(library, createNvOnnxParser_INTERNAL(network.cast(), lines.logger(library).cast(), number(library)))
            .cast();
    let parsed = call!(library, IParser_parse(parser, model.as_ptr().cast(), model.len(), std::ptr::null()));
    (network, parser, parsed)
}

fn digits() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/digits.onnx")).unwrap()
}

/// The digits model as a plan for batches of 1 to 8.
fn plan(library: &Library, lines: &Lines) -> Vec<u8> {
    let builder = builder(library, lines);
    let (network, parser, parsed) = parse(library, lines, builder, &digits());
    assert!(parsed, "{:?}", lines.0.lock().unwrap());
    let config = call!(library, IBuilder_createBuilderConfig(builder));
    let profile = call!(library, IBuilder_createOptimizationProfile(builder));
    for (selector, batch) in [(0, 1), (1, 4), (2, 8)] {
        let shape = dims(&[batch, 1, 8, 8]);
        assert!(call!(
            library,
            IOptimizationProfile_setDimensions(profile, c"image".as_ptr(), selector, &raw const shape)
        ));
    }
    assert_eq!(call!(library, IBuilderConfig_addOptimizationProfile(config, profile)), 0);
    let memory = call!(library, IBuilder_buildSerializedNetwork(builder, network, config));
    assert!(!memory.is_null(), "{:?}", lines.0.lock().unwrap());
    let size = call!(library, IHostMemory_size(memory));
    let data: *const u8 = call!(library, IHostMemory_data(memory)).cast_const().cast();
    // SAFETY: the library's memory has `size` bytes until it is destroyed.
    let bytes = unsafe { std::slice::from_raw_parts(data, size) }.to_vec();
    call!(library, IHostMemory_destroy(memory));
    call!(library, IParser_destroy(parser));
    call!(library, INetworkDefinition_destroy(network));
    call!(library, IBuilderConfig_destroy(config));
    call!(library, IBuilder_destroy(builder));
    bytes
}

fn runtime(library: &Library, lines: &Lines) -> *mut IRuntime {
    call!(library, createInferRuntime_INTERNAL(lines.logger(library).cast(), number(library))).cast()
}

/// Runs a batch of blank images; the probabilities of each.
fn run(library: &Library, context: *mut IExecutionContext, batch: usize) -> Vec<f32> {
    let device = Device::host();
    let stream = Stream::new(&device).unwrap();
    let input = PinnedBuffer::from_slice(&device, &vec![0.25_f32; batch * 64]).unwrap();
    let mut image = DeviceBuffer::<f32>::alloc(&device, batch * 64).unwrap();
    let answer = DeviceBuffer::<f32>::alloc(&device, batch * 10).unwrap();
    let mut output = PinnedBuffer::<f32>::alloc(&device, batch * 10).unwrap();
    let shape = dims(&[i64::try_from(batch).unwrap(), 1, 8, 8]);
    assert!(call!(library, IExecutionContext_setInputShape(context, c"image".as_ptr(), &raw const shape)));
    assert!(call!(library, IExecutionContext_setTensorAddress(context, c"image".as_ptr(), image.as_device_ptr())));
    assert!(call!(
        library,
        IExecutionContext_setTensorAddress(context, c"probabilities".as_ptr(), answer.as_device_ptr())
    ));
    stream.copy_to_device(&input, &mut image).unwrap();
    assert!(call!(library, IExecutionContext_enqueueV3(context, stream.as_raw())));
    stream.copy_to_host(&answer, &mut output).unwrap();
    stream.synchronize().unwrap();
    output.as_slice().unwrap().to_vec()
}

#[test]
fn an_onnx_file_becomes_answers() {
    let (library, lines) = (tensorrt_emulator::library(), Lines::default());
    let plan = plan(&library, &lines);
    let runtime = runtime(&library, &lines);
    let engine = call!(library, IRuntime_deserializeCudaEngine(runtime, plan.as_ptr().cast(), plan.len()));
    assert!(!engine.is_null(), "{:?}", lines.0.lock().unwrap());
    let context = call!(library, ICudaEngine_createExecutionContext(engine, 0));
    let one = run(&library, context, 1);
    assert!((one.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{one:?}");
    let three = run(&library, context, 3);
    for row in three.chunks(10) {
        assert!(row.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-6), "{row:?} {one:?}");
    }
    let too_many = dims(&[9, 1, 8, 8]);
    assert!(!call!(library, IExecutionContext_setInputShape(context, c"image".as_ptr(), &raw const too_many)));
    assert!(lines.has("profile 0 allows 1 to 8"), "{:?}", lines.0.lock().unwrap());
    call!(library, IExecutionContext_destroy(context));
    call!(library, ICudaEngine_destroy(engine));
    call!(library, IRuntime_destroy(runtime));
}

#[test]
fn a_broken_plan_is_refused_at_every_length() {
    let (library, lines) = (tensorrt_emulator::library(), Lines::default());
    let plan = plan(&library, &lines);
    let runtime = runtime(&library, &lines);
    for end in (0..plan.len()).step_by(plan.len() / 97) {
        let engine = call!(library, IRuntime_deserializeCudaEngine(runtime, plan.as_ptr().cast(), end));
        assert!(engine.is_null(), "the first {end} of {} bytes were taken", plan.len());
    }
    call!(library, IRuntime_destroy(runtime));
}

#[test]
fn a_plan_is_loaded_by_its_own_version_only() {
    let lines = Lines::default();
    let plan = plan(&tensorrt_emulator::library(), &lines);
    let other = tensorrt_emulator::library_as(Family::RtxNew, Version::new(1, 7, 1)).unwrap();
    let runtime = runtime(&other, &lines);
    assert!(call!(other, IRuntime_deserializeCudaEngine(runtime, plan.as_ptr().cast(), plan.len())).is_null());
    assert!(lines.has("11.4"), "{:?}", lines.0.lock().unwrap());
    call!(other, IRuntime_destroy(runtime));
}

#[test]
fn every_refused_node_is_an_error_of_the_parser() {
    let (library, lines) = (tensorrt_emulator::library(), Lines::default());
    let builder = builder(&library, &lines);
    let (network, parser, parsed) = parse(&library, &lines, builder, b"this is no ONNX file");
    assert!(!parsed);
    assert_eq!(call!(library, IParser_getNbErrors(parser)), 1);
    let error = call!(library, IParser_getError(parser, 0));
    // The parser's text lives as long as the parser.
    let text = call!(library, IParserError_desc(error));
    // SAFETY: as above; it is NUL-terminated.
    let text = unsafe { CStr::from_ptr(text) };
    assert!(!text.to_bytes().is_empty());
    assert_ne!(call!(library, IParserError_code(error)), ErrorCode::Success.to_raw(Family::Trt11).unwrap());
    call!(library, IParser_destroy(parser));
    call!(library, INetworkDefinition_destroy(network));
    call!(library, IBuilder_destroy(builder));
}

#[test]
fn flags_are_numbered_and_refused_per_family() {
    let lines = Lines::default();
    let ten = tensorrt_emulator::library_as(Family::Trt10, Version::new(10, 16, 0)).unwrap();
    let first = builder(&ten, &lines);
    let config = call!(ten, IBuilder_createBuilderConfig(first));
    call!(ten, IBuilderConfig_setFlag(config, 0)); // kFP16
    assert!(call!(ten, IBuilderConfig_getFlag(config, 0)));
    call!(ten, IBuilderConfig_destroy(config));
    call!(ten, IBuilder_destroy(first));

    let eleven = tensorrt_emulator::library();
    let second = builder(&eleven, &lines);
    let config = call!(eleven, IBuilder_createBuilderConfig(second));
    call!(eleven, IBuilderConfig_setFlag(config, 0)); // no flag has this number in TensorRT 11
    assert!(lines.has("0 is no BuilderFlag"), "{:?}", lines.0.lock().unwrap());
    call!(eleven, IBuilderConfig_destroy(config));
    call!(eleven, IBuilder_destroy(second));
}

#[test]
fn a_cache_updated_in_place_takes_no_allocator() {
    let (library, lines) = (tensorrt_emulator::library(), Lines::default());
    let builder = builder(&library, &lines);
    let network = call!(library, IBuilder_createNetworkV2(builder, 0));
    let [float, int32] = [DataType::Float, DataType::Int32].map(|dtype| dtype.to_raw(Family::Trt11).unwrap());
    let [past, new, at] = [(c"past", float, &[1, 1, 4, 2][..]), (c"new", float, &[1, 1, 1, 2]), (c"at", int32, &[1])]
        .map(|(name, dtype, extents)| {
            let dims = dims(extents);
            call!(library, INetworkDefinition_addInput(network, name.as_ptr(), dtype, &raw const dims))
        });
    let mode = KVCacheMode::Linear.to_raw(Family::Trt11).unwrap();
    let layer = call!(library, INetworkDefinition_addKVCacheUpdate(network, past, new, at, mode));
    let present = call!(library, ILayer_getOutput(layer.cast(), 0));
    call!(library, ITensor_setName(present, c"present".as_ptr()));
    call!(library, INetworkDefinition_markOutput(network, present));
    let config = call!(library, IBuilder_createBuilderConfig(builder));
    let memory = call!(library, IBuilder_buildSerializedNetwork(builder, network, config));
    assert!(!memory.is_null(), "{:?}", lines.0.lock().unwrap());
    let runtime = runtime(&library, &lines);
    let (data, size) = (call!(library, IHostMemory_data(memory)), call!(library, IHostMemory_size(memory)));
    let engine = call!(library, IRuntime_deserializeCudaEngine(runtime, data.cast_const(), size));
    let context = call!(library, ICudaEngine_createExecutionContext(engine, 0));
    let functions = IOutputAllocatorFns { reallocateOutputAsync: None, notifyShape: None };
    let allocator = call!(library, IOutputAllocator_new(&raw const functions, std::ptr::null_mut()));
    assert!(!call!(library, IExecutionContext_setOutputAllocator(context, c"present".as_ptr(), allocator)));
    assert!(lines.has("\"present\" is \"past\" updated in place"), "{:?}", lines.0.lock().unwrap());
    let none = std::ptr::null_mut();
    assert!(call!(library, IExecutionContext_setOutputAllocator(context, c"present".as_ptr(), none)));
    call!(library, IExecutionContext_destroy(context));
    call!(library, IOutputAllocator_delete(allocator));
    call!(library, ICudaEngine_destroy(engine));
    call!(library, IRuntime_destroy(runtime));
    call!(library, IHostMemory_destroy(memory));
    call!(library, IBuilderConfig_destroy(config));
    call!(library, INetworkDefinition_destroy(network));
    call!(library, IBuilder_destroy(builder));
}
