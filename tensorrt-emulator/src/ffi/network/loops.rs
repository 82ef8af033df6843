//! `ILoop` and its boundary layers.

use std::ffi::c_char;
use std::sync::{Arc, Weak};

use tensorrt_sys::{Api, ILoop, ITensor, LoopOutput, TripLimit};

use super::layer::LayerObject;
use super::properties::{Done, Property, get, properties, set};
use super::{NetworkObject, Shared, add_to, part, upgrade};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::scope::Scope;
use crate::ffi::text::{Text, read};
use crate::ffi::value::Value;
use crate::graph::{LayerKind, Loop, LoopId};
use crate::{Error, Result};

/// The object behind `ILoop`; it lives in its network.
#[derive(Debug)]
pub(super) struct LoopObject {
    shared: Weak<Shared>,
    id: LoopId,
    scope: Scope,
    name: Text,
}

impl Object for LoopObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl LoopObject {
    fn read<R>(&self, look: impl FnOnce(&Loop) -> R) -> Result<R> {
        Ok(look(upgrade(&self.shared)?.state().network().graph().loop_of(self.id)))
    }

    /// Adds a boundary layer.
    fn add<C>(&self, kind: LayerKind, tensor: *mut ITensor) -> Result<*mut C> {
        add_to(&upgrade(&self.shared)?, kind, &[tensor])
    }
}

fn loop_object(shared: &Arc<Shared>, id: LoopId) -> *mut ILoop {
    let make = || LoopObject { shared: Arc::downgrade(shared), id, scope: shared.scope.clone(), name: Text::default() };
    part(&mut shared.state().loops, id.0, make).cast()
}

/// An axis, which no loop takes negative.
fn axis(axis: i32) -> Result<i32> {
    if axis < 0 { Err(Error::invalid(format!("the axis {axis} is negative"))) } else { Ok(axis) }
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    properties! { api;
        () IIteratorLayer: i32 = IIteratorLayer_getAxis IIteratorLayer_setAxis LayerKind::Iterator { axis: it, .. } => it;
        () IIteratorLayer: bool = IIteratorLayer_getReverse IIteratorLayer_setReverse LayerKind::Iterator { reverse: it, .. } => it;
        () ILoopOutputLayer: i32 = ILoopOutputLayer_getAxis ILoopOutputLayer_setAxis LayerKind::LoopOutput { axis: it, .. } => it;
    }
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addLoop(network) -> *mut ILoop {
            let id = network.shared.state().importing().add_loop();
            Ok(loop_object(&network.shared, id))
        }
        }
        ILoop: LoopObject {
        fn ILoop_addRecurrence(it, first: *mut ITensor) -> *mut tensorrt_sys::IRecurrenceLayer {
            it.add(LayerKind::Recurrence { loop_id: it.id }, first)
        }
        fn ILoop_addTripLimit(it, tensor: *mut ITensor, limit: i32) -> *mut tensorrt_sys::ITripLimitLayer {
            let limit = TripLimit::read(it.scope.family, limit)?;
            it.add(LayerKind::TripLimit { loop_id: it.id, limit }, tensor)
        }
        fn ILoop_addIterator(it, tensor: *mut ITensor, along: i32, reverse: bool) -> *mut tensorrt_sys::IIteratorLayer {
            it.add(LayerKind::Iterator { loop_id: it.id, axis: axis(along)?, reverse }, tensor)
        }
        fn ILoop_addLoopOutput(it, tensor: *mut ITensor, output: i32, along: i32) -> *mut tensorrt_sys::ILoopOutputLayer {
            let output = LoopOutput::read(it.scope.family, output)?;
            it.add(LayerKind::LoopOutput { loop_id: it.id, output, axis: axis(along)? }, tensor)
        }
        fn ILoop_setName(it, name: *const c_char) {
            let name = read(name, "the loop's name")?;
            let shared = upgrade(&it.shared)?;
            let mut state = shared.state();
            let found = state.importing().graph_mut().loops.get_mut(it.id.0 as usize);
            found.ok_or_else(|| Error::internal("a loop without its network"))?.name = name;
            Ok(())
        }
        fn ILoop_getName(it) -> *const c_char { it.read(|found| it.name.show(&found.name)) }
        }
        ILoopBoundaryLayer: LayerObject {
        fn ILoopBoundaryLayer_getLoop(layer) -> *mut ILoop {
            let id = get(layer, |kind, _| kind.loop_id())?;
            Ok(loop_object(&upgrade(&layer.shared)?, id))
        }
        }
        ILoopOutputLayer: LayerObject {
        fn ILoopOutputLayer_getLoopOutput(layer) -> i32 {
            get(layer, |kind, family| match kind {
                LayerKind::LoopOutput { output, .. } => Some(Value::show(*output, family)),
                _ => None,
            })
        }
        }
        ITripLimitLayer: LayerObject {
        fn ITripLimitLayer_getTripLimit(layer) -> i32 {
            get(layer, |kind, family| match kind {
                LayerKind::TripLimit { limit, .. } => Some(Value::show(*limit, family)),
                _ => None,
            })
        }
        }
    }
}
