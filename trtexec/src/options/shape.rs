//! `1x3x224x224`: the dimensions of one tensor.

use std::fmt;
use std::str::FromStr;

/// The dimensions of a tensor, outermost first; `scalar` is rank 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape(pub(crate) Vec<i64>);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "scalar" {
            return Ok(Self(Vec::new()));
        }
        let dimension = |part: &str| match part.parse::<i64>() {
            Ok(extent) if extent >= 0 => Ok(extent),
            _ => Err(format!("`{text}` is not a shape such as 1x3x224x224 (`{part}` is no dimension)")),
        };
        text.split('x').map(dimension).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("scalar");
        }
        let extents: Vec<String> = self.0.iter().map(i64::to_string).collect();
        f.write_str(&extents.join("x"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_and_written_alike() {
        for text in ["1x3x224x224", "7", "0x4", "scalar"] {
            assert_eq!(text.parse::<Shape>().unwrap().to_string(), text);
        }
        for text in ["", "1x", "x1", "-1x3", "1,3", "99999999999999999999"] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }
}
