//! The queue of an emulated stream and the thread that works it off.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::event::HostEvent;
use super::faults::FaultState;
use super::graph::Recording;
use super::operation::Work;
use crate::callback;
use crate::completion::Notify;
use crate::error::{Error, ErrorKind, Result};

/// How long a worker that has run out of work, or a thread that waits for one, looks again before it sleeps. Waking a sleeping thread
/// costs several times what a step costs, and on a serving path the next step is usually a few microseconds away.
const SPIN: Duration = Duration::from_micros(20);

/// An emulated stream without its device. Steps are numbered from 1 and are done in order; an event is a step's number.
#[derive(Debug)]
pub(crate) struct StreamCore {
    id: u64,
    faults: Arc<FaultState>,
    queue: Mutex<Queue>,
    work: Condvar,
    /// The number of the last step that was enqueued. Written under the queue's lock.
    enqueued: AtomicU64,
    /// The number of the last step that is done. Written by the worker.
    completed: AtomicU64,
    /// The first step that failed, with its error.
    poison: OnceLock<(u64, Error)>,
    /// How many threads and futures wait for `completed` to rise.
    waiting: AtomicUsize,
    waiters: Mutex<Vec<(u64, Arc<Notify>)>>,
    progress: Condvar,
}

#[derive(Debug)]
pub(super) struct Queue {
    steps: VecDeque<Work>,
    worker: Worker,
    closing: bool,
    /// What is recorded instead of enqueued, while the stream is capturing.
    pub(super) recording: Option<Recording>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    NotStarted,
    Awake,
    Asleep,
}

impl StreamCore {
    pub(crate) fn new(id: u64, faults: &Arc<FaultState>) -> Arc<Self> {
        Arc::new(StreamCore {
            id,
            faults: Arc::clone(faults),
            queue: Mutex::new(Queue {
                steps: VecDeque::new(),
                worker: Worker::NotStarted,
                closing: false,
                recording: None,
            }),
            work: Condvar::new(),
            enqueued: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            poison: OnceLock::new(),
            waiting: AtomicUsize::new(0),
            waiters: Mutex::default(),
            progress: Condvar::new(),
        })
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Enqueues a step and returns its number. The first one starts the worker.
    pub(crate) fn push(self: &Arc<Self>, work: Work) -> Result<u64> {
        self.check()?;
        if work.is_operation() {
            self.faults.enqueue()?;
        }
        let mut queue = lock(&self.queue);
        if let Some(recording) = &mut queue.recording {
            return recording.record(work).map(|()| self.last_step());
        }
        if queue.worker == Worker::NotStarted {
            let core = Arc::clone(self);
            std::thread::Builder::new().name(format!("cuda-stream-{}", self.id)).spawn(move || core.work()).map_err(
                |error| Error::new(ErrorKind::OutOfResources, format!("start a stream's worker thread: {error}")),
            )?;
            queue.worker = Worker::Awake;
        }
        queue.steps.push_back(work);
        let step = self.enqueued.load(Ordering::Relaxed) + 1;
        self.enqueued.store(step, Ordering::Release);
        if queue.worker == Worker::Asleep {
            queue.worker = Worker::Awake;
            drop(queue);
            self.work.notify_one();
        }
        Ok(step)
    }

    /// Enqueues a callback, during which calls into this crate are refused as CUDA refuses them.
    pub(crate) fn launch_host(self: &Arc<Self>, function: Box<dyn FnOnce() + Send>) -> Result<()> {
        self.push(Work::Callback(function)).map(drop)
    }

    /// Makes later steps wait for the event's record as it is now.
    pub(crate) fn wait_event(self: &Arc<Self>, event: &HostEvent) -> Result<()> {
        match event.mark() {
            Some(mark) if mark.core.id != self.id && !matches!(mark.core.status(mark.step), Ok(true)) => {
                self.push(Work::Wait { core: mark.core, step: mark.step }).map(drop)
            }
            _ => self.check(),
        }
    }

    /// The number of the last step enqueued.
    pub(crate) fn last_step(&self) -> u64 {
        self.enqueued.load(Ordering::Acquire)
    }

    pub(crate) fn is_idle(&self) -> Result<bool> {
        self.status(self.last_step())
    }

    pub(crate) fn synchronize(&self) -> Result<()> {
        StreamCore::refuse_in_capture(&mut self.queue(), "waiting for it")?;
        self.wait_for(self.last_step())
    }

    /// Whether a step is done, or the error with which it or an earlier one failed.
    pub(crate) fn status(&self, step: u64) -> Result<bool> {
        if self.completed.load(Ordering::SeqCst) < step {
            return Ok(false);
        }
        match self.poison.get() {
            Some((failed, error)) if *failed <= step => Err(error.clone()),
            _ => self.faults.check().map(|()| true),
        }
    }

    /// Fails if a step has failed, or the device is lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.poison.get().map_or_else(|| self.faults.check(), |(_, error)| Err(error.clone()))
    }

    /// Blocks until a step is done.
    pub(crate) fn wait_for(&self, step: u64) -> Result<()> {
        if !spin_until(|| self.completed.load(Ordering::Acquire) >= step) {
            // The order matters: the worker raises `completed` and then reads `waiting`, so one of the two sees the other.
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let mut waiters = lock(&self.waiters);
            while self.completed.load(Ordering::SeqCst) < step {
                waiters = self.progress.wait(waiters).unwrap_or_else(PoisonError::into_inner);
            }
            drop(waiters);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.status(step).map(drop)
    }

    /// Has `notify` fired once a step is done; at once if it is.
    pub(crate) fn notify_when(&self, step: u64, notify: &Arc<Notify>) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut waiters = lock(&self.waiters);
        if self.completed.load(Ordering::SeqCst) < step {
            waiters.push((step, Arc::clone(notify)));
        } else {
            drop(waiters);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            notify.fire(self.status(step).map(drop));
        }
    }

    /// Lets the worker end once the queue is empty.
    pub(crate) fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closing = true;
        drop(queue);
        self.work.notify_one();
    }

    fn work(&self) {
        let _inside = callback::Inside::enter();
        let mut step = 0;
        while let Some(work) = self.next(step) {
            step += 1;
            // A poisoned stream drops its steps unrun; a closure's captures may panic there as well.
            let outcome = catch_unwind(AssertUnwindSafe(|| match self.check() {
                Ok(()) => work.run(&self.faults),
                Err(error) => Err(error),
            }));
            if let Err(error) = outcome.unwrap_or_else(|panic| Err(Error::operation(describe(panic)))) {
                // Fails only if the stream is poisoned already, and the first error is the one that counts.
                let _ = self.poison.set((step, error));
            }
            self.finish(step);
        }
    }

    /// Takes the next step off the queue, sleeping while there is none; `None` once the stream is closed.
    fn next(&self, done: u64) -> Option<Work> {
        spin_until(|| self.enqueued.load(Ordering::Acquire) > done);
        let mut queue = lock(&self.queue);
        loop {
            if let Some(work) = queue.steps.pop_front() {
                return Some(work);
            }
            if queue.closing {
                return None;
            }
            queue.worker = Worker::Asleep;
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.worker = Worker::Awake;
        }
    }

    fn finish(&self, step: u64) {
        self.completed.store(step, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut waiters = lock(&self.waiters);
        let due: Vec<_> = waiters.extract_if(.., |(at, _)| *at <= step).collect();
        self.progress.notify_all();
        drop(waiters);
        self.waiting.fetch_sub(due.len(), Ordering::SeqCst);
        for (at, notify) in due {
            notify.fire(self.status(at).map(drop));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks for a short while whether `ready` becomes true. It yields meanwhile, since whoever is to make it true may be waiting for this
/// very core.
fn spin_until(ready: impl Fn() -> bool) -> bool {
    if ready() {
        return true;
    }
    let start = Instant::now();
    while start.elapsed() < SPIN {
        std::thread::yield_now();
        if ready() {
            return true;
        }
    }
    false
}

fn describe(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    // Dropping the payload may panic in turn; it is small, and leaks in that case only.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
    format!("run work on an emulated stream: panicked: {text}")
}
