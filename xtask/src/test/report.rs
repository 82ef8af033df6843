//! What ran, how long it took, and what did not run.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// The outcome of every step, in order.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<(String, Duration, Outcome)>,
}

impl Report {
    /// Runs a command as a step; its output goes to the terminal. Returns whether it succeeded.
    pub(super) fn step(&mut self, name: &str, command: &mut Command) -> bool {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = match command.stdin(Stdio::null()).status() {
            Ok(status) if status.success() => Outcome::Passed,
            Ok(status) => Outcome::Failed(status.to_string()),
            Err(error) => Outcome::Failed(format!("{}: {error}", command.get_program().display())),
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.steps.push((name.to_owned(), start.elapsed(), outcome));
        passed
    }

    /// Notes that a step did not run.
    pub(super) fn skip(&mut self, name: &str, why: impl Into<String>) {
        self.steps.push((name.to_owned(), Duration::ZERO, Outcome::Skipped(why.into())));
    }

    /// Turns the failure of the newest step into a skip: what it would have fetched is not to be had here.
    pub(super) fn excuse(&mut self, why: &str) {
        if let Some((_, _, outcome @ Outcome::Failed(_))) = self.steps.last_mut() {
            *outcome = Outcome::Skipped(why.to_owned());
        }
    }

    /// Whether a step failed.
    pub(super) fn failed(&self) -> bool {
        self.steps.iter().any(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        let mut counts = [0; 3];
        for (name, time, outcome) in &self.steps {
            let (slot, word) = match outcome {
                Outcome::Passed => (0, "ok".to_owned()),
                Outcome::Failed(why) => (1, format!("FAILED   {why}")),
                Outcome::Skipped(why) => (2, format!("skipped  {why}")),
            };
            counts[slot] += 1;
            writeln!(f, "  {name:<width$}  {:>6.1} s  {word}", time.as_secs_f64())?;
        }
        write!(f, "{} passed, {} failed, {} skipped", counts[0], counts[1], counts[2])
    }
}
