//! Operations of an emulated stream, recorded instead of run.

use std::fmt;
use std::sync::{Arc, MutexGuard};

use super::core::{Queue, StreamCore};
use super::operation::{Operation, Work};
use crate::error::{Error, ErrorKind, Result};

/// Operations that are launched as a whole.
#[derive(Clone)]
pub(crate) struct HostGraph(Arc<[Arc<dyn Operation>]>);

impl HostGraph {
    pub(crate) fn nodes(&self) -> usize {
        self.0.len()
    }

    pub(super) fn operations(&self) -> &[Arc<dyn Operation>] {
        &self.0
    }
}

impl fmt::Debug for HostGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostGraph").field(&self.nodes()).finish()
    }
}

/// What a capturing stream has recorded.
#[derive(Default)]
pub(super) struct Recording {
    operations: Vec<Arc<dyn Operation>>,
    refused: Option<Error>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("operations", &self.operations.len()).field("refused", &self.refused).finish()
    }
}

impl Recording {
    /// Records a step, if it can be run again.
    pub(super) fn record(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Shared(operation) => {
                self.operations.push(operation);
                Ok(())
            }
            other => Err(self.refuse(&format!("a step of the kind {other:?}"))),
        }
    }

    /// Makes the capture fail for what was done during it.
    pub(super) fn refuse(&mut self, what: &str) -> Error {
        let error =
            Error::new(ErrorKind::NotCapturable, format!("capture an emulated stream: {what} cannot be captured"));
        self.refused.get_or_insert_with(|| error.clone());
        error
    }
}

/// A stream that is capturing; dropping it ends that.
pub(crate) struct Capture<'s>(&'s StreamCore);

impl StreamCore {
    pub(crate) fn begin_capture(&self) -> Capture<'_> {
        self.queue().recording = Some(Recording::default());
        Capture(self)
    }

    /// Whether the stream is capturing.
    pub(crate) fn is_capturing(&self) -> bool {
        self.queue().recording.is_some()
    }

    /// Fails while the stream is capturing, and makes the capture fail, as CUDA does for what cannot be captured.
    pub(super) fn refuse_in_capture(queue: &mut MutexGuard<'_, Queue>, what: &str) -> Result<()> {
        queue.recording.as_mut().map_or(Ok(()), |recording| Err(recording.refuse(what)))
    }

    /// Enqueues the operations of a graph as one step.
    pub(crate) fn launch(self: &Arc<Self>, graph: &HostGraph) -> Result<()> {
        self.push(Work::Graph(graph.clone())).map(drop)
    }
}

impl Capture<'_> {
    /// Ends the capture.
    pub(crate) fn end(self) -> Result<HostGraph> {
        let recording = self.0.queue().recording.take().unwrap_or_default();
        match recording.refused {
            Some(error) => Err(error),
            None => Ok(HostGraph(recording.operations.into())),
        }
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        self.0.queue().recording = None;
    }
}
