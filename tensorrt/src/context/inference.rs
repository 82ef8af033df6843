//! An inference that is in flight.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use cuda_utils::Completion;

use crate::error::{Error, Result};

/// An inference that is in flight: a future that completes when it is done, and something to wait on.
///
/// It owns nothing that the inference uses, so it may be dropped or forgotten at any time; the inference goes on.
#[derive(Debug)]
#[must_use = "to run an inference without waiting for it, call `launch`"]
pub struct Inference {
    completion: Completion,
}

impl Inference {
    pub(super) fn new(completion: Completion) -> Self {
        Inference { completion }
    }

    /// Blocks until the inference is done.
    ///
    /// # Errors
    ///
    /// `Cuda` with the error with which it failed.
    pub fn wait(self) -> Result<()> {
        self.completion.wait().map_err(failed)
    }

    /// Whether the inference is done.
    ///
    /// # Errors
    ///
    /// `Cuda` with the error with which it failed.
    pub fn is_complete(&self) -> Result<bool> {
        self.completion.is_complete().map_err(failed)
    }
}

impl Future for Inference {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.completion).poll(context).map_err(failed)
    }
}

fn failed(error: cuda_utils::Error) -> Error {
    Error::cuda("run an inference", error)
}
