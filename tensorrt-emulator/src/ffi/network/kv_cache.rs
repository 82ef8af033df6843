//! `IKVCacheUpdateLayer`.

use tensorrt_sys::{Api, AttentionIOForm, ITensor, KVCacheMode};

use super::layer::LayerObject;
use super::properties::{Done, Property, get, properties, set};
use super::{NetworkObject, add, tensor_id, tensor_object, upgrade};
use crate::Error;
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::value::Value;
use crate::graph::{KvCacheUpdate, LayerKind};

/// The input of the update's lengths.
const LENGTHS: usize = 3;

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    properties! { api;
        (bool) IKVCacheUpdateLayer: KVCacheMode = IKVCacheUpdateLayer_getCacheMode IKVCacheUpdateLayer_setCacheMode LayerKind::KvCacheUpdate(KvCacheUpdate { mode: it, .. }) => it;
        (bool) IKVCacheUpdateLayer: AttentionIOForm = IKVCacheUpdateLayer_getUpdateForm IKVCacheUpdateLayer_setUpdateForm LayerKind::KvCacheUpdate(KvCacheUpdate { form: it, .. }) => it;
    }
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addKVCacheUpdate(network, cache: *mut ITensor, update: *mut ITensor, indices: *mut ITensor, mode: i32) -> *mut tensorrt_sys::IKVCacheUpdateLayer {
            let mode = KVCacheMode::read(network.scope().family, mode)?;
            for (tensor, rank, what) in [(cache, 4, "cache"), (indices, 1, "write indices")] {
                let id = tensor_id(&network.shared, tensor)?;
                let dims = network.shared.state().inferred().value(id).dims;
                if dims.rank() != rank {
                    return Err(Error::invalid(format!("the {what} must have {rank} dimensions, but has {dims}")));
                }
            }
            let kind = LayerKind::KvCacheUpdate(KvCacheUpdate { mode, form: AttentionIOForm::PaddedBhnd });
            add(network, kind, &[cache, update, indices])
        }
        }
        IKVCacheUpdateLayer: LayerObject {
        fn IKVCacheUpdateLayer_setUpdateLengths(layer, lengths: *mut ITensor) -> bool {
            let id = if lengths.is_null() { None } else { Some(tensor_id(&upgrade(&layer.shared)?, lengths)?) };
            layer.change(|it| {
                it.inputs.truncate(LENGTHS);
                it.inputs.extend(id.map(Some));
            })?;
            Ok(true)
        }
        fn IKVCacheUpdateLayer_getUpdateLengths(layer) -> *mut ITensor {
            let id = layer.read(|it| it.input(LENGTHS))?;
            let shared = upgrade(&layer.shared)?;
            Ok(id.map_or(std::ptr::null_mut(), |id| tensor_object(&shared, id)))
        }
        }
    }
}
