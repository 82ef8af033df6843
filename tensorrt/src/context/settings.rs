//! What can be set on a context beside shapes and buffers.

use std::ffi::c_void;

use cuda_utils::{Event, Stream};
use tensorrt_sys::ProfilingVerbosity;

use super::ExecutionContext;
use crate::dims::Dims;
use crate::engine::TensorSelector;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, properties, text};

impl ExecutionContext {
    properties! {
        /// Whether TensorRT waits for the device after each layer, and logs its errors there.
        #[doc(alias = "nvinfer1::IExecutionContext::getDebugSync")]
        get debug_sync => IExecutionContext_getDebugSync: bool;
        /// Has TensorRT wait for the device after each layer. Such inferences cannot be captured into graphs.
        #[doc(alias = "nvinfer1::IExecutionContext::setDebugSync")]
        set set_debug_sync => IExecutionContext_setDebugSync: bool;
        /// Whether enqueueing tells the profiler the layers' times, which makes it wait for the inference.
        #[doc(alias = "nvinfer1::IExecutionContext::getEnqueueEmitsProfile")]
        get enqueue_emits_profile => IExecutionContext_getEnqueueEmitsProfile: bool;
        /// Sets whether enqueueing tells the profiler the layers' times. If not, [`ExecutionContext::report_to_profiler`] does.
        #[doc(alias = "nvinfer1::IExecutionContext::setEnqueueEmitsProfile")]
        set set_enqueue_emits_profile => IExecutionContext_setEnqueueEmitsProfile: bool;
        /// The bytes of the device's L2 cache that activations may be kept in.
        #[doc(alias = "nvinfer1::IExecutionContext::getPersistentCacheLimit")]
        get persistent_cache_limit => IExecutionContext_getPersistentCacheLimit: usize;
        /// Sets the bytes of the device's L2 cache that activations may be kept in.
        #[doc(alias = "nvinfer1::IExecutionContext::setPersistentCacheLimit")]
        set set_persistent_cache_limit => IExecutionContext_setPersistentCacheLimit: usize;
        /// How much NVIDIA's tracing (NVTX) is told of an inference.
        #[doc(alias = "nvinfer1::IExecutionContext::getNvtxVerbosity")]
        get nvtx_verbosity => IExecutionContext_getNvtxVerbosity: ProfilingVerbosity;
        /// Sets how much NVIDIA's tracing (NVTX) is told of an inference, up to the engine's profiling verbosity.
        #[doc(alias = "nvinfer1::IExecutionContext::setNvtxVerbosity")]
        set set_nvtx_verbosity => IExecutionContext_setNvtxVerbosity: ProfilingVerbosity;
        /// Whether the extents of all inputs are set.
        #[doc(alias = "nvinfer1::IExecutionContext::allInputDimensionsSpecified")]
        get all_input_dimensions_specified => IExecutionContext_allInputDimensionsSpecified: bool;
    }

    /// The name that was set.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IExecutionContext::getName")]
    pub fn name(&self) -> Result<String> {
        // SAFETY: the context is alive as long as `self`.
        let name = unsafe { call!(self.raw, IExecutionContext_getName()) }?;
        // SAFETY: TensorRT returns a C string that lives until the name is set again, which takes `&mut self`.
        Ok(unsafe { text(name) })
    }

    /// How many elements apart the neighbours along each axis of a tensor are in memory.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such tensor, `MissingInput` if an input has no shape yet.
    #[doc(alias = "nvinfer1::IExecutionContext::getTensorStrides")]
    pub fn tensor_strides(&mut self, tensor: impl TensorSelector) -> Result<Dims> {
        let index = self.engine.tensor_id(tensor)?.index();
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        let info = &self.engine.io_tensors()[index];
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; the name lives during the call.
        let raw = unsafe { call!(self.raw, IExecutionContext_getTensorStrides(info.c_name().as_ptr())) }?;
        Dims::from_raw(&raw).ok_or_else(|| {
            let tried = format_args!("get the strides of {:?}", info.name());
            operation.fail(self.engine.library(), ErrorKind::ShapeMismatch, tried)
        })
    }

    /// The most bytes that an output can take with the inputs' shapes as they are; `None` if TensorRT knows no bound.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output, `MissingInput` if an input has no shape yet.
    #[doc(alias = "nvinfer1::IExecutionContext::getMaxOutputSize")]
    pub fn max_output_size(&mut self, tensor: impl TensorSelector) -> Result<Option<usize>> {
        let index = self.engine.tensor_id(tensor)?.index();
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        let info = &self.engine.io_tensors()[index];
        if info.is_input() {
            let tried = format!("get the largest size of {:?}", info.name());
            return Err(Error::new(ErrorKind::UnknownName, tried, "it is an input"));
        }
        // SAFETY: the context is alive as long as `self`; the name lives during the call.
        let bytes = unsafe { call!(self.raw, IExecutionContext_getMaxOutputSize(info.c_name().as_ptr())) }?;
        Ok(usize::try_from(bytes).ok())
    }

    /// Tells the profiler the layers' times of the newest inference, where enqueueing does not.
    ///
    /// # Errors
    ///
    /// `Setting` if there is no profiler or no inference to report.
    #[doc(alias = "nvinfer1::IExecutionContext::reportToProfiler")]
    pub fn report_to_profiler(&mut self) -> Result<()> {
        self.synchronize()?;
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`, and so is its profiler.
        let told = unsafe { call!(self.raw, IExecutionContext_reportToProfiler()) }?;
        operation.truth(self.engine.library(), ErrorKind::Setting, "report to the profiler", told)
    }

    /// Has inferences record an event once they have read their inputs, which may be earlier than their end; none takes it away.
    ///
    /// The buffers of this crate are in order without it: a copy to an input waits for the whole inference. It is for what else produces
    /// inputs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the event is of another device, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IExecutionContext::setInputConsumedEvent")]
    pub fn set_input_consumed_event(&mut self, event: Option<&Event>) -> Result<()> {
        let tried = "set the event of consumed inputs";
        if event.is_some_and(|event| event.device() != self.engine.device()) {
            return Err(Error::invalid(tried, "the event is of another device than the engine"));
        }
        self.synchronize()?;
        let raw = event.map_or(std::ptr::null_mut(), Event::as_raw);
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; the event is kept until another is set or the context is gone.
        let taken = unsafe { call!(self.raw, IExecutionContext_setInputConsumedEvent(raw)) }?;
        operation.truth(self.engine.library(), ErrorKind::Setting, tried, taken)?;
        self.kept.event = event.cloned();
        self.forget_graph();
        Ok(())
    }

    /// The event that inferences record once they have read their inputs.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IExecutionContext::getInputConsumedEvent")]
    pub fn input_consumed_event(&self) -> Result<Option<&Event>> {
        // SAFETY: the context is alive as long as `self`.
        let raw = unsafe { call!(self.raw, IExecutionContext_getInputConsumedEvent()) }?;
        Ok(self.kept.event.as_ref().filter(|event| event.as_raw() == raw))
    }

    /// Gives the streams on which layers that do not depend on one another may run beside the stream of the inference. They are kept
    /// alive. Without this TensorRT makes streams of its own.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a stream is of another device, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IExecutionContext::setAuxStreams")]
    pub fn set_aux_streams(&mut self, streams: &[Stream]) -> Result<()> {
        let tried = "set the auxiliary streams";
        if streams.iter().any(|stream| stream.device() != self.engine.device()) {
            return Err(Error::invalid(tried, "a stream is of another device than the engine"));
        }
        self.synchronize()?;
        let mut raw: Vec<*mut c_void> = streams.iter().map(Stream::as_raw).collect();
        let count = i32::try_from(raw.len()).unwrap_or(i32::MAX);
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; the array lives during the call, and the streams until others are set or the
        // context is gone.
        unsafe { call!(self.raw, IExecutionContext_setAuxStreams(raw.as_mut_ptr(), count)) }?;
        operation.silent(self.engine.library(), ErrorKind::Setting, tried)?;
        self.kept.aux_streams = streams.to_vec();
        self.forget_graph();
        Ok(())
    }

    /// Whether an inference on this stream could be captured into a graph. TensorRT for RTX 1.5 and later.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IExecutionContext::isStreamCapturable")]
    pub fn is_stream_capturable(&self, stream: &Stream) -> Result<bool> {
        // SAFETY: the context is alive as long as `self`, and the stream during the call.
        unsafe { call!(self.raw, IExecutionContext_isStreamCapturable(stream.as_raw())) }
    }

    /// Gives the communicator (`ncclComm_t`) that the collectives of an engine for several devices use.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no collectives, `Setting` if TensorRT refuses.
    ///
    /// # Safety
    ///
    /// It is a communicator of NCCL that lives until another is set or the context is gone, and that nothing else uses during inferences.
    /// (Inferences in flight are waited for, and a graph captured with the one before is dropped.)
    #[doc(alias = "nvinfer1::IExecutionContext::setCommunicator")]
    pub unsafe fn set_communicator(&mut self, communicator: *mut c_void) -> Result<()> {
        self.synchronize()?;
        self.forget_graph();
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; the caller vouches for the communicator.
        let taken = unsafe { call!(self.raw, IExecutionContext_setCommunicator(communicator)) }?;
        operation.truth(self.engine.library(), ErrorKind::Setting, "set the communicator", taken)
    }
}
