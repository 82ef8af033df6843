//! Fill.

use tensorrt_sys::{DataType, FillOperation};

use super::elements;
use super::inputs::Inputs;
use crate::graph::{Fill, ValueInfo};
use crate::tensor::Dims;
use crate::{Error, Result};

/// The dimensions of input 0, or the layer's own.
pub(super) fn infer(inputs: Inputs<'_>, fill: &Fill) -> Result<ValueInfo> {
    let dims = match inputs.optional(0) {
        Some(_) => {
            let given = inputs.shape_tensor(0)?;
            if let Some(negative) = given.iter().flatten().find(|&&d| d < 0) {
                return Err(Error::config(format!("an extent of {negative} in input 0 is negative")));
            }
            let extents: Vec<i64> = given.into_iter().map(|d| d.unwrap_or(Dims::DYNAMIC)).collect();
            Dims::new(&extents)?
        }
        None if fill.dims.is_static() => fill.dims,
        None => return Err(Error::config(format!("the dimensions {} of a fill must be known", fill.dims))),
    };
    let linear = fill.op == FillOperation::Linspace;
    let allowed = match fill.to {
        DataType::Float => true,
        DataType::Half => !linear,
        DataType::Int32 | DataType::Int64 => linear,
        _ => false,
    };
    if !allowed {
        return Err(Error::config(format!("{} fills do not make {}", fill.op.name(), fill.to.name())));
    }
    for index in [1, 2] {
        let Some(value) = inputs.optional(index) else { continue };
        if linear && value.dtype != fill.to {
            return Err(Error::config(format!(
                "input {index} has type {}, but the fill makes {}",
                value.dtype.name(),
                fill.to.name()
            )));
        }
        let wanted = i64::try_from(dims.rank()).unwrap_or(0);
        let fits = match value.dims[..] {
            [] => index == 1 || !linear || wanted <= 1,
            [length] => linear && (length == -1 || length == 1 || (index == 2 && length == wanted)),
            _ => false,
        };
        if !fits {
            return Err(Error::config(format!("input {index} has dimensions {}, the fill has {dims}", value.dims)));
        }
    }
    if inputs.optional(1).is_some() != inputs.optional(2).is_some() {
        return Err(Error::config("a fill takes alpha and beta both from inputs or both from parameters"));
    }
    if inputs.optional(1).is_some() {
        inputs.same_types(1, 2)?;
    }
    let mut output = ValueInfo::new(fill.to, dims);
    if linear && dims.rank() <= 1 {
        follow(&mut output, inputs, fill);
    }
    Ok(output)
}

/// Follows start + i · delta.
fn follow(output: &mut ValueInfo, inputs: Inputs<'_>, fill: &Fill) {
    let int = |index: usize, own: i64| match inputs.optional(index) {
        Some(value) => elements::int(value, 0),
        None => Some(own),
    };
    let (start, delta) = (int(1, fill.alpha_int64), int(2, fill.beta_int64));
    elements::fill_ints(output, |i| start?.checked_add(delta?.checked_mul(i64::try_from(i).ok()?)?));
}
