//! Work recorded once and launched again and again as a whole.

use crate::callback;
use crate::cuda;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::host::HostGraph;
use crate::stream::{RawStream, Stream};

/// A CUDA graph that is ready to be launched: what a library enqueued while a stream was capturing.
///
/// A launch costs one call of the driver, however much work there is. The graph has the addresses and sizes that the work was
/// enqueued with: it must be captured anew when any of them changes.
#[derive(Debug)]
#[doc(alias = "CUgraphExec")]
#[doc(alias = "cudaGraphExec_t")]
pub struct Graph {
    device: Device,
    raw: RawGraph,
    nodes: usize,
    /// The stream of the last launch, which runs behind all others.
    last: Option<Stream>,
}

#[derive(Debug)]
enum RawGraph {
    /// `None` once it is being destroyed.
    Cuda(Option<cuda::Graph>),
    Host(HostGraph),
}

impl Stream {
    /// Records what a library enqueues on this stream, instead of running it.
    ///
    /// Meanwhile nothing else may be done with the stream: copies, events and waits are refused with
    /// [`NotPermitted`](crate::ErrorKind::NotPermitted). (To capture, the driver watches this thread's calls only; other threads
    /// go on as they like.)
    ///
    /// # Errors
    ///
    /// The error of `enqueue`, [`NotCapturable`](crate::ErrorKind::NotCapturable) if it did what cannot be captured, such as waiting for
    /// the stream, or what the driver reports. The stream is as it was before.
    #[doc(alias = "cuStreamBeginCapture")]
    #[doc(alias = "cuStreamEndCapture")]
    #[doc(alias = "cuGraphInstantiate")]
    pub fn capture<E: From<Error>>(&self, enqueue: impl FnOnce() -> Result<(), E>) -> Result<Graph, E> {
        callback::refuse("capture a graph")?;
        self.device().check()?;
        let capturing = self.inner.begin_capture()?;
        let (raw, nodes) = match &self.inner.raw {
            RawStream::Cuda(stream) => {
                let capture = stream.begin_capture()?;
                enqueue()?;
                let graph = capture.end()?;
                let nodes = graph.nodes();
                (RawGraph::Cuda(Some(graph)), nodes)
            }
            RawStream::Host(stream) => {
                let capture = stream.core().begin_capture();
                enqueue()?;
                let graph = capture.end()?;
                let nodes = graph.nodes();
                (RawGraph::Host(graph), nodes)
            }
        };
        drop(capturing);
        Ok(Graph { device: self.device().clone(), raw, nodes, last: None })
    }
}

impl Graph {
    /// Enqueues everything that was captured.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the stream is of another device, or the error with which earlier work failed.
    ///
    /// # Safety
    ///
    /// The memory that the captured work uses is still allocated, and nothing else uses it until this launch is done: see
    /// [`SharedUse`](crate::SharedUse). Whatever else the library asks of work captured from it is granted.
    #[doc(alias = "cuGraphLaunch")]
    pub unsafe fn launch(&mut self, stream: &Stream) -> Result<()> {
        callback::refuse("launch a graph")?;
        self.device.same_as(stream.device(), "launch a graph")?;
        stream.inner.not_capturing("launch a graph")?;
        match (&self.raw, &stream.inner.raw) {
            // SAFETY: the caller vouches for the memory.
            (RawGraph::Cuda(Some(graph)), RawStream::Cuda(stream)) => unsafe { graph.launch(stream) },
            (RawGraph::Host(graph), RawStream::Host(stream)) => stream.core().launch(graph),
            _ => Err(Error::invalid("launch a graph: graph and stream are of two kinds of device")),
        }?;
        if self.last.as_ref() != Some(stream) {
            self.last = Some(stream.clone());
        }
        Ok(())
    }

    /// The device that it was captured on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many nodes it has: kernels, copies and fills, or on the emulated device operations.
    #[must_use]
    #[doc(alias = "cuGraphGetNodes")]
    pub fn nodes(&self) -> usize {
        self.nodes
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let RawGraph::Cuda(graph) = &mut self.raw else { return };
        let (graph, last) = (graph.take(), self.last.take());
        callback::run_outside(move || {
            if let Some(RawStream::Cuda(stream)) = last.as_ref().map(|stream| &stream.inner.raw) {
                // The driver's stream itself, which waits whatever else the device has to report. An error means that the work is over, for
                // it failed.
                let _ = stream.synchronize();
            }
            drop(graph);
        });
    }
}
