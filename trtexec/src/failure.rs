//! Why the program ends without having done what was asked: what was tried, what TensorRT said, and what to do.

use std::fmt::{self, Display};
use std::path::Path;

use tensorrt::{Error, ErrorKind, Severity};

/// A result whose error is a [`Failure`].
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What went wrong, for people.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    usage: bool,
}

impl Failure {
    /// Something failed.
    pub(crate) fn new(tried: impl Display, said: impl Display) -> Self {
        Self { message: format!("{tried}: {said}"), hint: None, usage: false }
    }

    /// The options contradict each other or the model.
    pub(crate) fn usage(tried: impl Display, said: impl Display) -> Self {
        Self { usage: true, ..Self::new(tried, said) }
    }

    /// A file could not be read or written.
    pub(crate) fn io(tried: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(format_args!("{tried} {}", path.display()), error)
    }

    /// With what to do about it, in place of an earlier hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what was tried, seen from further away.
    pub(crate) fn trying(mut self, tried: &str) -> Self {
        self.message = format!("{tried}: {}", self.message);
        self
    }

    /// The exit code: 2 where the command line is at fault, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut message = error.tried().to_owned();
        if !error.said().is_empty() {
            message.push_str(": ");
            message.push_str(error.said().trim_end());
        }
        let reasons = error.parser_errors().iter().map(ToString::to_string);
        // Warnings were printed when they came.
        let lines = error.log_lines().iter().filter(|line| line.severity() != Severity::Warning);
        for reason in reasons.chain(lines.map(ToString::to_string)) {
            message.push_str("\n  ");
            message.push_str(&reason.trim_end().replace('\n', "\n  "));
        }
        if message == error.tried() {
            message.push_str(": TensorRT gave no reason");
        }
        Self { message, hint: hint(error.kind()).map(str::to_owned), usage: false }
    }
}

impl From<cuda_utils::Error> for Failure {
    fn from(error: cuda_utils::Error) -> Self {
        Error::from(error).into()
    }
}

/// What usually helps.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Load => "--lib PATH names a TensorRT library or its folder; --emulate needs none, and no GPU",
        ErrorKind::NoDriver => {
            "this machine has no NVIDIA driver or GPU; --emulate runs on the CPU, and TensorRT for RTX builds without a GPU \
             with --computeCapabilities=89 --skipInference"
        }
        ErrorKind::Parse => "`trtexec inspect MODEL` shows what ONNX and TensorRT would refuse",
        ErrorKind::Deserialize => {
            "an engine runs only with the library and version that built it; build it again with --onnx and --saveEngine"
        }
        ErrorKind::ShapeOutOfProfile => {
            "--shapes must lie between the --minShapes and --maxShapes that the engine was built with"
        }
        ErrorKind::OutOfMemory => "smaller --shapes, fewer --streams or a lower --memPoolSize need less memory",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn reads_as_what_was_tried_what_was_said_and_what_to_do() {
        let failure = Failure::new("load x", "it is empty").hint("fill it");
        assert_eq!(failure.to_string(), "error: load x: it is empty\n  hint: fill it");
        assert_eq!((failure.exit_code(), Failure::usage("a", "b").exit_code()), (1, 2));
    }
}
