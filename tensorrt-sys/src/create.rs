//! The error for an object that the library would not make.

use crate::MissingMethod;

/// Why a `create*` function gave no object.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CreateError {
    kind: CreateErrorKind,
    message: String,
    #[source]
    missing: Option<MissingMethod>,
}

/// What kind of failure a [`CreateError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CreateErrorKind {
    /// The library has no such function: a lean runtime has no builder.
    Missing,
    /// The machine has no CUDA driver, without which the library makes no object.
    NoDriver,
    /// The library refused; its log says why.
    Refused,
}

impl CreateError {
    pub(crate) fn missing(missing: MissingMethod) -> Self {
        let message = format!("{} has no {}", missing.library(), missing.entry());
        Self { kind: CreateErrorKind::Missing, message, missing: Some(missing) }
    }

    /// The library returned a pointer that is none: null, or an address below any object's.
    pub(crate) fn no_object(function: &str, library: &str, pointer: usize, has_driver: bool) -> Self {
        let returned = if pointer == 0 { "null".to_owned() } else { format!("{pointer:#x}, which is no object") };
        let message = format!("{function} of {library} returned {returned}");
        if has_driver {
            return Self { kind: CreateErrorKind::Refused, message, missing: None };
        }
        let message = format!("{message}: this machine has no CUDA driver (libcuda.so.1 cannot be loaded)");
        Self { kind: CreateErrorKind::NoDriver, message, missing: None }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> CreateErrorKind {
        self.kind
    }

    /// The method that is missing, of [`CreateErrorKind::Missing`].
    pub fn missing_method(&self) -> Option<&MissingMethod> {
        self.missing.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{CreateError, CreateErrorKind};

    #[test]
    fn a_bogus_pointer_is_named() {
        let error = CreateError::no_object("createInferRuntime_INTERNAL", "TensorRT 11.4.0", 0x228, false);
        assert_eq!(error.kind(), CreateErrorKind::NoDriver);
        assert_eq!(
            error.to_string(),
            "createInferRuntime_INTERNAL of TensorRT 11.4.0 returned 0x228, which is no object: \
             this machine has no CUDA driver (libcuda.so.1 cannot be loaded)"
        );
        let error = CreateError::no_object("createInferBuilder_INTERNAL", "TensorRT 11.4.0", 0, true);
        assert_eq!(error.kind(), CreateErrorKind::Refused);
        assert_eq!(error.to_string(), "createInferBuilder_INTERNAL of TensorRT 11.4.0 returned null");
    }
}
