//! Small C++ libraries that tests compile for themselves, with the compiler that the crate needs anyway.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that is removed in the end.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tensorrt-sys-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A loaded library keeps its file's contents.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles C++ to a shared library of the folder.
pub(crate) fn compile(folder: &Folder, name: &str, source: &str) -> PathBuf {
    let library = folder.path().join(name);
    let file = library.with_extension("cpp");
    std::fs::write(&file, source).unwrap();
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let output =
        Command::new(compiler).args(["-std=c++17", "-shared", "-fPIC", "-o"]).args([&library, &file]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}
