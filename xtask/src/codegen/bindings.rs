//! `bindings.rs`: bindgen's reading of the shim's C header.

use crate::Result;
use std::path::Path;

/// The file below `tensorrt-sys`.
pub(super) const PATH: &str = "src/generated/bindings.rs";

/// Why there are no new bindings.
pub(super) const NO_LIBCLANG: &str = "libclang is not installed (Debian: libclang-dev)";

/// The headers that the bindings are made from.
const HEADERS: [&str; 3] = ["shim/generated/trt_types.h", "shim/callbacks.h", "shim/generated/trt_api.h"];

/// The bindings of the headers on disk; none without libclang.
pub(super) fn generate(root: &Path) -> Result<Option<String>> {
    if clang_sys::load().is_err() {
        return Ok(None);
    }
    let rust_version = bindgen::RustTarget::stable(88, 0).map_err(|error| error.to_string())?;
    let header = root.join("shim/generated/trt_api.h");
    let builder = bindgen::Builder::default()
        .header(header.to_string_lossy())
        .allowlist_file(format!(".*{}", "(trt_api|trt_types|callbacks)\\.h"))
        .blocklist_function("trtsys_table_.*")
        .use_core()
        .layout_tests(false)
        .derive_default(true)
        .derive_partialeq(true)
        .no_debug("Api|.*Fns")
        .no_partialeq("Api|.*Fns")
        .no_default("Api|.*Fns")
        .formatter(bindgen::Formatter::Prettyplease)
        .rust_target(rust_version)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .disable_header_comment()
        .clang_args(compiler_headers());
    let text = builder.generate()?.to_string();
    Ok(Some(format!("{}// Header: {}\n\n{text}", super::BANNER, fingerprint(root)?)))
}

/// Where the C++ compiler keeps `stddef.h` and the like: a libclang that comes alone, out of a package, has none of its own.
fn compiler_headers() -> Vec<String> {
    let ask = std::process::Command::new("c++").arg("-print-file-name=include").output();
    let folder = ask.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let folder = folder.map(|folder| folder.trim().to_owned()).filter(|folder| Path::new(folder).is_absolute());
    folder.map_or_else(Vec::new, |folder| vec!["-idirafter".to_owned(), folder])
}

/// Whether the checked-in bindings were made from the headers on disk.
pub(super) fn is_fresh(root: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(root.join(PATH))?;
    Ok(text.contains(&format!("// Header: {}\n", fingerprint(root)?)))
}

/// FNV-1a over the headers' text.
fn fingerprint(root: &Path) -> Result<String> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for header in HEADERS {
        let path = root.join(header);
        for byte in std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))? {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}
