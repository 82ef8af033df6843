//! `512`, `1.5G`, `256K`: an amount of memory.

use std::str::FromStr;

/// A number of bytes; without a suffix the number counts MiB, as in NVIDIA's tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, unit) = match text.char_indices().last() {
            Some((at, 'B' | 'b')) => (&text[..at], 1.0),
            Some((at, 'K' | 'k')) => (&text[..at], 1024.0),
            Some((at, 'M' | 'm')) => (&text[..at], 1024.0 * 1024.0),
            Some((at, 'G' | 'g')) => (&text[..at], 1024.0 * 1024.0 * 1024.0),
            _ => (text, 1024.0 * 1024.0),
        };
        let bytes = digits.parse::<f64>().ok().map(|number| number * unit);
        match bytes {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range is checked here; fractions of a byte are dropped on purpose"
            )]
            Some(bytes) if (0.0..1e18).contains(&bytes) => Ok(Self(bytes as u64)),
            _ => Err(format!("`{text}` is not a size such as 512 (MiB), 1.5G, 256K or 4096B")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_scale_and_mebibytes_are_the_default() {
        for (text, bytes) in [("1", 1 << 20), ("0.5M", 1 << 19), ("2k", 2048), ("1G", 1 << 30), ("17B", 17)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "G", "-1", "1T", "nan", "inf"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
