//! Failures on request: what an emulated device does wrong, and when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::device::Device;
use crate::error::{Error, ErrorKind, Result};

/// The failures of an emulated device, for rehearsing what a program does when a GPU misbehaves.
///
/// Each `nth` counts from now: 1 is the next one. What is armed happens once; arming it again replaces it. Nothing is armed on a new
/// device, and a device on which nothing is armed pays one atomic load for each step.
///
/// ```
/// use cuda_utils::host::Faults;
/// use cuda_utils::{Device, DeviceBuffer, ErrorKind, HostOptions};
///
/// # fn main() -> cuda_utils::Result<()> {
/// let device = Device::host_with(HostOptions::new());
/// let faults = Faults::of(&device).expect("an emulated device");
/// faults.fail_allocation(2);
/// let first = DeviceBuffer::<f32>::alloc(&device, 1024)?;
/// let error = DeviceBuffer::<f32>::alloc(&device, 1024).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::OutOfMemory);
/// let third = DeviceBuffer::<f32>::alloc(&device, 1024)?; // the fault happens once
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Faults(Arc<FaultState>);

/// What streams and memory of a device ask before they act.
#[derive(Debug, Default)]
pub(crate) struct FaultState {
    /// Whether anything below was ever set.
    armed: AtomicBool,
    allocation: Countdown,
    copy: Countdown,
    enqueue: Countdown,
    operation: Countdown,
    hang: Countdown,
    rules: Mutex<Rules>,
    /// Told when hanging work may go on.
    released: Condvar,
    lost: OnceLock<Error>,
}

#[derive(Debug, Default)]
struct Rules {
    /// How long hanging work hangs before the watchdog ends it, and the device.
    watchdog: Option<Duration>,
    /// How often hanging work was released.
    releases: u64,
    base: Duration,
    per_item: Duration,
}

/// Counts down to an event; 0 where none is awaited.
#[derive(Debug, Default)]
struct Countdown(AtomicU64);

impl Countdown {
    fn set(&self, nth: u64) {
        self.0.store(nth, Ordering::SeqCst);
    }

    /// Counts one; true if it is the awaited one.
    fn reached(&self) -> bool {
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        before == Ok(1)
    }
}

impl Faults {
    /// The failures of a device; `None` for a GPU.
    #[must_use]
    pub fn of(device: &Device) -> Option<Self> {
        match device.backend() {
            Backend::Host(host) => Some(Faults(Arc::clone(host.faults()))),
            Backend::Cuda(_) => None,
        }
    }

    /// The `nth` allocation of device or pinned memory fails with [`ErrorKind::OutOfMemory`], whatever is free.
    pub fn fail_allocation(&self, nth: u64) {
        self.arm(&self.0.allocation, nth);
    }

    /// The `nth` copy or fill fails when its turn comes: its stream is poisoned, and reports [`ErrorKind::OperationFailed`] from then on.
    pub fn fail_copy(&self, nth: u64) {
        self.arm(&self.0.copy, nth);
    }

    /// Enqueueing the `nth` operation is refused with [`ErrorKind::OutOfResources`]; the stream is as it was. (An operation is what a
    /// library enqueues, such as an inference.)
    pub fn refuse_enqueue(&self, nth: u64) {
        self.arm(&self.0.enqueue, nth);
    }

    /// The `nth` operation fails when its turn comes: its stream is poisoned, and reports [`ErrorKind::OperationFailed`] from then on.
    pub fn fail_operation(&self, nth: u64) {
        self.arm(&self.0.operation, nth);
    }

    /// The `nth` operation hangs until [`Faults::release`]; where `watchdog` is given and passes before that, the device is lost, as a
    /// GPU is whose driver ends a kernel that takes too long.
    pub fn hang_operation(&self, nth: u64, watchdog: Option<Duration>) {
        let mut rules = self.0.rules();
        rules.watchdog = watchdog;
        self.arm(&self.0.hang, nth);
    }

    /// Lets operations that hang go on, and disarms one that is yet to hang.
    pub fn release(&self) {
        let mut rules = self.0.rules();
        self.0.hang.set(0);
        rules.releases += 1;
        drop(rules);
        self.0.released.notify_all();
    }

    /// Loses the device: work that runs is finished, what is enqueued behind it is dropped unrun, and every call on the device reports
    /// [`ErrorKind::DeviceLost`] for as long as it lives. A program recovers by making everything anew on another device.
    pub fn lose_device(&self) {
        self.0.lose("the device was lost on request (Faults::lose_device)");
        self.release();
    }

    /// Every operation takes at least `base` plus `per_item` for each of its items (of an inference: its batch), as on a device whose
    /// kernels have that latency. Zeros turn it off.
    pub fn set_latency(&self, base: Duration, per_item: Duration) {
        let mut rules = self.0.rules();
        (rules.base, rules.per_item) = (base, per_item);
        drop(rules);
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// Disarms everything and releases what hangs. A lost device stays lost.
    pub fn clear(&self) {
        for countdown in [&self.0.allocation, &self.0.copy, &self.0.enqueue, &self.0.operation] {
            countdown.set(0);
        }
        self.set_latency(Duration::ZERO, Duration::ZERO);
        self.release();
    }

    fn arm(&self, countdown: &Countdown, nth: u64) {
        countdown.set(nth);
        self.0.armed.store(true, Ordering::SeqCst);
    }
}

impl FaultState {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    fn lose(&self, why: &str) {
        // Fails only where the device is lost already, and the first reason counts.
        let _ = self.lost.set(Error::new(ErrorKind::DeviceLost, format!("use the emulated device: {why}")));
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Fails if the device is lost.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.is_armed() {
            return Ok(());
        }
        self.lost.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Before memory is allocated.
    pub(super) fn allocation(&self) -> Result<(), &'static str> {
        if self.is_armed() && self.allocation.reached() {
            return Err("refused on request (Faults::fail_allocation)");
        }
        Ok(())
    }

    /// Before an operation is enqueued.
    pub(super) fn enqueue(&self) -> Result<()> {
        if self.is_armed() && self.enqueue.reached() {
            let text = "enqueue an operation: refused on request (Faults::refuse_enqueue)";
            return Err(Error::new(ErrorKind::OutOfResources, text));
        }
        Ok(())
    }

    /// Before a copy or fill runs.
    pub(super) fn copy(&self) -> Result<()> {
        if self.is_armed() && self.copy.reached() {
            return Err(Error::operation("copy on a stream: failed on request (Faults::fail_copy)"));
        }
        Ok(())
    }

    /// Runs an operation of so many items, with what was asked for: hanging, failing, or taking long.
    pub(super) fn operation(&self, items: u64, run: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.is_armed() {
            return run();
        }
        self.hang()?;
        if self.operation.reached() {
            return Err(Error::operation("run an operation: failed on request (Faults::fail_operation)"));
        }
        let started = Instant::now();
        run()?;
        let (base, per_item) = {
            let rules = self.rules();
            (rules.base, rules.per_item)
        };
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let least = base.saturating_add(per_item.saturating_mul(items));
        std::thread::sleep(least.saturating_sub(started.elapsed()));
        Ok(())
    }

    /// Hangs, if this is the operation that is to.
    fn hang(&self) -> Result<()> {
        // Counted under the lock, so that a release comes either before, and nothing hangs, or while this waits.
        let mut rules = self.rules();
        if !self.hang.reached() {
            return Ok(());
        }
        let (watchdog, releases) = (rules.watchdog, rules.releases);
        let started = Instant::now();
        while rules.releases == releases {
            let Some(limit) = watchdog else {
                rules = self.released.wait(rules).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(left) = limit.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else {
                self.lose("an operation took longer than the watchdog allows (Faults::hang_operation)");
                // What else hangs on the device goes with it.
                rules.releases += 1;
                drop(rules);
                self.released.notify_all();
                return self.check();
            };
            (rules, _) = self.released.wait_timeout(rules, left).unwrap_or_else(PoisonError::into_inner);
        }
        drop(rules);
        self.check()
    }
}
