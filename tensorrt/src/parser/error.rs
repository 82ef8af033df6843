//! Why the ONNX parser refused a model.

use std::fmt;
use std::ptr::NonNull;

use tensorrt_sys::{IParserError, Library};

use crate::ParserErrorCode;
use crate::error::Result;
use crate::raw::call;
use crate::value::text;

/// One reason why the ONNX parser refused a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "nvonnxparser::IParserError")]
pub struct ParserError {
    /// The kind of error; none for a number that this crate has no name for.
    pub code: Option<ParserErrorCode>,
    /// What is wrong.
    pub description: String,
    /// The index of the node in the model; none if it is not about one node.
    pub node: Option<usize>,
    /// The node's name; empty if it has none.
    pub node_name: String,
    /// The node's operator, such as `Conv`; empty if it is not about one node.
    pub operator: String,
    /// The parser's source file that noticed.
    pub file: String,
    /// The line of that file.
    pub line: i32,
    /// The function of that file.
    pub function: String,
    /// The local functions of the model in which the node is, outermost first.
    pub local_function_stack: Vec<String>,
}

/// An error object that is read.
struct Object<'l> {
    library: &'l Library,
    pointer: NonNull<IParserError>,
}

impl Object<'_> {
    fn library(&self) -> &Library {
        self.library
    }

    fn as_ptr(&self) -> *mut IParserError {
        self.pointer.as_ptr()
    }
}

/// Defines a function that reads a string.
macro_rules! string {
    ($name:ident => $entry:ident) => {
        fn $name(&self) -> Result<String> {
            // SAFETY: the error is alive (`ParserError::read`).
            let string = unsafe { call!(self, $entry()) }?;
            // SAFETY: the parser returns null or a C string that lives as long as the error; it is copied at once.
            Ok(unsafe { text(string) })
        }
    };
}

impl Object<'_> {
    string!(description => IParserError_desc);
    string!(node_name => IParserError_nodeName);
    string!(operator => IParserError_nodeOperator);
    string!(file => IParserError_file);
    string!(function => IParserError_func);

    fn local_function_stack(&self) -> Result<Vec<String>> {
        // SAFETY: the error is alive (`ParserError::read`).
        let size = unsafe { call!(self, IParserError_localFunctionStackSize()) }?;
        // SAFETY: as above.
        let stack = unsafe { call!(self, IParserError_localFunctionStack()) }?;
        let size = usize::try_from(size).unwrap_or(0);
        if stack.is_null() || size == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: the parser returns an array of as many C strings as it says, which lives as long as the error.
        let strings = unsafe { std::slice::from_raw_parts(stack, size) };
        // SAFETY: as above; each is null or a C string.
        Ok(strings.iter().map(|string| unsafe { text(*string) }).collect())
    }
}

impl ParserError {
    /// Reads an error object.
    ///
    /// # Safety
    ///
    /// The error is of this library's parser and is alive.
    pub(crate) unsafe fn read(library: &Library, pointer: NonNull<IParserError>) -> Result<Self> {
        let object = Object { library, pointer };
        // SAFETY: the caller vouches for the error.
        let code = unsafe { call!(object, IParserError_code()) }?;
        // SAFETY: as above.
        let node = unsafe { call!(object, IParserError_node()) }?;
        // SAFETY: as above.
        let line = unsafe { call!(object, IParserError_line()) }?;
        Ok(ParserError {
            code: ParserErrorCode::from_raw(library.family(), code),
            description: object.description()?,
            node: usize::try_from(node).ok(),
            node_name: optional(object.node_name())?,
            operator: optional(object.operator())?,
            file: object.file()?,
            line,
            function: object.function()?,
            local_function_stack: optional(object.local_function_stack())?,
        })
    }
}

/// What older parsers do not tell is left empty.
fn optional<T: Default>(value: Result<T>) -> Result<T> {
    match value {
        Err(error) if matches!(error.kind(), crate::ErrorKind::Unsupported { .. }) => Ok(T::default()),
        other => other,
    }
}

impl fmt::Display for ParserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.node, self.operator.is_empty() && self.node_name.is_empty()) {
            (Some(node), false) => write!(f, "node {node}")?,
            _ => f.write_str("model")?,
        }
        if !self.node_name.is_empty() {
            write!(f, " {:?}", self.node_name)?;
        }
        if !self.operator.is_empty() {
            write!(f, " ({})", self.operator)?;
        }
        write!(f, ": {}", self.description)?;
        if let Some(code) = self.code {
            write!(f, " [{}]", code.name())?;
        }
        if !self.local_function_stack.is_empty() {
            write!(f, " in {}", self.local_function_stack.join(" > "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ParserError;
    use crate::ParserErrorCode;

    #[test]
    fn says_node_and_operator() {
        let mut error = ParserError {
            code: Some(ParserErrorCode::UnsupportedNode),
            description: "no importer".into(),
            node: Some(3),
            node_name: "/head/Mystery".into(),
            operator: "Mystery".into(),
            file: String::new(),
            line: 0,
            function: String::new(),
            local_function_stack: Vec::new(),
        };
        assert_eq!(error.to_string(), "node 3 \"/head/Mystery\" (Mystery): no importer [kUNSUPPORTED_NODE]");
        error.node_name.clear();
        error.operator.clear();
        assert_eq!(error.to_string(), "model: no importer [kUNSUPPORTED_NODE]");
    }
}
