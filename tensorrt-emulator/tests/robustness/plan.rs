//! Mutations of plans. Checksums are made anew, or nothing but the checksums would be tested.

use xxhash_rust::xxh3::Xxh3;

use super::bytes;
use super::random::Random;

const HEADER: usize = 32 + 3 * 32;

fn number(plan: &[u8], at: usize) -> usize {
    let bytes = plan.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    usize::try_from(bytes).unwrap_or(0)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(bytes);
    hash.digest()
}

/// A plan with other sections, its table and checksums to match.
fn seal(plan: &[u8], sections: [&[u8]; 3]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut table = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let at = (HEADER + body.len()).next_multiple_of(64);
        body.resize(at - HEADER, 0);
        body.extend_from_slice(section);
        table.extend_from_slice(&plan[32 + 32 * index..40 + 32 * index]);
        table.extend((at as u64).to_le_bytes());
        table.extend((section.len() as u64).to_le_bytes());
        table.extend(checksum(section).to_le_bytes());
    }
    let mut sealed = plan[..16].to_vec();
    sealed.extend(((HEADER + body.len()) as u64).to_le_bytes());
    let whole = [&sealed[..], &table].concat();
    sealed.extend(checksum(&whole).to_le_bytes());
    sealed.extend(table);
    sealed.extend(body);
    sealed
}

/// The sections of a plan, as far as its table makes sense.
fn sections(plan: &[u8]) -> Option<[&[u8]; 3]> {
    let section = |index: usize| {
        let (start, len) = (number(plan, 40 + 32 * index), number(plan, 48 + 32 * index));
        plan.get(start..)?.get(..len)
    };
    Some([section(0)?, section(1)?, section(2)?])
}

/// The plan with a table and checksums that are right for its sections.
pub(crate) fn resealed(plan: &[u8]) -> Option<Vec<u8>> {
    Some(seal(plan, sections(plan)?))
}

/// Changes the bytes of a section, rarely the plan as a whole.
pub(crate) fn mutate(plan: &[u8], random: &mut Random) -> Vec<u8> {
    let mut whole = plan.to_vec();
    if random.one_in(12) {
        bytes::mutate(&mut whole, random);
        return whole;
    }
    let Some(found) = sections(plan) else { return whole };
    let mut sections = found.map(<[u8]>::to_vec);
    let which = [0, 1, 1, 1, 1, 1, 1, 2][random.below(8)];
    match which {
        2 if !random.one_in(3) => {
            for _ in 0..4 {
                if let Some(byte) = random.pick_mut(&mut sections[2]) {
                    *byte = 0xFF;
                }
            }
        }
        which => bytes::mutate(&mut sections[which], random),
    }
    seal(plan, [&sections[0], &sections[1], &sections[2]])
}

#[test]
fn a_plan_sealed_anew_is_the_plan() {
    let seeds = super::seeds::generated();
    let plan = super::harness::plan_of(&seeds[0].bytes, None).unwrap();
    assert_eq!(resealed(&plan).unwrap(), plan);
}
