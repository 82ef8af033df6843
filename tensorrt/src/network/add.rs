//! How layers are added: the arguments checked, the entry called, its refusal an error.

use tensorrt_sys::{ILayer, ITensor};

use super::{Layer, NetworkDefinition, Tensor};
use crate::DataType;
use crate::dims::Dims;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;

/// Defines methods of a network that add a layer: the arguments, how the entry takes each, and the layer's type.
macro_rules! adds {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty as $how:ident),* $(,)?) -> $layer:ident by $entry:ident;)+) => {
        impl $crate::network::NetworkDefinition<'_> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// `InvalidArgument` if a tensor is of another network, `Unsupported` if the loaded library has no such layer or no such
                /// value of an argument, `Build` if TensorRT refuses.
                pub fn $name(&self, $($argument: $type),*) -> $crate::Result<$layer<'_>> {
                    $(let $argument = $crate::network::add::prepare!(self $how $argument);)*
                    let operation = $crate::operation::Operation::begin();
                    // SAFETY: the network is alive, and the tensors are its own (checked above); shapes, arrays and texts live during the
                    // call, and weights as long as the network.
                    let made = unsafe {
                        $crate::raw::call!(self.raw, $entry($($crate::network::add::pass!($how $argument)),*))
                    }?;
                    self.added(operation, stringify!($entry), made.cast())
                }
            )+
        }
    };
}
pub(super) use adds;

/// Turns an argument into what lives during the call.
macro_rules! prepare {
    ($self:ident tensor $argument:ident) => {{
        $self.own($argument)?;
        $argument
    }};
    ($self:ident value $argument:ident) => {
        $crate::value::Value::cross($argument, $self.library())?
    };
    ($self:ident axes $argument:ident) => {
        $crate::network::add::mask_of($argument)?
    };
    ($self:ident dims $argument:ident) => {
        $crate::dims::ToDims::to_dims(&$argument)?.to_raw()
    };
    ($self:ident text $argument:ident) => {
        $crate::value::c_string("use the text", $argument)?
    };
    ($self:ident weights $argument:ident) => {
        $self.keep_weights($argument)?
    };
}
pub(super) use prepare;

/// Turns what lives during the call into what the entry takes.
macro_rules! pass {
    (tensor $argument:ident) => {
        $argument.as_ptr()
    };
    (dims $argument:ident) => {
        &raw const $argument
    };
    (optional_dims $argument:ident) => {
        &raw const $argument
    };
    (text $argument:ident) => {
        $argument.as_ptr()
    };
    ($how:ident $argument:ident) => {
        $argument
    };
}
pub(super) use pass;

impl NetworkDefinition<'_> {
    /// Whether to call the entry that takes the type of indices: where there is one, and where only it has the type.
    pub(crate) fn chooses_indices(&self, indices: DataType, has: bool) -> bool {
        has || indices != DataType::Int32
    }

    /// The handle of what an entry added.
    pub(crate) fn added<K>(&self, operation: Operation, entry: &str, made: *mut ILayer) -> Result<Layer<'_, K>> {
        let tried = format_args!("call {entry}");
        Ok(Layer::new(self, operation.object(self.library(), ErrorKind::Build, tried, made)?))
    }

    /// The tensors as an array; its length is `len`.
    pub(crate) fn array(&self, tensors: &[Tensor<'_>], tried: &str) -> Result<TensorArray> {
        tensors.iter().try_for_each(|tensor| self.own(*tensor))?;
        let len = i32::try_from(tensors.len()).ok().filter(|len| *len > 0);
        let len = len.ok_or_else(|| Error::invalid(tried, format_args!("{} tensors", tensors.len())))?;
        Ok(TensorArray { pointers: tensors.iter().map(Tensor::as_ptr).collect(), len })
    }
}

/// Tensors as TensorRT takes many of them.
#[derive(Debug)]
pub(crate) struct TensorArray {
    pointers: Vec<*mut ITensor>,
    /// The number of tensors.
    pub(crate) len: i32,
}

impl TensorArray {
    pub(crate) fn as_ptr(&self) -> *const *mut ITensor {
        self.pointers.as_ptr()
    }
}

/// The bit mask of axes.
pub(crate) fn mask_of(axes: &[u32]) -> Result<u32> {
    axes.iter().try_fold(0_u32, |mask, axis| {
        let bit = 1_u32.checked_shl(*axis).filter(|_| (*axis as usize) < Dims::MAX);
        let said = "a tensor has at most 8 dimensions";
        bit.map(|bit| mask | bit).ok_or_else(|| Error::invalid(format_args!("use axis {axis}"), said))
    })
}

/// The axes of a bit mask.
pub(crate) fn axes_of(mask: u32) -> Vec<u32> {
    (0..u32::BITS).filter(|axis| mask & 1 << axis != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{axes_of, mask_of};

    #[test]
    fn axes_become_a_mask_and_come_back() {
        assert_eq!(mask_of(&[0, 2]).unwrap(), 0b101);
        assert_eq!(axes_of(0b101), [0, 2]);
        assert!(mask_of(&[8]).is_err());
        assert!(mask_of(&[40]).is_err());
    }
}
