//! A built engine as bytes.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tensorrt_sys::{IHostMemory, Library, PlanKind};

use crate::error::{Error, ErrorKind, Result};
use crate::raw::{Raw, call};

/// A built engine as bytes, for a file or a [`Runtime`](crate::Runtime). Cloning shares the bytes.
///
/// Plans are of one library: TensorRT refuses the emulator's, the emulator TensorRT's, and TensorRT those of another version or GPU
/// unless they were built to be compatible.
#[derive(Clone)]
#[doc(alias = "nvinfer1::IHostMemory")]
pub struct Plan {
    bytes: Arc<Bytes>,
}

enum Bytes {
    /// TensorRT's own memory.
    Host(HostMemory),
    Owned(Vec<u8>),
}

/// Memory of TensorRT that holds a plan.
struct HostMemory(Raw<IHostMemory>);

// SAFETY: the memory is written before it is handed out and only read afterwards (NVIDIA's documentation of IHostMemory: "handle
// library allocated memory that is accessible to the user"); `data` and `size` modify nothing.
unsafe impl Sync for HostMemory {}

/// The bytes of host memory of TensorRT.
pub(crate) fn host_bytes(memory: &Raw<IHostMemory>) -> Result<&[u8]> {
    // SAFETY: the memory is alive as long as the reference.
    let data = unsafe { call!(memory, IHostMemory_data()) }?;
    // SAFETY: as above.
    let size = unsafe { call!(memory, IHostMemory_size()) }?;
    if data.is_null() || size == 0 {
        return Ok(&[]);
    }
    // SAFETY: TensorRT returns the address of `size` initialised bytes that stay unchanged until the memory is destroyed, which the borrow
    // of `memory` prevents.
    Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) })
}

impl Plan {
    pub(crate) fn from_host_memory(memory: Raw<IHostMemory>) -> Result<Self> {
        if host_bytes(&memory)?.is_empty() {
            return Err(Error::new(ErrorKind::Build, "build the network", "TensorRT returned an empty plan"));
        }
        Ok(Plan { bytes: Arc::new(Bytes::Host(HostMemory(memory))) })
    }

    /// A plan from its bytes, which are looked at when it is deserialized.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Plan { bytes: Arc::new(Bytes::Owned(bytes)) }
    }

    /// Reads a plan from a file.
    ///
    /// # Errors
    ///
    /// `Io` if the file cannot be read, `Deserialize` if it is empty.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let tried = format!("load the plan {}", path.display());
        let bytes = std::fs::read(path).map_err(|error| Error::io(&tried, error))?;
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Deserialize, tried, "the file is empty"));
        }
        Ok(Self::from_bytes(bytes))
    }

    /// Writes the plan to a file: to a new one beside it, which then takes its name, so that the file is never seen half written, whatever
    /// happens meanwhile.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let attempt = write_atomically(path, self.as_bytes());
        attempt.map_err(|error| Error::io(format_args!("save the plan {}", path.display()), error))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &*self.bytes {
            // The entries are there, for the plan was read when it was made.
            Bytes::Host(memory) => host_bytes(&memory.0).unwrap_or_default(),
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// Which library the plan seems to be of, by its first bytes.
    #[must_use]
    pub fn kind(&self) -> PlanKind {
        PlanKind::of(self.as_bytes())
    }

    /// Refuses what a library cannot take, before the library looks at it.
    pub(crate) fn check(&self, library: &Library) -> Result<()> {
        let tried = "deserialize the plan";
        let refuse = |said: String| Err(Error::new(ErrorKind::Deserialize, tried, said));
        match (self.kind(), library.is_emulated()) {
            _ if self.as_bytes().is_empty() => refuse("it is empty".into()),
            (PlanKind::Emulator, false) => {
                refuse(format!("it was built by the emulator, and {} runs only NVIDIA's plans", library.info()))
            }
            (PlanKind::TensorRt, true) => {
                refuse("it was built by NVIDIA's TensorRT, and the emulator runs only its own plans".into())
            }
            _ => Ok(()),
        }
    }
}

impl AsRef<[u8]> for Plan {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({:?}, {} bytes)", self.kind(), self.as_bytes().len())
    }
}

/// Writes to a new file in the same folder, forces it to the disk, and renames it.
fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| std::io::Error::other("the path has no file name"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = name.to_os_string();
    temporary.push(format!(".{}.{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let guard = Temporary(folder.join(temporary));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&guard.0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&guard.0, path)?;
    // The name is on the disk once its folder is; where folders cannot be opened, the rename is all there is.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all()?;
    }
    Ok(())
}

/// A file that goes away unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Once renamed there is nothing of that name.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, PlanKind};
    use crate::ErrorKind;

    #[test]
    fn plans_are_saved_and_loaded() {
        let folder = std::env::temp_dir().join(format!("tensorrt-plan-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("x.plan");
        let plan = Plan::from_bytes(b"ptrt and more".to_vec());
        plan.save(&path).unwrap();
        plan.save(&path).unwrap();
        assert_eq!(Plan::load(&path).unwrap().as_bytes(), plan.as_bytes());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::write(&path, b"").unwrap();
        assert_eq!(Plan::load(&path).unwrap_err().kind(), ErrorKind::Deserialize);
        assert_eq!(Plan::load(folder.join("y.plan")).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(plan.save(folder.join("no").join("z.plan")).unwrap_err().kind(), ErrorKind::Io);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn plans_are_told_apart() {
        assert_eq!(Plan::from_bytes(b"ptrt....".to_vec()).kind(), PlanKind::TensorRt);
        assert_eq!(Plan::from_bytes(b"\x7fTRTEMU\n....".to_vec()).kind(), PlanKind::Emulator);
        assert_eq!(Plan::from_bytes(b"zip".to_vec()).kind(), PlanKind::Unknown);
    }
}
