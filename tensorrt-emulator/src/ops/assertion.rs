//! Checks at run time.

use super::{Call, Kernel};
use crate::{Error, Result};

/// A prepared assertion.
#[derive(Debug)]
struct Assertion {
    message: String,
}

/// Prepares an assertion.
pub(super) fn prepare(message: &str) -> Box<dyn Kernel> {
    Box::new(Assertion { message: message.to_owned() })
}

impl Kernel for Assertion {
    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        if call.input(0)?.as_slice::<u8>()?.iter().all(|&holds| holds != 0) {
            return Ok(());
        }
        Err(Error::invalid(format!("assertion failed: {}", self.message)))
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::LayerKind;
    use crate::ops::testing::{bools, run};

    #[test]
    fn false_is_an_error_with_the_message() {
        let kind = LayerKind::Assertion { message: "batch fits".to_owned() };
        assert!(run(&kind, &[Some(&bools(&[2], &[true, true]))], &[]).is_ok());
        let error = run(&kind, &[Some(&bools(&[2], &[true, false]))], &[]).unwrap_err();
        assert!(error.message().contains("batch fits"));
    }
}
