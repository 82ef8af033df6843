//! `IIfConditional` and its boundary layers.

use std::ffi::c_char;
use std::sync::{Arc, Weak};

use tensorrt_sys::{Api, IIfConditional, ITensor};

use super::layer::LayerObject;
use super::properties::get;
use super::{NetworkObject, Shared, add_to, layer_object, part, tensor_id, upgrade};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::scope::Scope;
use crate::ffi::text::{Text, read};
use crate::graph::{Conditional, ConditionalId, LayerKind};
use crate::{Error, Result};

/// The object behind `IIfConditional`; it lives in its network.
#[derive(Debug)]
pub(super) struct ConditionalObject {
    shared: Weak<Shared>,
    id: ConditionalId,
    scope: Scope,
    name: Text,
}

impl Object for ConditionalObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl ConditionalObject {
    fn read<R>(&self, look: impl FnOnce(&Conditional) -> R) -> Result<R> {
        Ok(look(upgrade(&self.shared)?.state().network().graph().conditional(self.id)))
    }
}

fn conditional_object(shared: &Arc<Shared>, id: ConditionalId) -> *mut IIfConditional {
    let make =
        || ConditionalObject { shared: Arc::downgrade(shared), id, scope: shared.scope.clone(), name: Text::default() };
    part(&mut shared.state().conditionals, id.0, make).cast()
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addIfConditional(network) -> *mut IIfConditional {
            let id = network.shared.state().importing().add_conditional();
            Ok(conditional_object(&network.shared, id))
        }
        }
        IIfConditional: ConditionalObject {
        fn IIfConditional_setCondition(it, tensor: *mut ITensor) -> *mut tensorrt_sys::IConditionLayer {
            let shared = upgrade(&it.shared)?;
            let tensor = tensor_id(&shared, tensor)?;
            let layer = shared.state().inferred().set_condition(it.id, tensor)?;
            Ok(layer_object(&shared, layer).cast())
        }
        fn IIfConditional_addInput(it, tensor: *mut ITensor) -> *mut tensorrt_sys::IIfConditionalInputLayer {
            add_to(&upgrade(&it.shared)?, LayerKind::ConditionalInput { conditional: it.id }, &[tensor])
        }
        fn IIfConditional_addOutput(it, on_true: *mut ITensor, on_false: *mut ITensor) -> *mut tensorrt_sys::IIfConditionalOutputLayer {
            add_to(&upgrade(&it.shared)?, LayerKind::ConditionalOutput { conditional: it.id }, &[on_true, on_false])
        }
        fn IIfConditional_setName(it, name: *const c_char) {
            let name = read(name, "the conditional's name")?;
            let shared = upgrade(&it.shared)?;
            let mut state = shared.state();
            let found = state.importing().graph_mut().conditionals.get_mut(it.id.0 as usize);
            found.ok_or_else(|| Error::internal("a conditional without its network"))?.name = name;
            Ok(())
        }
        fn IIfConditional_getName(it) -> *const c_char { it.read(|found| it.name.show(&found.name)) }
        }
        IIfConditionalBoundaryLayer: LayerObject {
        fn IIfConditionalBoundaryLayer_getConditional(layer) -> *mut IIfConditional {
            let id = get(layer, |kind, _| kind.conditional_id())?;
            Ok(conditional_object(&upgrade(&layer.shared)?, id))
        }
        }
    }
}
