//! The profiler of a context.

use super::ExecutionContext;
use crate::callbacks::{Profiler, ProfilerObject};
use crate::error::Result;
use crate::raw::call;

impl ExecutionContext {
    /// Has each layer's time told to a profiler from the next inference on, or to nobody.
    ///
    /// With a profiler, enqueueing waits for the inference. Layers are named as the engine's profiling verbosity allows.
    ///
    /// ```
    /// # use tensorrt::{Engine, EngineBuilder, OptimizationProfile, DeviceBuffer, Stream};
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let profile = OptimizationProfile::new().input("image", [1, 1, 8, 8], [1, 1, 8, 8], [1, 1, 8, 8])?;
    /// # let plan = EngineBuilder::from_onnx(&library, "../examples/data/digits.onnx")?.profile(profile).build()?;
    /// # let engine = Engine::from_plan(&library, &plan)?;
    /// # let stream = Stream::new(engine.device())?;
    /// # let (image, answer) = (DeviceBuffer::<f32>::alloc(engine.device(), 64)?, DeviceBuffer::<f32>::alloc(engine.device(), 10)?);
    /// let mut context = engine.create_execution_context()?;
    /// # context.set_input_shape("image", [1, 1, 8, 8])?;
    /// # context.set_tensor("image", &image)?;
    /// # context.set_tensor("probabilities", &answer)?;
    /// let (tell, told) = std::sync::mpsc::channel();
    /// context.set_profiler(move |name: &str, milliseconds: f32| {
    ///     let _ = tell.send((name.to_owned(), milliseconds));
    /// })?;
    /// context.enqueue(&stream)?.wait()?;
    /// assert!(told.try_iter().count() > 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `OutOfMemory` if TensorRT makes no profiler object, `Cuda` if an inference in flight failed.
    #[doc(alias = "nvinfer1::IExecutionContext::setProfiler")]
    pub fn set_profiler(&mut self, profiler: impl Profiler + 'static) -> Result<()> {
        let object = ProfilerObject::new(self.engine.library(), Box::new(profiler))?;
        self.replace_profiler(Some(object))
    }

    /// Has layers' times told to nobody any more.
    ///
    /// # Errors
    ///
    /// `Cuda` if an inference in flight failed.
    #[doc(alias = "nvinfer1::IExecutionContext::setProfiler")]
    pub fn clear_profiler(&mut self) -> Result<()> {
        self.replace_profiler(None)
    }

    fn replace_profiler(&mut self, object: Option<ProfilerObject>) -> Result<()> {
        self.synchronize()?;
        let pointer = object.as_ref().map_or(std::ptr::null_mut(), ProfilerObject::as_ptr);
        // SAFETY: the context is alive and no inference is in flight; the object outlives its being set, for the field that holds it is
        // replaced only here, after TensorRT was told, and dropped after the context.
        unsafe { call!(self.raw, IExecutionContext_setProfiler(pointer)) }?;
        *self.profiler = object;
        self.forget_graph();
        Ok(())
    }
}
