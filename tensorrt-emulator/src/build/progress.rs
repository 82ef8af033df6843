//! What a build reports while it goes on.

use tensorrt_sys::ErrorCode;

use crate::{Error, Result};

/// Hears of a build's phases (`nvinfer1::IProgressMonitor`), all on the thread that builds.
pub trait Progress {
    /// A phase of `steps` steps starts, within `parent` if any.
    fn phase_start(&mut self, phase: &str, parent: Option<&str>, steps: usize);
    /// Step `step` of a phase is done; false cancels the build.
    fn step_complete(&mut self, phase: &str, step: usize) -> bool;
    /// A phase ends, done or not.
    fn phase_finish(&mut self, phase: &str);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn phase_start(&mut self, _phase: &str, _parent: Option<&str>, _steps: usize) {}
    fn step_complete(&mut self, _phase: &str, _step: usize) -> bool {
        true
    }
    fn phase_finish(&mut self, _phase: &str) {}
}

/// A phase under way; it is finished when dropped.
pub(super) struct Phase<'p> {
    progress: &'p mut dyn Progress,
    name: &'static str,
    done: usize,
}

impl<'p> Phase<'p> {
    pub(super) fn start(
        progress: &'p mut dyn Progress,
        name: &'static str,
        parent: Option<&str>,
        steps: usize,
    ) -> Self {
        progress.phase_start(name, parent, steps);
        Self { progress, name, done: 0 }
    }

    /// Reports the next step.
    ///
    /// # Errors
    /// The build was cancelled.
    pub(super) fn step(&mut self) -> Result<()> {
        let step = self.done;
        self.done += 1;
        if self.progress.step_complete(self.name, step) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::InvalidState, "the build was cancelled by its progress monitor"))
    }

    /// Does `work` as a phase within this one.
    ///
    /// # Errors
    /// Those of `work`.
    pub(super) fn within<R>(
        &mut self,
        name: &'static str,
        steps: usize,
        work: impl FnOnce(&mut Phase<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut phase = Phase::start(self.progress, name, Some(self.name), steps);
        work(&mut phase)
    }

    /// Ends the phase.
    pub(super) fn finish(self) {}
}

impl Drop for Phase<'_> {
    fn drop(&mut self) {
        self.progress.phase_finish(self.name);
    }
}
