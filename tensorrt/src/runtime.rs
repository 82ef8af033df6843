//! The runtime: turns plans into engines.

use std::io::{Read, Seek};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use cuda_utils::Device;
use tensorrt_sys::{IRuntime, Library};

use crate::EngineValidity;
use crate::callbacks::StreamReader;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::library::State;
use crate::operation::Operation;
use crate::plan::Plan;
use crate::raw::{Raw, call};
use crate::value::{Value, bits, c_string, flags, text, unknown};
use crate::{DLAWorkspaceAllocationStrategy, TempfileControlFlag};

/// Turns plans into engines on one device. Cloning shares it; it may be used from several threads at once.
#[derive(Debug, Clone)]
#[doc(alias = "nvinfer1::IRuntime")]
pub struct Runtime {
    inner: Arc<RuntimeInner>,
}

#[derive(Debug)]
pub(crate) struct RuntimeInner {
    raw: Raw<IRuntime>,
    device: Result<Device, cuda_utils::Error>,
    /// The runtime that loaded this one.
    #[expect(dead_code, reason = "it is kept, for it must outlive what it loaded")]
    parent: Option<Runtime>,
}

// SAFETY: NVIDIA's developer guide ("Thread Safety") names as thread-safe "nonmodifying operations on a runtime or engine" and
// "deserializing an engine from a TensorRT runtime". Methods of `Runtime` that modify it need the only handle (`Runtime::exclusive`).
unsafe impl Sync for RuntimeInner {}

impl Runtime {
    /// Makes a runtime on the first GPU, or of the emulator on the emulated device.
    ///
    /// A machine without a GPU gets a runtime, if the library makes one, that refuses to deserialize.
    ///
    /// # Errors
    ///
    /// `NoDriver` if the library makes no runtime without a driver.
    #[doc(alias = "createInferRuntime")]
    pub fn new(library: &Library) -> Result<Self> {
        let device = if library.is_emulated() { Ok(Device::host()) } else { Device::cuda(0) };
        Self::over(library, device)
    }

    /// Makes a runtime on a device.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if an emulated device is given to TensorRT or a GPU to the emulator, `NoDriver` if the library makes no runtime
    /// without a driver.
    #[doc(alias = "createInferRuntime")]
    pub fn with_device(library: &Library, device: &Device) -> Result<Self> {
        if library.is_emulated() != device.is_host() {
            let said = format!("{} cannot run on {}", library.info(), device.name());
            return Err(Error::invalid("create a runtime", said));
        }
        Self::over(library, Ok(device.clone()))
    }

    fn over(library: &Library, device: Result<Device, cuda_utils::Error>) -> Result<Self> {
        let state = State::of(library)?;
        if let Ok(device) = &device {
            device.make_current()?;
        }
        let operation = Operation::begin();
        // SAFETY: the logger is this library's, and lives as long as the process.
        let made = unsafe { library.create_runtime(state.logger()) };
        let pointer = made.map_err(|error| Error::from(error).with_lines(operation.lines()))?;
        // SAFETY: the runtime was just made by this library and is given to nobody else; nothing but the library must outlive it.
        let raw = unsafe { Raw::new(library, pointer) };
        if let Some(recorder) = state.recorder() {
            // SAFETY: the runtime is alive, and the recorder is this library's and lives as long as the process.
            unsafe { call!(raw, IRuntime_setErrorRecorder(recorder)) }?;
        }
        Ok(Runtime { inner: Arc::new(RuntimeInner { raw, device, parent: None }) })
    }

    /// The library it came from.
    #[must_use]
    pub fn library(&self) -> &Library {
        self.inner.raw.library()
    }

    /// The device that engines are put on.
    ///
    /// # Errors
    ///
    /// `NoDriver` if the machine has none.
    pub fn device(&self) -> Result<&Device> {
        self.inner.device.as_ref().map_err(|error| Error::cuda("use the GPU", error.clone()))
    }

    /// Turns a plan into an engine.
    ///
    /// # Errors
    ///
    /// `Deserialize` if the plan is empty, truncated, of another library, version or GPU, with TensorRT's reasons; `NoDriver` on a machine
    /// without a GPU; `OutOfMemory` if the device has no room for the weights.
    #[doc(alias = "nvinfer1::IRuntime::deserializeCudaEngine")]
    pub fn deserialize(&self, plan: &Plan) -> Result<Engine> {
        let tried = "deserialize the plan";
        plan.check(self.library())?;
        let device = self.inner.device.as_ref().map_err(|error| Error::cuda(tried, error.clone()))?;
        device.make_current()?;
        let bytes = plan.as_bytes();
        let operation = Operation::begin();
        // SAFETY: the runtime is alive as long as `self`; the bytes live during the call, after which TensorRT does not refer to them.
        let made =
            unsafe { call!(self.inner.raw, IRuntime_deserializeCudaEngine(bytes.as_ptr().cast(), bytes.len())) }?;
        let pointer = operation.object(self.library(), ErrorKind::Deserialize, tried, made)?;
        // SAFETY: the engine was just made by this library for the caller, who owns it; `Engine` keeps the runtime, which must outlive it.
        Engine::new(self, device, unsafe { Raw::new(self.library(), pointer) })
    }

    /// Turns a plan that is read while it is deserialized into an engine, so that plan and engine need not fit into memory together.
    ///
    /// # Errors
    ///
    /// `Io` with the first error of the reader, else as for [`Runtime::deserialize`].
    #[doc(alias = "nvinfer1::IRuntime::deserializeCudaEngine")]
    #[doc(alias = "nvinfer1::IStreamReaderV2")]
    pub fn deserialize_reader<R: Read + Seek + Send>(&self, reader: &mut R) -> Result<Engine> {
        let tried = "deserialize the plan of a reader";
        let device = self.inner.device.as_ref().map_err(|error| Error::cuda(tried, error.clone()))?;
        device.make_current()?;
        let object = StreamReader::new(self.library(), device, reader)?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive as long as `self`; the reader lives during the call, after which TensorRT does not refer to it.
        let made = unsafe { call!(self.inner.raw, IRuntime_deserializeCudaEngineV2(object.as_ptr())) }?;
        if let Some(error) = object.take_error() {
            if let Some(engine) = NonNull::new(made) {
                // SAFETY: the engine was just made by this library for the caller; it is destroyed at once.
                drop(unsafe { Raw::new(self.library(), engine) });
            }
            return Err(Error::io(tried, error).with_lines(operation.lines()));
        }
        let pointer = operation.object(self.library(), ErrorKind::Deserialize, tried, made)?;
        // SAFETY: as in `deserialize`.
        Engine::new(self, device, unsafe { Raw::new(self.library(), pointer) })
    }

    /// Turns a plan file into an engine. The emulator maps the file and leaves the weights in it; NVIDIA's libraries are given its bytes.
    ///
    /// # Errors
    ///
    /// `Io` if the file cannot be read, else as for [`Runtime::deserialize`].
    pub fn deserialize_file(&self, path: impl AsRef<Path>) -> Result<Engine> {
        let path = path.as_ref();
        let maps = self.library().api().IRuntime_deserializeCudaEngineFromFile.is_some();
        let Some(text) = path.to_str().filter(|_| maps) else { return self.deserialize(&Plan::load(path)?) };
        let tried = format!("deserialize the plan {}", path.display());
        std::fs::metadata(path).map_err(|error| Error::io(&tried, error))?;
        let device = self.inner.device.as_ref().map_err(|error| Error::cuda(&tried, error.clone()))?;
        device.make_current()?;
        let name = c_string("use the file", text)?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive as long as `self`; the path lives during the call.
        let made = unsafe { call!(self.inner.raw, IRuntime_deserializeCudaEngineFromFile(name.as_ptr())) }?;
        let pointer = operation.object(self.library(), ErrorKind::Deserialize, tried, made)?;
        // SAFETY: the engine was just made by this library for the caller, who owns it; `Engine` keeps the runtime, which must outlive it.
        Engine::new(self, device, unsafe { Raw::new(self.library(), pointer) })
    }

    /// Whether this machine can run a plan, without deserializing it. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on TensorRT.
    #[doc(alias = "nvinfer1::IRuntime::getEngineValidity")]
    pub fn engine_validity(&self, plan: &Plan) -> Result<EngineValidity> {
        plan.check(self.library())?;
        let bytes = plan.as_bytes();
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let mut diagnostics = 0_u64;
        // SAFETY: the runtime is alive as long as `self`; bytes and diagnostics live during the call.
        let raw = unsafe {
            call!(self.inner.raw, IRuntime_getEngineValidity(bytes.as_ptr().cast(), length, &raw mut diagnostics))
        }?;
        EngineValidity::from_raw(self.library().family(), raw)
            .ok_or_else(|| unknown("IRuntime::getEngineValidity", raw))
    }

    /// The most threads that deserializing uses.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IRuntime::getMaxThreads")]
    pub fn max_threads(&self) -> Result<u32> {
        // SAFETY: the runtime is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, IRuntime_getMaxThreads()) }?;
        <u32 as Value>::read(self.library(), raw, "IRuntime::getMaxThreads")
    }

    /// Sets the most threads that deserializing uses.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntime::setMaxThreads")]
    pub fn set_max_threads(&mut self, threads: u32) -> Result<()> {
        let raw = threads.cross(self.library())?;
        let inner = self.exclusive("set the threads of the runtime")?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        let taken = unsafe { call!(inner.raw, IRuntime_setMaxThreads(raw)) }?;
        operation.truth(inner.raw.library(), ErrorKind::Setting, format_args!("use {threads} threads"), taken)
    }

    /// Sets the DLA core on which engines run.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntime::setDLACore")]
    pub fn set_dla_core(&mut self, core: u32) -> Result<()> {
        let raw = core.cross(self.library())?;
        let inner = self.exclusive("set the DLA core of the runtime")?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        unsafe { call!(inner.raw, IRuntime_setDLACore(raw)) }?;
        operation.silent(inner.raw.library(), ErrorKind::Setting, format_args!("use DLA core {core}"))
    }

    /// Sets whether plans may bring code that runs on the host, as version-compatible ones do. Only for plans that are trusted.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines.
    #[doc(alias = "nvinfer1::IRuntime::setEngineHostCodeAllowed")]
    pub fn set_engine_host_code_allowed(&mut self, allowed: bool) -> Result<()> {
        let inner = self.exclusive("allow host code")?;
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        unsafe { call!(inner.raw, IRuntime_setEngineHostCodeAllowed(allowed)) }
    }

    /// Sets the folder for temporary files.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntime::setTemporaryDirectory")]
    pub fn set_temporary_directory(&mut self, folder: &str) -> Result<()> {
        let string = c_string("use the folder", folder)?;
        let inner = self.exclusive("set the folder for temporary files")?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive, and nobody else has a handle to it; the string lives during the call and is copied.
        unsafe { call!(inner.raw, IRuntime_setTemporaryDirectory(string.as_ptr())) }?;
        operation.silent(inner.raw.library(), ErrorKind::Setting, format_args!("use the folder {folder:?}"))
    }

    /// The folder for temporary files.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IRuntime::getTemporaryDirectory")]
    pub fn temporary_directory(&self) -> Result<String> {
        // SAFETY: the runtime is alive as long as `self`.
        let folder = unsafe { call!(self.inner.raw, IRuntime_getTemporaryDirectory()) }?;
        // SAFETY: TensorRT returns null or a C string that lives until it is changed, which needs the only handle.
        Ok(unsafe { text(folder) })
    }

    /// The DLA core on which engines run; -1 if none was set.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IRuntime::getDLACore")]
    pub fn dla_core(&self) -> Result<i32> {
        // SAFETY: the runtime is alive as long as `self`.
        unsafe { call!(self.inner.raw, IRuntime_getDLACore()) }
    }

    /// The number of DLA cores of the machine.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IRuntime::getNbDLACores")]
    pub fn num_dla_cores(&self) -> Result<u32> {
        // SAFETY: the runtime is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, IRuntime_getNbDLACores()) }?;
        <u32 as Value>::read(self.library(), raw, "IRuntime::getNbDLACores")
    }

    /// Whether plans may bring code that runs on the host.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IRuntime::getEngineHostCodeAllowed")]
    pub fn engine_host_code_allowed(&self) -> Result<bool> {
        // SAFETY: the runtime is alive as long as `self`.
        unsafe { call!(self.inner.raw, IRuntime_getEngineHostCodeAllowed()) }
    }

    /// Sets which temporary files may be made while version-compatible plans are loaded.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines.
    #[doc(alias = "nvinfer1::IRuntime::setTempfileControlFlags")]
    pub fn set_tempfile_control_flags(&mut self, flags: &[TempfileControlFlag]) -> Result<()> {
        let raw = bits(self.library(), flags)?;
        let inner = self.exclusive("set the flags of temporary files")?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        unsafe { call!(inner.raw, IRuntime_setTempfileControlFlags(raw)) }?;
        operation.silent(inner.raw.library(), ErrorKind::Setting, "set the flags of temporary files")
    }

    /// Which temporary files may be made while version-compatible plans are loaded.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such setting.
    #[doc(alias = "nvinfer1::IRuntime::getTempfileControlFlags")]
    pub fn tempfile_control_flags(&self) -> Result<Vec<TempfileControlFlag>> {
        // SAFETY: the runtime is alive as long as `self`.
        let bits = unsafe { call!(self.inner.raw, IRuntime_getTempfileControlFlags()) }?;
        Ok(flags(self.library(), bits))
    }

    /// The bytes at the start of a plan that [`Runtime::engine_validity`] looks at. TensorRT for RTX only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other libraries.
    #[doc(alias = "nvinfer1::IRuntime::getEngineHeaderSize")]
    pub fn engine_header_size(&self) -> Result<i64> {
        // SAFETY: the runtime is alive as long as `self`.
        unsafe { call!(self.inner.raw, IRuntime_getEngineHeaderSize()) }
    }

    /// Sets how engines allocate the memory of a DLA. TensorRT 11.4 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines, `Unsupported` on earlier releases, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRuntime::setDLAWorkspaceAllocationStrategy")]
    pub fn set_dla_workspace_allocation_strategy(&mut self, strategy: DLAWorkspaceAllocationStrategy) -> Result<()> {
        let raw = strategy.cross(self.library())?;
        let tried = "set how the memory of a DLA is allocated";
        let inner = self.exclusive(tried)?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        let taken = unsafe { call!(inner.raw, IRuntime_setDLAWorkspaceAllocationStrategy(raw)) }?;
        operation.truth(inner.raw.library(), ErrorKind::Setting, tried, taken)
    }

    /// How engines allocate the memory of a DLA. TensorRT 11.4 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on earlier releases.
    #[doc(alias = "nvinfer1::IRuntime::getDLAWorkspaceAllocationStrategy")]
    pub fn dla_workspace_allocation_strategy(&self) -> Result<DLAWorkspaceAllocationStrategy> {
        // SAFETY: the runtime is alive as long as `self`.
        let raw = unsafe { call!(self.inner.raw, IRuntime_getDLAWorkspaceAllocationStrategy()) }?;
        <DLAWorkspaceAllocationStrategy as Value>::read(
            self.library(),
            raw,
            "IRuntime::getDLAWorkspaceAllocationStrategy",
        )
    }

    /// Sets whether engines are made without their weights, which are loaded later. TensorRT for RTX 1.7.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the runtime was cloned or has engines, `Unsupported` on other libraries.
    #[doc(alias = "nvinfer1::IRuntime::setDeferredWeightsLoading")]
    pub fn set_deferred_weights_loading(&mut self, deferred: bool) -> Result<()> {
        let inner = self.exclusive("load weights later")?;
        // SAFETY: the runtime is alive, and nobody else has a handle to it.
        unsafe { call!(inner.raw, IRuntime_setDeferredWeightsLoading(deferred)) }
    }

    /// Whether engines are made without their weights. TensorRT for RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other libraries.
    #[doc(alias = "nvinfer1::IRuntime::getDeferredWeightsLoading")]
    pub fn deferred_weights_loading(&self) -> Result<bool> {
        // SAFETY: the runtime is alive as long as `self`.
        unsafe { call!(self.inner.raw, IRuntime_getDeferredWeightsLoading()) }
    }

    /// Loads the lean runtime that a version-compatible plan needs from a file, as a runtime of its own.
    ///
    /// # Errors
    ///
    /// `Load` if TensorRT cannot load it.
    #[doc(alias = "nvinfer1::IRuntime::loadRuntime")]
    pub fn load_runtime(&self, path: &str) -> Result<Runtime> {
        let string = c_string("use the file", path)?;
        let operation = Operation::begin();
        // SAFETY: the runtime is alive as long as `self`, and the path lives during the call.
        let made = unsafe { call!(self.inner.raw, IRuntime_loadRuntime(string.as_ptr())) }?;
        let tried = format!("load the runtime {path}");
        let pointer = operation.object(self.library(), ErrorKind::Load, tried, made)?;
        // SAFETY: the runtime was just made by this library for the caller, who owns it; it keeps what loaded it.
        let raw = unsafe { Raw::new(self.library(), pointer) };
        let parent = Some(self.clone());
        Ok(Runtime { inner: Arc::new(RuntimeInner { raw, device: self.inner.device.clone(), parent }) })
    }

    /// The runtime, if this is the only handle to it, so that changing it is seen by no other thread.
    fn exclusive(&mut self, tried: &str) -> Result<&mut RuntimeInner> {
        let said = "the runtime is shared: set it before cloning it or deserializing";
        Arc::get_mut(&mut self.inner).ok_or_else(|| Error::invalid(tried, said))
    }
}
