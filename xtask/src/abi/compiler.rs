//! Runs the C++ compiler, and what it made.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler and the folders of its headers.
#[derive(Debug, Clone)]
pub(super) struct Compiler {
    program: String,
    includes: Vec<PathBuf>,
}

/// Flags of every source: NVIDIA's headers keep the members that the checks look at to themselves.
const FLAGS: [&str; 7] = [
    "-std=c++17",
    "-O0",
    "-fno-access-control",
    "-Wno-deprecated-declarations",
    "-fvisibility=hidden",
    // NVIDIA's headers then give the functions that they declare default visibility.
    "-DTENSORRT_BUILD_LIB",
    "-fPIC",
];

impl Compiler {
    /// The compiler that `CXX` names, or `c++`.
    pub(super) fn new(includes: Vec<PathBuf>) -> Self {
        Self { program: std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned()), includes }
    }

    /// The same with another folder of headers.
    pub(super) fn including(&self, folder: &Path) -> Self {
        let mut other = self.clone();
        other.includes.push(folder.to_owned());
        other
    }

    /// Compiles sources to a program.
    pub(super) fn program(&self, sources: &[&Path], output: &Path) -> Result<()> {
        self.run(&[], sources, output)
    }

    /// Compiles sources to a shared library.
    pub(super) fn library(&self, sources: &[&Path], output: &Path) -> Result<()> {
        self.run(&["-shared"], sources, output)
    }

    fn run(&self, flags: &[&str], sources: &[&Path], output: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(FLAGS).args(flags);
        for folder in &self.includes {
            // Warnings in NVIDIA's headers are NVIDIA's.
            command.arg("-isystem").arg(folder);
        }
        command.args(sources).arg("-o").arg(output).arg("-ldl");
        let result = command.output().map_err(|error| format!("{}: {error}", self.program))?;
        if result.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&result.stderr).into_owned();
        let errors: Vec<&str> = text.lines().filter(|line| line.contains("error")).take(20).collect();
        let errors = if errors.is_empty() { text.lines().take(20).collect() } else { errors };
        Err(format!("{} does not compile:\n  {}", output.display(), errors.join("\n  ")).into())
    }
}

/// Runs a program that was just made; its last line, a `#` and counts, comes back as numbers.
pub(super) fn counts(program: &Path, args: &[&Path]) -> Result<Vec<u32>> {
    let output =
        Command::new(program).args(args).output().map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (found, problems): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
    if !output.status.success() || !problems.is_empty() {
        let shown: Vec<&str> = problems.iter().copied().take(20).collect();
        let more = problems.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!("\n  and {more} more") };
        return Err(format!("{} ({}):\n  {}{more}", program.display(), output.status, shown.join("\n  ")).into());
    }
    let line = found.last().ok_or_else(|| format!("{} printed no counts", program.display()))?;
    line.trim_start_matches('#').split_whitespace().map(|word| Ok(word.parse()?)).collect()
}
