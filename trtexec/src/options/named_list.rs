//! The grammar that NVIDIA's tool uses for everything keyed by a tensor: `name:value,name:value`.

use std::fmt::Display;
use std::str::FromStr;

/// A list of `name:value` pairs; a name that contains `:` or `,` is written in single quotes.
///
/// The last colon separates, so `onnx::Add_3:1x4` names the tensor `onnx::Add_3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedList<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for NamedList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> NamedList<T> {
    /// The value given for `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value))
    }
}

impl<T> FromStr for NamedList<T>
where
    T: FromStr,
    T::Err: Display,
{
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(String, T)> = Vec::new();
        for part in split(text)? {
            let (name, value) =
                part.rsplit_once(':').ok_or_else(|| format!("`{part}` is not `name:value` (no colon)"))?;
            let name = name.strip_prefix('\'').and_then(|n| n.strip_suffix('\'')).unwrap_or(name);
            if name.is_empty() {
                return Err(format!("`{part}` has no name before the colon"));
            }
            if pairs.iter().any(|(key, _)| key == name) {
                return Err(format!("`{name}` is given twice"));
            }
            let value = value.parse().map_err(|error: T::Err| format!("`{name}`: {error}"))?;
            pairs.push((name.to_owned(), value));
        }
        Ok(Self(pairs))
    }
}

/// Splits at commas outside of single quotes.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(format!("`{text}` has an unclosed quote"));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, i64)>, String> {
        text.parse::<NamedList<i64>>().map(|list| list.0)
    }

    #[test]
    fn names_may_hold_colons_and_quoted_commas() {
        assert_eq!(parse("a:1,b:2").unwrap(), [("a".into(), 1), ("b".into(), 2)]);
        assert_eq!(parse("onnx::Add_3:4").unwrap(), [("onnx::Add_3".into(), 4)]);
        assert_eq!(parse("'x,y':7,z:8").unwrap(), [("x,y".into(), 7), ("z".into(), 8)]);
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        assert!(parse("a").unwrap_err().contains("no colon"));
        assert!(parse(":3").unwrap_err().contains("no name"));
        assert!(parse("a:1,a:2").unwrap_err().contains("twice"));
        assert!(parse("a:x").unwrap_err().contains("`a`"));
        assert!(parse("'a:1").unwrap_err().contains("unclosed"));
    }
}
