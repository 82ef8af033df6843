//! The stand-in library of a family on disk, and the run of every table entry against it.

use super::headers::HeaderSet;
use super::{Room, compiler, driver, stand_in};
use crate::Result;
use crate::facts::{Facts, Family};
use std::path::{Path, PathBuf};

/// The shim's sources: those of the repository, or others to be shown wrong.
#[derive(Debug)]
pub(super) struct Shim {
    /// The folder with `generated` and `exception.cpp`.
    pub(super) folder: PathBuf,
    /// The family's source.
    pub(super) source: PathBuf,
}

impl Shim {
    /// The shipped shim.
    pub(super) fn shipped(workspace: &Path, family: Family) -> Self {
        let folder = workspace.join("tensorrt-sys/shim");
        Self { source: folder.join(format!("generated/{}.cpp", family.id())), folder }
    }
}

/// The names under which the loader finds a product's libraries.
fn file_names(family: Family) -> &'static [&'static str] {
    match family {
        Family::Trt10 => &["libnvinfer.so.10", "libnvonnxparser.so.10", "libnvinfer_plugin.so.10"],
        Family::Trt11 => &["libnvinfer.so.11", "libnvonnxparser.so.11", "libnvinfer_plugin.so.11"],
        Family::RtxOld | Family::RtxNew => &["libtensorrt_rtx.so.1", "libtensorrt_onnxparser_rtx.so.1"],
    }
}

/// Makes the stand-in and its driver in `target/abi/<family>`, runs the shim against it and says what was reached.
pub(super) fn run(room: &Room, facts: &Facts, set: &HeaderSet, shim: &Shim, out: &Path) -> Result<String> {
    std::fs::create_dir_all(out)?;
    let compiler = room.compiler(set);
    let write = |name: &str, text: String| -> Result<PathBuf> {
        let path = out.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let names = file_names(set.family);
    let library = out.join(names[0]);
    let with_shim = compiler.including(&shim.folder.join("generated"));
    let stand_in_source = write("stand_in.cpp", stand_in::generate(facts, set))?;
    let driver_source = write("driver.cpp", driver::generate(facts, set))?;
    let runner_source = write("runner.cpp", driver::runner(facts, set))?;
    let driver = out.join("libdriver.so");
    let program = out.join("runner");
    std::thread::scope(|scope| -> Result<()> {
        let others = scope.spawn(|| {
            compiler.library(&[&stand_in_source], &library).map_err(|error| error.to_string())?;
            let exceptions = shim.folder.join("exception.cpp");
            let sources: [&Path; 3] = [&runner_source, &shim.source, &exceptions];
            with_shim.program(&sources, &program).map_err(|error| error.to_string())
        });
        with_shim.library(&[&driver_source], &driver)?;
        others.join().map_err(|_| "the compiler's thread panicked")??;
        Ok(())
    })?;
    for name in &names[1..] {
        // One file under NVIDIA's names: the parser's functions make objects of the same library.
        let link = out.join(name);
        if link.symlink_metadata().is_ok() {
            std::fs::remove_file(&link)?;
        }
        std::fs::hard_link(&library, link)?;
    }
    let [methods, destructors, functions, exceptions, interfaces, callbacks] =
        compiler::counts(&program, &[&library, &driver])?[..]
    else {
        return Err("the runner printed other counts".into());
    };
    Ok(format!(
        "{} entries reach their slot or function ({methods} methods, {destructors} destructors, {functions} functions; \
         {exceptions} may throw), {interfaces} callback interfaces with {callbacks} slots",
        methods + destructors + functions
    ))
}
