//! Bytes as a plan: every length and offset is checked before anything is allocated for it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tensorrt_sys::DataType;

use super::format::{ALIGNMENT, HEADER, Kind, Section, broken, checksum, decode};
use super::{Identity, Plan, Profile, Settings, check};
use crate::graph::{Conditional, Graph, Layer, Loop, TensorId, TensorInfo, Weights};
use crate::memory::{Storage, map_file};
use crate::tensor::byte_len;
use crate::{Error, Result};

#[derive(Debug, Deserialize)]
struct Facts(Identity, Vec<Profile>, Settings);

#[derive(Debug, Deserialize)]
struct GraphRecord {
    name: String,
    tensors: Vec<TensorInfo>,
    layers: Vec<Layer>,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
    debug: BTreeSet<TensorId>,
    refittable: BTreeSet<String>,
    weights: Vec<WeightsRecord>,
    loops: Vec<Loop>,
    conditionals: Vec<Conditional>,
}

#[derive(Debug, Deserialize)]
struct WeightsRecord {
    name: String,
    dtype: DataType,
    count: u64,
    offset: u64,
    stripped: bool,
}

impl Plan {
    /// A plan from bytes in memory, which are copied once; the weights share that copy.
    ///
    /// # Errors
    /// The bytes are no plan of this emulator, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        decode(bytes)?;
        Self::from_storage(&Storage::copy_of(bytes))
    }

    /// A plan from a file, which is mapped: the weights are used where they lie, and read when they are first used.
    ///
    /// # Errors
    /// The file cannot be mapped, is no plan of this emulator, or damaged.
    pub fn from_file(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| Error::invalid(format!("{}: {error}", path.display()));
        // An empty file cannot be mapped: reading its start gives the better message.
        let mut start = Vec::new();
        File::open(path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut start)).map_err(failed)?;
        if start.len() < HEADER {
            decode(&start).map_err(|error| error.at(path.display()))?;
        }
        let map = map_file(path).map_err(failed)?;
        let storage = Storage::mapped(&map, 0..map.len()).ok_or_else(|| broken("it is empty"))?;
        Self::from_storage(&storage).map_err(|error| error.at(path.display()))
    }

    fn from_storage(storage: &Storage) -> Result<Self> {
        let sections = decode(storage)?;
        check_gaps(storage, &sections)?;
        let [facts, graph, weights] = sections;
        let Facts(identity, profiles, settings) = parse(storage, facts)?;
        let record: GraphRecord = parse(storage, graph)?;
        let blobs = section(storage, weights)?;
        let weights = record.weights.into_iter().map(|blob| blob.locate(&blobs)).collect::<Result<_>>()?;
        let graph = Graph {
            name: record.name,
            tensors: record.tensors,
            layers: record.layers,
            inputs: record.inputs,
            outputs: record.outputs,
            debug: record.debug,
            refittable: record.refittable,
            weights,
            loops: record.loops,
            conditionals: record.conditionals,
        };
        check::graph(&graph)?;
        check::profiles(&graph, &profiles)?;
        Ok(Self { identity, graph, profiles, settings })
    }
}

impl WeightsRecord {
    fn locate(self, blobs: &Storage) -> Result<Weights> {
        let outside = || broken(format!("weights \"{}\" lie outside of it", self.name));
        let count = usize::try_from(self.count).map_err(|_| outside())?;
        let start = usize::try_from(self.offset).map_err(|_| outside())?;
        let len = byte_len(self.dtype, count).ok_or_else(outside)?;
        let len = if self.stripped { 0 } else { len };
        let end = start.checked_add(len).ok_or_else(outside)?;
        if start % ALIGNMENT != 0 {
            return Err(outside());
        }
        let storage = blobs.slice(start..end).ok_or_else(outside)?;
        Ok(Weights { dtype: self.dtype, count, storage, stripped: self.stripped, name: self.name })
    }
}

/// Between sections there are zeros.
fn check_gaps(bytes: &[u8], sections: &[Section]) -> Result<()> {
    let mut end = HEADER as u64;
    for section in sections {
        let gap = usize::try_from(end).ok().zip(usize::try_from(section.offset).ok());
        let gap = gap.and_then(|(from, to)| bytes.get(from..to));
        if gap.is_none_or(|gap| gap.iter().any(|&byte| byte != 0)) {
            return Err(broken(format!("there is something before the {}", section.kind.name())));
        }
        end = section.offset + section.len;
    }
    if end == bytes.len() as u64 { Ok(()) } else { Err(broken("it is longer than its sections")) }
}

/// The bytes of a section, after comparing its checksum.
fn section(storage: &Storage, section: Section) -> Result<Storage> {
    let Section { kind, offset, len, checksum: wanted } = section;
    let start = usize::try_from(offset).ok();
    let end = start.and_then(|start| start.checked_add(usize::try_from(len).ok()?));
    let bytes = start.zip(end).and_then(|(start, end)| storage.slice(start..end));
    let bytes = bytes.ok_or_else(|| broken(format!("the {} lie outside of it", kind.name())))?;
    if checksum(&[&bytes]) != wanted {
        return Err(broken(format!("the checksum of the {} differs", kind.name())));
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(storage: &Storage, which: Section) -> Result<T> {
    let bytes = section(storage, which)?;
    let kind: Kind = which.kind;
    let failed = |error: postcard::Error| broken(format!("the {} cannot be read: {error}", kind.name()));
    let (value, rest) = postcard::take_from_bytes(&bytes).map_err(failed)?;
    if rest.is_empty() { Ok(value) } else { Err(broken(format!("the {} are too long", kind.name()))) }
}
