//! `IMoELayer`.

use tensorrt_sys::{Api, DataType, ITensor, MoEActType};

use super::layer::LayerObject;
use super::properties::{Done, Property, get, properties, set};
use super::{NetworkObject, add, tensor_id, upgrade};
use crate::ffi::dims::{data_type, from_c, to_c};
use crate::ffi::entries::entries;
use crate::ffi::object::Object;
use crate::ffi::value::Value;
use crate::graph::{LayerKind, Moe, TensorId};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The first input of the weights, of the biases, and of the quantization's scale.
const WEIGHTS: usize = 3;
const BIASES: usize = 6;
const SCALE: usize = 9;

/// Sets inputs from `first` on.
fn put(layer: &LayerObject, first: usize, tensors: &[*mut ITensor]) -> Result<()> {
    let shared = upgrade(&layer.shared)?;
    let ids = tensors.iter().map(|&tensor| tensor_id(&shared, tensor)).collect::<Result<Vec<TensorId>>>()?;
    layer.change(|it| {
        if it.inputs.len() < first + ids.len() {
            it.inputs.resize(first + ids.len(), None);
        }
        for (slot, id) in it.inputs[first..].iter_mut().zip(ids) {
            *slot = Some(id);
        }
    })
}

fn change(layer: &LayerObject, change: impl FnOnce(&mut Moe)) -> Result<()> {
    set(layer, |kind| match kind {
        LayerKind::Moe(moe) => {
            change(moe);
            true
        }
        _ => false,
    })
}

/// What the operators' dimensions of [batch, tokens, experts, inner] are quantized in.
fn block_shape(shape: *const tensorrt_sys::Dims) -> Result<Dims> {
    let shape = from_c(shape, "the block's shape")?;
    if shape.rank() == 4 && shape.iter().all(|&extent| extent >= -1) {
        return Ok(shape);
    }
    Err(Error::invalid(format!("a block of {shape} does not have 4 extents of −1 or more")))
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    properties! { api;
        () IMoELayer: MoEActType = IMoELayer_getActivationType IMoELayer_setActivationType LayerKind::Moe(Moe { activation: it, .. }) => it;
        () IMoELayer: DataType = IMoELayer_getDynQOutputScaleType IMoELayer_setDynQOutputScaleType LayerKind::Moe(Moe { scale_type: it, .. }) => it;
        () IMoELayer: DataType = IMoELayer_getQuantizationToType IMoELayer_setQuantizationToType LayerKind::Moe(Moe { quantize_to: it, .. }) => it;
        () IMoELayer: f32 = IMoELayer_getSwigluParamAlpha IMoELayer_setSwigluParamAlpha LayerKind::Moe(Moe { swiglu_alpha: it, .. }) => it;
        () IMoELayer: f32 = IMoELayer_getSwigluParamBeta IMoELayer_setSwigluParamBeta LayerKind::Moe(Moe { swiglu_beta: it, .. }) => it;
        () IMoELayer: f32 = IMoELayer_getSwigluParamLimit IMoELayer_setSwigluParamLimit LayerKind::Moe(Moe { swiglu_limit: it, .. }) => it;
    }
    entries! { api;
        INetworkDefinition: NetworkObject {
        fn INetworkDefinition_addMoE(network, hidden: *mut ITensor, experts: *mut ITensor, scores: *mut ITensor) -> *mut tensorrt_sys::IMoELayer {
            let mut all = Vec::with_capacity(3);
            for (tensor, what) in [(hidden, "hidden states"), (experts, "selected experts"), (scores, "scores")] {
                let id = tensor_id(&network.shared, tensor)?;
                let dims = network.shared.state().inferred().value(id).dims;
                if dims.rank() != 3 {
                    return Err(Error::invalid(format!("the {what} must have 3 dimensions, but have {dims}")));
                }
                all.push(dims);
            }
            let differ = (0..3).any(|at| all[1][at] != all[2][at] || at < 2 && all[0][at] != all[1][at]);
            if differ {
                let text = format!("experts of {} with scores of {} for states of {}", all[1], all[2], all[0]);
                return Err(Error::invalid(text));
            }
            add(network, LayerKind::Moe(Moe::default()), &[hidden, experts, scores])
        }
        }
        IMoELayer: LayerObject {
        fn IMoELayer_setGatedWeights(layer, gate: *mut ITensor, up: *mut ITensor, down: *mut ITensor, activation: i32) {
            let activation = MoEActType::read(layer.scope().family, activation)?;
            put(layer, WEIGHTS, &[gate, up, down])?;
            change(layer, |moe| moe.activation = activation)
        }
        fn IMoELayer_setGatedBiases(layer, gate: *mut ITensor, up: *mut ITensor, down: *mut ITensor) {
            put(layer, BIASES, &[gate, up, down])
        }
        fn IMoELayer_setQuantizationStatic(layer, scale: *mut ITensor, to: i32) {
            let to = data_type(layer.scope().family, to)?;
            if to != DataType::Fp8 {
                return Err(Error::invalid(format!("static quantization is to kFP8, not to {}", to.name())));
            }
            put(layer, SCALE, &[scale])?;
            change(layer, |moe| moe.quantize_to = to)
        }
        fn IMoELayer_setQuantizationDynamicDblQ(layer, scale: *mut ITensor, to: i32, block: *const tensorrt_sys::Dims, scale_type: i32) {
            Err(Error::unsupported("dynamic quantization within a mixture of experts: TensorRT does not support it yet either"))
        }
        fn IMoELayer_setQuantizationBlockShape(layer, shape: *const tensorrt_sys::Dims) {
            let shape = block_shape(shape)?;
            change(layer, |moe| moe.block_shape = shape)
        }
        fn IMoELayer_getQuantizationBlockShape(layer) -> tensorrt_sys::Dims {
            get(layer, |kind, _| match kind {
                LayerKind::Moe(moe) => Some(to_c(&moe.block_shape)),
                _ => None,
            })
        }
        fn IMoELayer_setSwigluParams(layer, limit: f32, alpha: f32, beta: f32) {
            change(layer, |moe| (moe.swiglu_limit, moe.swiglu_alpha, moe.swiglu_beta) = (limit, alpha, beta))
        }
        fn IMoELayer_setInput(layer, index: i32, tensor: *mut ITensor) {
            let position = usize::try_from(index).ok().filter(|&index| index < WEIGHTS);
            let position = position.ok_or_else(|| {
                Error::invalid(format!("input {index}: weights and biases have setters of their own"))
            })?;
            put(layer, position, &[tensor])
        }
        }
    }
}
