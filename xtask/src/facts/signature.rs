//! A C++ method's signature as the tables spell it: `bool (ITensor &, const Dims &) const noexcept`.

use crate::Result;

/// The parts of a signature, each as C++ text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The whole text.
    pub(crate) text: String,
    /// The return type.
    pub(crate) returns: String,
    /// The argument types.
    pub(crate) args: Vec<String>,
    /// A const method.
    pub(crate) is_const: bool,
    /// A method that promises not to throw.
    pub(crate) is_noexcept: bool,
}

impl Signature {
    /// Parses a signature; none of the interface's methods takes a function pointer.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let error = || format!("'{text}' is no signature");
        let (returns, rest) = text.split_once('(').ok_or_else(error)?;
        let (args, trailer) = rest.rsplit_once(')').ok_or_else(error)?;
        if args.contains(['(', ')']) {
            return Err(error().into());
        }
        let args = args.split(',').map(|arg| arg.trim().to_owned()).filter(|arg| !arg.is_empty()).collect();
        let mut words = trailer.split_whitespace();
        Ok(Self {
            text: text.to_owned(),
            returns: returns.trim().to_owned(),
            args,
            is_const: words.clone().any(|word| word == "const"),
            is_noexcept: words.any(|word| word == "noexcept"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Signature;

    #[test]
    fn parts() {
        let s = Signature::parse("const char *(ITensor *const *, int32_t) const noexcept").unwrap();
        assert_eq!((s.returns.as_str(), s.args.len(), s.is_const, s.is_noexcept), ("const char *", 2, true, true));
        assert!(Signature::parse("void ()").unwrap().args.is_empty());
        assert!(Signature::parse("void").is_err());
    }
}
