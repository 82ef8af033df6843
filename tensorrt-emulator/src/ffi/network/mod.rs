//! `INetworkDefinition`: the network under construction, and the tensor and layer objects that live in it.

mod add;
mod attention;
mod collective;
mod conditionals;
mod dynamic;
mod kv_cache;
mod layer;
mod limits;
mod loops;
mod marks;
mod moe;
mod names;
mod properties;
mod tensor;

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tensorrt_sys::{Api, Family, IBuilder, ILayer, ITensor, NetworkDefinitionCreationFlag};

use super::dims::{data_type, shape_from_c};
use super::entries::entries;
use super::object::{Object, borrow, drop_object, into_raw, lock};
use super::scope::Scope;
use super::text::{Text, read};
use super::value::Value;
use crate::graph::{LayerId, LayerKind, TensorId, Weights, WeightsId};
use crate::network::Network;
use crate::{Error, Result};
use attention::AttentionObject;
use conditionals::ConditionalObject;
use layer::LayerObject;
use loops::LoopObject;
use tensor::TensorObject;

/// The object behind `INetworkDefinition`.
#[derive(Debug)]
pub(super) struct NetworkObject {
    pub(super) shared: Arc<Shared>,
    builder: *mut IBuilder,
    name: Text,
}

/// What the network's tensor and layer objects share with it.
#[derive(Debug)]
pub(super) struct Shared {
    scope: Scope,
    flags: u32,
    state: Mutex<State>,
}

/// The network and the objects handed out for its parts.
#[derive(Debug, Default)]
pub(super) struct State {
    network: Network,
    tensors: Vec<Option<Box<TensorObject>>>,
    layers: Vec<Option<Box<LayerObject>>>,
    /// One an attention's input layer.
    attentions: Vec<Option<Box<AttentionObject>>>,
    loops: Vec<Option<Box<LoopObject>>>,
    conditionals: Vec<Option<Box<ConditionalObject>>>,
    changed: bool,
    /// Where the user has the values of weights that were given by hand: what tells one blob from another.
    origins: Vec<(usize, WeightsId)>,
    /// The outputs that were marked for shapes.
    shape_outputs: Vec<TensorId>,
    /// How many tensors were renamed because their default names were taken.
    collisions: u32,
    /// Whether every tensor of an engine may be looked at.
    debugs_unfused: bool,
}

impl Object for NetworkObject {
    fn scope(&self) -> &Scope {
        &self.shared.scope
    }
}

impl NetworkObject {
    /// A new network of a builder.
    pub(super) fn hand_out(
        scope: Scope,
        builder: *mut IBuilder,
        flags: u32,
        name: String,
    ) -> *mut tensorrt_sys::INetworkDefinition {
        let shared = Arc::new(Shared { scope, flags, state: Mutex::default() });
        shared.state().importing().graph_mut().name = name;
        into_raw(Self { shared, builder, name: Text::default() })
    }

    /// The creation flags, as a mask.
    pub(super) fn flags(&self) -> u32 {
        self.shared.flags
    }

    /// Whether types are taken as written; always so from TensorRT 11 on.
    pub(super) fn strongly_typed(&self) -> bool {
        let flag = NetworkDefinitionCreationFlag::StronglyTyped.to_raw(self.scope().family);
        !matches!(self.scope().family, Family::Trt10)
            || flag.is_some_and(|bit| u32::try_from(bit).is_ok_and(|bit| self.shared.flags & 1 << bit != 0))
    }
}

impl Shared {
    /// The state, for one call.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Whether every tensor of an engine may be looked at.
    pub(super) fn debugs_unfused(&self) -> bool {
        self.debugs_unfused
    }

    /// The network with every shape inferred.
    ///
    /// # Errors
    /// What shape inference refuses, after a layer or input was changed.
    pub(super) fn settled(&mut self) -> Result<&mut Network> {
        if self.changed {
            self.network.infer()?;
            self.changed = false;
        }
        Ok(&mut self.network)
    }

    /// Checks a layer that is added or changed.
    ///
    /// # Errors
    /// What is refused at once.
    pub(super) fn check(&mut self, kind: &LayerKind, inputs: &[Option<TensorId>]) -> Result<()> {
        limits::check(kind, &mut |index| {
            let id = inputs.get(index).copied().flatten()?;
            let network = self.inferred();
            Some((network.value(id).dtype, network.accepted(id).ok().map(|value| value.dims)))
        })
    }

    /// The network with every shape inferred as far as its layers allow: some are completed after they were added.
    pub(super) fn inferred(&mut self) -> &mut Network {
        self.changed = self.changed && self.network.infer().is_err();
        &mut self.network
    }

    /// The network as it is, to change; shapes are inferred anew when they are asked for.
    pub(super) fn change(&mut self) -> &mut Network {
        self.changed = true;
        &mut self.network
    }

    /// Keeps weights that the user has at the address `origin`.
    pub(super) fn keep_weights(&mut self, weights: Weights, origin: usize) -> WeightsId {
        let id = self.network.graph_mut().add_weights(weights);
        self.origins.push((origin, id));
        id
    }

    /// The network as it is.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// The network for an importer, which keeps shapes inferred by itself.
    pub(super) fn importing(&mut self) -> &mut Network {
        &mut self.network
    }
}

/// The object of part `index` of the network, made when it is first asked for.
fn part<T>(objects: &mut Vec<Option<Box<T>>>, index: u32, make: impl FnOnce() -> T) -> *mut T {
    let index = index as usize;
    if objects.len() <= index {
        objects.resize_with(index + 1, || None);
    }
    &raw mut **objects[index].get_or_insert_with(|| Box::new(make()))
}

/// The object of a tensor.
pub(super) fn tensor_object(shared: &Arc<Shared>, id: TensorId) -> *mut ITensor {
    part(&mut shared.state().tensors, id.0, || TensorObject::new(shared, id)).cast()
}

/// The object of a layer.
pub(super) fn layer_object(shared: &Arc<Shared>, id: LayerId) -> *mut ILayer {
    part(&mut shared.state().layers, id.0, || LayerObject::new(shared, id)).cast()
}

/// The tensor behind an argument.
///
/// # Errors
/// Null, or a tensor of another network.
fn tensor_id(shared: &Arc<Shared>, tensor: *mut ITensor) -> Result<TensorId> {
    // SAFETY: the table's contract: tensors handed in are alive, which they are as long as their network is.
    let tensor: Option<&TensorObject> = unsafe { borrow(tensor) };
    let tensor = tensor.ok_or_else(|| Error::invalid("the tensor is null"))?;
    if !std::ptr::eq(tensor.shared.as_ptr(), Arc::as_ptr(shared)) {
        return Err(Error::invalid("the tensor belongs to another network"));
    }
    Ok(tensor.id)
}

/// Adds a layer and returns its object; whether its inputs fit is found out when their shapes are asked for.
fn add<C>(network: &NetworkObject, kind: LayerKind, inputs: &[*mut ITensor]) -> Result<*mut C> {
    let inputs = inputs.iter().map(|&tensor| tensor_id(&network.shared, tensor).map(Some));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let mut state = network.shared.state();
    state.check(&kind, &inputs)?;
    let layer = state.inferred().add_lazily(kind, inputs);
    state.settle_names(layer);
    drop(state);
    Ok(layer_object(&network.shared, layer).cast())
}

/// Adds a boundary layer of a loop or conditional, which must fit at once, and returns its object.
fn add_to<C>(shared: &Arc<Shared>, kind: LayerKind, inputs: &[*mut ITensor]) -> Result<*mut C> {
    let inputs = inputs.iter().map(|&tensor| tensor_id(shared, tensor).map(Some));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let mut state = shared.state();
    let layer = state.inferred().add(kind, inputs)?;
    state.settle_names(layer);
    drop(state);
    Ok(layer_object(shared, layer).cast())
}

/// The family and network of a part whose network may be gone.
fn upgrade(shared: &Weak<Shared>) -> Result<Arc<Shared>> {
    shared.upgrade().ok_or_else(|| Error::invalid("the network of this object was destroyed"))
}

fn nth<T: Copy>(items: &[T], index: i32, what: &str) -> Result<T> {
    let found = usize::try_from(index).ok().and_then(|index| items.get(index).copied());
    found.ok_or_else(|| Error::invalid(format!("there is no {what} {index}, the network has {}", items.len())))
}

fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    unsafe extern "C" fn destroy(object: *mut tensorrt_sys::INetworkDefinition) {
        // SAFETY: the table's contract: made by `hand_out`, not used again.
        unsafe { drop_object::<NetworkObject>(object.cast::<c_void>()) };
    }
    api.INetworkDefinition_destroy = Some(destroy);
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_getBuilder(network) -> *mut IBuilder { Ok(network.builder) }
        fn INetworkDefinition_getFlags(network) -> u32 { Ok(network.shared.flags) }
        fn INetworkDefinition_getFlag(network, flag: i32) -> bool {
            NetworkDefinitionCreationFlag::read(network.scope().family, flag)?;
            Ok(u32::try_from(flag).is_ok_and(|bit| network.shared.flags & 1 << bit != 0))
        }
        fn INetworkDefinition_hasImplicitBatchDimension(network) -> bool { Ok(false) }
        fn INetworkDefinition_setName(network, name: *const c_char) {
            network.shared.state().importing().graph_mut().name = read(name, "the network's name")?;
            Ok(())
        }
        fn INetworkDefinition_getName(network) -> *const c_char {
            Ok(network.name.show(&network.shared.state().network().graph().name))
        }
        fn INetworkDefinition_addInput(network, name: *const c_char, dtype: i32, dims: *const tensorrt_sys::Dims) -> *mut ITensor {
            let dims = shape_from_c(dims, "the input's dimensions")?;
            let name = read(name, "the input's name")?;
            let dtype = data_type(network.scope().family, dtype)?;
            let mut state = network.shared.state();
            state.free_tensor_name(&name, None)?;
            let id = state.importing().add_input(&name, dtype, dims)?;
            drop(state);
            Ok(tensor_object(&network.shared, id))
        }
        fn INetworkDefinition_markOutput(network, tensor: *mut ITensor) {
            marks::mark_output(network, tensor)
        }
        fn INetworkDefinition_unmarkOutput(network, tensor: *mut ITensor) {
            marks::unmark_output(network, tensor)
        }
        fn INetworkDefinition_getNbInputs(network) -> i32 { Ok(count(network.shared.state().network().graph().inputs.len())) }
        fn INetworkDefinition_getNbOutputs(network) -> i32 { Ok(count(network.shared.state().network().graph().outputs.len())) }
        fn INetworkDefinition_getNbLayers(network) -> i32 { Ok(count(network.shared.state().network().graph().layers.len())) }
        fn INetworkDefinition_getInput(network, index: i32) -> *mut ITensor {
            let id = nth(&network.shared.state().network().graph().inputs, index, "input")?;
            Ok(tensor_object(&network.shared, id))
        }
        fn INetworkDefinition_getOutput(network, index: i32) -> *mut ITensor {
            let id = nth(&network.shared.state().network().graph().outputs, index, "output")?;
            Ok(tensor_object(&network.shared, id))
        }
        fn INetworkDefinition_getLayer(network, index: i32) -> *mut ILayer {
            let layers = network.shared.state().network().graph().layers.len();
            let id = u32::try_from(index).ok().filter(|&index| (index as usize) < layers);
            let id = id.ok_or_else(|| Error::invalid(format!("there is no layer {index}, the network has {layers}")))?;
            Ok(layer_object(&network.shared, LayerId(id)))
        }
        fn INetworkDefinition_setErrorRecorder(network, recorder: *mut tensorrt_sys::IErrorRecorder) {
            network.scope().set_recorder(recorder);
            Ok(())
        }
        fn INetworkDefinition_getErrorRecorder(network) -> *mut tensorrt_sys::IErrorRecorder { Ok(network.scope().recorder()) }
        }
    }
    add::fill(api);
    attention::fill(api);
    collective::fill(api);
    conditionals::fill(api);
    dynamic::fill(api);
    kv_cache::fill(api);
    layer::fill(api);
    loops::fill(api);
    marks::fill(api);
    moe::fill(api);
    properties::fill(api);
    tensor::fill(api);
}
