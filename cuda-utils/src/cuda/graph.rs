//! A graph of a GPU.

use std::sync::Arc;

use cudarc::driver::sys::{CUgraph, CUgraphExec};

use super::context::Context;
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};

/// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`.
const THREAD_LOCAL: u32 = 1;

/// Owns a `CUgraphExec`.
#[derive(Debug)]
pub(crate) struct Graph {
    context: Arc<Context>,
    raw: CUgraphExec,
    nodes: usize,
}

// SAFETY: "The CUDA driver API is thread-safe"; a graph that is ready may be used from any thread, by one at a time.
unsafe impl Send for Graph {}
// SAFETY: a shared graph gives out its number of nodes, and is launched under the exclusive borrow of its owner.
unsafe impl Sync for Graph {}

/// A stream that is capturing; dropping it ends that.
pub(crate) struct Capture<'s> {
    stream: &'s Stream,
    ended: bool,
}

impl Stream {
    pub(crate) fn begin_capture(&self) -> Result<Capture<'_>> {
        let context = self.context();
        context.bind()?;
        // SAFETY: a context is current, and the stream lives.
        let code = unsafe { (context.driver().cuStreamBeginCapture_v2)(self.raw(), THREAD_LOCAL) };
        context.driver().check(code, "begin to capture a stream")?;
        Ok(Capture { stream: self, ended: false })
    }
}

impl Capture<'_> {
    /// Ends the capture and makes what was captured ready.
    pub(crate) fn end(mut self) -> Result<Graph> {
        let template = Template { context: self.stream.context(), raw: self.finish()? };
        let driver = template.context.driver();
        let mut nodes = 0_usize;
        // SAFETY: the graph lives; a null array asks for the number.
        let code = unsafe { (driver.cuGraphGetNodes)(template.raw, std::ptr::null_mut(), &raw mut nodes) };
        driver.check(code, "count the nodes of a graph")?;
        let mut raw: CUgraphExec = std::ptr::null_mut();
        // SAFETY: a context is current, the graph lives, and `raw` can be written to; there are no flags.
        let code = unsafe { (driver.cuGraphInstantiateWithFlags)(&raw mut raw, template.raw, 0) };
        driver.check(code, "instantiate a graph")?;
        Ok(Graph { context: Arc::clone(template.context), raw, nodes })
    }

    fn finish(&mut self) -> Result<CUgraph> {
        self.ended = true;
        let context = self.stream.context();
        context.bind()?;
        let mut graph: CUgraph = std::ptr::null_mut();
        // SAFETY: a context is current, the stream lives, and `graph` can be written to.
        let code = unsafe { (context.driver().cuStreamEndCapture)(self.stream.raw(), &raw mut graph) };
        context.driver().check(code, "capture a stream")?;
        if graph.is_null() {
            return Err(Error::new(ErrorKind::NotCapturable, "capture a stream: the driver made no graph"));
        }
        Ok(graph)
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if !self.ended
            && let Ok(raw) = self.finish()
        {
            drop(Template { context: self.stream.context(), raw });
        }
    }
}

/// A graph as it was captured.
struct Template<'c> {
    context: &'c Arc<Context>,
    raw: CUgraph,
}

impl Drop for Template<'_> {
    fn drop(&mut self) {
        // SAFETY: the graph is destroyed once, by its owner; what was made of it is independent of it.
        let code = unsafe { (self.context.driver().cuGraphDestroy)(self.raw) };
        self.context.keep(self.context.driver().check(code, "destroy a captured graph"));
    }
}

impl Graph {
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }

    /// Launches the graph.
    ///
    /// # Safety
    ///
    /// The memory that its nodes use stays allocated, and is used by nothing else, until the launch is done.
    pub(crate) unsafe fn launch(&self, stream: &Stream) -> Result<()> {
        self.context.bind()?;
        let driver = self.context.driver();
        // SAFETY: a context is current, graph and stream live, and the caller vouches for the memory.
        driver.check(unsafe { (driver.cuGraphLaunch)(self.raw, stream.raw()) }, "launch a graph")
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // Outside of callbacks, and after its last launch: `crate::graph::Graph` sees to both.
        let outcome = self.context.bind().and_then(|()| {
            // SAFETY: the graph is destroyed once, by its owner, and is not running.
            let code = unsafe { (self.context.driver().cuGraphExecDestroy)(self.raw) };
            self.context.driver().check(code, "destroy a graph")
        });
        self.context.keep(outcome);
    }
}
