//! The rooms of the tests, one cargo command each.

use std::path::Path;
use std::process::Command;

use super::Scope;
use super::data::TestData;
use super::report::Report;

/// Runs every room.
pub(super) fn run(workspace: &Path, scope: Scope, data: &TestData, report: &mut Report) {
    let cargo = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(workspace).args(args).envs(data.variables());
        command
    };
    report.step("format", &mut cargo(&["fmt", "--all", "--check"]));
    report.step("generated files", &mut cargo(&["xtask", "codegen", "--check"]));
    let lints = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    report.step("clippy", &mut cargo(&lints));
    // Before the tests, of which one drives the libraries that this makes.
    match &data.fetched {
        Some(_) => {
            report.step("binary interface against NVIDIA's headers", &mut cargo(&["xtask", "abi"]));
        }
        None => report.skip("binary interface against NVIDIA's headers", "the headers are not there"),
    }
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    if scope == Scope::All {
        tests.env("TENSORRT_TEST_LONG", "1");
    }
    report.step("tests", &mut tests);
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    report.step("documentation", docs.env("RUSTDOCFLAGS", "-D warnings"));
    if Command::new(env!("CARGO")).args(["deny", "--version"]).output().is_ok_and(|output| output.status.success()) {
        report.step("licences and sources", &mut cargo(&["deny", "--log-level", "error", "check"]));
    } else {
        report.skip("licences and sources", "cargo-deny is not installed (cargo install cargo-deny)");
    }
}
