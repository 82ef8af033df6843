//! `IRefitter`: other weights for an engine that is there already.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Mutex};

use tensorrt_sys::{Api, ErrorCode, ILogger, IRefitter, TensorLocation, WeightsRole};

use super::dims::weights as read_weights;
use super::engine::{EngineObject, Slot};
use super::entries::entries;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::{Scope, c_text};
use super::text::read;
use super::value::Value;
use crate::graph::{Graph, Layer, LayerKind, Weights, WeightsId};
use crate::memory::Storage;
use crate::plan::is_refittable;
use crate::{Error, Result};

/// The object behind `IRefitter`.
#[derive(Debug)]
pub(super) struct RefitterObject {
    scope: Scope,
    slot: Arc<Slot>,
    /// The names of weights that can be set, with their indices in the plan.
    named: Vec<(CString, usize)>,
    /// The layers with weights of their own, by role.
    roles: Vec<(CString, WeightsRole, usize)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What was set, by index in the plan, with the user's own values.
    set: BTreeMap<usize, (Storage, Given)>,
    validation: bool,
    threads: i32,
}

/// Where the user's values are.
#[derive(Debug, Clone, Copy)]
struct Given {
    values: *const c_void,
    location: TensorLocation,
}

// SAFETY: the address is only handed back to the user.
unsafe impl Send for Given {}

impl Object for RefitterObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// The weights of a layer, by role.
fn roles(layer: &Layer) -> Vec<(WeightsRole, WeightsId)> {
    let of = |role, id: &Option<WeightsId>| id.map(|id| (role, id));
    match &layer.kind {
        LayerKind::Constant { weights, .. } => vec![(WeightsRole::Constant, *weights)],
        LayerKind::Convolution(conv) | LayerKind::Deconvolution(conv) => {
            [of(WeightsRole::Kernel, &conv.kernel), of(WeightsRole::Bias, &conv.bias)].into_iter().flatten().collect()
        }
        LayerKind::Scale(scale) => {
            [of(WeightsRole::Shift, &scale.shift), of(WeightsRole::Scale, &scale.scale)].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Makes a refitter of an engine.
pub(super) unsafe extern "C" fn create(engine: *mut c_void, logger: *mut c_void, _version: i32) -> *mut c_void {
    // SAFETY: the table's contract: `engine` is null or a live engine of this table.
    let Some(engine) = (unsafe { borrow::<EngineObject, _>(engine) }) else { return std::ptr::null_mut() };
    let scope = Scope::new(engine.scope().family, engine.scope().version, logger.cast());
    let plan = engine.slot().current().plan().clone();
    if !plan.settings.refittable && !plan.graph.is_stripped() {
        let error =
            Error::new(ErrorCode::InvalidState, "the engine is not refittable: build it with BuilderFlag::kREFIT");
        scope.error("createInferRefitter", &error);
        return std::ptr::null_mut();
    }
    let graph: &Graph = &plan.graph;
    let named = graph.weights.iter().enumerate().filter(|(_, weights)| is_refittable(weights));
    let named = named.map(|(index, weights)| (c_text(&weights.name), index)).collect();
    let roles = graph
        .layers
        .iter()
        .flat_map(|layer| roles(layer).into_iter().map(|(role, id)| (c_text(&layer.name), role, id.0 as usize)));
    let roles = roles.collect();
    let state = State { set: BTreeMap::new(), validation: true, threads: 1 };
    into_raw(RefitterObject { scope, slot: engine.slot().clone(), named, roles, state: Mutex::new(state) })
}

impl RefitterObject {
    fn prototype(&self, index: usize) -> Result<Weights> {
        let engine = self.slot.current();
        let found = engine.plan().graph.weights.get(index).cloned();
        found.ok_or_else(|| Error::internal(format!("the plan has no weights {index}")))
    }

    fn by_name(&self, name: *const c_char) -> Result<usize> {
        let name = read(name, "the name of the weights")?;
        let found = self.named.iter().find(|(known, _)| known.to_str() == Ok(&name)).map(|&(_, index)| index);
        found.ok_or_else(|| Error::invalid(format!("the engine has no refittable weights \"{name}\"")))
    }

    fn by_role(&self, layer: *const c_char, role: i32) -> Result<usize> {
        let (layer, role) = (read(layer, "the layer's name")?, WeightsRole::read(self.scope.family, role)?);
        let of_layer = self.roles.iter().filter(|(name, ..)| name.to_str() == Ok(&layer));
        let found = of_layer.clone().find(|(_, known, _)| *known == role || role == WeightsRole::Any);
        found.map(|&(.., index)| index).ok_or_else(|| {
            let roles: Vec<&str> = of_layer.map(|(_, role, _)| role.name()).collect();
            let role = role.name();
            Error::invalid(format!("the layer \"{layer}\" has no weights of the role {role}; its roles are {roles:?}"))
        })
    }

    /// Takes weights, which have the type and number of those there are.
    fn set(&self, index: usize, weights: tensorrt_sys::Weights, location: TensorLocation) -> Result<bool> {
        let prototype = self.prototype(index)?;
        let given = read_weights(self.scope.family, weights, "the new weights")?;
        let given = given.ok_or_else(|| Error::invalid("the new weights are empty"))?;
        if given.dtype != prototype.dtype || given.count != prototype.count {
            let text = format!(
                "{} elements of {} for the weights \"{}\", which have {} of {}",
                given.count,
                given.dtype.name(),
                prototype.name,
                prototype.count,
                prototype.dtype.name()
            );
            return Err(Error::invalid(text));
        }
        let place = Given { values: weights.values, location };
        lock(&self.state).set.insert(index, (given.storage, place));
        Ok(true)
    }

    /// Weights from a model, by name; false where the engine has none of that name.
    pub(super) fn set_from_model(&self, name: &str, weights: &Weights) -> Result<bool> {
        let found = self.named.iter().find(|(known, _)| known.to_str() == Ok(name)).map(|&(_, index)| index);
        let Some(index) = found else { return Ok(false) };
        let prototype = self.prototype(index)?;
        if weights.dtype != prototype.dtype || weights.count != prototype.count {
            let (count, dtype) = (weights.count, weights.dtype.name());
            let text =
                format!("the model has {count} elements of {dtype} for \"{name}\", the engine {}", prototype.count);
            return Err(Error::invalid(text));
        }
        let place = Given { values: std::ptr::null(), location: TensorLocation::Host };
        lock(&self.state).set.insert(index, (weights.storage.clone(), place));
        Ok(true)
    }

    /// Which weights are still to be set: those that were left out of the plan.
    fn missing(&self) -> Vec<usize> {
        let engine = self.slot.current();
        let state = lock(&self.state);
        let weights = engine.plan().graph.weights.iter().enumerate();
        weights
            .filter(|(index, blob)| blob.stripped && !state.set.contains_key(index))
            .map(|(index, _)| index)
            .collect()
    }

    fn refit(&self) -> Result<bool> {
        let missing = self.missing();
        if !missing.is_empty() {
            let names: Vec<&str> = self
                .named
                .iter()
                .filter(|(_, index)| missing.contains(index))
                .filter_map(|(name, _)| name.to_str().ok())
                .take(8)
                .collect();
            let text = format!("{} weights are not set, among them {names:?}", missing.len());
            return Err(Error::new(ErrorCode::InvalidState, text));
        }
        // What was set stays set, for the next refit.
        let state = lock(&self.state);
        let storages = state.set.iter().map(|(&index, (storage, _))| (index, storage.clone())).collect();
        drop(state);
        let refitted = self.slot.current().refitted(&storages)?;
        self.slot.replace(refitted);
        Ok(true)
    }

    /// Fills arrays of names, and where given roles; the number there are.
    fn list<'n>(
        names: impl IntoIterator<Item = (&'n CString, Option<i32>)>,
        capacity: i32,
        to: *mut *const c_char,
        roles: *mut i32,
    ) -> i32 {
        let capacity = usize::try_from(capacity).unwrap_or(0);
        let mut count = 0usize;
        for (name, role) in names {
            if count < capacity && !to.is_null() {
                // SAFETY: the table's contract: the array has room for `capacity` pointers.
                let place = unsafe { to.add(count) };
                // SAFETY: as above.
                unsafe { place.write(name.as_ptr()) };
            }
            if let (true, Some(role)) = (count < capacity && !roles.is_null(), role) {
                // SAFETY: the table's contract: the array has room for `capacity` roles.
                let place = unsafe { roles.add(count) };
                // SAFETY: as above.
                unsafe { place.write(role) };
            }
            count += 1;
        }
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    fn raw(&self, weights: &Weights, values: *const c_void) -> tensorrt_sys::Weights {
        let count = i64::try_from(weights.count).unwrap_or(i64::MAX);
        tensorrt_sys::Weights { type_: weights.dtype.show(self.scope.family), values, count }
    }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut IRefitter) {
        // SAFETY: the table's contract: made by `create`, not used again.
        unsafe { drop_object::<RefitterObject>(object.cast::<c_void>()) };
    }
    api.createInferRefitter_INTERNAL = Some(create);
    api.IRefitter_destroy = Some(destroy);
    entries! { api;
        IRefitter: RefitterObject {
            fn IRefitter_setWeights(refitter, layer: *const c_char, role: i32, weights: tensorrt_sys::Weights) -> bool {
                refitter.set(refitter.by_role(layer, role)?, weights, TensorLocation::Host)
            }
            fn IRefitter_setNamedWeights(refitter, name: *const c_char, weights: tensorrt_sys::Weights) -> bool {
                refitter.set(refitter.by_name(name)?, weights, TensorLocation::Host)
            }
            fn IRefitter_setNamedWeightsWithLocation(refitter, name: *const c_char, weights: tensorrt_sys::Weights, location: i32) -> bool {
                let location = TensorLocation::read(refitter.scope.family, location)?;
                refitter.set(refitter.by_name(name)?, weights, location)
            }
            fn IRefitter_unsetNamedWeights(refitter, name: *const c_char) -> bool {
                let index = refitter.by_name(name)?;
                Ok(lock(&refitter.state).set.remove(&index).is_some())
            }
            fn IRefitter_getNamedWeights(refitter, name: *const c_char) -> tensorrt_sys::Weights {
                let index = refitter.by_name(name)?;
                let given = lock(&refitter.state).set.get(&index).map_or(std::ptr::null(), |(_, given)| given.values);
                let prototype = refitter.prototype(index)?;
                if given.is_null() {
                    return Ok(tensorrt_sys::Weights { count: 0, ..refitter.raw(&prototype, given) });
                }
                Ok(refitter.raw(&prototype, given))
            }
            fn IRefitter_getWeightsLocation(refitter, name: *const c_char) -> i32 {
                let index = refitter.by_name(name)?;
                let state = lock(&refitter.state);
                let location = state.set.get(&index).map_or(TensorLocation::Host, |(_, given)| given.location);
                Ok(location.show(refitter.scope.family))
            }
            fn IRefitter_getWeightsPrototype(refitter, name: *const c_char) -> tensorrt_sys::Weights {
                let prototype = refitter.prototype(refitter.by_name(name)?)?;
                Ok(refitter.raw(&prototype, std::ptr::null()))
            }
            fn IRefitter_getMissing(refitter, capacity: i32, layers: *mut *const c_char, roles: *mut i32) -> i32 {
                let missing = refitter.missing();
                let found = refitter.roles.iter().filter(|(.., index)| missing.contains(index));
                let found = found.map(|(layer, role, _)| (layer, Some(role.show(refitter.scope.family))));
                Ok(RefitterObject::list(found, capacity, layers, roles))
            }
            fn IRefitter_getAll(refitter, capacity: i32, layers: *mut *const c_char, roles: *mut i32) -> i32 {
                let all = refitter.roles.iter().map(|(layer, role, _)| (layer, Some(role.show(refitter.scope.family))));
                Ok(RefitterObject::list(all, capacity, layers, roles))
            }
            fn IRefitter_getMissingWeights(refitter, capacity: i32, names: *mut *const c_char) -> i32 {
                let missing = refitter.missing();
                let found = refitter.named.iter().filter(|(_, index)| missing.contains(index)).map(|(name, _)| (name, None));
                Ok(RefitterObject::list(found, capacity, names, std::ptr::null_mut()))
            }
            fn IRefitter_getAllWeights(refitter, capacity: i32, names: *mut *const c_char) -> i32 {
                let all = refitter.named.iter().map(|(name, _)| (name, None));
                Ok(RefitterObject::list(all, capacity, names, std::ptr::null_mut()))
            }
            fn IRefitter_refitCudaEngine(refitter) -> bool { refitter.refit() }
            fn IRefitter_refitCudaEngineAsync(refitter, stream: *mut c_void) -> bool { refitter.refit() }
            fn IRefitter_setWeightsValidation(refitter, validation: bool) {
                lock(&refitter.state).validation = validation;
                Ok(())
            }
            fn IRefitter_getWeightsValidation(refitter) -> bool { Ok(lock(&refitter.state).validation) }
            fn IRefitter_setMaxThreads(refitter, threads: i32) -> bool {
                if threads < 1 {
                    return Err(Error::invalid(format!("{threads} threads")));
                }
                lock(&refitter.state).threads = threads;
                Ok(true)
            }
            fn IRefitter_getMaxThreads(refitter) -> i32 { Ok(lock(&refitter.state).threads) }
            fn IRefitter_releaseRefitResources(_refitter) -> bool { Ok(true) }
            fn IRefitter_getLogger(refitter) -> *mut ILogger { Ok(refitter.scope.logger()) }
            fn IRefitter_setErrorRecorder(refitter, recorder: *mut tensorrt_sys::IErrorRecorder) {
                refitter.scope.set_recorder(recorder);
                Ok(())
            }
            fn IRefitter_getErrorRecorder(refitter) -> *mut tensorrt_sys::IErrorRecorder { Ok(refitter.scope.recorder()) }
        }
    }
}
