//! A look at a model's bytes before they go to the parser, which may take what is no model for an empty one.

use crate::error::{Error, ErrorKind, Result};

/// Refuses bytes that cannot be an ONNX model: empty, not a protobuf message of `ModelProto`'s fields, cut off, or without a graph.
pub(super) fn check(tried: &str, model: &[u8]) -> Result<()> {
    let refuse = |said: &str| Err(Error::new(ErrorKind::Parse, tried, said));
    if model.is_empty() {
        return refuse("there are no bytes");
    }
    let mut rest = model;
    let mut has_graph = false;
    while !rest.is_empty() {
        let Some(tag) = varint(&mut rest) else { return refuse("it is no ONNX model: it ends inside a field") };
        let (field, wire) = (tag >> 3, tag & 7);
        if field == 0 {
            return refuse("it is no ONNX model: it is not a protobuf message");
        }
        let length = match wire {
            0 => varint(&mut rest).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut rest),
            5 => Some(4),
            _ => return refuse("it is no ONNX model: it is not a protobuf message"),
        };
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= rest.len());
        let Some(length) = length else { return refuse("the ONNX model is truncated") };
        rest = &rest[length..];
        has_graph |= field == GRAPH && wire == 2;
    }
    if !has_graph {
        return refuse("it is no ONNX model: it has no graph");
    }
    Ok(())
}

/// The number of `ModelProto.graph`.
const GRAPH: u64 = 7;

/// Reads a protobuf variable-length integer.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (index, byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * index).ok()?)?;
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::check;

    /// IR version 8 and a graph of two bytes.
    const MODEL: &[u8] = &[0x08, 8, 0x3a, 2, 0x12, 0];

    #[test]
    fn a_model_passes() {
        check("parse", MODEL).unwrap();
    }

    #[test]
    fn what_is_no_model_is_refused() {
        for bytes in [&b""[..], &[b'x'; 100], &[0; 64], &MODEL[..2], &[0xff; 16], b"hello, world"] {
            let error = check("parse", bytes).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Parse, "{bytes:?}");
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        for end in 0..MODEL.len() {
            assert!(check("parse", &MODEL[..end]).is_err(), "{end}");
        }
    }
}
