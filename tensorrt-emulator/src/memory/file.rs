//! Files as memory.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

/// Maps a file, read-only.
///
/// # Errors
/// The file cannot be opened or mapped.
pub fn map_file(path: &Path) -> io::Result<Arc<Mmap>> {
    let file = File::open(path)?;
    // SAFETY: the mapping is private and read-only. A file that another process shortens while it is mapped is outside of what a
    // library can prevent; weights files and plans are not written to while they are in use.
    let map = unsafe { Mmap::map(&file) }?;
    Ok(Arc::new(map))
}
