//! `nvonnxparser::IParser` and its errors.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tensorrt_sys::{Api, IParser, IParserError, ITensor, OnnxParserFlag, Severity};

use super::entries::entries;
use super::network::{NetworkObject, Shared, tensor_object};
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::{Scope, c_text};
use super::text::{Text, read, read_optional};
use super::value::Value;
use crate::onnx::{Imported, Importer, Model, ParserError, Subgraph};
use crate::{Error, Result};

/// The object behind `IParser`.
#[derive(Debug)]
pub(super) struct ParserObject {
    scope: Scope,
    network: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    flags: u32,
    #[expect(clippy::vec_box, reason = "the user holds their addresses, which must not move")]
    errors: Vec<Box<ErrorObject>>,
    imported: Imported,
    subgraphs: Vec<(Subgraph, Vec<i64>)>,
}

/// The object behind `IParserError`; it lives in its parser.
#[derive(Debug)]
pub(super) struct ErrorObject {
    scope: Scope,
    error: ParserError,
    texts: [Text; 3],
    functions: Vec<std::ffi::CString>,
    stack: Vec<*const c_char>,
}

// SAFETY: `stack` points into `functions`, which the object owns and never changes.
unsafe impl Send for ErrorObject {}

impl Object for ParserObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Object for ErrorObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl ErrorObject {
    pub(super) fn new(scope: &Scope, error: ParserError) -> Box<Self> {
        let functions: Vec<_> = error.functions.iter().map(|name| c_text(name)).collect();
        let stack = functions.iter().map(|name| name.as_ptr()).collect();
        Box::new(Self { scope: scope.clone(), error, texts: Default::default(), functions, stack })
    }
}

/// Makes a parser that fills a network.
pub(super) unsafe extern "C" fn create(network: *mut c_void, logger: *mut c_void, _version: i32) -> *mut c_void {
    // SAFETY: the table's contract: `network` is null or a live network of this table.
    let Some(network) = (unsafe { borrow::<NetworkObject, _>(network) }) else { return std::ptr::null_mut() };
    let parent = network.scope();
    let scope = Scope::new(parent.family, parent.version, logger.cast()).with_strict(parent.strict);
    into_raw(ParserObject { scope, network: network.shared.clone(), state: Mutex::default() })
}

impl ParserObject {
    fn fail(&self, errors: Vec<ParserError>) {
        let mut state = lock(&self.state);
        for error in errors {
            self.scope.log(Severity::Error, &format!("ONNX parser: {error}"));
            state.errors.push(ErrorObject::new(&self.scope, error));
        }
    }

    fn importer(&self) -> Importer {
        Importer::with_flags(lock(&self.state).flags).with_strict(self.scope.strict)
    }

    fn import(&self, model: Result<Model, ParserError>) -> bool {
        let importer = self.importer();
        let outcome = model
            .map_err(|error| vec![error])
            .and_then(|model| importer.import(&model, self.network.state().importing()));
        match outcome {
            Ok(imported) => {
                lock(&self.state).imported = imported;
                true
            }
            Err(errors) => {
                self.fail(errors);
                false
            }
        }
    }

    fn supports(&self, model: Result<Model, ParserError>) -> bool {
        let (subgraphs, errors) = match model {
            Ok(model) => self.importer().supports(&model),
            Err(error) => (Vec::new(), vec![error]),
        };
        let all = errors.is_empty();
        self.fail(errors);
        let with_nodes = |subgraph: Subgraph| {
            let nodes = subgraph.nodes.iter().map(|&node| i64::try_from(node).unwrap_or(-1)).collect();
            (subgraph, nodes)
        };
        lock(&self.state).subgraphs = subgraphs.into_iter().map(with_nodes).collect();
        all
    }
}

/// The bytes of a model.
///
/// # Errors
/// The pointer is null.
pub(super) fn model_bytes<'a>(data: *const c_void, size: usize) -> Result<&'a [u8]> {
    if data.is_null() || isize::try_from(size).is_err() {
        return Err(Error::invalid("the model is null or too large"));
    }
    // SAFETY: the table's contract: `size` bytes, readable during the call.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

/// The folder that a model's external data is looked for in: beside the model's path.
pub(super) fn folder(path: Option<&str>) -> Option<&Path> {
    Path::new(path?).parent()
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IParser) {
        // SAFETY: the table's contract: made by `create`, not used again.
        unsafe { drop_object::<ParserObject>(object.cast::<c_void>()) };
    }
    api.createNvOnnxParser_INTERNAL = Some(create);
    api.IParser_destroy = Some(destroy);
    entries! { api;
        IParser: ParserObject {
        fn IParser_parse(parser, data: *const c_void, size: usize, path: *const c_char) -> bool {
            let path = read_optional(path, "the model's path")?;
            let bytes = model_bytes(data, size)?;
            Ok(parser.import(Model::from_bytes(bytes.to_vec(), folder(path.as_deref()))))
        }
        fn IParser_parseFromFile(parser, path: *const c_char, verbosity: i32) -> bool {
            Ok(parser.import(Model::from_file(read(path, "the model's path")?)))
        }
        fn IParser_supportsModelV2(parser, data: *const c_void, size: usize, path: *const c_char) -> bool {
            let path = read_optional(path, "the model's path")?;
            let bytes = model_bytes(data, size)?;
            Ok(parser.supports(Model::from_bytes(bytes.to_vec(), folder(path.as_deref()))))
        }
        fn IParser_getNbSubgraphs(parser) -> i64 {
            Ok(i64::try_from(lock(&parser.state).subgraphs.len()).unwrap_or(i64::MAX))
        }
        fn IParser_isSubgraphSupported(parser, index: i64) -> bool {
            let state = lock(&parser.state);
            let found = usize::try_from(index).ok().and_then(|index| state.subgraphs.get(index));
            Ok(found.ok_or_else(|| Error::invalid(format!("there is no subgraph {index}")))?.0.supported)
        }
        fn IParser_getSubgraphNodes(parser, index: i64, length: *mut i64) -> *mut i64 {
            let mut state = lock(&parser.state);
            let found = usize::try_from(index).ok().and_then(|index| state.subgraphs.get_mut(index));
            let nodes = &mut found.ok_or_else(|| Error::invalid(format!("there is no subgraph {index}")))?.1;
            // SAFETY: the table's contract: `length` is null or writable during the call.
            if let Some(length) = unsafe { length.as_mut() } {
                *length = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
            }
            Ok(nodes.as_mut_ptr())
        }
        fn IParser_supportsOperator(parser, name: *const c_char) -> bool { Ok(parser.importer().supports_operator(&read(name, "the operator")?)) }
        fn IParser_getNbErrors(parser) -> i32 { Ok(i32::try_from(lock(&parser.state).errors.len()).unwrap_or(i32::MAX)) }
        fn IParser_getError(parser, index: i32) -> *mut IParserError {
            let mut state = lock(&parser.state);
            let found = usize::try_from(index).ok().and_then(|index| state.errors.get_mut(index));
            let error = found.ok_or_else(|| Error::invalid(format!("there is no error {index}")))?;
            Ok((&raw mut **error).cast())
        }
        fn IParser_clearErrors(parser) {
            lock(&parser.state).errors.clear();
            Ok(())
        }
        fn IParser_setFlags(parser, flags: u32) {
            lock(&parser.state).flags = flags;
            Ok(())
        }
        fn IParser_getFlags(parser) -> u32 { Ok(lock(&parser.state).flags) }
        fn IParser_setFlag(parser, flag: i32) {
            OnnxParserFlag::read(parser.scope.family, flag)?;
            lock(&parser.state).flags |= 1 << flag;
            Ok(())
        }
        fn IParser_clearFlag(parser, flag: i32) {
            OnnxParserFlag::read(parser.scope.family, flag)?;
            lock(&parser.state).flags &= !(1 << flag);
            Ok(())
        }
        fn IParser_getFlag(parser, flag: i32) -> bool {
            OnnxParserFlag::read(parser.scope.family, flag)?;
            Ok(lock(&parser.state).flags & 1 << flag != 0)
        }
        fn IParser_getLayerOutputTensor(parser, name: *const c_char, index: i64) -> *mut ITensor {
            let name = read(name, "the node's name")?;
            let state = lock(&parser.state);
            let outputs = state.imported.node_outputs.get(&name);
            let id = outputs.zip(usize::try_from(index).ok()).and_then(|(outputs, index)| outputs.get(index).copied());
            Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&parser.network, id)))
        }
        }
        IParserError: ErrorObject {
        fn IParserError_code(error) -> i32 { Ok(error.error.code.show(error.scope.family)) }
        fn IParserError_desc(error) -> *const c_char { Ok(error.texts[0].show(&error.error.message)) }
        fn IParserError_nodeName(error) -> *const c_char { Ok(error.texts[1].show(&error.error.node_name)) }
        fn IParserError_nodeOperator(error) -> *const c_char { Ok(error.texts[2].show(&error.error.operator)) }
        fn IParserError_node(error) -> i32 {
            Ok(error.error.node.and_then(|node| i32::try_from(node).ok()).unwrap_or(-1))
        }
        fn IParserError_file(error) -> *const c_char { Ok(c"".as_ptr()) }
        fn IParserError_func(error) -> *const c_char { Ok(c"".as_ptr()) }
        fn IParserError_line(error) -> i32 { Ok(0) }
        fn IParserError_localFunctionStack(error) -> *const *const c_char { Ok(error.stack.as_ptr()) }
        fn IParserError_localFunctionStackSize(error) -> i32 {
            Ok(i32::try_from(error.functions.len()).unwrap_or(i32::MAX))
        }
        }
    }
}
