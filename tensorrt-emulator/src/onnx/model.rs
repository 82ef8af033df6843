//! A model: decoded from bytes or a file, with its external data.

use std::path::Path;

use bytes::Bytes;
use prost::Message;
use tensorrt_sys::ParserErrorCode;

use super::ParserError;
use super::external::ExternalData;
use super::proto::{GraphProto, ModelProto};

/// The newest IR version that is read.
pub(crate) const MAX_IR_VERSION: i64 = 14;

/// A decoded ONNX model. Weights stay in the buffer (or the external files) until the importer asks for them.
#[derive(Debug)]
pub struct Model {
    proto: ModelProto,
    external: ExternalData,
}

impl Model {
    /// Decodes a model; `folder` is where its external data lies, if it has any.
    ///
    /// # Errors
    /// The bytes are not an ONNX model, or one without a graph.
    #[expect(clippy::result_large_err, reason = "a model is loaded once")]
    pub fn from_bytes(bytes: impl Into<Bytes>, folder: Option<&Path>) -> Result<Self, ParserError> {
        let bytes = bytes.into();
        let failed = |message: String| ParserError::model(ParserErrorCode::ModelDeserializeFailed, message);
        if bytes.is_empty() {
            return Err(failed("the model is empty".to_owned()));
        }
        let proto = ModelProto::decode(bytes).map_err(|error| {
            // The decoder's text begins with the path to the field, which may be as long as graphs lie deep.
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or(&text);
            failed(format!("the bytes are not an ONNX model: {reason}"))
        })?;
        if proto.graph.is_none() {
            return Err(failed("the bytes are not an ONNX model: there is no graph".to_owned()));
        }
        Ok(Self { proto, external: ExternalData::new(folder.map(Path::to_path_buf)) })
    }

    /// Reads a model from a file; its external data lies in the same folder.
    ///
    /// # Errors
    /// The file cannot be read, or as [`from_bytes`](Self::from_bytes).
    #[expect(clippy::result_large_err, reason = "a model is loaded once")]
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ParserError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| {
            ParserError::model(ParserErrorCode::ModelDeserializeFailed, format!("{}: {error}", path.display()))
        })?;
        Self::from_bytes(bytes, Some(path.parent().unwrap_or(Path::new("."))))
    }

    /// The decoded message.
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    pub(crate) fn graph(&self) -> Option<&GraphProto> {
        self.proto.graph.as_ref()
    }

    pub(crate) fn external(&self) -> &ExternalData {
        &self.external
    }

    /// The version of ONNX's own operators that the model asks for; 1 where it names none (IR version 2 and older).
    pub fn opset(&self) -> i64 {
        super::function::opset(&self.proto.opset_import, "")
    }
}
