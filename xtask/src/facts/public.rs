//! The public methods of NVIDIA's headers, and the release of each family that first has them.

use super::{Family, PerFamily, Signature, Table, types::short};
use crate::Result;

/// The first release of each family that has a thing: its minor version, or none.
pub(crate) type Since = PerFamily<Option<u8>>;

/// One public method.
#[derive(Debug, Clone)]
pub(crate) struct Public {
    /// The class, without namespaces.
    pub(crate) class: String,
    /// The method's name.
    pub(crate) method: String,
    /// Its signature.
    pub(crate) signature: Signature,
    /// Where it came in.
    pub(crate) since: Since,
    /// The releases that mark it deprecated, as the table spells them; empty for none.
    pub(crate) deprecated_in: String,
    /// How much users need it: `must`, `should` or `rare`.
    pub(crate) importance: String,
}

/// Reads `since.tsv` and, for what is deprecated, `methods.tsv`.
pub(super) fn load(methods: &Table, since: &Table) -> Result<Vec<Public>> {
    since
        .rows()
        .map(|row| {
            let (class, method, signature) = (row.get("class")?, row.get("method")?, row.get("signature")?);
            let (mut deprecated_in, mut importance) = (String::new(), String::new());
            for other in methods.rows() {
                if other.get("class")? == class
                    && other.get("method")? == method
                    && other.get("signature")? == signature
                {
                    other.get("deprecated_in")?.clone_into(&mut deprecated_in);
                    other.get("importance")?.clone_into(&mut importance);
                }
            }
            let since = Since::try_from_fn(|family| minor(family, row.get(family.since_column())?))?;
            Ok(Public {
                class: short(class).to_owned(),
                method: method.to_owned(),
                signature: Signature::parse(signature)?,
                since,
                deprecated_in,
                importance,
            })
        })
        .collect()
}

/// The minor version of `10.14` in a family whose major version is 10.
fn minor(family: Family, version: &str) -> Result<Option<u8>> {
    if version.is_empty() {
        return Ok(None);
    }
    let error = || format!("since.tsv: '{version}' is no release of {}", family.title());
    let mut parts = version.split('.');
    let major = parts.next().and_then(|part| part.parse::<u32>().ok());
    if major != Some(family.major()) {
        return Err(error().into());
    }
    parts.next().and_then(|part| part.parse().ok()).map(Some).ok_or_else(|| error().into())
}

#[cfg(test)]
mod tests {
    use super::{Family, minor};

    #[test]
    fn releases() {
        assert_eq!(minor(Family::Trt10, "10.14").unwrap(), Some(14));
        assert_eq!(minor(Family::Trt10, "10.0.0").unwrap(), Some(0));
        assert_eq!(minor(Family::RtxOld, "").unwrap(), None);
        assert!(minor(Family::Trt11, "10.1").is_err());
    }
}
