//! `cargo xtask test`: sets up what the tests need, runs every room, and says what was skipped and why.

mod data;
mod report;
mod rooms;

use std::path::Path;

use crate::{Error, Result};
use data::TestData;
use report::Report;

/// Which rooms run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What runs on every change: 30 minutes at most on two cores.
    Usual,
    /// The long rooms too.
    All,
}

/// Runs the command.
pub(crate) fn run(workspace: &Path, args: &[String]) -> Result<()> {
    let scope = match args {
        [] => Scope::Usual,
        [flag] if flag == "--all" => Scope::All,
        _ => return Err("usage: cargo xtask test [--all]".into()),
    };
    let mut report = Report::default();
    let data = TestData::prepare(workspace, &mut report);
    rooms::run(workspace, scope, &data, &mut report);
    println!("\n{report}");
    if report.failed() { Err(Error::from("some rooms failed; their output is above")) } else { Ok(()) }
}
