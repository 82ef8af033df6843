//! The workspace's own commands.
//!
//! ```text
//! cargo xtask codegen            write the shim, the bindings, the enums and the guards from the fact tables
//! cargo xtask codegen --check    write nothing; fail when a checked-in file is not what the tables say
//! cargo xtask coverage           say which of NVIDIA's public methods the safe crate wraps
//! cargo xtask emulation-table    write the tables of docs/emulation.md; with --check, fail when they are stale
//! cargo xtask abi                compare the fact tables and the shim with NVIDIA's headers
//! cargo xtask test [--all]       set up what the tests need and run them
//! ```

mod abi;
mod codegen;
mod coverage;
mod emulation;
#[allow(dead_code, reason = "layouts and slot numbers are there for checks against NVIDIA's headers")]
mod facts;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a command fails with: a message for the terminal.
type Error = Box<dyn std::error::Error>;
/// What a command returns.
type Result<T> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("abi") => abi::run(&workspace(), rest),
        Some("codegen") => codegen::run(&workspace(), rest),
        Some("coverage") => coverage::run(&workspace(), rest),
        Some("emulation-table") => emulation::run(&workspace(), rest),
        Some("test") => test::run(&workspace(), rest),
        Some(other) => Err(format!("no command '{other}'; {USAGE}").into()),
        None => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "usage: cargo xtask codegen [--check] | coverage [--check] | emulation-table [--check] | \
                     abi [--headers FAMILY=FOLDER]... | test [--all]";

/// The workspace's top folder.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
