//! What the library and this program log: lines on the standard error stream.

use std::sync::{Mutex, PoisonError};

use indicatif::MultiProgress;
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Writes log lines above the progress bars.
///
/// Unless everything is to be shown, the library's errors are held until the program ends: most belong to a failure that quotes them.
#[derive(Debug)]
pub(crate) struct Logger {
    bars: MultiProgress,
    verbose: bool,
    held: Mutex<Vec<String>>,
}

impl Logger {
    /// Makes the process's logger.
    pub(crate) fn install(verbose: bool) -> &'static Self {
        let logger: &'static Self =
            Box::leak(Box::new(Self { bars: MultiProgress::new(), verbose, held: Mutex::default() }));
        // It fails only if there is a logger already; the program has one.
        if log::set_logger(logger).is_ok() {
            log::set_max_level(if verbose { LevelFilter::Trace } else { LevelFilter::Warn });
        }
        logger
    }

    /// Where progress bars are drawn.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Prints the errors that were held, but for those that a failure quotes.
    pub(crate) fn release(&self, quoted: &str) {
        for message in self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if !quoted.contains(&message) {
                self.print(Level::Error, &message);
            }
        }
    }

    fn print(&self, level: Level, message: &str) {
        let letter = match level {
            Level::Error => 'E',
            Level::Warn => 'W',
            Level::Info => 'I',
            Level::Debug | Level::Trace => 'V',
        };
        self.bars.suspend(|| {
            for line in message.lines() {
                eprintln!("[{letter}] {line}");
            }
        });
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.verbose || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string().trim_end().to_owned();
        if !self.verbose && record.level() == Level::Error && record.target() == tensorrt::LOG_TARGET {
            self.held.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            return;
        }
        self.print(record.level(), &message);
    }

    fn flush(&self) {}
}
