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
    Ok(Some(format!("{}{}{text}", super::BANNER, stamp(root, &text)?)))
}

/// Where the C++ compiler keeps `stddef.h` and the like: a libclang that comes alone, out of a package, has none of its own.
fn compiler_headers() -> Vec<String> {
    let ask = std::process::Command::new("c++").arg("-print-file-name=include").output();
    let folder = ask.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let folder = folder.map(|folder| folder.trim().to_owned()).filter(|folder| Path::new(folder).is_absolute());
    folder.map_or_else(Vec::new, |folder| vec!["-idirafter".to_owned(), folder])
}

/// Whether the checked-in bindings were made from the headers on disk, and are as they were made.
pub(super) fn is_fresh(root: &Path) -> Result<bool> {
    let file = std::fs::read_to_string(root.join(PATH))?;
    let Some((start, text)) = file.split_once(END_OF_STAMP) else { return Ok(false) };
    Ok(format!("{start}{END_OF_STAMP}") == format!("{}{}", super::BANNER, stamp(root, text)?))
}

/// Ends the stamp.
const END_OF_STAMP: &str = " (text)\n\n";

/// The line that tells which headers made which bindings.
fn stamp(root: &Path, text: &str) -> Result<String> {
    let mut headers = FNV_OFFSET;
    for header in HEADERS {
        let path = root.join(header);
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        headers = fingerprint(headers, &bytes);
    }
    Ok(format!(
        "// Fingerprints: {headers:016x} (headers), {:016x}{END_OF_STAMP}",
        fingerprint(FNV_OFFSET, text.as_bytes())
    ))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, continued from a hash.
fn fingerprint(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
