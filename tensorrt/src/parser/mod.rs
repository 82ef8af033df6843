//! The ONNX parser: fills a network from a model.

mod error;
mod model_check;
mod support;

use std::path::Path;

use tensorrt_sys::{IParser, Library};

pub use self::error::ParserError;
pub use self::support::{ModelSupport, Subgraph};
use crate::OnnxParserFlag;
use crate::error::{Error, ErrorKind, Result};
use crate::library::State;
use crate::network::NetworkDefinition;
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, c_string, flags};

/// Parses ONNX models into a network.
///
/// The network keeps what the parser owns (the weights of the model), so the parser may be dropped at any time.
///
/// ```no_run
/// use tensorrt::{Builder, Library, OnnxParser};
///
/// # fn main() -> tensorrt::Result<()> {
/// let library = Library::load()?;
/// let builder = Builder::new(&library)?;
/// let network = builder.create_network(&[])?;
/// if let Err(error) = OnnxParser::new(&network)?.parse_file("model.onnx") {
///     for reason in error.parser_errors() {
///         eprintln!("node {} ({}): {}", reason.node_name, reason.operator, reason.description);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "nvonnxparser::IParser")]
pub struct OnnxParser<'n> {
    /// Handed to the network when this is dropped.
    raw: Option<Raw<IParser>>,
    network: &'n NetworkDefinition<'n>,
    parsed: bool,
}

impl<'n> OnnxParser<'n> {
    /// Makes a parser that fills a network.
    ///
    /// # Errors
    ///
    /// `Unsupported` if no ONNX parser is loaded with the library.
    #[doc(alias = "createNvOnnxParser")]
    pub fn new(network: &'n NetworkDefinition<'_>) -> Result<Self> {
        let library = network.library();
        let state = State::of(library)?;
        let operation = Operation::begin();
        // SAFETY: the network is alive and keeps the parser, which is destroyed before it; the logger lives as long as the process.
        let made = unsafe { library.create_parser(network.as_ptr(), state.logger()) };
        let pointer = made.map_err(|error| Error::from(error).with_lines(operation.lines()))?;
        // SAFETY: the parser was just made by this library and is given to nobody else.
        let raw = unsafe { Raw::new(library, pointer) };
        Ok(OnnxParser { raw: Some(raw), network, parsed: false })
    }

    fn raw(&self) -> Result<&Raw<IParser>> {
        self.raw.as_ref().ok_or_else(|| Error::invalid("use an ONNX parser", "it was dropped"))
    }

    fn library(&self) -> &Library {
        self.network.library()
    }

    /// Turns a flag on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such flag, `Setting` if it refuses.
    #[doc(alias = "nvonnxparser::IParser::setFlag")]
    pub fn set_flag(&mut self, flag: OnnxParserFlag) -> Result<()> {
        let raw = flag.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the parser is alive as long as `self`.
        unsafe { call!(self.raw()?, IParser_setFlag(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set {flag}"))
    }

    /// Turns a flag off.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such flag, `Setting` if it refuses.
    #[doc(alias = "nvonnxparser::IParser::clearFlag")]
    pub fn clear_flag(&mut self, flag: OnnxParserFlag) -> Result<()> {
        let raw = flag.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the parser is alive as long as `self`.
        unsafe { call!(self.raw()?, IParser_clearFlag(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("clear {flag}"))
    }

    /// The flags that are on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded parser has no such method.
    #[doc(alias = "nvonnxparser::IParser::getFlags")]
    pub fn flags(&self) -> Result<Vec<OnnxParserFlag>> {
        // SAFETY: the parser is alive as long as `self`.
        let bits = unsafe { call!(self.raw()?, IParser_getFlags()) }?;
        Ok(flags(self.library(), bits))
    }

    /// Whether the parser knows an operator, such as `Conv`. It may still refuse a node of it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name has a NUL character.
    #[doc(alias = "nvonnxparser::IParser::supportsOperator")]
    pub fn supports_operator(&self, operator: &str) -> Result<bool> {
        let string = c_string("ask for the operator", operator)?;
        // SAFETY: the parser is alive as long as `self`; the name lives during the call.
        unsafe { call!(self.raw()?, IParser_supportsOperator(string.as_ptr())) }
    }

    /// Parses a model whose weights are all in it.
    ///
    /// # Errors
    ///
    /// `Parse` with every reason, each with its node and operator.
    #[doc(alias = "nvonnxparser::IParser::parse")]
    pub fn parse(&mut self, model: &[u8]) -> Result<()> {
        self.parse_bytes("parse the ONNX model", model, None)
    }

    /// Parses a model whose file is, or was, at `path`: its weights may be in files beside it.
    ///
    /// # Errors
    ///
    /// `Parse` with every reason, each with its node and operator.
    #[doc(alias = "nvonnxparser::IParser::parse")]
    pub fn parse_with_path(&mut self, model: &[u8], path: impl AsRef<Path>) -> Result<()> {
        self.parse_bytes("parse the ONNX model", model, Some(path.as_ref()))
    }

    /// Parses a file, whose weights may be in files beside it.
    ///
    /// # Errors
    ///
    /// `Io` if the file cannot be read, `Parse` with every reason, each with its node and operator.
    #[doc(alias = "nvonnxparser::IParser::parseFromFile")]
    pub fn parse_file(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let tried = format!("read the ONNX model {}", path.display());
        let model = std::fs::read(path).map_err(|error| Error::io(tried, error))?;
        self.parse_bytes(&format!("parse the ONNX model {}", path.display()), &model, Some(path))
    }

    fn parse_bytes(&mut self, tried: &str, model: &[u8], path: Option<&Path>) -> Result<()> {
        if self.parsed {
            return Err(Error::invalid(tried, "this parser has parsed a model already"));
        }
        model_check::check(tried, model)?;
        let path = path.map(|path| c_string("use the path", &path.to_string_lossy())).transpose()?;
        let path = path.as_ref().map_or(std::ptr::null(), |path| path.as_ptr());
        self.parsed = true;
        let operation = Operation::begin();
        // SAFETY: the parser is alive as long as `self`; bytes and path live during the call, and are not referred to later.
        let parsed = unsafe { call!(self.raw()?, IParser_parse(model.as_ptr().cast(), model.len(), path)) }?;
        let errors = self.errors()?;
        if parsed && errors.is_empty() {
            return operation.truth(self.library(), ErrorKind::Parse, tried, true);
        }
        Err(operation.fail(self.library(), ErrorKind::Parse, tried).with_parser_errors(errors))
    }

    /// The errors since the last parse.
    pub(super) fn errors(&self) -> Result<Vec<ParserError>> {
        let raw = self.raw()?;
        // SAFETY: the parser is alive as long as `self`.
        let count = unsafe { call!(raw, IParser_getNbErrors()) }?;
        let mut errors = Vec::new();
        for index in 0..count {
            // SAFETY: the parser is alive, and the index is below the count.
            let error = unsafe { call!(raw, IParser_getError(index)) }?;
            if let Some(error) = std::ptr::NonNull::new(error) {
                // SAFETY: the error lives until the parser's errors are cleared, which nothing does during this call.
                errors.push(unsafe { ParserError::read(self.library(), error) }?);
            }
        }
        Ok(errors)
    }
}

impl Drop for OnnxParser<'_> {
    fn drop(&mut self) {
        if let Some(raw) = self.raw.take() {
            self.network.keep_parser(raw);
        }
    }
}
