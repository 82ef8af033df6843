//! `cargo xtask emulation-table`: the tables of docs/emulation.md.
//!
//! A test of the emulator makes them, since only the emulator knows what it does; this command tells it to write.

use std::path::Path;
use std::process::Command;

use crate::Result;

/// Runs the command.
pub(crate) fn run(workspace: &Path, args: &[String]) -> Result<()> {
    let write = match args {
        [] => true,
        [flag] if flag == "--check" => false,
        _ => return Err("usage: cargo xtask emulation-table [--check]".into()),
    };
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(workspace).args(["test", "--quiet", "-p", "tensorrt-emulator", "--test", "emulation_table"]);
    if write {
        command.env("TENSORRT_WRITE_TABLES", "1");
    }
    if command.status()?.success() {
        Ok(())
    } else {
        Err("the tables of docs/emulation.md were not made, or are stale".into())
    }
}
