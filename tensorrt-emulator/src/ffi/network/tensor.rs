//! `ITensor`: a tensor of a network.

use std::ffi::c_char;
use std::sync::{Arc, Mutex, Weak};

use tensorrt_sys::{Api, TensorFormat, TensorLocation};

use super::{Shared, upgrade};
use crate::ffi::dims::{data_type, shape_from_c, to_c};
use crate::ffi::entries::entries;
use crate::ffi::object::{Object, lock};
use crate::ffi::scope::Scope;
use crate::ffi::text::{Text, read};
use crate::ffi::value::Value;
use crate::graph::TensorId;
use crate::{Error, Result};

/// The object behind `ITensor`; it lives in its network.
#[derive(Debug)]
pub(super) struct TensorObject {
    pub(super) shared: Weak<Shared>,
    pub(super) id: TensorId,
    scope: Scope,
    name: Text,
    dimension_name: Text,
    /// The formats allowed at the network's border, a mask.
    formats: Mutex<u32>,
    location: Mutex<TensorLocation>,
    /// The dynamic range (TensorRT 10).
    range: Mutex<Option<(f32, f32)>>,
}

impl Object for TensorObject {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl TensorObject {
    pub(super) fn new(shared: &Arc<Shared>, id: TensorId) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            id,
            scope: shared.scope.clone(),
            name: Text::default(),
            dimension_name: Text::default(),
            formats: Mutex::new(all_formats(&shared.scope)),
            location: Mutex::new(TensorLocation::Device),
            range: Mutex::default(),
        }
    }

    fn input(&self, shared: &Shared, what: &str) -> Result<()> {
        if shared.state().network().graph().inputs.contains(&self.id) {
            return Ok(());
        }
        Err(Error::invalid(format!("{what} can only be set on network inputs")))
    }

    /// Whether the value is read on the host: shapes depend on it, or it was marked as an output for shapes.
    fn is_shape_tensor(&self, shared: &Shared) -> Result<bool> {
        let mut state = shared.state();
        if state.shape_outputs.contains(&self.id) {
            return Ok(true);
        }
        Ok(crate::run::shape_tensors(state.settled()?.graph())[self.id.0 as usize])
    }
}

/// The mask of every format of a family.
fn all_formats(scope: &Scope) -> u32 {
    let bits = TensorFormat::ALL.iter().filter_map(|format| u32::try_from(format.to_raw(scope.family)?).ok());
    bits.fold(0, |mask, bit| mask | 1_u32.checked_shl(bit).unwrap_or(0))
}

/// Fills the entries.
pub(super) fn fill(api: &mut Api) {
    entries! { api;
        ITensor: TensorObject {
        fn ITensor_setName(tensor, name: *const c_char) {
            let name = read(name, "the tensor's name")?;
            upgrade(&tensor.shared)?.state().rename_tensor(tensor.id, name)
        }
        fn ITensor_getName(tensor) -> *const c_char {
            Ok(tensor.name.show(&upgrade(&tensor.shared)?.state().network().graph().tensor(tensor.id).name))
        }
        fn ITensor_setDimensions(tensor, dims: *const tensorrt_sys::Dims) {
            let (shared, dims) = (upgrade(&tensor.shared)?, shape_from_c(dims, "the tensor's dimensions")?);
            tensor.input(&shared, "dimensions")?;
            let mut state = shared.state();
            let info = state.change().graph_mut().tensor_mut(tensor.id);
            info.dims = dims;
            info.dim_names.resize(dims.rank(), String::new());
            Ok(())
        }
        fn ITensor_getDimensions(tensor) -> tensorrt_sys::Dims {
            let shared = upgrade(&tensor.shared)?;
            let mut state = shared.state();
            Ok(to_c(&state.inferred().accepted(tensor.id)?.dims))
        }
        fn ITensor_getType(tensor) -> i32 {
            let shared = upgrade(&tensor.shared)?;
            let mut state = shared.state();
            Ok(state.inferred().value(tensor.id).dtype.show(tensor.scope.family))
        }
        fn ITensor_setType(tensor, dtype: i32) {
            let (shared, dtype) = (upgrade(&tensor.shared)?, data_type(tensor.scope.family, dtype)?);
            tensor.input(&shared, "the type")?;
            shared.state().change().graph_mut().tensor_mut(tensor.id).dtype = dtype;
            Ok(())
        }
        fn ITensor_isNetworkInput(tensor) -> bool {
            Ok(upgrade(&tensor.shared)?.state().network().graph().inputs.contains(&tensor.id))
        }
        fn ITensor_isNetworkOutput(tensor) -> bool {
            Ok(upgrade(&tensor.shared)?.state().network().graph().outputs.contains(&tensor.id))
        }
        fn ITensor_isShapeTensor(tensor) -> bool {
            let shared = upgrade(&tensor.shared)?;
            tensor.is_shape_tensor(&shared)
        }
        fn ITensor_isExecutionTensor(tensor) -> bool { Ok(true) }
        fn ITensor_getLocation(tensor) -> i32 { Ok(lock(&tensor.location).show(tensor.scope.family)) }
        fn ITensor_setLocation(tensor, location: i32) {
            *lock(&tensor.location) = TensorLocation::read(tensor.scope.family, location)?;
            Ok(())
        }
        fn ITensor_getBroadcastAcrossBatch(tensor) -> bool { Ok(false) }
        fn ITensor_setBroadcastAcrossBatch(tensor, broadcast: bool) { Ok(()) }
        fn ITensor_setAllowedFormats(tensor, formats: u32) {
            let linear = TensorFormat::Linear.show(tensor.scope.family);
            if u32::try_from(linear).is_ok_and(|bit| formats & 1 << bit == 0) {
                return Err(Error::unsupported(format!("formats {formats:#x}: the emulator has kLINEAR only")));
            }
            *lock(&tensor.formats) = formats;
            Ok(())
        }
        fn ITensor_getAllowedFormats(tensor) -> u32 { Ok(*lock(&tensor.formats)) }
        fn ITensor_setDimensionName(tensor, index: i32, name: *const c_char) {
            let (shared, name) = (upgrade(&tensor.shared)?, read(name, "the dimension's name")?);
            tensor.input(&shared, "names of dimensions")?;
            let mut state = shared.state();
            let info = state.importing().graph_mut().tensor_mut(tensor.id);
            let rank = info.dims.rank();
            info.dim_names.resize(rank, String::new());
            let slot = usize::try_from(index).ok().and_then(|index| info.dim_names.get_mut(index));
            *slot.ok_or_else(|| Error::invalid(format!("there is no dimension {index}, the rank is {rank}")))? = name;
            Ok(())
        }
        fn ITensor_getDimensionName(tensor, index: i32) -> *const c_char {
            let shared = upgrade(&tensor.shared)?;
            let state = shared.state();
            let names = &state.network().graph().tensor(tensor.id).dim_names;
            let name = usize::try_from(index).ok().and_then(|index| names.get(index)).filter(|name| !name.is_empty());
            Ok(name.map_or(std::ptr::null(), |name| tensor.dimension_name.show(name)))
        }
        fn ITensor_setDynamicRange(tensor, min: f32, max: f32) -> bool {
            let valid = min.is_finite() && max.is_finite() && min <= max;
            if !valid {
                return Err(Error::invalid(format!("{min}..{max} is no range")));
            }
            *lock(&tensor.range) = Some((min, max));
            Ok(true)
        }
        fn ITensor_dynamicRangeIsSet(tensor) -> bool { Ok(lock(&tensor.range).is_some()) }
        fn ITensor_resetDynamicRange(tensor) {
            *lock(&tensor.range) = None;
            Ok(())
        }
        fn ITensor_getDynamicRangeMin(tensor) -> f32 { Ok(lock(&tensor.range).map_or(f32::NAN, |range| range.0)) }
        fn ITensor_getDynamicRangeMax(tensor) -> f32 { Ok(lock(&tensor.range).map_or(f32::NAN, |range| range.1)) }
        }
    }
}
