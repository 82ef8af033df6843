//! NVIDIA's own libraries, without a GPU: two families of TensorRT for RTX in one process parse and build, and the lean
//! runtimes refuse clearly. Skipped where the variables that name the folders are not set.

#![allow(clippy::unwrap_used, clippy::borrow_as_ptr, reason = "a test fails by panicking, and the calls are C's")]

mod support;

use std::ffi::{CStr, c_void};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::{Logger, Progress, Recorder, Writer, library, model};
use tensorrt_sys::{
    BuilderFlag, ComputeCapability, CreateErrorKind, DataType, Dims, Family, IBuilder, IBuilderConfig, ILogger,
    INetworkDefinition, IParser, LayerType, Library, LibraryKind, LoadErrorKind, LoadOptions, MemoryPoolType,
    OptProfileSelector, call,
};

/// Calls an entry that the library must have.
macro_rules! must {
    ($library:expr, $($call:tt)*) => {
        // SAFETY: the tests pass objects of the same library that are alive, and what NVIDIA's documentation asks.
        unsafe { call!($library, $($call)*) }.unwrap()
    };
}

/// One build at a time: TensorRT for RTX mixes up the targets of two builds that run at once for different ones.
static BUILDING: Mutex<()> = Mutex::new(());

/// A network with what it came from; destroyed together.
struct Job<'l> {
    _alone: MutexGuard<'static, ()>,
    library: &'l Library,
    builder: *mut IBuilder,
    network: *mut INetworkDefinition,
    config: *mut IBuilderConfig,
    parser: *mut IParser,
}

impl<'l> Job<'l> {
    fn new(library: &'l Library, logger: *mut ILogger) -> Self {
        let alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the logger was made by this library and is never deleted.
        let builder = unsafe { library.create_builder(logger) }.unwrap().as_ptr();
        let network = must!(library, IBuilder_createNetworkV2(builder, 0));
        let config = must!(library, IBuilder_createBuilderConfig(builder));
        assert!(!network.is_null() && !config.is_null());
        // SAFETY: the network is alive until the job is dropped, after its parser.
        let parser = unsafe { library.create_parser(network, logger) }.unwrap().as_ptr();
        Self { _alone: alone, library, builder, network, config, parser }
    }

    fn parse(&self, model: &[u8]) -> bool {
        must!(self.library, IParser_parse(self.parser, model.as_ptr().cast(), model.len(), std::ptr::null()))
    }

    fn target(&self, capability: ComputeCapability) {
        let library = self.library;
        let raw = capability.to_raw(library.family()).unwrap();
        assert!(must!(library, IBuilderConfig_setNbComputeCapabilities(self.config, 1)));
        assert!(must!(library, IBuilderConfig_setComputeCapability(self.config, raw, 0)));
        assert_eq!(must!(library, IBuilderConfig_getComputeCapability(self.config, 0)), raw);
    }

    /// The plan's bytes; none when the library built none.
    fn build(&self) -> Option<Vec<u8>> {
        let library = self.library;
        let memory = must!(library, IBuilder_buildSerializedNetwork(self.builder, self.network, self.config));
        if memory.is_null() {
            return None;
        }
        let (data, size) = (must!(library, IHostMemory_data(memory)), must!(library, IHostMemory_size(memory)));
        // SAFETY: the memory is alive and has `size` bytes.
        let plan = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }.to_vec();
        must!(library, IHostMemory_destroy(memory));
        Some(plan)
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        must!(self.library, IParser_destroy(self.parser));
        must!(self.library, INetworkDefinition_destroy(self.network));
        must!(self.library, IBuilderConfig_destroy(self.config));
        must!(self.library, IBuilder_destroy(self.builder));
    }
}

fn rtx(variable: &str) -> Option<Library> {
    library(variable, LoadOptions::new().kind(LibraryKind::Rtx))
}

/// Sets a range of batch sizes for the dynamic input, and reads it back.
fn add_profile(job: &Job<'_>) {
    let library = job.library;
    let raw = |selector: OptProfileSelector| selector.to_raw(library.family()).unwrap();
    let profile = must!(library, IBuilder_createOptimizationProfile(job.builder));
    let input = must!(library, INetworkDefinition_getInput(job.network, 0));
    let name = must!(library, ITensor_getName(input));
    let mut shape = must!(library, ITensor_getDimensions(input));
    assert_eq!((shape.nbDims, &shape.d[..4]), (4, &[-1, 1, 224, 224][..]));
    let selectors = [(OptProfileSelector::Min, 1), (OptProfileSelector::Opt, 2), (OptProfileSelector::Max, 4)];
    for (selector, batch) in selectors {
        shape.d[0] = batch;
        assert!(must!(library, IOptimizationProfile_setDimensions(profile, name, raw(selector), &shape)));
    }
    let max = must!(library, IOptimizationProfile_getDimensions(profile, name, raw(OptProfileSelector::Max)));
    assert_eq!(max.d[0], 4);
    assert!(must!(library, IOptimizationProfile_isValid(profile)));
    assert_eq!(must!(library, IBuilderConfig_addOptimizationProfile(job.config, profile)), 0);
}

/// Reads the parsed network through layers of several classes.
fn inspect(job: &Job<'_>) {
    let (library, family) = (job.library, job.library.family());
    let input = must!(library, INetworkDefinition_getInput(job.network, 0));
    assert_eq!(DataType::from_raw(family, must!(library, ITensor_getType(input))), Some(DataType::Float));
    assert_eq!(must!(library, INetworkDefinition_getBuilder(job.network)), job.builder);
    let (mut convolutions, mut weights, mut shuffles) = (0, 0, 0);
    for index in 0..must!(library, INetworkDefinition_getNbLayers(job.network)) {
        let layer = must!(library, INetworkDefinition_getLayer(job.network, index));
        match LayerType::from_raw(family, must!(library, ILayer_getType(layer))) {
            Some(LayerType::Convolution) => {
                convolutions += 1;
                weights += must!(library, IConvolutionLayer_getKernelWeights(layer.cast())).count;
                let kernel = must!(library, IConvolutionLayer_getKernelSizeNd(layer.cast()));
                assert_eq!(kernel.nbDims, 2);
            }
            Some(LayerType::Shuffle) => {
                shuffles += 1;
                let transpose = must!(library, IShuffleLayer_getSecondTranspose(layer.cast()));
                // SAFETY: the permutation lives in the layer.
                let order = unsafe { *transpose }.order;
                assert!(order.iter().all(|axis| (0..8).contains(axis)), "{order:?}");
            }
            Some(_) => {}
            None => panic!("a layer of unknown type"),
        }
    }
    // 1x5x5x64 + 64x3x3x64 + 64x3x3x32 + 32x3x3x9 weights.
    assert_eq!((convolutions, weights), (4, 1600 + 36_864 + 18_432 + 2592));
    assert!(shuffles > 0);
}

/// Settings come back as they were set.
fn configure(job: &Job<'_>) {
    let (library, family) = (job.library, job.library.family());
    let tf32 = BuilderFlag::Tf32.to_raw(family).unwrap();
    must!(library, IBuilderConfig_clearFlag(job.config, tf32));
    assert!(!must!(library, IBuilderConfig_getFlag(job.config, tf32)));
    must!(library, IBuilderConfig_setFlag(job.config, tf32));
    assert_eq!(must!(library, IBuilderConfig_getFlags(job.config)) & (1 << tf32), 1 << tf32);
    let workspace = MemoryPoolType::Workspace.to_raw(family).unwrap();
    must!(library, IBuilderConfig_setMemoryPoolLimit(job.config, workspace, 1 << 30));
    assert_eq!(must!(library, IBuilderConfig_getMemoryPoolLimit(job.config, workspace)), 1 << 30);
    must!(library, IBuilderConfig_setAvgTimingIterations(job.config, 3));
    assert_eq!(must!(library, IBuilderConfig_getAvgTimingIterations(job.config)), 3);
    assert!(must!(library, IBuilder_setMaxThreads(job.builder, 2)));
    assert_eq!(must!(library, IBuilder_getMaxThreads(job.builder)), 2);
}

fn parse_and_build(library: &Library, logger: &Logger, model: &[u8], capability: ComputeCapability) -> Vec<u8> {
    let (progress, recorder) = (Progress::default(), Recorder::default());
    let (monitor, errors) = (progress.object(library), recorder.object(library));
    let plan = {
        let job = Job::new(library, logger.raw);
        must!(library, IBuilder_setErrorRecorder(job.builder, errors));
        assert_eq!(must!(library, IBuilder_getErrorRecorder(job.builder)), errors);
        assert_eq!(recorder.users.load(Ordering::Relaxed), 1);
        assert!(job.parse(model), "{:?}", logger.serious());
        assert_eq!(must!(library, IParser_getNbErrors(job.parser)), 0);
        inspect(&job);
        configure(&job);
        add_profile(&job);
        job.target(capability);
        must!(library, IBuilderConfig_setProgressMonitor(job.config, monitor));
        job.build().unwrap_or_else(|| panic!("no plan: {:?}", logger.serious()))
    };
    assert!(plan.len() > 100_000, "{}", plan.len());
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    assert!(count(&progress.started) > 0 && count(&progress.steps) > 0);
    assert_eq!(count(&progress.started), count(&progress.finished));
    assert_eq!(recorder.users.load(Ordering::Relaxed), 0);
    assert!(recorder.errors.lock().unwrap().is_empty());
    must!(library, IProgressMonitor_delete(monitor));
    must!(library, IErrorRecorder_delete(errors));
    plan
}

#[test]
fn two_families_in_one_process() {
    let (Some(new), Some(old), Some(model)) =
        (rtx("TENSORRT_TEST_RTX17"), rtx("TENSORRT_TEST_RTX14"), model("super-resolution-10.onnx"))
    else {
        return;
    };
    assert_eq!((new.family(), old.family()), (Family::RtxNew, Family::RtxOld));
    assert!(new.has_builder() && new.has_onnx_parser() && !new.is_emulated());
    let (new_log, old_log) = (Logger::new(&new), Logger::new(&old));
    for capability in [ComputeCapability::Sm86, ComputeCapability::Sm89] {
        for (library, logger) in [(&new, &new_log), (&old, &old_log), (&new, &new_log)] {
            let plan = parse_and_build(library, logger, &model, capability);
            println!("{}: {capability:?} plan of {} bytes", library.info(), plan.len());
            assert!(logger.count() > 0);
        }
    }
    let stream = std::ptr::null_mut();
    // SAFETY: the entry is null in RTX 1.4, so nothing is called.
    let missing =
        unsafe { call!(old, IExecutionContext_isStreamCapturable(std::ptr::null_mut(), stream)) }.unwrap_err();
    assert_eq!(missing.since(), None);
    assert!(missing.to_string().contains("TensorRT for RTX 1.5+"), "{missing}");
}

#[test]
fn a_plan_is_written_to_a_stream() {
    let (Some(library), Some(model)) = (rtx("TENSORRT_TEST_RTX17"), model("super-resolution-10.onnx")) else { return };
    let logger = Logger::new(&library);
    let (writer, job) = (Writer::default(), Job::new(&library, logger.raw));
    let stream = writer.object(&library).as_ptr();
    assert!(job.parse(&model));
    add_profile(&job);
    job.target(ComputeCapability::Sm89);
    let written = must!(library, IBuilder_buildSerializedNetworkToStream(job.builder, job.network, job.config, stream));
    assert!(written, "{:?}", logger.serious());
    assert!(writer.bytes.lock().unwrap().len() > 100_000);
    must!(library, IStreamWriter_delete(stream));
}

#[test]
fn a_build_can_be_cancelled() {
    let (Some(library), Some(model)) = (rtx("TENSORRT_TEST_RTX17"), model("super-resolution-10.onnx")) else { return };
    let logger = Logger::new(&library);
    let (progress, job) = (Progress::default(), Job::new(&library, logger.raw));
    progress.cancel.store(true, Ordering::Relaxed);
    let monitor = progress.object(&library);
    assert!(job.parse(&model));
    add_profile(&job);
    job.target(ComputeCapability::Sm89);
    must!(library, IBuilderConfig_setProgressMonitor(job.config, monitor));
    assert_eq!(job.build(), None);
    assert!(progress.steps.load(Ordering::Relaxed) > 0);
    drop(job);
    must!(library, IProgressMonitor_delete(monitor));
}

#[test]
fn a_broken_model_is_refused_with_its_error() {
    let (Some(library), Some(mut model)) = (rtx("TENSORRT_TEST_RTX17"), model("super-resolution-10.onnx")) else {
        return;
    };
    let logger = Logger::new(&library);
    let job = Job::new(&library, logger.raw);
    model.truncate(model.len() / 2);
    assert!(!job.parse(&model));
    assert!(must!(library, IParser_getNbErrors(job.parser)) > 0);
    let error = must!(library, IParser_getError(job.parser, 0));
    let description = must!(library, IParserError_desc(error));
    // SAFETY: the description is a C string that lives as long as the parser keeps the error.
    let description = unsafe { CStr::from_ptr(description) };
    assert!(!description.to_bytes().is_empty());
    assert_eq!(library.take_exception(), None);
}

#[test]
fn a_network_is_built_by_hand() {
    let Some(library) = rtx("TENSORRT_TEST_RTX14") else { return };
    let (logger, family) = (Logger::new(&library), library.family());
    let job = Job::new(&library, logger.raw);
    let shape = Dims { nbDims: 2, d: [1, 3, 0, 0, 0, 0, 0, 0] };
    let float = DataType::Float.to_raw(family).unwrap();
    let input = must!(library, INetworkDefinition_addInput(job.network, c"x".as_ptr(), float, &shape));
    let softmax = must!(library, INetworkDefinition_addSoftMax(job.network, input));
    must!(library, ISoftMaxLayer_setAxes(softmax, 1 << 1));
    assert_eq!(must!(library, ISoftMaxLayer_getAxes(softmax)), 1 << 1);
    let output = must!(library, ILayer_getOutput(softmax.cast(), 0));
    must!(library, INetworkDefinition_markOutput(job.network, output));
    job.target(ComputeCapability::Sm89);
    assert!(job.build().is_some(), "{:?}", logger.serious());
}

#[test]
fn a_runtime_refuses_what_is_no_plan() {
    let Some(library) = rtx("TENSORRT_TEST_RTX17") else { return };
    let logger = Logger::new(&library);
    // SAFETY: the logger was made by this library and is never deleted.
    let runtime = unsafe { library.create_runtime(logger.raw) }.unwrap().as_ptr();
    let garbage = [0_u8; 256];
    let data: *const c_void = garbage.as_ptr().cast();
    let engine = must!(library, IRuntime_deserializeCudaEngine(runtime, data, garbage.len()));
    assert!(engine.is_null());
    assert!(!logger.serious().is_empty());
    must!(library, IRuntime_destroy(runtime));
}

#[test]
fn the_same_files_are_the_same_library() {
    let (Some(first), Some(second)) = (rtx("TENSORRT_TEST_RTX17"), rtx("TENSORRT_TEST_RTX17")) else { return };
    assert!(first.same_as(&second));
    assert!(first.path().unwrap().is_file());
    let folder = first.path().unwrap().parent().unwrap().to_path_buf();
    let error = Library::find(LoadOptions::new().kind(LibraryKind::TensorRt).path(first.path().unwrap())).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Unexpected);
    assert!(error.to_string().contains("TensorRT for RTX 1.7"), "{error}");
    let error = Library::find(LoadOptions::new().major(10).path(folder)).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotFound);
}

/// A lean runtime builds nothing, and without a driver makes no runtime either.
fn lean(variable: &str, major: u32) {
    let Some(library) = library(variable, LoadOptions::new().kind(LibraryKind::Lean)) else { return };
    assert_eq!((library.info().kind, library.version().major), (LibraryKind::Lean, major));
    assert!(!library.has_builder() && !library.has_onnx_parser());
    let logger = Logger::new(&library);
    // SAFETY: the logger was made by this library and is never deleted.
    let error = unsafe { library.create_builder(logger.raw) }.unwrap_err();
    assert_eq!(error.kind(), CreateErrorKind::Missing);
    // SAFETY: as above.
    match unsafe { library.create_runtime(logger.raw) } {
        Ok(runtime) => must!(library, IRuntime_destroy(runtime.as_ptr())),
        Err(error) => {
            assert_eq!(error.kind(), CreateErrorKind::NoDriver, "{error}");
            assert!(error.to_string().contains("libcuda.so.1"), "{error}");
            println!("{error}");
        }
    }
}

#[test]
fn the_lean_runtime_of_10() {
    lean("TENSORRT_TEST_LEAN10", 10);
}

#[test]
fn the_lean_runtime_of_11() {
    lean("TENSORRT_TEST_LEAN11", 11);
}
