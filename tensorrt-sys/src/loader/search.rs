//! Where a library, its parser and its plugins are looked for.

use super::error::{self, LoadError, Looked};
use super::names::{self, Target};
use super::open::{Opened, open};
use super::options::LoadOptions;
use crate::{LibraryKind, Version};
use std::path::{Path, PathBuf};

/// The environment variable that names the folders with the libraries.
pub(super) const VARIABLE: &str = "TENSORRT_LIB_DIR";

/// Opens the library; with the target that it was found as, unless a file was named.
pub(super) fn library(options: &LoadOptions) -> Result<(Option<Target>, Opened), LoadError> {
    let targets = Target::all(options);
    let files: Vec<String> = targets.iter().map(|target| target.file()).collect();
    if let Some(path) = &options.path {
        if path.is_dir() {
            let folders = names::folders(path);
            return match in_folders(&targets, &folders)? {
                Some(found) => Ok(found),
                None => Err(LoadError::not_found(&files, &[Looked::folder(path)])),
            };
        }
        if !path.exists() {
            return Err(LoadError::not_found(&files, &[Looked::absent(path)]));
        }
        return Ok((None, open_file(path)?));
    }
    if let Some(variable) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        let mut looked = Vec::new();
        for folder in std::env::split_paths(&variable) {
            if let Some(found) = in_folders(&targets, &names::folders(&folder))? {
                return Ok(found);
            }
            looked.push(Looked::variable(&folder));
        }
        return Err(LoadError::not_found(&files, &looked));
    }
    let mut looked = Vec::new();
    let mut unloadable = None;
    for target in targets {
        let file = target.file();
        match open(Path::new(&file)) {
            Ok(opened) => return Ok((Some(target), opened.locate("getInferLibVersion"))),
            Err(error) if error::is_absent(&file, &error) => looked.push(Looked::system(&file)),
            Err(error) => unloadable = unloadable.or(Some(LoadError::unloadable(Path::new(&file), &error))),
        }
    }
    Err(unloadable.unwrap_or_else(|| LoadError::not_found(&files, &looked)))
}

/// Opens the first target that one of the folders has.
fn in_folders(targets: &[Target], folders: &[PathBuf]) -> Result<Option<(Option<Target>, Opened)>, LoadError> {
    for target in targets {
        for folder in folders {
            let path = folder.join(target.file());
            if path.exists() {
                return Ok(Some((Some(*target), open_file(&path)?)));
            }
        }
    }
    Ok(None)
}

/// Opens a file that exists.
fn open_file(path: &Path) -> Result<Opened, LoadError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    open(&absolute).map_err(|error| LoadError::unloadable(&absolute, &error))
}

/// Opens the ONNX parser of a library: the one given, else the one beside it, else, for a library that the system's loader
/// found, the one that it finds too. None when there is none.
pub(super) fn onnx_parser(
    options: &LoadOptions,
    infer: &Opened,
    kind: LibraryKind,
    version: Version,
) -> Result<Option<Opened>, LoadError> {
    const SYMBOL: &str = "createNvOnnxParser_INTERNAL";
    let parser = match &options.onnx_parser {
        Some(path) if !path.exists() => return Err(LoadError::companion_not_found("ONNX parser", path)),
        Some(path) => Some(open_file(path)?),
        None => match names::onnx_parser(kind, version.major) {
            Some(file) => beside(infer, &file, options.path.is_none())?,
            None => None,
        },
    };
    let Some(parser) = parser.map(|parser| parser.locate(SYMBOL)) else { return Ok(None) };
    if parser.address(SYMBOL).is_none() {
        return Err(LoadError::no_symbol(&parser.display(), "ONNX parser", SYMBOL));
    }
    check_release(&parser, version)?;
    Ok(Some(parser))
}

/// Opens the plugin library of a library. Unlike the parser's, the failure of one that was not asked for is no error: it may
/// need software that a program without plugins does not.
pub(super) fn plugins(
    options: &LoadOptions,
    infer: &Opened,
    kind: LibraryKind,
    version: Version,
) -> Result<Option<Opened>, LoadError> {
    const SYMBOL: &str = "initLibNvInferPlugins";
    let plugins = match &options.plugins {
        Some(path) if !path.exists() => return Err(LoadError::companion_not_found("plugin library", path)),
        Some(path) => Some(open_file(path)?),
        None => match names::plugins(kind, version.major) {
            Some(file) => beside(infer, &file, options.path.is_none()).ok().flatten(),
            None => None,
        },
    };
    let Some(plugins) = plugins.map(|plugins| plugins.locate(SYMBOL)) else { return Ok(None) };
    if plugins.address(SYMBOL).is_none() && options.plugins.is_some() {
        return Err(LoadError::no_symbol(&plugins.display(), "plugin library", SYMBOL));
    }
    Ok(Some(plugins))
}

/// Opens a companion in the library's folder; none when there is none.
fn beside(infer: &Opened, file: &str, ask_system: bool) -> Result<Option<Opened>, LoadError> {
    if let Some(path) = infer.path().and_then(Path::parent).map(|folder| folder.join(file)).filter(|path| path.exists())
    {
        return open_file(&path).map(Some);
    }
    let ask_system = ask_system && std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty());
    Ok(if ask_system { open(Path::new(file)).ok() } else { None })
}

/// A parser whose file name tells its release must be of the library's: they reach each other through vtables.
fn check_release(parser: &Opened, version: Version) -> Result<(), LoadError> {
    let real = parser.path().and_then(|path| path.canonicalize().ok());
    let parts = real.as_deref().map(names::version_in_name).unwrap_or_default();
    match parts.as_slice() {
        [major, minor, ..] if (*major, *minor) != (version.major, version.minor) => {
            Err(LoadError::other_release(&parser.display(), *major, *minor, version))
        }
        _ => Ok(()),
    }
}
