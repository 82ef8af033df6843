//! TensorRT's log: forwarded to the `log` crate, and its last lines kept for the errors of the calls that caused them.
//!
//! Each thread that calls this crate keeps the warnings and errors that were logged on it; lines from threads of TensorRT's own go to a
//! shared list. A [`Mark`] taken before a call tells which lines came during it. Taking one costs two reads and no lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tensorrt_sys::{ErrorCode, Severity};

/// How many lines a thread keeps.
const KEPT: usize = 24;

/// The target of the records that are given to the `log` crate.
pub const LOG_TARGET: &str = "tensorrt";

/// A line that TensorRT logged, or an entry of its error recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    severity: Severity,
    code: Option<ErrorCode>,
    message: String,
}

impl LogLine {
    pub(crate) fn new(severity: Severity, message: impl Into<String>) -> Self {
        LogLine { severity, code: None, message: message.into() }
    }

    pub(crate) fn recorded(code: Option<ErrorCode>, message: impl Into<String>) -> Self {
        LogLine { severity: Severity::Error, code, message: message.into() }
    }

    /// How serious TensorRT takes it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The error code, of an entry of the error recorder.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// TensorRT's words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self.severity, Severity::InternalError | Severity::Error)
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.severity {
            Severity::InternalError => "internal error",
            Severity::Error => "error",
            Severity::Warning => "warning",
            _ => "message",
        };
        write!(f, "TensorRT {what}")?;
        if let Some(code) = self.code {
            write!(f, " ({})", code.name())?;
        }
        write!(f, ": {}", self.message.trim_end())
    }
}

/// Lines with the number each was given.
type Lines = VecDeque<(u64, LogLine)>;

thread_local! {
    /// Whether this thread calls this crate, so that its lines belong to its calls.
    static CALLS: Cell<bool> = const { Cell::new(false) };
    /// How many lines were kept on this thread so far.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LINES: RefCell<Lines> = const { RefCell::new(VecDeque::new()) };
}

/// How many lines were kept of threads that do not call this crate.
static OTHER_COUNT: AtomicU64 = AtomicU64::new(0);
static OTHER_LINES: Mutex<Lines> = Mutex::new(VecDeque::new());

fn push(lines: &mut Lines, number: u64, line: LogLine) {
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back((number, line));
}

/// Keeps a line for the error of the call during which it came.
pub(crate) fn keep(line: LogLine) {
    if CALLS.get() {
        // A thread that is ending, or a logger that logs, loses the line; it was forwarded.
        let _ = LINES.try_with(|lines| {
            if let Ok(mut lines) = lines.try_borrow_mut() {
                COUNT.set(COUNT.get() + 1);
                push(&mut lines, COUNT.get(), line);
            }
        });
    } else {
        let mut lines = OTHER_LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let number = OTHER_COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        push(&mut lines, number, line);
    }
}

/// Forwards a line to `log` (and `tracing`), and keeps it if it is serious.
pub(crate) fn receive(severity: Option<Severity>, message: &str) {
    let severity = severity.unwrap_or(Severity::Error);
    let level = match severity {
        Severity::InternalError | Severity::Error => log::Level::Error,
        Severity::Warning => log::Level::Warn,
        Severity::Info => log::Level::Info,
        _ => log::Level::Debug,
    };
    if level <= log::Level::Warn {
        keep(LogLine::new(severity, message));
    }
    log::log!(target: LOG_TARGET, level, "{message}");
    #[cfg(feature = "tracing")]
    match level {
        log::Level::Error => tracing::error!(target: LOG_TARGET, "{message}"),
        log::Level::Warn => tracing::warn!(target: LOG_TARGET, "{message}"),
        log::Level::Info => tracing::info!(target: LOG_TARGET, "{message}"),
        _ => tracing::debug!(target: LOG_TARGET, "{message}"),
    }
}

/// A moment in the log of this thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    thread: u64,
    others: u64,
}

impl Mark {
    #[inline]
    pub(crate) fn now() -> Self {
        CALLS.set(true);
        Mark { thread: COUNT.get(), others: OTHER_COUNT.load(Ordering::Relaxed) }
    }

    /// The warnings and errors that came since: this thread's, then those of TensorRT's own threads. A line that the logger and the error
    /// recorder both had comes once.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let since = |lines: &Lines, mark: u64| -> Vec<LogLine> {
            lines.iter().filter(|(number, _)| *number > mark).map(|(_, line)| line.clone()).collect()
        };
        let mut found = LINES.with_borrow(|lines| since(lines, self.thread));
        if OTHER_COUNT.load(Ordering::Relaxed) > self.others {
            found.extend(since(&OTHER_LINES.lock().unwrap_or_else(PoisonError::into_inner), self.others));
        }
        let mut kept: Vec<LogLine> = Vec::with_capacity(found.len());
        for line in found {
            let known = kept.iter_mut().find(|other| {
                other.is_error()
                    && line.is_error()
                    && (other.message.contains(&line.message) || line.message.contains(&other.message))
            });
            match known {
                Some(other) => {
                    other.code = other.code.or(line.code);
                    if line.message.len() > other.message.len() {
                        other.message = line.message;
                    }
                }
                None => kept.push(line),
            }
        }
        kept
    }

    /// Whether an error came on this thread since.
    pub(crate) fn has_errors(&self) -> bool {
        COUNT.get() != self.thread && self.lines().iter().any(LogLine::is_error)
    }
}

#[cfg(test)]
mod tests {
    use super::{LogLine, Mark, keep, receive};
    use tensorrt_sys::{ErrorCode, Severity};

    #[test]
    fn a_mark_sees_only_what_comes_after_it() {
        let _first = Mark::now();
        receive(Some(Severity::Error), "before");
        let mark = Mark::now();
        assert!(!mark.has_errors());
        receive(Some(Severity::Verbose), "chatter");
        receive(Some(Severity::Warning), "careful");
        assert!(!mark.has_errors());
        receive(Some(Severity::Error), "after");
        assert!(mark.has_errors());
        let lines = mark.lines();
        assert_eq!(lines.iter().map(LogLine::message).collect::<Vec<_>>(), ["careful", "after"]);
    }

    #[test]
    fn the_recorder_adds_the_code_to_the_loggers_line() {
        let mark = Mark::now();
        receive(Some(Severity::Error), "API Usage Error (x is wrong)");
        keep(LogLine::recorded(Some(ErrorCode::InvalidArgument), "x is wrong"));
        let lines = mark.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].to_string(), "TensorRT error (kINVALID_ARGUMENT): API Usage Error (x is wrong)");
    }

    #[test]
    fn lines_of_threads_that_do_not_call_are_shared() {
        let mark = Mark::now();
        std::thread::spawn(|| receive(Some(Severity::Error), "from a worker")).join().unwrap();
        assert!(mark.lines().iter().any(|line| line.message() == "from a worker"));
    }
}
