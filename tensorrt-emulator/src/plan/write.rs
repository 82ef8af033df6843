//! A plan as bytes.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;
use tensorrt_sys::DataType;

use super::format::{ALIGNMENT, HEADER, SECTIONS, Section, align, checksum, encode};
use super::{Identity, Plan, Profile, Settings};
use crate::graph::{Conditional, Layer, Loop, TensorId, TensorInfo, Weights};
use crate::memory::Storage;
use crate::{Error, Result};

/// The facts section.
#[derive(Debug, Serialize)]
struct Facts<'p>(&'p Identity, &'p [Profile], &'p Settings);

/// The graph section.
#[derive(Debug, Serialize)]
struct GraphRecord<'p> {
    name: &'p str,
    tensors: &'p [TensorInfo],
    layers: &'p [Layer],
    inputs: &'p [TensorId],
    outputs: &'p [TensorId],
    debug: &'p BTreeSet<TensorId>,
    refittable: &'p BTreeSet<String>,
    weights: Vec<WeightsRecord<'p>>,
    loops: &'p [Loop],
    conditionals: &'p [Conditional],
}

#[derive(Debug, Serialize)]
struct WeightsRecord<'p> {
    name: &'p str,
    dtype: DataType,
    count: u64,
    /// From the start of the weights section.
    offset: u64,
    /// Whether the elements are left out.
    stripped: bool,
}

/// Whether a refitter can set weights.
pub(crate) fn is_refittable(weights: &Weights) -> bool {
    let shapes = matches!(weights.dtype, DataType::Int32 | DataType::Int64 | DataType::Bool);
    !weights.name.is_empty() && !shapes
}

const ZEROS: [u8; ALIGNMENT] = [0; ALIGNMENT];

/// The zero bytes that follow `len` bytes.
fn padding(len: usize) -> &'static [u8] {
    &ZEROS[..len.next_multiple_of(ALIGNMENT) - len]
}

fn encode_section(value: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| Error::internal(format!("writing a plan: {error}")))
}

/// The bytes of a blob that the plan has.
fn kept(blob: &Weights) -> &[u8] {
    if blob.stripped { &[] } else { &blob.storage }
}

impl Plan {
    /// The same plan without the weights that a refitter can set: those that have a name and are no integers, on which shapes may depend.
    #[must_use]
    pub fn without_weights(mut self) -> Self {
        for blob in self.graph.weights.iter_mut().filter(|blob| is_refittable(blob)) {
            (blob.storage, blob.stripped) = (Storage::zeroed(0), true);
        }
        self
    }

    /// Everything of the plan but the weights, each with its section.
    fn head(&self) -> Result<(Vec<u8>, [Vec<u8>; 2], u64)> {
        let facts = encode_section(&Facts(&self.identity, &self.profiles, &self.settings))?;
        let mut offset = 0u64;
        let mut weights = Vec::with_capacity(self.graph.weights.len());
        for blob in &self.graph.weights {
            weights.push(WeightsRecord {
                name: &blob.name,
                dtype: blob.dtype,
                count: blob.count as u64,
                offset,
                stripped: blob.stripped,
            });
            offset = offset.checked_add(kept(blob).len() as u64).and_then(align).ok_or_else(too_large)?;
        }
        let graph = encode_section(&GraphRecord {
            name: &self.graph.name,
            tensors: &self.graph.tensors,
            layers: &self.graph.layers,
            inputs: &self.graph.inputs,
            outputs: &self.graph.outputs,
            debug: &self.graph.debug,
            refittable: &self.graph.refittable,
            weights,
            loops: &self.graph.loops,
            conditionals: &self.graph.conditionals,
        })?;
        let parts: Vec<&[u8]> =
            self.graph.weights.iter().flat_map(|blob| [kept(blob), padding(kept(blob).len())]).collect();
        let sizes = [(facts.len() as u64, checksum(&[&facts])), (graph.len() as u64, checksum(&[&graph]))];
        let sizes = [sizes[0], sizes[1], (offset, checksum(&parts))];
        let mut at = HEADER as u64;
        let mut sections = SECTIONS.map(|kind| Section { kind, offset: 0, len: 0, checksum: 0 });
        for (section, (len, checksum)) in sections.iter_mut().zip(sizes) {
            section.offset = align(at).ok_or_else(too_large)?;
            (section.len, section.checksum) = (len, checksum);
            at = section.offset.checked_add(len).ok_or_else(too_large)?;
        }
        Ok((encode(&sections, at), [facts, graph], at))
    }

    /// The number of bytes that [`write_to`](Self::write_to) writes.
    ///
    /// # Errors
    /// The plan is too large for an address space.
    pub fn byte_len(&self) -> Result<u64> {
        Ok(self.head()?.2)
    }

    /// Writes the plan, the weights straight from where they are.
    ///
    /// # Errors
    /// The plan cannot be encoded, or writing fails.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        let (header, sections, _) = self.head()?;
        let failed = |error: io::Error| Error::invalid(format!("writing the plan: {error}"));
        let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(failed);
        put(&header)?;
        put(padding(header.len()))?;
        for section in &sections {
            put(section)?;
            put(padding(section.len()))?;
        }
        for blob in &self.graph.weights {
            put(kept(blob))?;
            put(padding(kept(blob).len()))?;
        }
        out.flush().map_err(failed)
    }

    /// The plan as bytes.
    ///
    /// # Errors
    /// The plan cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }
}

fn too_large() -> Error {
    Error::invalid("the plan is too large")
}
