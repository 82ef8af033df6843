//! Opening one library file.

use crate::api::AnyEntry;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

/// A file that is open in this process, for good: TensorRT's threads and state do not survive unloading.
#[derive(Debug)]
pub(super) struct Opened {
    handle: ManuallyDrop<libloading::Library>,
    /// The name that was opened.
    name: PathBuf,
    path: Option<PathBuf>,
}

/// Opens a file by path, or by name where the system's loader looks.
pub(super) fn open(name: &Path) -> Result<Opened, libloading::Error> {
    // SAFETY: opening runs the library's initialisers. They are NVIDIA's, or those of a file that the user names.
    let handle = unsafe { dlopen(name) }?;
    let path = name.is_absolute().then(|| name.to_path_buf());
    Ok(Opened { handle: ManuallyDrop::new(handle), name: name.to_path_buf(), path })
}

/// Opens with every symbol resolved now and none given to later libraries: two families live side by side.
///
/// # Safety
///
/// The file's initialisers are sound to run.
#[cfg(unix)]
unsafe fn dlopen(name: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the caller vouches for the file.
    unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// Opens a file.
///
/// # Safety
///
/// The file's initialisers are sound to run.
#[cfg(not(unix))]
unsafe fn dlopen(name: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: the caller vouches for the file.
    unsafe { libloading::Library::new(name) }
}

impl Opened {
    /// A symbol as an untyped function; none when the file lacks it.
    pub(super) fn symbol(&self, name: &str) -> AnyEntry {
        // SAFETY: the symbol is only read as a function pointer; whoever calls it knows the type of NVIDIA's function of
        // that name.
        let symbol = unsafe { self.handle.get::<unsafe extern "C" fn()>(name.as_bytes()) };
        symbol.ok().map(|symbol| *symbol)
    }

    /// A symbol's address.
    pub(super) fn address(&self, name: &str) -> Option<usize> {
        self.symbol(name).map(|symbol| symbol as usize)
    }

    /// What `getInferLibVersion` answers; none when the file has no such function.
    pub(super) fn version(&self) -> Option<i32> {
        let symbol = self.symbol("getInferLibVersion")?;
        // SAFETY: NVIDIA's function of that name is `int32_t getInferLibVersion() noexcept`.
        let version: unsafe extern "C" fn() -> i32 = unsafe { std::mem::transmute(symbol) };
        // SAFETY: it has no preconditions.
        Some(unsafe { version() })
    }

    /// The file's path: the one given, or the one that the system's loader found.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Asks the system which file a symbol of this library lives in.
    pub(super) fn locate(mut self, symbol: &str) -> Self {
        if self.path.is_none() {
            self.path = self.address(symbol).and_then(mapped_file);
        }
        self
    }

    /// The path, or the name, for messages.
    pub(super) fn display(&self) -> String {
        self.path.as_deref().unwrap_or(&self.name).display().to_string()
    }
}

/// The file that is mapped at an address; none where the system does not tell.
fn mapped_file(address: usize) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let inside =
            usize::from_str_radix(start, 16).ok()? <= address && address < usize::from_str_radix(end, 16).ok()?;
        let path = rest.find('/').map(|index| PathBuf::from(&rest[index..]));
        path.filter(|_| inside)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{mapped_file, open};
    use std::path::Path;

    #[test]
    fn the_systems_loader_tells_where() {
        let libc = open(Path::new("libc.so.6")).unwrap().locate("strlen");
        assert!(libc.path().unwrap().is_absolute());
        assert!(libc.display().contains("libc"));
        assert_eq!(libc.version(), None);
        assert!(libc.symbol("no_such_symbol").is_none());
        assert_eq!(mapped_file(0), None);
    }
}
