//! Weights of an ONNX model for a refitter.

use std::path::Path;
use std::ptr::NonNull;

use tensorrt_sys::IParserRefitter;

use super::Refitter;
use crate::error::{Error, ErrorKind, Result};
use crate::library::State;
use crate::operation::Operation;
use crate::parser::ParserError;
use crate::raw::{Raw, call};
use crate::value::c_string;

impl Refitter {
    /// Sets all weights that a model has by the names that the engine's weights came from: those of the model that it was built of.
    ///
    /// # Errors
    ///
    /// `Parse` with every reason if the model is broken or of another network.
    #[doc(alias = "nvonnxparser::IParserRefitter::refitFromBytes")]
    pub fn set_weights_from_onnx(&mut self, model: &[u8]) -> Result<()> {
        let parser = self.parser()?;
        let operation = Operation::begin();
        let (data, path) = (model.as_ptr().cast(), std::ptr::null());
        // SAFETY: the parser is alive, and the model lives during the call.
        let set = unsafe { call!(parser, IParserRefitter_refitFromBytes(data, model.len(), path)) }?;
        self.keep(parser, operation, set, "set the weights of an ONNX model")
    }

    /// Sets all weights that a model file has, with those in files beside it; else as [`Refitter::set_weights_from_onnx`].
    ///
    /// # Errors
    ///
    /// `Io` if there is no such file, else as for [`Refitter::set_weights_from_onnx`].
    #[doc(alias = "nvonnxparser::IParserRefitter::refitFromFile")]
    pub fn set_weights_from_onnx_file(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let tried = format!("set the weights of {}", path.display());
        std::fs::metadata(path).map_err(|error| Error::io(&tried, error))?;
        let text = path.to_str().ok_or_else(|| Error::invalid(&tried, "the path is not UTF-8"))?;
        let string = c_string("use the file", text)?;
        let parser = self.parser()?;
        let operation = Operation::begin();
        // SAFETY: the parser is alive, and the path lives during the call.
        let set = unsafe { call!(parser, IParserRefitter_refitFromFile(string.as_ptr())) }?;
        self.keep(parser, operation, set, &tried)
    }

    fn parser(&self) -> Result<Raw<IParserRefitter>> {
        let library = self.library();
        let state = State::of(library)?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive and outlives the parser, which is stored before it; the logger lives as long as the process.
        let made = unsafe { library.create_parser_refitter(self.raw.as_ptr(), state.logger()) };
        let pointer = made.map_err(|error| Error::from(error).with_lines(operation.lines()))?;
        // SAFETY: the parser was just made by this library and is given to nobody else.
        Ok(unsafe { Raw::new(library, pointer) })
    }

    /// Keeps a parser, whose weights the refitter refers to, and reports why it failed: weights that came before the error stay set.
    fn keep(&mut self, parser: Raw<IParserRefitter>, operation: Operation, set: bool, tried: &str) -> Result<()> {
        let errors = if set { Ok(Vec::new()) } else { errors(&parser) };
        self.parsers.push(parser);
        if set {
            return Ok(());
        }
        Err(operation.fail(self.library(), ErrorKind::Parse, tried).with_parser_errors(errors?))
    }
}

/// Why a parser failed.
fn errors(parser: &Raw<IParserRefitter>) -> Result<Vec<ParserError>> {
    // SAFETY: the parser is alive.
    let count = unsafe { call!(parser, IParserRefitter_getNbErrors()) }?;
    let mut errors = Vec::new();
    for index in 0..count {
        // SAFETY: the parser is alive, and the index is below the count.
        let error = unsafe { call!(parser, IParserRefitter_getError(index)) }?;
        if let Some(error) = NonNull::new(error) {
            // SAFETY: the error lives until the parser's errors are cleared, which nothing does during this call.
            errors.push(unsafe { ParserError::read(parser.library(), error) }?);
        }
    }
    Ok(errors)
}
