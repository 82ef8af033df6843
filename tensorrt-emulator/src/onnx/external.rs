//! Weights that a model keeps in files of their own.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;

use super::error::{Refusal, Result};
use super::proto::StringStringEntryProto;
use crate::memory::{Storage, map_file};

/// The folder that external data is looked for in, and the files of it that are mapped so far.
#[derive(Debug, Default)]
pub(crate) struct ExternalData {
    folder: Option<PathBuf>,
    files: Mutex<HashMap<String, Arc<Mmap>>>,
}

impl ExternalData {
    /// External data beside a model in `folder`; with `None`, a model may not have any.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, files: Mutex::default() }
    }

    /// The `wanted` bytes that the entries `location`, `offset` and `length` speak of: mapped where they are aligned, else copied.
    ///
    /// # Errors
    /// The location leaves the model's folder, the file is missing or too short, or the length is another.
    pub(crate) fn read(&self, entries: &[StringStringEntryProto], wanted: usize) -> Result<Storage> {
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let number = |key: &str| {
            let text = entry(key).map(str::trim);
            text.map(|text| text.parse::<usize>().map_err(|_| Refusal::value(format!("external {key} \"{text}\""))))
                .transpose()
        };
        let location = entry("location").ok_or_else(|| Refusal::value("external data has no location"))?;
        let offset = number("offset")?.unwrap_or(0);
        let length = number("length")?.unwrap_or(wanted);
        if length != wanted {
            return Err(Refusal::value(format!("external data of {length} bytes for a tensor of {wanted}")));
        }
        if wanted == 0 {
            return Ok(Storage::zeroed(0));
        }
        let map = self.map(location)?;
        let end = offset.checked_add(wanted).filter(|&end| end <= map.len()).ok_or_else(|| {
            let size = map.len();
            Refusal::value(format!(
                "external data at {offset} with {wanted} bytes leaves \"{location}\" of {size} bytes"
            ))
        })?;
        let bytes = &map[offset..end];
        let mapped = if bytes.as_ptr().align_offset(8) == 0 { Storage::mapped(&map, offset..end) } else { None };
        Ok(mapped.unwrap_or_else(|| Storage::copy_of(bytes)))
    }

    fn map(&self, location: &str) -> Result<Arc<Mmap>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = files.get(location) {
            return Ok(map.clone());
        }
        let folder = self.folder.as_deref().ok_or_else(|| {
            Refusal::value(format!("weights are in \"{location}\", but the model was given without its path"))
        })?;
        let path = resolve(folder, location)?;
        let map = map_file(&path).map_err(|error| Refusal::value(format!("external data \"{location}\": {error}")))?;
        files.insert(location.to_owned(), map.clone());
        Ok(map)
    }
}

/// The file `location` in `folder`, which it may not leave, neither by name nor through a link.
fn resolve(folder: &Path, location: &str) -> Result<PathBuf> {
    let relative = Path::new(location);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || !plain {
        return Err(Refusal::value(format!("external data \"{location}\" is not a path inside of the model's folder")));
    }
    let missing = |error| Refusal::value(format!("external data \"{location}\": {error}"));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let path = folder.join(relative).canonicalize().map_err(missing)?;
    if !path.starts_with(folder.canonicalize().map_err(missing)?) {
        return Err(Refusal::value(format!("external data \"{location}\" leads out of the model's folder")));
    }
    if !path.is_file() {
        return Err(Refusal::value(format!("external data \"{location}\" is not a file")));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        list.iter().map(|(k, v)| StringStringEntryProto { key: (*k).to_owned(), value: (*v).to_owned() }).collect()
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let folder = std::env::temp_dir().join(format!("external-data-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("w.bin"), [7u8; 32]).unwrap();
        let data = ExternalData::new(Some(folder.clone()));
        for location in ["../w.bin", "/etc/passwd", "a/../../w.bin", "", "missing.bin", "."] {
            assert!(data.read(&entries(&[("location", location)]), 4).is_err(), "{location}");
        }
        let good = entries(&[("location", "w.bin"), ("offset", "8"), ("length", "24")]);
        assert_eq!(&*data.read(&good, 24).unwrap(), &[7u8; 24]);
        let long = entries(&[("location", "w.bin"), ("offset", "16"), ("length", "24")]);
        assert!(data.read(&long, 24).unwrap_err().message.contains("leaves"));
        let wrap = entries(&[("location", "w.bin"), ("offset", "18446744073709551615")]);
        assert!(data.read(&wrap, 24).is_err());
        assert!(data.read(&good, 16).is_err());
        assert!(ExternalData::new(None).read(&good, 24).unwrap_err().message.contains("without its path"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
