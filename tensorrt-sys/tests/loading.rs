//! What the loader says about libraries that are missing, damaged, foreign or of an unknown version, and what it makes of
//! small libraries that only tell their version.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compiled;

use compiled::{Folder, compile};
use std::path::Path;
use std::process::Command;
use tensorrt_sys::{Family, Library, LibraryKind, LoadErrorKind, LoadOptions, Version, call};

/// A library that tells a version and makes no objects.
fn telling(version: i32) -> String {
    format!(
        "extern \"C\" int getInferLibVersion() {{ return {version}; }}
         extern \"C\" void* createInferBuilder_INTERNAL(void*, int) {{ return nullptr; }}"
    )
}

fn error(options: LoadOptions) -> (LoadErrorKind, String) {
    let error = Library::find(options).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_missing_library_says_where_it_was_looked_for_and_what_to_do() {
    let folder = Folder::new("missing");
    let (kind, text) = error(LoadOptions::new().path(folder.path()));
    assert_eq!(kind, LoadErrorKind::NotFound);
    assert_eq!(
        text,
        format!(
            "libnvinfer.so.11, libnvinfer.so.10 or libtensorrt_rtx.so.1 was not found. Looked\n  \
             in {}: no such file\n\
             Set TENSORRT_LIB_DIR to the folder that has it, or install it: TensorRT with `pip install tensorrt` or \
             NVIDIA's package libnvinfer-bin, TensorRT for RTX with `pip install tensorrt-rtx`. \
             To run without a GPU, use the emulator (crate tensorrt-emulator).",
            folder.path().display()
        )
    );
    let (kind, text) = error(LoadOptions::new().path("/no/such/libnvinfer.so.10"));
    assert_eq!(kind, LoadErrorKind::NotFound);
    assert!(text.contains("at /no/such/libnvinfer.so.10: no such file or folder"), "{text}");
    let (kind, text) = error(LoadOptions::new().major(12));
    assert_eq!(
        (kind, text.as_str()),
        (LoadErrorKind::NotFound, "no TensorRT has the major version that was asked for")
    );
}

#[test]
fn garbage_is_unloadable() {
    let folder = Folder::new("garbage");
    for bytes in [&b""[..], b"x", b"\x7fELF\x02\x01\x01", &[0; 4096]] {
        let file = folder.path().join("libnvinfer.so.11");
        std::fs::write(&file, bytes).unwrap();
        let (kind, text) = error(LoadOptions::new().path(folder.path()));
        assert_eq!(kind, LoadErrorKind::Unloadable, "{text}");
        assert!(text.starts_with(&format!("{} cannot be loaded: ", file.display())), "{text}");
    }
}

#[test]
fn another_library_is_not_tensorrt() {
    let folder = Folder::new("foreign");
    let file = compile(&folder, "libfoo.so", "extern \"C\" int foo() { return 1; }");
    let (kind, text) = error(LoadOptions::new().path(&file));
    assert_eq!(kind, LoadErrorKind::NotTensorRt);
    assert_eq!(text, format!("{} is no TensorRT library: it has no getInferLibVersion", file.display()));
}

#[test]
fn unknown_versions_are_refused_before_anything_is_called() {
    let folder = Folder::new("versions");
    for (number, version) in
        [(8601, "0.86.1"), (80_601, "8.6.1"), (120_000, "12.0.0"), (20_000, "2.0.0"), (10_200, "1.2.0"), (-1, "-1")]
    {
        let file = compile(&folder, &format!("libnvinfer_{number}.so"), &telling(number));
        let (kind, text) = error(LoadOptions::new().path(&file));
        assert_eq!(kind, LoadErrorKind::UnsupportedVersion, "{number}");
        assert!(text.contains(&format!("is version {version}, whose binary interface is not known")), "{text}");
    }
}

#[test]
fn the_version_picks_the_family_and_the_entries() {
    let folder = Folder::new("families");
    for (number, family) in [
        (100_001, Family::Trt10),
        (110_400, Family::Trt11),
        (10_401, Family::RtxOld),
        (10_500, Family::RtxNew),
        (10_900, Family::RtxNew),
    ] {
        let file = compile(&folder, &format!("lib{number}.so"), &telling(number));
        let library = Library::load_from(&file).unwrap();
        assert_eq!(library.family(), family);
        assert_eq!(Some(library.version()), Version::from_number(number));
        assert_eq!(library.path(), Some(file.as_path()));
        assert!(library.has_builder() && !library.has_onnx_parser());
        // SAFETY: the function looks at nothing.
        let error = unsafe { library.create_builder(std::ptr::null_mut()) }.unwrap_err();
        assert!(error.to_string().contains("createInferBuilder_INTERNAL of TensorRT"), "{error}");
        assert!(error.to_string().contains("returned null"), "{error}");
    }
}

#[test]
fn release_10_0_lacks_what_came_later() {
    let folder = Folder::new("release");
    let library = Library::load_from(compile(&folder, "libnvinfer.so.10", &telling(100_001))).unwrap();
    assert!(library.api().ICudaEngine_getDeviceMemorySize.is_some());
    let engine = std::ptr::null_mut();
    // SAFETY: the entry is null in 10.0, so nothing is called.
    let missing = unsafe { call!(library, ICudaEngine_getDeviceMemorySizeV2(engine)) }.unwrap_err();
    assert_eq!(missing.to_string(), "TensorRT 10.0.1 has no ICudaEngine::getDeviceMemorySizeV2: it came with 10.1");
}

#[test]
fn pip_folders_are_searched_and_companions_found() {
    let folder = Folder::new("pip");
    let libs = folder.path().join("tensorrt_libs");
    std::fs::create_dir(&libs).unwrap();
    compile(&folder, "tensorrt_libs/libnvinfer.so.10", &telling(101_601));
    compile(
        &folder,
        "tensorrt_libs/libnvonnxparser.so.10",
        "extern \"C\" void* createNvOnnxParser_INTERNAL(void*, void*, int) { return nullptr; }",
    );
    compile(
        &folder,
        "tensorrt_libs/libnvinfer_plugin.so.10",
        "extern \"C\" bool initLibNvInferPlugins(void*, const char*) { return true; }",
    );
    let library = Library::load_from(folder.path()).unwrap();
    assert_eq!(library.info().kind, LibraryKind::TensorRt);
    assert!(library.has_onnx_parser());
    assert_eq!(library.info().onnx_parser.as_deref(), Some(libs.join("libnvonnxparser.so.10").as_path()));
    // SAFETY: the function looks at nothing.
    assert_eq!(unsafe { library.init_plugins(std::ptr::null_mut(), c"") }, Ok(true));
    let again = Library::load_from(&libs).unwrap();
    assert!(again.same_as(&library));
    let (kind, text) = error(LoadOptions::new().kind(LibraryKind::Rtx).path(libs.join("libnvinfer.so.10")));
    assert_eq!(kind, LoadErrorKind::Unexpected);
    assert!(text.ends_with("is TensorRT 10.16.1, not TensorRT for RTX"), "{text}");
}

#[test]
fn a_parser_of_another_release_is_refused() {
    let folder = Folder::new("parser");
    let library = compile(&folder, "libnvinfer.so.10", &telling(101_301));
    let parser = "extern \"C\" void* createNvOnnxParser_INTERNAL(void*, void*, int) { return nullptr; }";
    compile(&folder, "libnvonnxparser.so.10.16.1", parser);
    std::os::unix::fs::symlink("libnvonnxparser.so.10.16.1", folder.path().join("libnvonnxparser.so.10")).unwrap();
    let (kind, text) = error(LoadOptions::new().path(&library));
    assert_eq!(kind, LoadErrorKind::OtherRelease);
    assert!(text.ends_with("is of release 10.16, the library of 10.13.1"), "{text}");
    let foreign = compile(&folder, "libfoo.so", "extern \"C\" int foo() { return 1; }");
    let (kind, text) = error(LoadOptions::new().path(&library).onnx_parser(&foreign));
    assert_eq!(kind, LoadErrorKind::NotTensorRt);
    assert!(text.ends_with("is no ONNX parser: it has no createNvOnnxParser_INTERNAL"), "{text}");
    std::fs::remove_file(folder.path().join("libnvonnxparser.so.10")).unwrap();
    let (kind, text) = error(LoadOptions::new().path(&library).plugins("/no/such/plugins.so"));
    assert_eq!(kind, LoadErrorKind::NotFound);
    assert_eq!(text, "the plugin library /no/such/plugins.so does not exist");
}

/// Runs one ignored test of this binary with a variable set, for the environment belongs to the process.
fn with_variable(variable: &str, value: &Path, test: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_remove("TENSORRT_LIB_DIR")
        .env(variable, value)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_variable_names_the_folder() {
    let folder = Folder::new("variable");
    let (passed, text) = with_variable("TENSORRT_LIB_DIR", folder.path(), "in_child_nothing_there");
    assert!(passed && text.contains("(from TENSORRT_LIB_DIR): no such file"), "{text}");
    compile(&folder, "libtensorrt_rtx.so.1", &telling(10_701));
    let (passed, text) = with_variable("TENSORRT_LIB_DIR", folder.path(), "in_child_rtx_there");
    assert!(passed && text.contains("TensorRT for RTX 1.7.1"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_systems_loader_is_asked() {
    let folder = Folder::new("system");
    compile(&folder, "libtensorrt_rtx.so.1", &telling(10_701));
    let (passed, text) = with_variable("LD_LIBRARY_PATH", folder.path(), "in_child_rtx_there");
    let path = folder.path().join("libtensorrt_rtx.so.1");
    assert!(passed && text.contains(&format!("TensorRT for RTX 1.7.1 at {}", path.display())), "{text}");
    std::fs::write(&path, "garbage").unwrap();
    let (passed, text) = with_variable("LD_LIBRARY_PATH", folder.path(), "in_child_unloadable");
    assert!(passed && text.contains("libtensorrt_rtx.so.1 cannot be loaded"), "{text}");
}

#[test]
#[ignore = "runs in a child with a variable set"]
fn in_child_nothing_there() {
    let error = Library::load().unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotFound);
    println!("{error}");
}

#[test]
#[ignore = "runs in a child with a variable set"]
fn in_child_rtx_there() {
    let library = Library::load().unwrap();
    println!("{} at {}", library.info(), library.path().unwrap().display());
}

#[test]
#[ignore = "runs in a child with a variable set"]
fn in_child_unloadable() {
    let error = Library::load().unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Unloadable);
    println!("{error}");
}
