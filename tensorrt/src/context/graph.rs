//! Inferences replayed from a CUDA graph.

use cuda_utils::{Graph, Stream};

use super::{ExecutionContext, enqueue};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;

/// What [`ExecutionContext::launch_graph`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraphLaunch {
    /// Enqueued the inference as usual, since something had changed: TensorRT asks for that before a capture.
    WarmUp,
    /// Captured the inference into a graph, and launched that.
    Captured,
    /// Launched the graph captured before.
    Replayed,
    /// Enqueued the inference as usual, since it cannot be captured; [`ExecutionContext::graph_refusal`] says why.
    Enqueued,
}

/// The graph of a context, which stands for its shapes and addresses as they are now.
#[derive(Debug, Default)]
pub(super) enum GraphState {
    /// Something changed since the last inference.
    #[default]
    Cold,
    /// An inference ran since the last change.
    Warm,
    Captured(Graph),
    Refused(String),
}

impl ExecutionContext {
    /// Enqueues an inference as [`ExecutionContext::launch`] does, from a CUDA graph as soon as there is one.
    ///
    /// The first call after a change of shape, buffer, values or profile enqueues as usual, the next one captures a graph, and those after
    /// it replay that with one call of the driver, which saves the host the launches of all the kernels. A change drops the graph, so that
    /// stale shapes or addresses are never replayed: for shapes that alternate, use a context for each. Where an inference cannot be
    /// captured (it has loops, or outputs whose size depends on the data, or a profiler is set) it is enqueued as usual.
    ///
    /// ```
    /// # use tensorrt::{Engine, EngineBuilder, GraphLaunch, OptimizationProfile, DeviceBuffer, Stream};
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
    /// assert_eq!(context.launch_graph(&stream)?, GraphLaunch::WarmUp);
    /// assert_eq!(context.launch_graph(&stream)?, GraphLaunch::Captured);
    /// assert_eq!(context.launch_graph(&stream)?, GraphLaunch::Replayed);
    /// # stream.synchronize()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`ExecutionContext::launch`]. That a capture is refused is no error.
    #[doc(alias = "cudaGraphLaunch")]
    #[doc(alias = "nvinfer1::IExecutionContext::enqueueV3")]
    pub fn launch_graph(&mut self, stream: &Stream) -> Result<GraphLaunch> {
        self.drop_stale_graph();
        match &mut self.graph {
            GraphState::Captured(graph) => {
                let guard = self.device_use.begin(stream)?;
                // SAFETY: the graph was captured from this context, which has not been changed since; it uses the context's own memory and
                // memories attached to `device_use`, which keeps and orders them until the guard's work is done.
                let launched = unsafe { graph.launch(stream) };
                guard.finish().and(launched).map_err(|error| Error::cuda("replay an inference", error))?;
                Ok(GraphLaunch::Replayed)
            }
            GraphState::Warm if self.allocates || self.profiler.is_some() => {
                let why = if self.allocates { "an output's size depends on the data" } else { "a profiler is set" };
                self.graph = GraphState::Refused(why.to_owned());
                self.launch(stream)?;
                Ok(GraphLaunch::Enqueued)
            }
            GraphState::Warm => self.capture(stream),
            GraphState::Cold => {
                self.launch(stream)?;
                self.graph = GraphState::Warm;
                Ok(GraphLaunch::WarmUp)
            }
            GraphState::Refused(_) => {
                self.launch(stream)?;
                Ok(GraphLaunch::Enqueued)
            }
        }
    }

    /// Why the inference as it is now cannot be captured; `None` as long as nobody tried, or if it can.
    #[must_use]
    pub fn graph_refusal(&self) -> Option<&str> {
        match &self.graph {
            GraphState::Refused(why) => Some(why),
            _ => None,
        }
    }

    /// Drops the graph, for something changed that it was captured with.
    pub(super) fn forget_graph(&mut self) {
        self.graph = GraphState::Cold;
    }

    /// Drops a graph that stands for shapes or addresses of before.
    pub(super) fn drop_stale_graph(&mut self) {
        if !self.shapes_known || !self.sizes_checked || !self.pending.0.is_empty() {
            self.graph = GraphState::Cold;
        }
    }

    fn capture(&mut self, stream: &Stream) -> Result<GraphLaunch> {
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        let guard = self.device_use.begin(stream)?;
        let library = self.engine.library();
        let captured = stream.capture(|| match enqueue(&self.raw, &self.pending, stream)? {
            (true, _) => Ok(()),
            (false, _) => Err(operation.fail(library, ErrorKind::Enqueue, "capture an inference")),
        });
        let launched = captured.and_then(|mut graph| {
            // SAFETY: as for a replay.
            unsafe { graph.launch(stream) }.map_err(|error| Error::cuda("launch a captured inference", error))?;
            Ok(graph)
        });
        let finished = guard.finish();
        match launched {
            Ok(graph) => {
                self.graph = GraphState::Captured(graph);
                finished.map_err(|error| Error::cuda("enqueue an inference", error))?;
                Ok(GraphLaunch::Captured)
            }
            Err(error) => {
                // Whether it is the capture that failed, or the inference itself, shows when it is enqueued as usual.
                self.graph = GraphState::Refused(error.to_string());
                self.launch(stream)?;
                Ok(GraphLaunch::Enqueued)
            }
        }
    }
}
