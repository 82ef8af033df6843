//! `nvonnxparser::IParserRefitter`: weights for a refitter from a model.

use std::ffi::{c_char, c_void};
use std::sync::Mutex;

use tensorrt_sys::{Api, IParserError, IParserRefitter, IRefitter, ParserErrorCode, Severity};

use super::entries::entries;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::parser::{ErrorObject, folder, model_bytes};
use super::refitter::RefitterObject;
use super::scope::Scope;
use super::text::{read, read_optional};
use crate::network::Network;
use crate::onnx::{Importer, Model, ParserError};
use crate::{Error, Result};

/// The object behind `IParserRefitter`.
#[derive(Debug)]
struct ParserRefitterObject {
    scope: Scope,
    refitter: *mut IRefitter,
    #[expect(clippy::vec_box, reason = "the user holds their addresses, which must not move")]
    errors: Mutex<Vec<Box<ErrorObject>>>,
}

impl Object for ParserRefitterObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Makes a parser that sets weights of a refitter.
pub(super) unsafe extern "C" fn create(refitter: *mut c_void, logger: *mut c_void, _version: i32) -> *mut c_void {
    // SAFETY: the table's contract: `refitter` is null or a live refitter of this table.
    let Some(object) = (unsafe { borrow::<RefitterObject, _>(refitter) }) else { return std::ptr::null_mut() };
    let scope = Scope::new(object.scope().family, object.scope().version, logger.cast());
    into_raw(ParserRefitterObject { scope, refitter: refitter.cast(), errors: Mutex::default() })
}

impl ParserRefitterObject {
    fn fail(&self, errors: Vec<ParserError>) -> bool {
        let mut kept = lock(&self.errors);
        for error in errors {
            self.scope.log(Severity::Error, &format!("ONNX refitter: {error}"));
            kept.push(ErrorObject::new(&self.scope, error));
        }
        false
    }

    /// Sets the weights of a model that the engine has.
    fn refit(&self, model: Result<Model, ParserError>) -> Result<bool> {
        // SAFETY: the table's contract: the refitter outlives this object.
        let refitter: Option<&RefitterObject> = unsafe { borrow(self.refitter) };
        let refitter = refitter.ok_or_else(|| Error::internal("the refitter is gone"))?;
        let mut network = Network::new();
        let imported = model.map_err(|error| vec![error]);
        let imported = imported.and_then(|model| Importer::new().import(&model, &mut network));
        if let Err(errors) = imported {
            return Ok(self.fail(errors));
        }
        let mut set = 0;
        for weights in network.graph().weights.iter().filter(|weights| !weights.name.is_empty()) {
            match refitter.set_from_model(&weights.name, weights) {
                Ok(found) => set += usize::from(found),
                Err(error) => {
                    let error = ParserError::model(ParserErrorCode::RefitFailed, error.message().to_owned());
                    return Ok(self.fail(vec![error]));
                }
            }
        }
        if set == 0 {
            let text = "the model has no weights of the engine: it is of another network";
            return Ok(self.fail(vec![ParserError::model(ParserErrorCode::RefitFailed, text)]));
        }
        Ok(true)
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IParserRefitter) {
        // SAFETY: the table's contract: made by `create`, not used again.
        unsafe { drop_object::<ParserRefitterObject>(object.cast::<c_void>()) };
    }
    api.createNvOnnxParserRefitter_INTERNAL = Some(create);
    api.IParserRefitter_destroy = Some(destroy);
    entries! { api;
        IParserRefitter: ParserRefitterObject {
            fn IParserRefitter_refitFromBytes(parser, data: *const c_void, size: usize, path: *const c_char) -> bool {
                let path = read_optional(path, "the model's path")?;
                parser.refit(Model::from_bytes(model_bytes(data, size)?.to_vec(), folder(path.as_deref())))
            }
            fn IParserRefitter_refitFromFile(parser, path: *const c_char) -> bool {
                parser.refit(Model::from_file(read(path, "the model's path")?))
            }
            fn IParserRefitter_getNbErrors(parser) -> i32 { Ok(i32::try_from(lock(&parser.errors).len()).unwrap_or(i32::MAX)) }
            fn IParserRefitter_getError(parser, index: i32) -> *mut IParserError {
                let mut errors = lock(&parser.errors);
                let found = usize::try_from(index).ok().and_then(|index| errors.get_mut(index));
                let error = found.ok_or_else(|| Error::invalid(format!("there is no error {index}")))?;
                Ok((&raw mut **error).cast())
            }
            fn IParserRefitter_clearErrors(parser) {
                lock(&parser.errors).clear();
                Ok(())
            }
        }
    }
}
