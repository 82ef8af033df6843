//! What the parser refuses, node by node.

use std::fmt;

use tensorrt_sys::{ErrorCode, ParserErrorCode};

/// One entry of the parser's list of errors (`nvonnxparser::IParserError`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParserError {
    /// The parser's error code.
    pub code: ParserErrorCode,
    /// What was refused and why.
    pub message: String,
    /// The index of the node in the model's graph; `None` where the error is not a node's.
    pub node: Option<usize>,
    /// The node's name; empty where it has none.
    pub node_name: String,
    /// The node's operator; empty where the error is not a node's.
    pub operator: String,
    /// The operator's domain; empty for ONNX's own.
    pub domain: String,
    /// The model's local functions the node stands in, outermost first.
    pub functions: Vec<String>,
}

impl ParserError {
    /// An error of the model as a whole.
    pub fn model(code: ParserErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            node: None,
            node_name: String::new(),
            operator: String::new(),
            domain: String::new(),
            functions: Vec::new(),
        }
    }
}

impl fmt::Display for ParserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = self.node {
            write!(f, "node {node}")?;
            if !self.node_name.is_empty() {
                write!(f, " \"{}\"", self.node_name)?;
            }
            let domain = if self.domain.is_empty() { String::new() } else { format!("{}::", self.domain) };
            write!(f, " ({domain}{}): ", self.operator)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParserError {}

/// Why a converter refuses a node; the importer adds which node it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ParserErrorCode,
    pub(crate) message: String,
}

/// A result inside of the importer.
pub(crate) type Result<T, E = Refusal> = std::result::Result<T, E>;

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident),* $(,)?) => {
        impl Refusal {
            $($(#[$doc])* pub(crate) fn $name(message: impl Into<String>) -> Self {
                Self { code: ParserErrorCode::$code, message: message.into() }
            })*
        }
    };
}

impl Refusal {
    /// The same with where it is, before what is said.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }
}

constructors! {
    /// The node contradicts ONNX's specification.
    invalid => InvalidNode,
    /// A value (tensor bytes, an extent) that cannot be.
    value => InvalidValue,
    /// The graph contradicts ONNX's specification.
    graph => InvalidGraph,
    /// An operator that is not supported.
    node => UnsupportedNode,
    /// An attribute that is not supported.
    attribute => UnsupportedNodeAttr,
    /// An input that is not supported.
    input => UnsupportedNodeInput,
    /// A type that is not supported.
    datatype => UnsupportedNodeDatatype,
    /// Something that must be known when the model is parsed, and is not.
    dynamic => UnsupportedNodeDynamic,
    /// A shape that is not supported.
    shape => UnsupportedNodeShape,
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        let code = match error.code() {
            ErrorCode::UnsupportedState => ParserErrorCode::UnsupportedNode,
            ErrorCode::InternalError => ParserErrorCode::InternalError,
            ErrorCode::FailedAllocation => ParserErrorCode::MemAllocFailed,
            _ => ParserErrorCode::InvalidNode,
        };
        Self { code, message: error.message().to_owned() }
    }
}
