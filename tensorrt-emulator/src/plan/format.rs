//! The layout of a plan's bytes: a header, a section table, sections at multiples of 64 bytes. All numbers are little-endian.
//!
//! ```text
//! 0   magic            8     "\x7fTRTEMU\n"
//! 8   format           4     FORMAT
//! 12  sections         4     SECTIONS
//! 16  length           8     of everything
//! 24  checksum         8     of the bytes 0..24 and of the table
//! 32  table            32 a section: kind 4, reserved 4, offset 8, length 8, checksum 8
//! ```

use tensorrt_sys::{EMULATOR_PLAN_MAGIC, PlanKind};
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

/// The first bytes of every plan.
pub(super) const MAGIC: [u8; 8] = EMULATOR_PLAN_MAGIC;

/// The version of this layout and of what the sections hold; plans of any other are refused.
pub(super) const FORMAT: u32 = 2;

/// The sections, in order.
pub(super) const SECTIONS: [Kind; 3] = [Kind::Facts, Kind::Graph, Kind::Weights];

/// Their number, as the header has it.
const NUM_SECTIONS: u32 = 3;

/// The bytes before the first section.
pub(super) const HEADER: usize = 32 + SECTIONS.len() * 32;

/// The alignment of sections, and of blobs within the weights.
pub(super) const ALIGNMENT: usize = crate::memory::ALIGNMENT;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    /// Identity, profiles, settings.
    Facts = 1,
    /// Tensors, layers, and where the weights are.
    Graph = 2,
    /// The weights' bytes.
    Weights = 3,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Graph => "graph",
            Self::Weights => "weights",
        }
    }
}

/// Where a section lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) checksum: u64,
}

/// `offset` rounded up to the alignment; `None` where that overflows.
pub(super) fn align(offset: u64) -> Option<u64> {
    offset.checked_next_multiple_of(ALIGNMENT as u64)
}

pub(super) fn broken(what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("the plan is truncated or damaged: {what}"))
}

/// The header and table of a plan of `len` bytes.
pub(super) fn encode(sections: &[Section; SECTIONS.len()], len: u64) -> Vec<u8> {
    let mut start = Vec::with_capacity(HEADER);
    start.extend(MAGIC);
    start.extend(FORMAT.to_le_bytes());
    start.extend(NUM_SECTIONS.to_le_bytes());
    start.extend(len.to_le_bytes());
    let mut table = Vec::new();
    for section in sections {
        table.extend((section.kind as u32).to_le_bytes());
        table.extend(0u32.to_le_bytes());
        table.extend(section.offset.to_le_bytes());
        table.extend(section.len.to_le_bytes());
        table.extend(section.checksum.to_le_bytes());
    }
    let checksum = checksum(&[&start, &table]);
    start.extend(checksum.to_le_bytes());
    start.extend(table);
    start
}

/// The sections of a plan, every range checked to lie within it.
///
/// # Errors
/// The bytes are no plan, another library's plan, a plan of another format, or damaged.
pub(super) fn decode(bytes: &[u8]) -> Result<[Section; SECTIONS.len()]> {
    check_magic(bytes)?;
    let format = u32_at(bytes, 8)?;
    if format != FORMAT {
        return Err(Error::invalid(format!(
            "the plan has format {format}, this emulator (version {}) reads format {FORMAT}: build the plan again",
            env!("CARGO_PKG_VERSION")
        )));
    }
    if bytes.len() < HEADER {
        return Err(broken("the header is incomplete"));
    }
    let (start, rest) = bytes.split_at(24);
    if checksum(&[start, &rest[8..HEADER - 24]]) != u64_at(bytes, 24)? {
        return Err(broken("the header's checksum differs"));
    }
    if u32_at(bytes, 12)? != NUM_SECTIONS || u64_at(bytes, 16)? != bytes.len() as u64 {
        return Err(broken(format!("it has {} bytes", bytes.len())));
    }
    let mut sections = SECTIONS.map(|kind| Section { kind, offset: 0, len: 0, checksum: 0 });
    let mut at = HEADER as u64;
    for (i, section) in sections.iter_mut().enumerate() {
        let entry = 32 + i * 32;
        if u32_at(bytes, entry)? != section.kind as u32 {
            return Err(broken(format!("section {i} is not the {}", section.kind.name())));
        }
        (section.offset, section.len) = (u64_at(bytes, entry + 8)?, u64_at(bytes, entry + 16)?);
        section.checksum = u64_at(bytes, entry + 24)?;
        let end = section.offset.checked_add(section.len);
        if Some(section.offset) != align(at) || end.is_none_or(|end| end > bytes.len() as u64) {
            return Err(broken(format!("the {} lie outside of it", section.kind.name())));
        }
        at = section.offset + section.len;
    }
    Ok(sections)
}

/// The checksum of the parts one after another.
pub(super) fn checksum(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.digest()
}

fn check_magic(bytes: &[u8]) -> Result<()> {
    let Some(magic) = bytes.get(..MAGIC.len()) else {
        return Err(Error::invalid(format!("{} bytes are too few for a plan", bytes.len())));
    };
    if magic == MAGIC {
        return Ok(());
    }
    if PlanKind::of(magic) == PlanKind::TensorRt {
        return Err(Error::invalid(
            "this is a plan of NVIDIA's TensorRT: the emulator runs only plans that it built itself from the same network",
        ));
    }
    Err(Error::invalid(format!("this is not a plan: it begins with {magic:02x?}")))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    found.map(|raw| u32::from_le_bytes(*raw)).ok_or_else(|| broken("the header is incomplete"))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    found.map(|raw| u64::from_le_bytes(*raw)).ok_or_else(|| broken("the header is incomplete"))
}
