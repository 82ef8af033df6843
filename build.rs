//! Stamps one test for each model that is checked in under `tests/data`, so that a fixture that fails is named by the test's name.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let data = Path::new("tests/data");
    println!("cargo::rerun-if-changed={}", data.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        if entry.path().join("model.onnx").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let mut tests = String::new();
    for name in names {
        writeln!(tests, "#[test]\nfn {name}() {{\n    agrees(\"{name}\");\n}}\n").map_err(io::Error::other)?;
    }
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("fixtures.rs"), tests)
}
