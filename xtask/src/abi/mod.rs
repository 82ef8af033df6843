//! `cargo xtask abi`: compares the fact tables with NVIDIA's headers, and the shim with a library made from them.
//!
//! Everything is written to `target/abi`: a checker for each set of headers, and for each family a stand-in library with
//! NVIDIA's file names. The headers are read where they are; none of their text is kept.

mod checker;
mod compiler;
mod consistency;
mod driver;
mod enums;
mod headers;
mod library;
mod releases;
mod stand_in;
#[cfg(test)]
mod tests;

use crate::Result;
use crate::facts::{Facts, Family};
use compiler::Compiler;
use headers::HeaderSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// The environment variable that names the folder with the header sets.
const VARIABLE: &str = "TENSORRT_TEST_HEADERS";

/// The header sets that the test data brings.
const SETS: [(Family, &str); 6] = [
    (Family::Trt11, "TRT-Enterprise-11.4"),
    (Family::RtxNew, "TRT-RTX-1.7"),
    (Family::RtxOld, "TRT-RTX-1.4"),
    (Family::RtxNew, "TRT-RTX-1.6"),
    (Family::RtxNew, "TRT-RTX-1.5"),
    (Family::RtxOld, "TRT-RTX-1.3"),
];

const USAGE: &str = "usage: cargo xtask abi [--headers FAMILY=FOLDER]...\n\
                     FAMILY is trt10, trt11, rtx1_old or rtx1_new, FOLDER has NvInfer.h";

/// Runs the command.
pub(crate) fn run(workspace: &Path, args: &[String]) -> Result<()> {
    let start = Instant::now();
    let tables = workspace.join("tensorrt-sys/facts");
    let facts = Facts::load(&tables)?;
    println!("trt10 vs its relatives: {}", consistency::check(&facts, &tables)?);
    let sets = if args.is_empty() { standard(workspace)? } else { named(args)? };
    let room = Room::new(workspace)?;
    let failures = Mutex::new(0);
    let queue = Mutex::new(sets.iter());
    let work = || {
        loop {
            let Some(set) = queue.lock().ok().and_then(|mut queue| queue.next()) else { return };
            match room.examine(workspace, &facts, set) {
                Ok(line) => println!("{set}: {line}"),
                Err(error) => {
                    println!("{set}: FAILED: {error}");
                    if let Ok(mut failures) = failures.lock() {
                        *failures += 1;
                    }
                }
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    println!("{} header sets in {:.0} s", sets.len(), start.elapsed().as_secs_f64());
    match failures.into_inner()? {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} header sets are not what the tables say", sets.len()).into()),
    }
}

/// The sets of the test data.
fn standard(workspace: &Path) -> Result<Vec<HeaderSet>> {
    let folder = standard_folder(workspace)?;
    SETS.into_iter().map(|(family, name)| HeaderSet::open(family, &folder.join(name))).collect()
}

/// The folder of the test data's sets.
fn standard_folder(workspace: &Path) -> Result<PathBuf> {
    let given = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = given.unwrap_or_else(|| workspace.join("target/test-data/nvidia/headers"));
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(format!(
        "no headers in {}: run `cargo xtask test`, which fetches them, or name their folder in {VARIABLE}",
        folder.display()
    )
    .into())
}

/// The sets of the command line.
fn named(args: &[String]) -> Result<Vec<HeaderSet>> {
    let mut sets = Vec::new();
    for pair in args.chunks(2) {
        let [flag, set] = pair else { return Err(USAGE.into()) };
        let (id, folder) = set.split_once('=').filter(|_| flag == "--headers").ok_or(USAGE)?;
        sets.push(HeaderSet::open(Family::from_id(id).ok_or(USAGE)?, Path::new(folder))?);
    }
    Ok(sets)
}

/// The folders that the checks use.
#[derive(Debug)]
struct Room {
    /// The hand-written C++ that generated sources include.
    support: PathBuf,
    /// Where everything is written.
    out: PathBuf,
}

impl Room {
    fn new(workspace: &Path) -> Result<Self> {
        Self::at(workspace, &workspace.join("target/abi"))
    }

    /// With another folder to write to.
    fn at(workspace: &Path, out: &Path) -> Result<Self> {
        std::fs::create_dir_all(out.join("include"))?;
        // NVIDIA's headers ask for CUDA's, of which they use two names.
        let cuda = "#pragma once\ntypedef struct CUstream_st* cudaStream_t;\ntypedef struct CUevent_st* cudaEvent_t;\n";
        std::fs::write(out.join("include/cuda_runtime_api.h"), cuda)?;
        Ok(Self { support: workspace.join("xtask/src/abi/cpp"), out: out.to_owned() })
    }

    /// Compares the tables with a header set and, for the last release of a family, the shim with its stand-in.
    fn examine(&self, workspace: &Path, facts: &Facts, set: &HeaderSet) -> Result<String> {
        let mut line = self.check(facts, set)?;
        if set.is_last() {
            let shim = library::Shim::shipped(workspace, set.family);
            let reached = library::run(self, facts, set, &shim, &self.out.join(set.family.id()))?;
            line = format!("{line}; {reached}");
        }
        Ok(line)
    }

    fn compiler(&self, set: &HeaderSet) -> Compiler {
        Compiler::new(vec![set.folder.clone(), self.support.clone(), self.out.join("include")])
    }

    /// Compares the tables with a header set.
    fn check(&self, facts: &Facts, set: &HeaderSet) -> Result<String> {
        let made = checker::generate(facts, set)?;
        let source = self.out.join(format!("check-{}.cpp", set.id()));
        std::fs::write(&source, &made.source)?;
        let program = self.out.join(format!("check-{}", set.id()));
        self.compiler(set).program(&[&source], &program)?;
        let [classes, slots, publics, values] = compiler::counts(&program, &[])?[..] else {
            return Err("the checker printed other counts".into());
        };
        let (values, structs) = (values + made.enumerators, made.structs);
        Ok(format!(
            "{classes} classes, {slots} slots, {publics} public methods by release, {values} enum values, {structs} structs"
        ))
    }
}
