//! The moment at which everything enqueued on a stream so far is done: a future, and something to wait on.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::Result;
use crate::event::EventInner;
use crate::stream::Stream;

/// Completes once the work that a stream held when [`Stream::completion`] was called is done.
///
/// It can be awaited on any executor, polled by [`is_complete`](Completion::is_complete), or waited for with
/// [`wait`](Completion::wait). It owns nothing that the stream works on, so dropping or forgetting it at any time is sound; the work
/// goes on. No thread blocks on behalf of a pending future: it is woken by a callback of the stream.
///
/// Making one, and waiting for it, allocates nothing once the stream's pool of events is warm; the first poll that finds the work
/// pending allocates the place for its waker.
#[derive(Debug)]
#[must_use = "a completion does nothing unless it is awaited or waited for"]
pub struct Completion {
    stream: Stream,
    event: Arc<EventInner>,
    sequence: u64,
    notify: Option<Arc<Notify>>,
}

impl Completion {
    pub(crate) fn new(stream: Stream, event: Arc<EventInner>, sequence: u64) -> Self {
        Completion { stream, event, sequence, notify: None }
    }

    /// Blocks the calling thread until the work is done.
    ///
    /// # Errors
    ///
    /// The error with which the work failed, or `NotPermitted` inside a host callback.
    pub fn wait(self) -> Result<()> {
        self.event.synchronize()
    }

    /// Whether the work is done.
    ///
    /// # Errors
    ///
    /// The error with which the work failed.
    pub fn is_complete(&self) -> Result<bool> {
        self.event.query()
    }

    /// The stream whose work this stands for.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }
}

impl Future for Completion {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(notify) = &this.notify {
            return notify.poll(cx.waker());
        }
        match this.event.query() {
            Ok(true) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
            Ok(false) => {
                let notify = Arc::new(Notify::waiting(cx.waker().clone()));
                this.notify = Some(Arc::clone(&notify));
                match this.stream.inner.notify_when(&this.event, this.sequence, &notify) {
                    Ok(()) => notify.poll(cx.waker()),
                    Err(error) => Poll::Ready(Err(error)),
                }
            }
        }
    }
}

/// The meeting point of a pending future and the callback that wakes it. Each side holds its own reference.
#[derive(Debug)]
pub(crate) struct Notify(Mutex<State>);

#[derive(Debug)]
enum State {
    Waiting(Waker),
    Done(Result<()>),
}

impl Notify {
    fn waiting(waker: Waker) -> Self {
        Notify(Mutex::new(State::Waiting(waker)))
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<()>> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Done(result) => Poll::Ready(result.clone()),
            State::Waiting(known) => {
                known.clone_from(waker);
                Poll::Pending
            }
        }
    }

    /// Stores the result and wakes the future. Called once, from a callback; a panicking waker is contained.
    pub(crate) fn fire(&self, result: Result<()>) {
        let before =
            std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), State::Done(result));
        if let State::Waiting(waker) = before {
            // The panic has been reported by the panic hook, and there is nobody on this thread to pass it on to.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
