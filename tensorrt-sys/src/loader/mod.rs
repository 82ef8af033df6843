//! Finds a library, asks its version, and fills the function table of its family.

mod error;
mod names;
mod open;
mod options;
mod search;

pub use error::{LoadError, LoadErrorKind};
pub use options::LoadOptions;

use crate::guard::{self, Origin};
use crate::{Api, Family, Info, Library, LibraryKind, Version};
use names::Target;
use open::Opened;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What is loaded in this process.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

struct Loaded {
    /// The addresses of a symbol of each file: the same file under two names is one library.
    identity: [Option<usize>; 3],
    library: Library,
}

/// Whether this machine has a CUDA driver library that loads.
pub(crate) fn has_cuda_driver() -> bool {
    let name = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };
    open::open(Path::new(name)).is_ok()
}

/// Loads what the options describe.
pub(crate) fn load(options: &LoadOptions) -> Result<Library, LoadError> {
    let (target, infer) = search::library(options)?;
    let place = infer.display();
    let Some(number) = infer.version() else { return Err(LoadError::not_tensorrt(&place)) };
    let version = Version::from_number(number);
    let family = version.and_then(Family::of);
    let (Some(version), Some(family)) = (version, family) else {
        return Err(LoadError::unsupported_version(&place, number));
    };
    let kind = kind(&infer, target, family);
    check_asked(options, &place, kind, version)?;
    let parser = search::onnx_parser(options, &infer, kind, version)?;
    let plugins = search::plugins(options, &infer, kind, version)?;

    let mut api = *Api::shim(family);
    fill(&mut api, Origin::Infer, Some(&infer));
    fill(&mut api, Origin::Parser, parser.as_ref());
    fill(&mut api, Origin::Plugin, plugins.as_ref());
    guard::apply(&mut api, family, version);
    let info = Info {
        kind,
        version,
        family,
        emulated: false,
        path: infer.path().map(Path::to_path_buf),
        onnx_parser: parser.as_ref().and_then(Opened::path).map(Path::to_path_buf),
        plugins: plugins.as_ref().and_then(Opened::path).map(Path::to_path_buf),
    };
    Ok(register(api, info, &infer, parser.as_ref(), plugins.as_ref()))
}

/// The library that is already loaded from the same files, or a new one.
fn register(api: Api, info: Info, infer: &Opened, parser: Option<&Opened>, plugins: Option<&Opened>) -> Library {
    let identity = [
        infer.address("getInferLibVersion"),
        parser.and_then(|file| file.address("createNvOnnxParser_INTERNAL")),
        plugins.and_then(|file| file.address("initLibNvInferPlugins")),
    ];
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = loaded.iter().find(|other| other.identity == identity) {
        return same.library.clone();
    }
    // TensorRT has one logger a file: libraries over one file share what the safe crate keeps.
    let sibling = loaded.iter().find(|other| other.identity[0] == identity[0]);
    let extension = sibling.map(|other| other.library.extension_arc()).unwrap_or_default();
    let library = Library::new(api, info, extension);
    loaded.push(Loaded { identity, library: library.clone() });
    library
}

/// Puts the symbols of a file in the entries that are its.
fn fill(api: &mut Api, origin: Origin, file: Option<&Opened>) {
    let Some(file) = file else { return };
    for (guard, slot) in crate::generated::since::GUARDS.iter().zip(api.slots_mut()) {
        if guard.origin == origin {
            *slot = file.symbol(guard.name);
        }
    }
}

/// The product: what was looked for, or what the symbols and the name of a given file say.
fn kind(infer: &Opened, target: Option<Target>, family: Family) -> LibraryKind {
    if family.is_rtx() {
        return LibraryKind::Rtx;
    }
    if let Some(target) = target {
        return target.kind;
    }
    if infer.address("createInferBuilder_INTERNAL").is_some() {
        return LibraryKind::TensorRt;
    }
    let name = infer.path().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    if name.is_some_and(|name| name.contains("dispatch")) { LibraryKind::Dispatch } else { LibraryKind::Lean }
}

/// What was found must be what was asked for.
fn check_asked(options: &LoadOptions, place: &str, kind: LibraryKind, version: Version) -> Result<(), LoadError> {
    let other_kind = options.kind.is_some_and(|asked| asked != kind);
    let other_major = options.major.is_some_and(|asked| asked != version.major);
    if other_kind || other_major {
        let name = options.kind.map_or("TensorRT", LibraryKind::name);
        let asked = options.major.map_or_else(|| name.to_owned(), |major| format!("{name} {major}"));
        return Err(LoadError::unexpected(place, &format!("{} {version}", kind.name()), &asked));
    }
    Ok(())
}
