//! Compiles the C++ shim. It needs a C++17 compiler and nothing of NVIDIA's: the declarations are generated.

use std::process::ExitCode;

const SOURCES: [&str; 5] = [
    "shim/exception.cpp",
    "shim/generated/trt10.cpp",
    "shim/generated/trt11.cpp",
    "shim/generated/rtx1_old.cpp",
    "shim/generated/rtx1_new.cpp",
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-env-changed=DOCS_RS");
    // Documentation is built without linking.
    if std::env::var_os("DOCS_RS").is_some() {
        return ExitCode::SUCCESS;
    }
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .debug(false)
        .flag_if_supported("-fvisibility=hidden")
        .flag_if_supported("-fno-devirtualize-speculatively")
        .include("shim/generated")
        .files(SOURCES);
    match build.try_compile("trtsys") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=tensorrt-sys compiles a small C++17 shim (no NVIDIA software is needed): {error}");
            println!("cargo::error=install a C++ compiler (Debian, Ubuntu: g++; Fedora: gcc-c++), or name one in CXX");
            ExitCode::FAILURE
        }
    }
}
