//! Mutations of bytes, whatever they mean.

use super::random::Random;

/// Changes one to three places: bits flipped, bytes replaced, inserted, removed, copied or cut off.
pub(crate) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..[1, 1, 1, 2, 3][random.below(5)] {
        let at = random.below(bytes.len());
        if bytes.is_empty() {
            return;
        }
        match random.below(9) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.byte(),
            2 => bytes[at] = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF][random.below(7)],
            3 => drop(bytes.remove(at)),
            4 => bytes.insert(at, random.byte()),
            5 => {
                // A large number in the encodings that lengths have: varint and little-endian.
                let number: &[u8] = if random.one_in(2) { &[0xFF; 9] } else { &[0xFF, 0xFF, 0xFF, 0x7F] };
                let end = (at + number.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            6 => {
                let len = random.below(64).min(bytes.len() - at);
                let part = bytes[at..at + len].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, part));
            }
            7 => {
                let len = random.below(32).min(bytes.len() - at);
                drop(bytes.drain(at..at + len));
            }
            _ if random.one_in(4) => bytes.truncate(at),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
}
