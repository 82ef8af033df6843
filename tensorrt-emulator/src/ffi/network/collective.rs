//! `IDistCollectiveLayer`, and the number of ranks of every layer.

use tensorrt_sys::{Api, CollectiveOperation, ITensor, ReduceOperation};

use super::layer::LayerObject;
use super::{NetworkObject, add};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::value::Value;
use crate::graph::{DistCollective, LayerKind};
use crate::{Error, Result};

/// Whether a number of ranks may be set: it is positive, and set once.
///
/// # Errors
/// It is not.
pub(super) fn check_ranks(before: i32, ranks: i32) -> Result<()> {
    if ranks < 1 {
        return Err(Error::invalid(format!("{ranks} ranks: there is at least one")));
    }
    if before != 1 && before != ranks {
        return Err(Error::invalid(format!("the number of ranks is {before} already and cannot be changed")));
    }
    Ok(())
}

fn collective(op: CollectiveOperation, reduce: ReduceOperation, root: i64, groups: Vec<i64>) -> Result<LayerKind> {
    use CollectiveOperation as Op;
    let reduces = matches!(op, Op::AllReduce | Op::Reduce | Op::ReduceScatter);
    if reduces != (reduce != ReduceOperation::None) {
        return Err(Error::invalid(format!("the operation {} with the reduction {}", op.name(), reduce.name())));
    }
    let rooted = matches!(op, Op::Broadcast | Op::Reduce | Op::Gather | Op::Scatter);
    if rooted != (root >= 0) || root < -1 {
        return Err(Error::invalid(format!("the operation {} with the root {root}", op.name())));
    }
    Ok(LayerKind::DistCollective(DistCollective { op, reduce, root, groups, num_ranks: 1 }))
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addDistCollective(network, input: *mut ITensor, op: i32, reduce: i32, root: i64, groups: *mut i64, size: i64) -> *mut tensorrt_sys::IDistCollectiveLayer {
            let family = network.scope().family;
            let (op, reduce) = (CollectiveOperation::read(family, op)?, ReduceOperation::read(family, reduce)?);
            let len = usize::try_from(size).ok().filter(|&len| len == 0 || !groups.is_null());
            let len = len.ok_or_else(|| Error::invalid(format!("a group of {size} ranks")))?;
            let groups = if len == 0 {
                Vec::new()
            } else {
                // SAFETY: the table's contract: the array has `size` numbers, readable during the call.
                unsafe { std::slice::from_raw_parts(groups, len) }.to_vec()
            };
            add(network, collective(op, reduce, root, groups)?, &[input])
        }
        }
        ILayer: LayerObject {
        fn ILayer_setNbRanks(layer, ranks: i32) -> bool {
            let before = layer.read(|it| match &it.kind {
                LayerKind::DistCollective(collective) => Some(collective.num_ranks),
                _ => None,
            })?;
            let Some(before) = before else {
                let text = "only a layer of collective communication has several ranks; an attention has IAttention::setNbRanks";
                return if ranks == 1 { Ok(true) } else { Err(Error::invalid(text)) };
            };
            check_ranks(before, ranks)?;
            layer.change(|it| {
                if let LayerKind::DistCollective(collective) = &mut it.kind {
                    collective.num_ranks = ranks;
                }
            })?;
            Ok(true)
        }
        fn ILayer_getNbRanks(layer) -> i32 {
            layer.read(|it| match &it.kind {
                LayerKind::DistCollective(collective) => collective.num_ranks,
                _ => 1,
            })
        }
        }
    }
}
