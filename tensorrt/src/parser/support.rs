//! What of a model the parser supports, without parsing it.

use std::path::Path;

use super::{OnnxParser, ParserError, model_check};
use crate::error::Result;
use crate::operation::Operation;
use crate::raw::call;
use crate::value::c_string;

/// A part of a model that is supported or not as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subgraph {
    /// The indices of its nodes in the model.
    pub nodes: Vec<usize>,
    /// Whether the parser supports it.
    pub supported: bool,
}

/// What of a model the parser supports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelSupport {
    /// Whether all of it is supported.
    pub supported: bool,
    /// Its parts.
    pub subgraphs: Vec<Subgraph>,
    /// Why parts are not.
    pub errors: Vec<ParserError>,
}

impl OnnxParser<'_> {
    /// Asks what of a model is supported. A model with weights in files of their own is looked for at `path`.
    ///
    /// A parser that answered cannot parse any more; make another.
    ///
    /// # Errors
    ///
    /// `Parse` if it is no model, `Unsupported` if the loaded parser cannot answer.
    #[doc(alias = "nvonnxparser::IParser::supportsModelV2")]
    pub fn supports_model(&mut self, model: &[u8], path: Option<&Path>) -> Result<ModelSupport> {
        let tried = "ask whether the ONNX model is supported";
        model_check::check(tried, model)?;
        let path = path.map(|path| c_string("use the path", &path.to_string_lossy())).transpose()?;
        let path = path.as_ref().map_or(std::ptr::null(), |path| path.as_ptr());
        self.parsed = true;
        let operation = Operation::begin();
        // SAFETY: the parser is alive as long as `self`; bytes and path live during the call.
        let supported =
            unsafe { call!(self.raw()?, IParser_supportsModelV2(model.as_ptr().cast(), model.len(), path)) }?;
        operation.truth(self.library(), crate::ErrorKind::Parse, tried, true)?;
        // SAFETY: the parser is alive as long as `self`.
        let count = unsafe { call!(self.raw()?, IParser_getNbSubgraphs()) }?;
        let subgraphs = (0..count).map(|index| self.subgraph(index)).collect::<Result<_>>()?;
        Ok(ModelSupport { supported, subgraphs, errors: self.errors()? })
    }

    fn subgraph(&self, index: i64) -> Result<Subgraph> {
        // SAFETY: the parser is alive, and the index is below the count.
        let supported = unsafe { call!(self.raw()?, IParser_isSubgraphSupported(index)) }?;
        let mut length = 0_i64;
        // SAFETY: as above; the length lives during the call.
        let nodes = unsafe { call!(self.raw()?, IParser_getSubgraphNodes(index, &raw mut length)) }?;
        let length = usize::try_from(length).unwrap_or(0);
        if nodes.is_null() || length == 0 {
            return Ok(Subgraph { nodes: Vec::new(), supported });
        }
        // SAFETY: the parser returns an array of as many indices as it says, which lives until it is asked about another model.
        let nodes = unsafe { std::slice::from_raw_parts(nodes, length) };
        Ok(Subgraph { nodes: nodes.iter().filter_map(|node| usize::try_from(*node).ok()).collect(), supported })
    }
}
