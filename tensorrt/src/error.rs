//! What went wrong: what was tried, what TensorRT said, and its own last log lines.

use std::fmt;

use tensorrt_sys::{CreateError, CreateErrorKind, LoadError, MissingMethod, Version};

use crate::logger::LogLine;
use crate::parser::ParserError;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No TensorRT library was found, or what was found is not one.
    Load,
    /// The machine has no CUDA driver, or no GPU.
    NoDriver,
    /// The loaded library lacks a method or an enum value.
    Unsupported {
        /// The entry (`IBuilderConfig_setTilingOptimizationLevel`) or value (`kFP16`), as NVIDIA names it.
        method: &'static str,
        /// The first release of the library's family that has it; none if no release of that family has.
        since: Option<Version>,
    },
    /// An argument makes no sense.
    InvalidArgument,
    /// There is no tensor, profile or output of that name or index.
    UnknownName,
    /// TensorRT returned a number that this crate has no name for.
    UnknownValue,
    /// A tensor has another element type.
    TypeMismatch,
    /// A shape has another rank, or a fixed dimension another extent, or a buffer another size.
    ShapeMismatch,
    /// A shape lies outside of what the optimization profile allows.
    ShapeOutOfProfile,
    /// An input was given neither shape nor data.
    MissingInput,
    /// TensorRT refused a setting.
    Setting,
    /// The ONNX model was refused; [`Error::parser_errors`] has every reason.
    Parse,
    /// The network could not be built.
    Build,
    /// A progress monitor cancelled the build.
    Cancelled,
    /// A plan is empty, truncated, of another library, or was refused.
    Deserialize,
    /// An inference could not be enqueued.
    Enqueue,
    /// Memory ran out.
    OutOfMemory,
    /// CUDA reported an error.
    Cuda,
    /// A file could not be read or written.
    Io,
}

/// An error: it reads "what was tried: what TensorRT said", followed by the warnings and errors that TensorRT logged meanwhile.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    tried: String,
    said: String,
    lines: Vec<LogLine>,
    parser_errors: Vec<ParserError>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, tried: impl fmt::Display, said: impl fmt::Display) -> Self {
        Error(Box::new(Inner {
            kind,
            tried: tried.to_string(),
            said: said.to_string(),
            lines: Vec::new(),
            parser_errors: Vec::new(),
            source: None,
        }))
    }

    pub(crate) fn invalid(tried: impl fmt::Display, said: impl fmt::Display) -> Self {
        Error::new(ErrorKind::InvalidArgument, tried, said)
    }

    pub(crate) fn io(tried: impl fmt::Display, source: std::io::Error) -> Self {
        Error::new(ErrorKind::Io, tried, &source).with_source(source)
    }

    pub(crate) fn cuda(tried: impl fmt::Display, source: cuda_utils::Error) -> Self {
        let kind = match source.kind() {
            cuda_utils::ErrorKind::NoDriver | cuda_utils::ErrorKind::NoDevice => ErrorKind::NoDriver,
            cuda_utils::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            _ => ErrorKind::Cuda,
        };
        Error::new(kind, tried, &source).with_source(source)
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    pub(crate) fn with_lines(mut self, lines: Vec<LogLine>) -> Self {
        self.0.lines = lines;
        self
    }

    pub(crate) fn with_parser_errors(mut self, errors: Vec<ParserError>) -> Self {
        self.0.parser_errors = errors;
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was tried.
    #[must_use]
    pub fn tried(&self) -> &str {
        &self.0.tried
    }

    /// Why it failed; empty if all that is known is in the [log lines](Error::log_lines).
    #[must_use]
    pub fn said(&self) -> &str {
        &self.0.said
    }

    /// The last warnings and errors that TensorRT logged during the call, oldest first.
    #[must_use]
    pub fn log_lines(&self) -> &[LogLine] {
        &self.0.lines
    }

    /// Every error of the ONNX parser, of an error of kind [`ErrorKind::Parse`].
    #[must_use]
    pub fn parser_errors(&self) -> &[ParserError] {
        &self.0.parser_errors
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.write_str(&inner.tried)?;
        if !inner.said.is_empty() {
            write!(f, ": {}", inner.said)?;
        } else if inner.lines.is_empty() && inner.parser_errors.is_empty() {
            f.write_str(": TensorRT gave no reason")?;
        }
        for error in &inner.parser_errors {
            write!(f, "\n  {error}")?;
        }
        for line in &inner.lines {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {:?})", self.0.kind, self.to_string())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<MissingMethod> for Error {
    fn from(missing: MissingMethod) -> Self {
        let kind = ErrorKind::Unsupported { method: entry_name(missing.entry()), since: missing.since() };
        Error::new(kind, format_args!("call {}", missing.method()), &missing).with_source(missing)
    }
}

/// The table's own copy of an entry's name, which lives for ever.
fn entry_name(entry: &str) -> &'static str {
    tensorrt_sys::Api::entry_names().find(|name| *name == entry).unwrap_or("an unknown entry")
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Error::new(ErrorKind::Load, "load TensorRT", &error).with_source(error)
    }
}

impl From<CreateError> for Error {
    fn from(error: CreateError) -> Self {
        if let Some(missing) = error.missing_method() {
            return Error::from(missing.clone());
        }
        let kind = match error.kind() {
            CreateErrorKind::NoDriver => ErrorKind::NoDriver,
            _ => ErrorKind::Setting,
        };
        Error::new(kind, "create a TensorRT object", &error).with_source(error)
    }
}

impl From<cuda_utils::Error> for Error {
    fn from(error: cuda_utils::Error) -> Self {
        Error::cuda("use the device", error)
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};
    use crate::logger::LogLine;
    use std::error::Error as _;
    use tensorrt_sys::Severity;

    #[test]
    fn reads_as_what_was_tried_and_what_was_said() {
        let error = Error::new(ErrorKind::Build, "build the network", "it is empty");
        assert_eq!(error.to_string(), "build the network: it is empty");
        assert_eq!(Error::new(ErrorKind::Build, "build", "").to_string(), "build: TensorRT gave no reason");
    }

    #[test]
    fn tensorrts_own_words_follow() {
        let line = LogLine::new(Severity::Error, "no outputs");
        let error = Error::new(ErrorKind::Build, "build the network", "").with_lines(vec![line]);
        assert_eq!(error.to_string(), "build the network\n  TensorRT error: no outputs");
        assert_eq!(error.log_lines().len(), 1);
    }

    #[test]
    fn has_its_source() {
        let error = Error::io("read x", std::io::Error::other("broken"));
        assert_eq!(error.to_string(), "read x: broken");
        assert!(error.source().is_some());
    }
}
