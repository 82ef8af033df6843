//! A layer's inputs while its outputs are inferred, and the checks that every family of layers shares.

use tensorrt_sys::DataType;

use crate::graph::ValueInfo;
use crate::tensor::Dims;
use crate::{Error, Result};

/// The inputs of the layer under inference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a> {
    values: &'a [Option<&'a ValueInfo>],
}

impl<'a> Inputs<'a> {
    pub(super) fn new(values: &'a [Option<&'a ValueInfo>]) -> Self {
        Self { values }
    }

    /// The number of inputs, absent ones included.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Input `index`.
    ///
    /// # Errors
    /// It is absent.
    pub(super) fn get(&self, index: usize) -> Result<&'a ValueInfo> {
        self.optional(index).ok_or_else(|| Error::config(format!("input {index} is missing")))
    }

    /// Input `index`, `None` where it is absent.
    pub(super) fn optional(&self, index: usize) -> Option<&'a ValueInfo> {
        self.values.get(index).copied().flatten()
    }

    /// Input `index`, one of the floating-point types that layers compute in.
    ///
    /// # Errors
    /// It is absent or of another type.
    pub(super) fn float(&self, index: usize) -> Result<&'a ValueInfo> {
        self.typed(index, FLOATS)
    }

    /// Input `index`, of one of `types`.
    ///
    /// # Errors
    /// It is absent or of another type.
    pub(super) fn typed(&self, index: usize, types: &[DataType]) -> Result<&'a ValueInfo> {
        let value = self.get(index)?;
        require_type(value, index, types)?;
        Ok(value)
    }

    /// Checks that inputs `a` and `b` have one type.
    ///
    /// # Errors
    /// One is absent, or the types differ.
    pub(super) fn same_types(&self, a: usize, b: usize) -> Result<()> {
        let (first, second) = (self.get(a)?.dtype, self.get(b)?.dtype);
        if first == second {
            return Ok(());
        }
        let (first, second) = (first.name(), second.name());
        Err(Error::config(format!("inputs {a} and {b} must have the same type, but have {first} and {second}")))
    }

    /// The elements of input `index`, a vector of at most eight integers that is a shape, a start, a stride, …; each `None` where
    /// unknown.
    ///
    /// # Errors
    /// It is absent, not a vector, not of integers, or of a length that is not known or beyond eight.
    pub(super) fn shape_tensor(&self, index: usize) -> Result<Vec<Option<i64>>> {
        let value = self.typed(index, INDICES)?;
        let length = match value.dims[..] {
            [length] => length,
            _ => {
                return Err(Error::config(format!(
                    "input {index} must be a vector, but has dimensions {}",
                    value.dims
                )));
            }
        };
        match usize::try_from(length) {
            Ok(length) if length <= Dims::MAX => Ok(value.elements.clone().unwrap_or_else(|| vec![None; length])),
            Ok(_) => Err(Error::config(format!("input {index} has {length} elements, TensorRT allows {}", Dims::MAX))),
            Err(_) => Err(Error::config(format!("the length of input {index} must be known at build time"))),
        }
    }

    /// The integer of input `index`, a tensor of rank 0; `None` inside where unknown.
    ///
    /// # Errors
    /// It is absent, not an integer, or of another rank.
    pub(super) fn rank_zero(&self, index: usize) -> Result<Option<i64>> {
        let value = self.get(index)?;
        if value.dims.rank() != 0 {
            return Err(Error::config(format!("input {index} must have no dimensions, but has {}", value.dims)));
        }
        self.scalar(index)
    }

    /// The single integer of input `index`; `None` inside where unknown.
    ///
    /// # Errors
    /// It is absent, not an integer, or not a single element.
    pub(super) fn scalar(&self, index: usize) -> Result<Option<i64>> {
        let value = self.typed(index, INDICES)?;
        match value.dims[..] {
            [] | [1] => Ok(value.elements.as_ref().and_then(|elements| elements.first().copied().flatten())),
            _ => Err(Error::config(format!("input {index} must be a scalar, but has dimensions {}", value.dims))),
        }
    }
}

/// The types that arithmetic on activations is defined on.
pub(super) const FLOATS: &[DataType] = &[DataType::Float, DataType::Half, DataType::Bf16];

/// The types of indices and shapes.
pub(super) const INDICES: &[DataType] = &[DataType::Int32, DataType::Int64];

/// The types of activations: floats, and what they are quantized to.
pub(super) const ACTIVATIONS: &[DataType] =
    &[DataType::Float, DataType::Half, DataType::Bf16, DataType::Int8, DataType::Fp8];

/// The types of general arithmetic.
pub(super) const NUMBERS: &[DataType] =
    &[DataType::Float, DataType::Half, DataType::Bf16, DataType::Int32, DataType::Int64, DataType::Int8, DataType::Fp8];

/// Checks the type of input `index`.
///
/// # Errors
/// It is none of `types`.
pub(super) fn require_type(value: &ValueInfo, index: usize, types: &[DataType]) -> Result<()> {
    if types.contains(&value.dtype) {
        return Ok(());
    }
    let names: Vec<&str> = types.iter().map(|t| t.name()).collect();
    Err(Error::config(format!(
        "input {index} has type {}, but must have one of {}",
        value.dtype.name(),
        names.join(", ")
    )))
}

/// Checks that there are at least `least` dimensions.
///
/// # Errors
/// There are fewer.
pub(super) fn least_rank(value: &ValueInfo, least: usize) -> Result<()> {
    if value.dims.rank() >= least {
        return Ok(());
    }
    Err(Error::config(format!("the input has dimensions {}, but must have at least {least} of them", value.dims)))
}

/// Refuses the one type that only casts take.
///
/// # Errors
/// It is uint8.
pub(super) fn not_uint8(value: &ValueInfo) -> Result<()> {
    if value.dtype == DataType::Uint8 {
        return Err(Error::config("uint8 can only be cast to another type"));
    }
    Ok(())
}

/// Checks that `axis` is a dimension of a tensor of rank `rank`.
///
/// # Errors
/// It is negative or too large.
pub(crate) fn axis(axis: i32, rank: usize) -> Result<usize> {
    let found = usize::try_from(axis).ok().filter(|&a| a < rank);
    found.ok_or_else(|| Error::config(format!("axis {axis} is out of range for a tensor with {rank} dimensions")))
}

/// The one axis of a mask.
///
/// # Errors
/// The mask has not exactly one bit, or one beyond `rank`.
pub(super) fn single_axis(mask: u32, rank: usize) -> Result<usize> {
    if mask.count_ones() != 1 {
        return Err(Error::config(format!("the axes {mask:#b} must have exactly one bit set")));
    }
    axis(i32::try_from(mask.trailing_zeros()).unwrap_or(i32::MAX), rank)
}

/// The axes of a mask, ascending.
///
/// # Errors
/// The mask is empty or has a bit beyond `rank`.
pub(super) fn axes(mask: u32, rank: usize) -> Result<Vec<usize>> {
    let axes: Vec<usize> = (0..32).filter(|&bit| mask >> bit & 1 == 1).collect();
    match axes.last() {
        None => Err(Error::config("no axis is set")),
        Some(&last) if last >= rank => {
            Err(Error::config(format!("axis {last} is out of range for a tensor with {rank} dimensions")))
        }
        Some(_) => Ok(axes),
    }
}

/// Adds extents; −1 where any is unknown.
///
/// # Errors
/// The sum overflows.
pub(super) fn add(a: i64, b: i64) -> Result<i64> {
    if a < 0 || b < 0 {
        return Ok(Dims::DYNAMIC);
    }
    a.checked_add(b).ok_or_else(|| overflow(&[a, b]))
}

/// The one extent that both stand for, where they do not contradict: an unknown takes the other's.
pub(super) fn unify(a: i64, b: i64) -> Option<i64> {
    match (a, b) {
        (-1, known) | (known, -1) => Some(known),
        (a, b) if a == b => Some(a),
        _ => None,
    }
}

/// The error for extents whose sum or product does not fit.
pub(super) fn overflow(extents: &[i64]) -> Error {
    Error::config(format!("the extents {extents:?} overflow"))
}
