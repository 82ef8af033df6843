//! Engines: how their contexts are made, what of them is serialized, and plans by reader and writer.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use tensorrt::{
    Builder, CudaGraphStrategy, DeviceBuffer, DynamicShapesKernelSpecializationStrategy, Engine, ErrorKind,
    ExecutionContextAllocationStrategy, Family, LayerInformationFormat, Plan, Runtime, SerializationFlag, Stream,
    TensorFormat, Version,
};

use crate::support::{digits_engine, doubled, doubled_engine, doubled_network, library};

#[test]
fn a_runtime_configuration_makes_contexts() {
    let engine = doubled_engine();
    let mut config = engine.create_runtime_config().unwrap();
    assert_eq!(config.execution_context_allocation_strategy().unwrap(), ExecutionContextAllocationStrategy::Static);
    config.set_execution_context_allocation_strategy(ExecutionContextAllocationStrategy::UserManaged).unwrap();
    let mut context = config.create_execution_context().unwrap();
    context.set_input_shape("x", [1, 3]).unwrap();
    assert!(context.needed_device_memory().is_ok());
    let error = config.create_runtime_cache().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "TensorRT 11 has no runtime cache: {error}");
}

#[test]
fn tensorrt_for_rtx_has_a_runtime_cache() {
    let library = tensorrt_emulator::library_as(Family::RtxNew, Version::new(1, 7, 1)).unwrap();
    let builder = Builder::new(&library).unwrap();
    let (network, config) = doubled_network(&builder, &[]).unwrap();
    let plan = builder.build_serialized_network(&network, &config).unwrap();
    let engine = Engine::from_plan(&library, &plan).unwrap();
    let mut config = engine.create_runtime_config().unwrap();
    assert!(config.runtime_cache().unwrap().is_none());
    config.set_dynamic_shapes_kernel_specialization_strategy(DynamicShapesKernelSpecializationStrategy::Eager).unwrap();
    config.set_cuda_graph_strategy(CudaGraphStrategy::WholeGraphCapture).unwrap();
    assert_eq!(config.cuda_graph_strategy().unwrap(), CudaGraphStrategy::WholeGraphCapture);
    let cache = config.create_runtime_cache().unwrap();
    let bytes = cache.serialize().unwrap();
    cache.deserialize(&bytes).unwrap();
    assert_eq!(cache.deserialize(b"something else").unwrap_err().kind(), ErrorKind::Setting);
    cache.reset().unwrap();
    config.set_runtime_cache(&cache).unwrap();
    assert!(config.runtime_cache().unwrap().is_some());
    let context = config.create_execution_context().unwrap();
    drop((config, cache, engine));
    assert_eq!(context.missing_inputs(), ["x"]);
}

#[test]
fn engines_are_serialized_and_described() {
    let mut engine = digits_engine();
    let plan = engine.serialize_with(&[SerializationFlag::IncludeRefit]).unwrap();
    assert_eq!(plan.as_bytes(), engine.serialize().unwrap().as_bytes());
    let layout = engine.tensor_layout("image", 0).unwrap();
    assert_eq!((layout.format, layout.vectorized_dim), (TensorFormat::Linear, None));
    assert_eq!(engine.tensor_layout("image", 1).unwrap_err().kind(), ErrorKind::UnknownName);
    assert!(!engine.is_debug_tensor("image").unwrap());
    engine.set_weight_streaming_budget(0).unwrap();
    assert_eq!(engine.weight_streaming_budget().unwrap(), 0);
    assert_eq!(engine.set_weight_streaming_budget(1).unwrap_err().kind(), ErrorKind::Setting);
    let context = engine.create_execution_context().unwrap();
    assert_eq!(engine.set_weight_streaming_budget(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(!context.inspect(LayerInformationFormat::Json).unwrap().is_empty());
}

/// Fails after some bytes.
struct Broken<S>(S, usize);

impl<S> Broken<S> {
    fn take(&mut self, wanted: usize) -> io::Result<usize> {
        let taken = wanted.min(self.1);
        self.1 -= taken;
        if taken == 0 { Err(io::Error::other("the cable was pulled")) } else { Ok(taken) }
    }
}

impl<S: Read> Read for Broken<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.take(buffer.len())?;
        self.0.read(&mut buffer[..taken])
    }
}

impl<S: Seek> Seek for Broken<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl<S: Write> Write for Broken<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.take(bytes.len())?;
        self.0.write(&bytes[..taken])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn plans_are_written_to_writers_and_read_from_readers() {
    let library = library();
    let builder = Builder::new(&library).unwrap();
    let (network, config) = doubled_network(&builder, &[]).unwrap();
    let mut bytes = Vec::new();
    builder.build_to_writer(&network, &config, &mut bytes).unwrap();
    assert_eq!(bytes, builder.build_serialized_network(&network, &config).unwrap().as_bytes());

    let runtime = Runtime::new(&library).unwrap();
    let engine = runtime.deserialize_reader(&mut Cursor::new(&bytes)).unwrap();
    let stream = Stream::new(engine.device()).unwrap();
    let mut context = engine.create_execution_context().unwrap();
    let x = DeviceBuffer::from_slice(&stream, &[1.0_f32, 2.0, 3.0]).unwrap();
    let y = DeviceBuffer::<f32>::alloc(engine.device(), 3).unwrap();
    context.set_input_shape("x", [1, 3]).unwrap();
    context.set_tensor("x", &x).unwrap();
    context.set_tensor("y", &y).unwrap();
    context.launch(&stream).unwrap();
    assert_eq!(y.to_vec(&stream).unwrap(), [2.0, 4.0, 6.0]);

    for cut in [0, 1, 100] {
        let error = runtime.deserialize_reader(&mut Broken(Cursor::new(&bytes), cut)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("the cable was pulled"), "{error}");
        let error = builder.build_to_writer(&network, &config, &mut Broken(Vec::new(), cut)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
    let short = &bytes[..bytes.len() - 1];
    assert_eq!(runtime.deserialize_reader(&mut Cursor::new(short)).unwrap_err().kind(), ErrorKind::Deserialize);
    assert!(Plan::from_bytes(bytes).as_bytes().starts_with(doubled(&[]).unwrap().as_bytes().get(..8).unwrap()));
}

#[test]
fn runtimes_keep_their_settings() {
    let mut runtime = Runtime::new(&library()).unwrap();
    assert_eq!((runtime.num_dla_cores().unwrap(), runtime.dla_core().unwrap()), (0, -1));
    runtime.set_engine_host_code_allowed(true).unwrap();
    assert!(runtime.engine_host_code_allowed().unwrap());
    runtime.set_temporary_directory("/tmp").unwrap();
    assert_eq!(runtime.temporary_directory().unwrap(), "/tmp");
    let both = runtime.tempfile_control_flags().unwrap();
    assert_eq!(both.len(), 2);
    runtime.set_tempfile_control_flags(&both[..1]).unwrap();
    assert_eq!(runtime.tempfile_control_flags().unwrap(), both[..1]);
    assert_eq!(runtime.load_runtime("libnvinfer_lean.so").unwrap_err().kind(), ErrorKind::Load);
}

#[cfg(target_os = "linux")]
#[test]
fn a_plan_file_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt;

    let engine = doubled_engine();
    let name = [b"plan-\xff-", std::process::id().to_string().as_bytes()].concat();
    let path = std::env::temp_dir().join(std::ffi::OsStr::from_bytes(&name));
    engine.serialize().unwrap().save(&path).unwrap();
    let loaded = engine.runtime().deserialize_file(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(loaded.unwrap().num_io_tensors(), engine.num_io_tensors());
}
